"""What goes wrong: exceptions, cancelling, writing where or when nobody may, and hosts that send garbage."""

import random
import signal
import time
import unittest
from pathlib import Path

from .host import HEADER, SECONDS, Failed, Host, Memory, region, tile
from .test_calls import PLANE, PLUGIN, memories, run


class Failures(unittest.TestCase):
    def bad(self, host: Host, way: str):
        memory = memories(host)
        host.create("bad", way={"text": way})
        host.plan(PLANE)
        return memory

    def fails(self, way: str) -> Failed:
        with Host(PLUGIN) as host:
            self.bad(host, way)
            with self.assertRaises(Failed) as failed:
                run(host)
            host.create("add-one", instance=2)
            host.plan(PLANE, instance=2)
            run(host, instance=2)
            return failed.exception

    def test_an_exception_is_told_with_its_place_in_the_authors_code(self):
        error = self.fails("throw")
        self.assertEqual(error.kind, "internal")
        self.assertRegex(
            str(error), r"^ZeroDivisionError: division by zero \(plugin.py, line \d+, in throw: return 1 / "
        )

    def test_the_traceback_goes_to_standard_error(self):
        with Host(PLUGIN) as host:
            self.bad(host, "throw")
            self.assertRaises(Failed, run, host)
            status, said = host.end()
            self.assertEqual(status, 0)
            self.assertIn("Traceback (most recent call last)", said)

    def test_an_error_keeps_its_kind_details_and_remedy(self):
        error = self.fails("kinded")
        self.assertEqual(
            (error.kind, str(error), error.remedy), ("out-of-range", "too bright", "dim the lamp")
        )
        self.assertEqual(error.details, {"min": "1", "max": "5", "got": "9"})

    def test_too_little_memory_has_a_kind_of_its_own(self):
        self.assertEqual(self.fails("memory").kind, "out-of-memory")

    def test_an_input_cannot_be_written(self):
        self.assertRegex(str(self.fails("write-input")), "read-only")

    def test_an_array_that_outlives_its_call_is_a_failure_with_advice(self):
        error = self.fails("keep")
        self.assertRegex(str(error), "kept an array of its tile after `run`")
        self.assertEqual(error.remedy, "keep a copy: `array.copy()`")

    def test_a_call_on_a_kept_context_is_refused(self):
        with Host(PLUGIN) as host:
            self.bad(host, "late-log")
            run(host)
            host.call(
                "create", {"instance": 2, "operator": "bad", "parameters": {"way": {"text": "nothing"}}}
            )
            host.plan(PLANE, instance=2)
            run(host, instance=2)
            self.assertEqual(host.notes, [])

    def late(self, way: str) -> None:
        with Host(PLUGIN) as host:
            _, target = self.bad(host, way)
            try:
                run(host)
            except (Failed, ConnectionError):
                pass
            before = bytes(target.bytes)
            status, _ = host.died()
            self.assertEqual(status, -signal.SIGSEGV)
            self.assertEqual(bytes(target.bytes), before)

    def test_a_thread_that_writes_late_dies_and_changes_nothing(self):
        self.late("late-array")

    def test_a_pointer_that_is_used_late_kills_and_changes_nothing(self):
        self.late("late-pointer")

    def test_cancelling_stops_a_call_and_the_next_one_works(self):
        with Host(PLUGIN) as host:
            self.bad(host, "wait")
            wire = {"instance": 1, "seed": 0, "core": region(PLANE)}
            host.ask("run", {**wire, "inputs": [tile(PLANE, "u16", 1)], "outputs": [tile(PLANE, "u16", 2)]})
            words, parts = host.page.array((1024,), "<u4"), host.page.array((1024,), "<f4")
            until = time.monotonic() + SECONDS
            while words[32] < 5 and time.monotonic() < until:
                time.sleep(0.001)
            self.assertEqual(parts[16], 0.25, "progress never falls")
            words[0] = 1
            with self.assertRaises(Failed) as failed:
                host.answer()
            self.assertEqual(failed.exception.kind, "cancelled")
            words[0] = 0
            host.create("add-one", instance=2)
            host.plan(PLANE, instance=2)
            run(host, instance=2)

    def test_ctrl_c_is_left_to_the_host_and_sigterm_is_quiet(self):
        with Host(PLUGIN) as host:
            host.process.send_signal(signal.SIGINT)
            host.create("add-one")
            host.process.send_signal(signal.SIGTERM)
            self.assertEqual(host.died(), (-signal.SIGTERM, ""))

    def test_a_plan_that_is_none_is_told(self):
        with Host(PLUGIN) as host:
            host.create("no-plan")
            with self.assertRaisesRegex(Failed, "`plan` returned NoneType, not a Plan"):
                host.plan(PLANE)

    def test_calls_in_the_wrong_order_or_on_what_is_not_there_are_failures(self):
        with Host(PLUGIN) as host:
            with self.assertRaisesRegex(Failed, "has no operator `sharpen`"):
                host.create("sharpen")
            host.create("halo")
            with self.assertRaises(Failed) as failed:
                host.call("required-input", {"instance": 1, "core": region(PLANE)})
            self.assertEqual(failed.exception.kind, "bad-state")
            with self.assertRaises(Failed) as failed:
                host.call("dance", {"instance": 1})
            self.assertEqual(failed.exception.kind, "not-supported")
            with self.assertRaises(Failed) as failed:
                host.call("merge", {"instance": 1, "seed": 0})
            self.assertEqual(failed.exception.kind, "protocol")

    def test_tiles_that_do_not_lie_in_their_memory_are_refused(self):
        good = tile(PLANE, "u16", 1)
        cases = [
            {"offset": 1 << 40},
            {"offset": -2},
            {"length": 8},
            {"strides": [7000, 7000, 7000, 1 << 30]},
            {"strides": [7000, 7000, 7000, -70]},
            {"region": region((1, 1, 1, 100, 0))},
            {"port": 5},
            {"dtype": "f64"},
            {"memory": 77},
        ]
        with Host(PLUGIN) as host:
            memories(host)
            host.create("add-one")
            host.plan(PLANE)
            for case in cases:
                wire = {
                    "instance": 1,
                    "seed": 0,
                    "core": region(PLANE),
                    "inputs": [{**good, **case}],
                    "outputs": [],
                }
                with self.subTest(case), self.assertRaises(Failed) as failed:
                    host.call("run", wire)
                self.assertEqual(failed.exception.kind, "protocol", case)
            wire["inputs"], wire["outputs"] = [good], [tile(PLANE, "u16", 1)]
            with self.assertRaisesRegex(Failed, "shared read-only"):
                host.call("run", wire)


class Garbage(unittest.TestCase):
    def ends_with_a_sentence(self, data: bytes, greet: bool = True) -> None:
        with Host(PLUGIN, greet=greet) as host:
            try:
                host.socket.sendall(data)
                host.socket.shutdown(1)
            except OSError:
                pass
            status, said = host.died()
            self.assertEqual(status, 1, said)
            self.assertRegex(said, r"\Aparfocal: [^\n]+\n\Z", data[:60])

    def test_what_is_no_message_ends_the_process_with_a_sentence(self):
        message = lambda text: HEADER.pack(b"pfw1", len(text), 0) + text  # noqa: E731
        for data in [
            b"hello, I print here",
            HEADER.pack(b"pfw1", 2**32 - 1, 0),
            HEADER.pack(b"pfw1", 0, 2**64 - 1),
            HEADER.pack(b"pfw1", 100, 0) + b"cut off",
            b"pfw",
            message(b"\xff\xfe{}"),
            message(b"[" * 100_000),
            message(b"{}"),
            message(b'{"id": 1, "call": 5}'),
            message(b'{"id": "1", "call": {"save": {}}}'),
            message(b'{"id": 1, "call": {"save": 3}}'),
            message(b'{"id": 1, "call": {"share": {"memory": 1}}}'),
            message(b'{"id": 1, "call": {"share": {"memory": 1, "length": 5, "writable": true}}}'),
        ]:
            with self.subTest(data[:60]):
                self.ends_with_a_sentence(data)

    def test_a_host_that_does_not_greet_is_refused(self):
        text = b'{"id": 1, "call": {"save": {"instance": 1}}}'
        self.ends_with_a_sentence(HEADER.pack(b"pfw1", len(text), 0) + text, greet=False)

    def test_random_bytes_and_bent_messages_never_crash_it(self):
        chance = random.Random(20260301)
        wire = b'{"id": 9, "call": {"plan": {"instance": 1, "seed": 0, "inputs": []}}}'
        for _ in range(40):
            data = bytearray(HEADER.pack(b"pfw1", len(wire), 0) + wire)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with self.subTest(bytes(data)), Host(PLUGIN) as host:
                host.socket.sendall(bytes(data))
                host.socket.shutdown(1)
                status, said = host.died()
                self.assertIn(status, (0, 1), said)
                if status:
                    self.assertRegex(said, r"parfocal: [^\n]+\n\Z")

    def test_a_memory_that_cannot_be_mapped_is_told_by_the_call_that_needs_it(self):
        with Host(PLUGIN) as host:
            memory = Memory(4096)
            memory.length = 1 << 20
            host.share(1, memory, False)
            host.create("add-one")
            host.plan(PLANE)
            with self.assertRaisesRegex(Failed, "memory 1 could not be mapped"):
                run(host)


class ByHand(unittest.TestCase):
    def test_a_plugin_that_is_started_by_hand_says_what_it_is(self):
        import os
        import subprocess
        import sys

        path = str(Path(PLUGIN).parent.parent)
        command = [sys.executable, "-B", str(PLUGIN)]
        done = subprocess.run(
            command, env={"PYTHONPATH": path, **{k: os.environ[k] for k in ("PATH",)}}, capture_output=True
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is a plugin of Parfocal", done.stderr)
