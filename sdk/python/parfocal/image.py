"""What is known about an image besides its pixels."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .errors import Error
from .geometry import Five, five

NUMPY_TYPES = {
    "u8": "|u1",
    "i8": "|i1",
    "u16": "<u2",
    "i16": "<i2",
    "u32": "<u4",
    "f32": "<f4",
    "mask": "|b1",
}
"""Pixel types, and the numpy type of each. A mask is foreground or not: `numpy.bool_`."""

BITS = {"u8": 8, "i8": 8, "u16": 16, "i16": 16, "u32": 32, "f32": 32, "mask": 1}
"""Bits that a value may use when nothing else is known."""


def item_size(dtype: str) -> int:
    """Bytes of a pixel."""
    return int(NUMPY_TYPES[dtype][2:])


class PixelSize(NamedTuple):
    """Distance between pixels in the sample, in micrometers; `None` where nobody knows."""

    z: float | None
    y: float | None
    x: float | None


class ImageSpec:
    """Everything about an image but its pixels. Never changed in place: `like` makes a changed copy.

    `facts` is the spec as it travels, with all that has no property here: conditions of planes, wavelengths.
    """

    __slots__ = ("facts",)

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = dict(facts)
        if self.dtype not in NUMPY_TYPES:
            raise Error("not-supported", f"pixels of type {self.dtype}", what=f"pixel type {self.dtype}")
        if len(self.channels) != self.extent[1]:
            raise Error(
                "invalid-argument",
                f"{len(self.channels)} channels are described, but the image has {self.extent[1]}",
            )

    @classmethod
    def new(cls, extent: Iterable[int], dtype: str) -> ImageSpec:
        """An image about which nothing but its extent (T C Z Y X, in pixels) and pixel type is known."""
        sizes = five(extent, "an extent")
        channels = [{"name": ""} for _ in range(sizes[1])]
        return cls(
            {
                "name": "",
                "extent": list(sizes),
                "dtype": dtype,
                "significant_bits": BITS[dtype],
                "pixel_size": {},
                "channels": channels,
            }
        )

    @property
    def name(self) -> str:
        """Its name within its file; empty when there is none."""
        return str(self.facts["name"])

    @property
    def extent(self) -> Five:
        """Size along T C Z Y X, in pixels."""
        return five(self.facts["extent"], "an extent")

    @property
    def dtype(self) -> str:
        """The pixel type: a key of `NUMPY_TYPES`."""
        return str(self.facts["dtype"])

    @property
    def significant_bits(self) -> int:
        """Bits that values really use: 12 for a 12-bit camera in `u16`."""
        return int(self.facts["significant_bits"])

    @property
    def pixel_size(self) -> PixelSize:
        """Distance between pixels in the sample, in micrometers."""
        size = self.facts["pixel_size"]
        return PixelSize(size.get("z"), size.get("y"), size.get("x"))

    @property
    def time_increment(self) -> float | None:
        """Time between time points in seconds, where it is constant."""
        return self.facts.get("time_increment")

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The channels: `name`, `excitation` and `emission` in nanometers, `modality`, `class`, `supports`,
        ..."""
        channels: list[dict[str, Any]] = self.facts["channels"]
        return channels

    def like(
        self,
        *,
        name: str | None = None,
        extent: Iterable[int] | None = None,
        dtype: str | None = None,
        significant_bits: int | None = None,
        pixel_size: PixelSize | None = None,
        channels: list[dict[str, Any]] | None = None,
    ) -> ImageSpec:
        """The same image with other facts.

        Another pixel type uses all its bits unless `significant_bits` says otherwise. An extent with another
        number of channels needs `channels`.
        """
        facts = copy.deepcopy(self.facts)
        if name is not None:
            facts["name"] = name
        if extent is not None:
            facts["extent"] = list(five(extent, "an extent"))
        if dtype is not None and dtype != self.dtype:
            facts["dtype"] = dtype
            facts["significant_bits"] = BITS.get(dtype, 0)
        if significant_bits is not None:
            facts["significant_bits"] = int(significant_bits)
        if pixel_size is not None:
            facts["pixel_size"] = {
                axis: size for axis, size in pixel_size._asdict().items() if size is not None
            }
        if channels is not None:
            facts["channels"] = copy.deepcopy(channels)
        return ImageSpec(facts)

    def __repr__(self) -> str:
        sizes = " ".join(f"{axis}{size}" for axis, size in zip("TCZYX", self.extent))
        return f"<ImageSpec {self.name!r} {sizes} {self.dtype}>"
