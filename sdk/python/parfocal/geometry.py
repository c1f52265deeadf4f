"""Where pixels lie: axes and regions. Everything has five axes, in the order T C Z Y X."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

AXES = "TCZYX"
"""Time, channel, depth, row, column."""

Five = tuple[int, int, int, int, int]
"""One number for each of T C Z Y X."""


def axis_number(axis: str) -> int:
    """The place of an axis, `T`, `C`, `Z`, `Y` or `X`, among the five."""
    number = AXES.find(axis)
    if len(axis) != 1 or number < 0:
        raise ValueError(f"there is no axis {axis!r}; the axes are T, C, Z, Y and X")
    return number


def five(numbers: Iterable[int], what: str) -> Five:
    """The numbers as a tuple of five whole numbers."""
    result = tuple(int(number) for number in numbers)
    if len(result) != 5:
        raise ValueError(f"{what} has {len(result)} numbers; five belong there, for T, C, Z, Y and X")
    return result


@dataclass(frozen=True)
class Region:
    """A box of pixels. It may reach beyond the image.

    Attributes:
        origin: the first pixel along T C Z Y X, in pixels of the image; negative before it.
        extent: the size along T C Z Y X, in pixels.
    """

    origin: Five
    extent: Five

    @classmethod
    def whole(cls, extent: Iterable[int]) -> Region:
        """The whole of an image of this extent."""
        return cls((0, 0, 0, 0, 0), five(extent, "an extent"))

    def grown(self, halo: Iterable[int | tuple[int, int]]) -> Region:
        """This region with a halo around: for each of T C Z Y X a number of pixels, or a pair (before,
        after)."""
        pairs = [pair if isinstance(pair, tuple) else (pair, pair) for pair in halo]
        if len(pairs) != 5:
            raise ValueError(f"a halo has {len(pairs)} numbers; five belong there, for T, C, Z, Y and X")
        origin = (start - int(before) for start, (before, _) in zip(self.origin, pairs))
        extent = (size + int(before) + int(after) for size, (before, after) in zip(self.extent, pairs))
        return Region(five(origin, "an origin"), five(extent, "an extent"))

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Region:
        return cls(five(wire["origin"], "an origin"), five(wire["extent"], "an extent"))

    def to_wire(self) -> dict[str, list[int]]:
        return {"origin": list(self.origin), "extent": list(self.extent)}
