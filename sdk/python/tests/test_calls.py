"""Every call of the protocol, from the first to the last."""

import unittest
from pathlib import Path

import numpy

from .host import Failed, Host, Memory, region, tile

PLUGIN = Path(__file__).parent / "plugin_under_test.py"
PLANE = (1, 1, 1, 100, 70)


def run(host: Host, extent=PLANE, dtype="u16", instance=1, seed=0, call="run", outputs=True, **more) -> None:
    wire = {"instance": instance, "seed": seed, "core": region(extent), "inputs": [tile(extent, dtype, 1)]}
    wire["outputs"] = [tile(extent, dtype, 2, **more)] if outputs else []
    host.call(call, wire)


def memories(host: Host, length: int = 1 << 16) -> tuple[Memory, Memory]:
    source, target = Memory(length), Memory(length)
    host.share(1, source, False)
    host.share(2, target, True)
    return source, target


class Calls(unittest.TestCase):
    def test_the_welcome_has_versions_and_what_plugin_toml_has(self):
        with Host(PLUGIN) as host:
            welcome = host.welcome
            self.assertEqual((welcome["worker"], welcome["operator"]), ("1-draft.1", "1-draft.2"))
            self.assertEqual((welcome["plugin"], welcome["version"]), ("org.example.test", "0.1.0"))
            everything = welcome["operators"][1]
            self.assertEqual(everything["summary"], "Has a parameter of each type.")
            self.assertEqual(
                everything["input"][0]["dtypes"], ["u8", "i8", "u16", "i16", "u32", "f32", "mask"]
            )
            types = {each["name"]: each["type"] for each in everything["parameter"]}
            wanted = {
                "flag": "flag",
                "whole-number": "integer",
                "number": "number",
                "choice": "choice",
                "text": "text",
            }
            self.assertEqual(types, wanted)

    def test_a_host_of_other_versions_is_told_what_there_is(self):
        with Host(PLUGIN, greet=False) as host:
            with self.assertRaises(Failed) as failed:
                host.hello(operator=["2", "3"])
            self.assertEqual(failed.exception.kind, "incompatible")
            self.assertEqual(
                failed.exception.details, {"have": "operator/1-draft.2", "need": "operator/2, operator/3"}
            )

    def test_a_map_works_in_place_on_shared_memory_with_any_strides(self):
        extent = (2, 1, 1, 50, 30)
        with Host(PLUGIN) as host:
            source, target = memories(host)
            source.array((2, 50, 40), "<u2")[:] = numpy.arange(4000).reshape(2, 50, 40)
            host.create("add-one")
            plan = host.plan(extent)
            self.assertEqual(plan["outputs"][0]["channels"][0]["name"], "DAPI")
            self.assertEqual(plan["tile-sizes"][0], {"step": 1, "max": 2**64 - 1})
            strides = (2000, 2000, 2000, 40)
            wire = {"instance": 1, "seed": 0, "core": region(extent)}
            wire["inputs"] = [tile(extent, "u16", 1, 0, strides)]
            wire["outputs"] = [tile(extent, "u16", 2, 64, strides)]
            self.assertIsNone(host.call("run", wire))
            expected = numpy.zeros((2, 50, 40), "<u2")
            expected[:, :, :30] = source.array((2, 50, 40), "<u2")[:, :, :30] + 1
            found = numpy.frombuffer(target.bytes, "<u2", 4000, 64).reshape(2, 50, 40)
            self.assertTrue((found == expected).all())

    def test_all_types_of_parameters_arrive_and_so_do_seed_and_log(self):
        with Host(PLUGIN) as host:
            memories(host)
            values = {"flag": {"flag": False}, "whole-number": {"integer": 2**40}, "number": {"number": 2}}
            host.create("everything", **values, choice={"text": "a"}, text={"text": "µm"})
            host.plan(PLANE)
            run(host, seed=2**64 - 1)
            self.assertEqual(
                host.notes,
                [
                    {"log": {"level": "warning", "text": "[False, 1099511627776, 2.0, 'a', 'µm']"}},
                    {"log": {"level": "info", "text": str(2**64 - 1)}},
                ],
            )

    def test_the_halo_is_asked_for_and_padding_named(self):
        with Host(PLUGIN) as host:
            host.create("halo")
            host.plan(PLANE)
            answer = host.call(
                "required-input", {"instance": 1, "core": region((1, 1, 1, 8, 8), (0, 0, 0, 8, 0))}
            )
            wanted = region((1, 1, 1, 8, 10), (0, 0, 0, 8, -1))
            self.assertEqual(answer, {"regions": [{"port": 0, "region": wanted, "padding": "edge"}]})

    def test_a_reduce_operator_goes_through_both_passes(self):
        with Host(PLUGIN) as host:
            source, target = memories(host)
            source.array((100, 70), "<u2")[3, 4] = 999
            host.create("table")
            host.plan(PLANE)
            run(host, call="accumulate", outputs=False)
            part = host.body
            host.call("merge", {"instance": 1, "seed": 0, "left": len(part)}, part + part)
            host.call("finish", {"instance": 1, "seed": 0}, host.body)
            columns, *rows, field, share = host.notes
            self.assertEqual(
                columns["columns"]["columns"][1], {"name": "x", "unit": "pixel", "kind": "number"}
            )
            cells = [row for note in rows for row in note["rows"]["rows"]]
            self.assertEqual(
                cells[:3], [[14000, "NaN", True, "ä"], [7, 0.5, False, ""], [1, "-Infinity", True, ""]]
            )
            self.assertEqual((len(cells), len(rows)), (5003, 3))
            wanted = {"port": 1, "name": "largest", "unit": "grey-level", "value": {"integer": 999}}
            self.assertEqual(field, {"field": wanted})
            self.assertEqual(share["field"]["value"], {"number": "Infinity"})
            host.call("conclude", {"instance": 1, "seed": 0}, host.body)
            run(host, port=2)
            self.assertEqual(set(target.array((100, 70), "<u2").flat), {999})

    def test_a_sequence_is_reset_saved_and_loaded(self):
        with Host(PLUGIN) as host:
            _, target = memories(host)
            host.create("sequence")
            self.assertEqual(host.plan(PLANE)["tiling"][0], "in-order")
            host.call("reset", {"instance": 1, "seed": 0})
            run(host)
            run(host)
            host.call("save", {"instance": 1, "seed": 0})
            state = host.body
            host.create("sequence", instance=2)
            host.plan(PLANE, instance=2)
            host.call("load", {"instance": 2, "seed": 0}, state)
            run(host, instance=2)
            self.assertEqual(target.array((1,), "<u2")[0], 3)
            with self.assertRaises(Failed) as failed:
                host.call("load", {"instance": 2, "seed": 0}, b"xyz")
            self.assertEqual(
                (failed.exception.kind, failed.exception.details), ("corrupt", {"what": "the state"})
            )
            host.call("destroy", {"instance": 1})
            with self.assertRaisesRegex(Failed, "there is no instance 1"):
                host.call("reset", {"instance": 1, "seed": 0})

    def test_masks_are_booleans_and_only_ever_0_or_1(self):
        with Host(PLUGIN) as host:
            source, target = memories(host)
            source.array((7000,), "u1")[:10] = 1
            host.create("mask")
            host.plan(PLANE, "mask")
            run(host, dtype="mask")
            self.assertEqual(list(target.array((12,), "u1")), [0] * 10 + [1, 1])

    def test_memory_is_forgotten_and_may_come_again(self):
        with Host(PLUGIN) as host:
            host.create("add-one")
            host.plan(PLANE)
            for _ in range(3):
                memories(host)
                run(host)
                host.tell("forget", {"memory": 1})
                host.tell("forget", {"memory": 2})
            with self.assertRaisesRegex(Failed, "memory 1 was not shared"):
                run(host)
            maps = Path(f"/proc/{host.process.pid}/maps").read_text()
            self.assertEqual(maps.count("memfd:test"), 1, "the control page alone")
            self.assertLess(len(list(Path(f"/proc/{host.process.pid}/fd").iterdir())), 12)

    def test_closing_the_connection_ends_the_process_quietly(self):
        with Host(PLUGIN) as host:
            self.assertEqual(host.end(), (0, ""))
