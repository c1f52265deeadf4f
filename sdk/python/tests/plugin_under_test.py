"""Operators that do one thing each, for the tests."""

import ctypes
import math
import threading
import time

import numpy as np

from parfocal import ALL, Column, ConnectedInput, Error, Input, Operator, Output, parameter, serve


class AddOne(Operator):
    """Adds one."""

    id = "add-one"
    preserves = ALL

    def run(self, tile, cx):
        for source, target in tile.bands():
            target[:] = source + 1


class Everything(Operator):
    """Has a parameter of each type."""

    id = "everything"
    preserves = ["counting"]
    flag = parameter(True, doc="A flag.", role="setting")
    whole_number = parameter(3, min=-5, max=2**40, unit="pixel", doc="An integer.")
    number = parameter(1.5, min=-2.0, max=math.pi, unit="micrometer", doc="A number.")
    choice = parameter("b", options=["a", "b"], doc="A choice.")
    text = parameter("", doc="A text.")

    def run(self, tile, cx):
        cx.log(repr([self.flag, self.whole_number, self.number, self.choice, self.text]), "warning")
        cx.log(cx.seed)
        tile.output()[:] = 0


class Halo(Operator):
    """Sums a pixel's neighbours in its row."""

    id = "halo"
    preserves = ["counting"]
    max_halo = (0, 0, 0, 0, 1)
    padding = "edge"

    def run(self, tile, cx):
        for source, target in tile.planes():
            target[:] = source[:, :-2] + source[:, 2:]


class Table(Operator):
    """Counts, and keeps the largest value for a second pass."""

    id = "table"
    kind = "reduce"
    inputs = [Input("image", ["u16"])]
    outputs = [
        Output("rows", kind="table", preserves=["counting"]),
        Output("facts", kind="record", preserves=["counting"]),
        Output("image", preserves=["counting"]),
    ]

    def accumulate(self, tile, cx):
        return np.array([tile.input().size, tile.input().max()], "<i8").tobytes()

    def merge(self, left, right, cx):
        left, right = np.frombuffer(left, "<i8"), np.frombuffer(right, "<i8")
        return np.array([left[0] + right[0], max(left[1], right[1])], "<i8").tobytes()

    def finish(self, total, sink, cx):
        count, largest = np.frombuffer(total, "<i8")
        columns = [
            Column("n", "integer"),
            Column("x", "number", "pixel"),
            Column("ok", "flag"),
            Column("t", "text"),
        ]
        rows = [
            (count, math.nan, True, "ä"),
            (np.uint8(7), np.float32(0.5), np.bool_(False), ""),
            (1, -math.inf, True, ""),
        ]
        sink.table("rows", columns, rows + [(n, float(n), True, "") for n in range(5000)])
        sink.field("facts", "largest", largest, "grey-level")
        sink.field("facts", "share", math.inf)
        return total

    def conclude(self, conclusion, cx):
        self.largest = int(np.frombuffer(conclusion, "<i8")[1])

    def run(self, tile, cx):
        tile.output("image")[:] = self.largest


class Sequence(Operator):
    """Counts the frames that it saw."""

    id = "sequence"
    preserves = ["counting"]
    tiling = {"T": "in-order"}
    seen = 0

    def reset(self, cx):
        self.seen = 0

    def run(self, tile, cx):
        self.seen += 1
        tile.output()[:] = self.seen

    def save(self, cx):
        return bytes([self.seen])

    def load(self, state, cx):
        if len(state) != 1:
            raise Error("corrupt", "a state of another length", what="the state")
        self.seen = state[0]


class Bad(Operator):
    """Does what operators should not do."""

    id = "bad"
    preserves = ["counting"]
    way = parameter("raise", doc="In which way.")
    kept = None

    def run(self, tile, cx):
        getattr(self, self.way.replace("-", "_"))(tile, cx)

    def throw(self, tile, cx):
        return 1 / (tile.input().size * 0)

    def kinded(self, tile, cx):
        raise Error("out-of-range", "too bright", remedy="dim the lamp", min=1, max=5, got=9)

    def memory(self, tile, cx):
        np.zeros(2**60, np.uint8)

    def wait(self, tile, cx):
        cx.progress(0.25)
        cx.progress(0.1)
        while True:
            cx.check_cancelled()
            time.sleep(0.001)

    def write_input(self, tile, cx):
        tile.input()[:] = 0

    def keep(self, tile, cx):
        self.kept = tile.output()

    def late_array(self, tile, cx):
        late, start = tile.output(), threading.Event()

        def write():
            start.wait()
            time.sleep(0.2)
            late[:] = 7

        threading.Thread(target=write, daemon=True).start()
        start.set()

    def late_pointer(self, tile, cx):
        address = tile.output().ctypes.data

        def write():
            time.sleep(0.2)
            ctypes.memset(address, 7, 16)

        threading.Thread(target=write, daemon=True).start()

    def late_log(self, tile, cx):
        self.kept = cx

    def use_kept(self, tile, cx):
        self.kept.log("too late")

    def nothing(self, tile, cx):
        print("said in passing")


class NoPlan(Operator):
    """Gives no plan."""

    id = "no-plan"
    preserves = ["counting"]

    def plan(self, inputs, cx):
        assert isinstance(inputs[0], ConnectedInput)
        return None


class Mask(Operator):
    """Foreground is background."""

    id = "mask"
    dtypes = ["mask"]
    preserves = ["counting"]

    def run(self, tile, cx):
        tile.output()[:] = ~tile.input()


serve("org.example.test", "0.1.0", [AddOne, Everything, Halo, Table, Sequence, Bad, NoPlan, Mask])
