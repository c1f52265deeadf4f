"""Intensity summary: a plugin in Python that makes a table."""

import json
import math

import numpy as np

from parfocal import ALL, Column, Operator, Output, serve

COLUMNS = [
    Column("pixels", "integer", "count"),
    Column("mean", "number", "grey-level"),
    Column("sd", "number", "grey-level"),
    Column("min", "integer", "grey-level"),
    Column("max", "integer", "grey-level"),
]


class IntensitySummary(Operator):
    """Mean, standard deviation and range of the grey levels, one row for each channel and time point.

    Sums are whole numbers of any size, so that the result does not depend on how the image was cut.
    """

    id = "intensity-summary"
    kind = "reduce"
    dtypes = ["u8", "i8", "u16", "i16"]
    outputs = [Output("summary", kind="table", preserves=ALL)]
    deterministic = True

    def accumulate(self, tile, cx):
        parts = [self.part(band.astype(np.int64)) for band in tile.input_bands()]
        return self.join(parts)

    def merge(self, left, right, cx):
        return self.join([json.loads(left), json.loads(right)])

    def finish(self, total, sink, cx):
        n, one, two, low, high = json.loads(total)
        variance = (n * two - one * one) / (n * (n - 1)) if n > 1 else math.nan
        sink.table("summary", COLUMNS, [(n, one / n, math.sqrt(variance), low, high)])

    @staticmethod
    def part(band):
        return [band.size, int(band.sum()), int(np.square(band).sum()), int(band.min()), int(band.max())]

    @staticmethod
    def join(parts):
        n, one, two, low, high = zip(*parts)
        return json.dumps([sum(n), sum(one), sum(two), min(low), max(high)]).encode()


serve("org.example.intensity-summary", "0.1.0", [IntensitySummary])
