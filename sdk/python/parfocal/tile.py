"""The tiles of one call, as numpy arrays that look at the host's memory in place."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import Error, Wire
from .geometry import Five, Region, five
from .image import NUMPY_TYPES, item_size
from .memory import Memories, Memory, are_gone

if TYPE_CHECKING:
    import numpy

    from .context import Context

BAND = 1 << 16
"""Pixels of a band: small enough that temporary arrays stay in the processor's cache, and that asking for a
stop between two of them is often enough."""


class Pixels:
    """The pixels of one port.

    Attributes:
        port: the number of the port.
        name: its name.
        array: the pixels, along T C Z Y X, always five axes. Read-only for an input; valid until the call
            returns.
        dtype: the pixel type, such as `u16`.
        region: where they lie in the image; an input's may reach beyond it.
        full: extent of the whole image.
        frames: facts of planes that were not known when the plan was made (live frames); usually empty.
    """

    __slots__ = ("port", "name", "array", "dtype", "region", "full", "frames")

    def __init__(
        self,
        port: int,
        name: str,
        array: numpy.ndarray,
        region: Region,
        full: Five,
        dtype: str,
        frames: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.port, self.name, self.array = port, name, array
        self.region, self.full, self.dtype, self.frames = region, full, dtype, frames


class Tile:
    """What one call of `run` or `accumulate` works on.

    Attributes:
        core: the part of the work; inputs cover it and their halo.
        inputs: one for each connected input, in the order of the ports.
        outputs: one for each image output, in the order of the ports; none in `accumulate`. Every pixel must
            be written.
    """

    def __init__(self, core: Region, inputs: list[Pixels], outputs: list[Pixels], cx: Context) -> None:
        self.core = core
        self.inputs = inputs
        self.outputs = outputs
        self._cx = cx

    def input(self, port: int | str = 0) -> numpy.ndarray:
        """The pixels of an input, by the port's number or name: read-only, T C Z Y X, halo included."""
        return _find(self.inputs, port, "input").array

    def output(self, port: int | str = 0) -> numpy.ndarray:
        """The pixels of an image output, by the port's number or name: T C Z Y X, to be written."""
        return _find(self.outputs, port, "output").array

    def connected(self, port: int | str) -> bool:
        """Whether something is connected to an optional input."""
        return any(port in (pixels.port, pixels.name) for pixels in self.inputs)

    def planes(self) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
        """The planes of the first input and the first output, in pairs: each along Y X, the input's with its
        halo.

        Asks whether to stop, and tells the progress, before each.
        """
        source, target = self.input(), self.output()
        if source.shape[:3] != target.shape[:3]:
            raise ValueError(
                f"the input has {source.shape[:3]} planes along T C Z, the output {target.shape[:3]}: "
                "with a halo along "
                "those axes, or planes that are dropped, use `input` and `output`"
            )
        count = target.shape[0] * target.shape[1] * target.shape[2]
        places = (
            (t, c, z)
            for t in range(target.shape[0])
            for c in range(target.shape[1])
            for z in range(target.shape[2])
        )
        for number, place in enumerate(places):
            self._cx.check_cancelled()
            self._cx.progress(number / count)
            yield source[place], target[place]

    def bands(self) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
        """As `planes`, in bands of some rows: for operators whose output pixel depends on the input pixel at
        its place."""
        for source, target in self.planes():
            if source.shape != target.shape:
                raise ValueError(
                    f"bands are for tiles without halo; the input is {source.shape}, "
                    f"the output {target.shape}"
                )
            for start, end in _rows(source.shape):
                self._cx.check_cancelled()
                yield source[start:end], target[start:end]

    def input_bands(self, port: int | str = 0) -> Iterator[numpy.ndarray]:
        """The pixels of an input in bands of some rows, along Y X: for `accumulate`. Asks whether to stop
        before each."""
        source = self.input(port)
        for plane in (
            source.reshape((-1, *source.shape[3:])) if source.flags.c_contiguous else _planes(source)
        ):
            for start, end in _rows(plane.shape):
                self._cx.check_cancelled()
                yield plane[start:end]


def _planes(source: numpy.ndarray) -> Iterator[numpy.ndarray]:
    for t in range(source.shape[0]):
        for c in range(source.shape[1]):
            yield from source[t, c]


def _rows(shape: Sequence[int]) -> Iterator[tuple[int, int]]:
    step = max(1, BAND // max(1, shape[1]))
    for start in range(0, shape[0], step):
        yield start, min(start + step, shape[0])


def _find(all_pixels: Sequence[Pixels], port: int | str, what: str) -> Pixels:
    for pixels in all_pixels:
        if port in (pixels.port, pixels.name):
            return pixels
    names = ", ".join(pixels.name for pixels in all_pixels) or "none"
    raise Error("not-found", f"there is no {what} {port!r} in this call; there is: {names}")


class SharedTile:
    """A tile in shared memory, from the message to the answer."""

    def __init__(
        self, wire: Mapping[str, Any], memories: Memories, names: Sequence[Sequence[str]], cx: Context
    ) -> None:
        self._arrays: list[weakref.ref[Any]] = []
        self._open: list[tuple[Memory, int, int]] = []
        try:
            inputs = [self._pixels(Wire(tile), memories, names[0], False) for tile in wire["inputs"]]
            outputs = [self._pixels(Wire(tile), memories, names[1], True) for tile in wire.get("outputs", [])]
        except BaseException:
            self.close()
            raise
        self.tile = Tile(Region.from_wire(wire["core"]), inputs, outputs, cx)

    def _pixels(
        self, wire: Mapping[str, Any], memories: Memories, names: Sequence[str], writable: bool
    ) -> Pixels:
        import numpy

        memory, offset, length = memories.get(wire["memory"]), wire["offset"], wire["length"]
        region, port, dtype = Region.from_wire(wire["region"]), wire["port"], wire["dtype"]
        if dtype not in NUMPY_TYPES or not 0 <= port < len(names):
            raise Error("protocol", f"a tile of port {port} with pixels of type {dtype}", raw=f"port {port}")
        size = item_size(dtype)
        strides = [int(stride) * size for stride in wire["strides"]] + [size]
        last = sum((count - 1) * stride for count, stride in zip(region.extent, strides)) + size
        if min(strides) < 0 or min(region.extent) < 1 or last > length:
            raise Error(
                "protocol", f"a tile of {region.extent} does not fit {length} bytes", raw=f"{strides}"
            )
        # Every view of the pixels, and views of views, hold on to this array: so `close` learns of one that
        # was kept.
        flat = numpy.frombuffer(memory.view(offset, length, writable), numpy.uint8)
        self._arrays.append(weakref.ref(flat))
        if writable:
            self._open.append((memory, offset, length))
        array = numpy.ndarray(region.extent, NUMPY_TYPES[dtype], flat, 0, strides)
        full = five(wire["full"], "an extent")
        return Pixels(port, names[port], array, region, full, dtype, wire.get("frames", ()))

    def close(self) -> bool:
        """Takes the right to write away. Whether no array is left that looks at the memory."""
        tile = self.__dict__.pop("tile", None)
        if tile is not None:
            tile.inputs, tile.outputs = [], []
            del tile
        for memory, offset, length in self._open:
            memory.seal(offset, length)
        self._open = []
        return are_gone(self._arrays)
