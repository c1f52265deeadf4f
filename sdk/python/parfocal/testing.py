"""Runs an operator in a test as a host would: plan, tiles with halo, merging; in this process, without one.

from parfocal.testing import run
from plugin import SubtractOffset

result = run(SubtractOffset, image, offset=100)
assert (result.image == expected).all()
assert (run(SubtractOffset, image, offset=100, tile=16).image == result.image).all()   # however it is cut
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from . import checked
from .context import Context
from .declare import describe
from .geometry import Region, five
from .image import NUMPY_TYPES, ImageSpec
from .operator import Operator
from .plan import ConnectedInput, InputRegion, Plan
from .tables import Sink
from .tile import Pixels, Tile

PADDING_MODES: dict[str, Any] = {
    "symmetric": "symmetric",
    "reflect": "reflect",
    "edge": "edge",
    "zero": "constant",
}


@dataclass
class Result:
    """What came out.

    Attributes:
        images: the image outputs, along T C Z Y X.
        tables: for each table output its rows, each a dictionary by column; with `t`, `c`, ... where there
            are several.
        records: for each record output its fields.
        logs: what was logged.
    """

    images: list[numpy.ndarray] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)

    @property
    def image(self) -> numpy.ndarray:
        """The first image output, along T C Z Y X."""
        return self.images[0]


def run(
    operator: type[Operator],
    *images: numpy.ndarray,
    tile: int | None = None,
    seed: int = 0,
    **parameters: Any,
) -> Result:
    """Runs an operator on one image for each input port.

    Args:
        images: along Y X, Z Y X, C Z Y X or T C Z Y X; of a numpy type that is a pixel type.
        tile: largest size of a tile along axes that may be cut; whole by default.
        parameters: by attribute (`offset=100`); defaults for the others.

    Raises:
        Error: what the operator raises.
    """
    return _Host(operator, images, tile, seed, parameters).result


class _Host:
    def __init__(
        self, operator: type[Operator], images: Sequence[Any], tile: int | None, seed: int, values: Any
    ) -> None:
        describe(operator)
        self.result = Result()
        self.images = [_five(image) for image in images]
        self.dtypes = [_pixel_type(image) for image in self.images]
        self.ports = operator.output_ports()
        self.largest, self.seed = tile, seed
        names = {spec.attribute: spec.name for spec in operator.parameters()}
        self.operator = operator.build({names.get(name, name): value for name, value in values.items()})
        specs = [ImageSpec.new(image.shape, dtype) for image, dtype in zip(self.images, self.dtypes)]
        connected = [ConnectedInput(port, spec) for port, spec in enumerate(specs)]
        checked.inputs(operator, connected)
        self.operator.prepare(specs[0], self.cx())
        self.plan: Plan = self.operator.plan(connected, self.cx())
        self.operator.planned = connected
        self.result.images = [numpy.zeros(spec.extent, NUMPY_TYPES[spec.dtype]) for spec in self.plan.outputs]
        self.extent = (self.plan.outputs or specs)[0].extent
        self.reduce() if operator.kind == "reduce" else self.map(self.cores(Region.whole(self.extent)))

    def cx(self) -> Context:
        return Context(self.seed, None, self.note)

    def note(self, note: Mapping[str, Any]) -> None:
        if "log" in note:
            self.result.logs.append(note["log"]["text"])

    def map(self, cores: Sequence[Region]) -> None:
        places = sorted(cores, key=lambda core: core.origin)
        if "in-order" in self.plan.tiling:
            axis = self.plan.tiling.index("in-order")

            def others(core: Region) -> tuple[int, ...]:
                return core.origin[:axis] + core.origin[axis + 1 :]

            places.sort(key=lambda core: (others(core), core.origin[axis]))
            for _, sequence in itertools.groupby(places, others):
                self.operator.reset(self.cx())
                self.run_all(sequence)
        else:
            self.run_all(places)

    def run_all(self, cores: Any) -> None:
        for core in cores:
            outputs = [
                Pixels(number, port.name, image[_slices(core)], core, image.shape, spec.dtype)
                for image, spec, (number, port) in zip(
                    self.result.images, self.plan.outputs, self.image_ports()
                )
            ]
            cx = self.cx()
            self.operator.run(Tile(core, self.inputs(core), outputs, cx), cx)

    def reduce(self) -> None:
        steps = [size if over else 1 for over, size in zip(self.plan.reduce_over, self.extent)]
        for group in _cut(Region.whole(self.extent), steps):
            cores, total = self.cores(group), None
            for core in cores:
                cx = self.cx()
                part = self.operator.accumulate(Tile(core, self.inputs(core), [], cx), cx)
                total = part if total is None else self.operator.merge(bytes(total), bytes(part), self.cx())
            collector = _Collector(self, group)
            conclusion = self.operator.finish(
                bytes(total or b""), Sink(self.ports, collector.note), self.cx()
            )
            if self.result.images:
                self.operator.conclude(conclusion or b"", self.cx())
                self.map(cores)

    def cores(self, region: Region) -> list[Region]:
        steps = []
        for rule, (step, most), size in zip(self.plan.tiling, self.plan.tile_sizes, region.extent):
            wanted = min(self.largest or size, most)
            steps.append({"split": max(wanted - wanted % step, min(step, size)), "whole": size}.get(rule, 1))
        return list(_cut(region, steps))

    def image_ports(self) -> Iterator[tuple[int, Any]]:
        return ((number, port) for number, port in enumerate(self.ports) if port.kind in ("image", "labels"))

    def inputs(self, core: Region) -> list[Pixels]:
        return [self.input(wanted) for wanted in self.operator.required_input(core)]

    def input(self, wanted: InputRegion) -> Pixels:
        image, region = self.images[wanted.port], wanted.region
        before = [max(0, -start) for start in region.origin]
        ends = [start + size for start, size in zip(region.origin, region.extent)]
        after = [max(0, end - size) for end, size in zip(ends, image.shape)]
        inside = tuple(
            slice(max(0, start), min(end, size)) for start, end, size in zip(region.origin, ends, image.shape)
        )
        if wanted.padding == "clip":
            pixels = image[inside].copy()
            origin = five((part.start for part in inside), "an origin")
            region = Region(origin, five(pixels.shape, "an extent"))
        else:
            padded = numpy.pad(image, list(zip(before, after)), mode=PADDING_MODES[wanted.padding])
            begins = [start + pad for start, pad in zip(region.origin, before)]
            pixels = padded[tuple(slice(b, b + size) for b, size in zip(begins, region.extent))].copy()
        pixels.flags.writeable = False
        name = self.operator.input_ports()[wanted.port].name
        return Pixels(wanted.port, name, pixels, region, image.shape, self.dtypes[wanted.port])


class _Collector:
    """Takes what `finish` writes."""

    def __init__(self, host: _Host, group: Region) -> None:
        self.host = host
        self.columns: dict[str, list[str]] = {}
        several = [
            axis for axis, over in enumerate(host.plan.reduce_over) if not over and host.extent[axis] > 1
        ]
        self.place = {"tczyx"[axis]: group.origin[axis] for axis in several}

    def note(self, note: Mapping[str, Any]) -> None:
        ((kind, wire),) = note.items()
        result, name = self.host.result, self.host.ports[wire["port"]].name
        if kind == "columns":
            self.columns[name] = [column["name"] for column in wire["columns"]]
            result.tables.setdefault(name, [])
        elif kind == "rows":
            rows = (dict(zip(self.columns[name], row)) for row in wire["rows"])
            result.tables[name] += [{**self.place, **row} for row in rows]
        elif kind == "field":
            ((_, value),) = wire["value"].items()
            result.records.setdefault(name, {})[wire["name"]] = value


def _five(image: Any) -> numpy.ndarray:
    array = numpy.asarray(image)
    if not 2 <= array.ndim <= 5:
        raise ValueError(f"an image has two to five axes, not {array.ndim}")
    return array.reshape((1,) * (5 - array.ndim) + array.shape)


def _pixel_type(image: numpy.ndarray) -> str:
    for name, numpy_type in NUMPY_TYPES.items():
        if image.dtype == numpy.dtype(numpy_type):
            return name
    raise ValueError(f"{image.dtype} is no pixel type; the pixel types are: {', '.join(NUMPY_TYPES)}")


def _slices(region: Region) -> tuple[slice, ...]:
    return tuple(slice(start, start + size) for start, size in zip(region.origin, region.extent))


def _cut(region: Region, steps: Sequence[int]) -> Iterator[Region]:
    starts = [
        range(start, start + size, step) for start, size, step in zip(region.origin, region.extent, steps)
    ]
    for origin in itertools.product(*starts):
        sizes = (
            min(step, first + size - start)
            for start, step, first, size in zip(origin, steps, region.origin, region.extent)
        )
        yield Region(five(origin, "an origin"), five(sizes, "an extent"))
