"""What an operator answers before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .geometry import AXES, Region, axis_number
from .image import ImageSpec

TILINGS = ("split", "each", "whole", "in-order")
"""How far the host may cut an axis: anywhere; into single positions; not at all; into single positions that
one instance sees one after the other, after a `reset` (for operators that remember)."""

PADDINGS = ("clip", "symmetric", "reflect", "edge", "zero")
"""What the host fills in where a halo reaches beyond the image; names as in `numpy.pad`. With `clip` the tile
ends where the image ends."""

ANY_SIZE = 2**64 - 1
"""The largest size of a tile along an axis when any will do."""


class ConnectedInput(NamedTuple):
    """An image that is connected to an input port."""

    port: int
    spec: ImageSpec


@dataclass(frozen=True)
class InputRegion:
    """The part of an input that is needed for a part of the work.

    Attributes:
        port: the number of the input port.
        region: what the operator wants to see, halo included; it may reach beyond the image.
        padding: one of `PADDINGS`; the same for every part of the work.
    """

    port: int
    region: Region
    padding: str = "clip"

    def to_wire(self) -> dict[str, Any]:
        return {"port": self.port, "region": self.region.to_wire(), "padding": self.padding}


@dataclass(frozen=True)
class Plan:
    """The answer of `Operator.plan`.

    Attributes:
        outputs: the image outputs, in the order of their ports. The host sets pixel class and supports.
        tiling: for each of T C Z Y X one of `TILINGS`.
        tile_sizes: for each of T C Z Y X (step, max): sizes of tiles are multiples of step and at most max.
        reduce_over: for each of T C Z Y X whether a reduce operator makes one result over it.
        bytes_per_pixel: upper bound of the memory of its own, for each pixel of a tile's work.
        bytes: upper bound of the memory of its own besides.
    """

    outputs: list[ImageSpec] = field(default_factory=list)
    tiling: tuple[str, ...] = ("split",) * 5
    tile_sizes: tuple[tuple[int, int], ...] = ((1, ANY_SIZE),) * 5
    reduce_over: tuple[bool, ...] = (False, False, True, True, True)
    bytes_per_pixel: int = 0
    bytes: int = 0

    @classmethod
    def like(cls, *specs: ImageSpec) -> Plan:
        """Images like these come out; axes are cut anywhere, no memory of its own."""
        return cls(outputs=list(specs))

    def tiled(self, **rules: str) -> Plan:
        """The same plan with other rules for some axes: `plan.tiled(Z="whole")`."""
        tiling = list(self.tiling)
        for axis, rule in rules.items():
            if rule not in TILINGS:
                raise ValueError(f"an axis cannot be cut {rule!r}; the ways are: {', '.join(TILINGS)}")
            tiling[axis_number(axis)] = rule
        return replace(self, tiling=tuple(tiling))

    def tile_size(self, axis: str, step: int, largest: int) -> Plan:
        """The same plan with tiles along `axis` whose sizes are multiples of `step`, and at most
        `largest`."""
        sizes = list(self.tile_sizes)
        sizes[axis_number(axis)] = (step, largest)
        return replace(self, tile_sizes=tuple(sizes))

    def reduced_over(self, axes: str) -> Plan:
        """The same plan with one result over these axes, and one for each position of the others."""
        for axis in axes:
            axis_number(axis)
        return replace(self, reduce_over=tuple(axis in axes for axis in AXES))

    def to_wire(self) -> dict[str, Any]:
        return {
            "outputs": [spec.facts for spec in self.outputs],
            "tiling": list(self.tiling),
            "tile-sizes": [{"step": int(step), "max": int(largest)} for step, largest in self.tile_sizes],
            "reduce-over": [bool(over) for over in self.reduce_over],
            "bytes-per-pixel": int(self.bytes_per_pixel),
            "bytes": int(self.bytes),
        }
