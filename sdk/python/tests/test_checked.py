"""What the package holds operators against."""

import unittest

from parfocal import ConnectedInput, Error, ImageSpec, Input, Operator, parameter
from parfocal.checked import inputs, seal, unseal


class Everything(Operator):
    """Has a parameter of each type, and two inputs."""

    id = "everything"
    inputs = [Input("image", ["u8", "u16"]), Input("weights", ["f32"], optional=True)]
    flag = parameter(True, doc="A flag.")
    whole_number = parameter(3, min=1, max=5, doc="A whole number.")
    number = parameter(0.5, min=0.0, max=1.0, doc="A number.")
    choice = parameter("a", options=["a", "b"], doc="A word.")
    text = parameter("", doc="A text.")


class Values(unittest.TestCase):
    def test_values_of_the_declared_type_within_their_limits_arrive(self):
        made = Everything.build({"flag": False, "whole-number": 5, "number": 1, "choice": "b", "text": "x"})
        self.assertEqual((made.flag, made.whole_number, made.choice, made.text), (False, 5, "b", "x"))
        self.assertIs(type(made.number), float)

    def test_others_are_refused_with_what_to_do(self):
        wrong = {
            "flag": [1, "true"],
            "whole-number": [0, 6, 2.0, True, "wide"],
            "number": [-0.1, 1.5, float("nan"), float("inf"), True, "wide"],
            "choice": ["c", 1],
            "text": [1, False],
            "width": [1],
        }
        for name, given in wrong.items():
            for value in given:
                with self.subTest(name=name, value=value), self.assertRaises(Error) as raised:
                    Everything.build({name: value})
                self.assertIn(raised.exception.kind, ("not-found", "invalid-argument", "out-of-range"))
                self.assertTrue(raised.exception.remedy)


class Inputs(unittest.TestCase):
    def test_only_declared_inputs_are_let_through(self):
        def of(*given):
            spec = [ConnectedInput(port, ImageSpec.new((1, 1, 1, 2, 2), dtype)) for port, dtype in given]
            inputs(Everything, spec)

        of((0, "u16"))
        of((0, "u8"), (1, "f32"))
        refused = [(), ((1, "f32"),), ((0, "u8"), (0, "u8")), ((0, "u8"), (2, "u8")), ((0, "f32"),)]
        for given in refused:
            with self.subTest(given=given), self.assertRaises(Error) as raised:
                of(*given)
            kind = "not-supported" if given == ((0, "f32"),) else "invalid-argument"
            self.assertEqual(raised.exception.kind, kind)


class Sealed(unittest.TestCase):
    def test_what_was_sealed_comes_back(self):
        for data in (b"", b"x", bytes(range(256))):
            self.assertEqual(unseal("state", "add", seal("state", "add", data)), data)

    def test_anything_else_is_corrupt(self):
        good = seal("partial result", "add", b"[1, 2]")
        flipped = bytes([*good[:-1], good[-1] ^ 1])
        cases = {
            "nothing": b"",
            "short": good[:5],
            "cut": good[:-1],
            "longer": good + b"x",
            "flipped": flipped,
            "another operator's": seal("partial result", "subtract", b"[1, 2]"),
            "something else": seal("state", "add", b"[1, 2]"),
        }
        for name, data in cases.items():
            with self.subTest(name), self.assertRaises(Error) as raised:
                unseal("partial result", "add", data)
            self.assertEqual(raised.exception.kind, "corrupt")


if __name__ == "__main__":
    unittest.main()
