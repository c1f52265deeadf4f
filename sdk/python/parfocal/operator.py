"""The class that every operator derives from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from . import checked
from .declare import Input, Output, Parameter
from .errors import Error, not_supported
from .geometry import Region
from .image import NUMPY_TYPES, ImageSpec
from .plan import ConnectedInput, InputRegion, Plan

if TYPE_CHECKING:
    from .context import Context
    from .tables import Sink
    from .tile import Tile


class Operator:
    """An operator: subclass it, say what it is in class attributes, and write `run`.

    The class attributes below describe it; the docstring's first paragraph is the summary that users see. The
    host makes an instance with checked parameters, calls `plan` once, and then the others, one call at a
    time. What a call is handed (tiles, arrays, specs) is valid until the call returns: copy what you keep.

    The result must depend on the image alone: not on how it was cut into tiles, nor on anything beyond the
    halo that was asked for, nor on time, language or folder. The host calls again after an error.

    Kinds:
        `map`: a tile in, a tile out: `run`.
        `reduce`: `accumulate` for each tile, `merge` from left to right, `finish` once; with image outputs
            then `conclude` and `run` for the same tiles.
        `whole`: as `map`, with some axes not cut: say which in `tiling`.
    """

    id: ClassVar[str] = ""
    """The name, lower-case words joined by `-`, unique within the plugin."""
    summary: ClassVar[str] = ""
    """One sentence for people; the docstring's first paragraph by default."""
    kind: ClassVar[str] = "map"
    """`map`, `reduce` or `whole`."""
    dtypes: ClassVar[Sequence[str]] = tuple(NUMPY_TYPES)
    """Pixel types of the one input, when `inputs` says nothing."""
    preserves: ClassVar[Sequence[str]] = ()
    """What the one output still supports (`parfocal.ALL`, or some of it), when `outputs` says nothing."""
    inputs: ClassVar[Sequence[Input]] = ()
    """What goes in; one image called `image` by default."""
    outputs: ClassVar[Sequence[Output]] = ()
    """What comes out; one image called `image` by default."""
    tiling: ClassVar[Mapping[str, str]] = {}
    """Axes that are not cut anywhere: `{"Z": "whole"}`, `{"T": "in-order"}` for an operator that
    remembers."""
    max_halo: ClassVar[Sequence[int]] = (0, 0, 0, 0, 0)
    """How far it looks around an output pixel at most, along T C Z Y X, in pixels."""
    padding: ClassVar[str] = "symmetric"
    """What the host fills in where the halo reaches beyond the image: one of `parfocal.plan.PADDINGS`."""
    temporal_window: ClassVar[Sequence[int]] = (0, 0)
    """Frames before and after a frame that it looks at."""
    bytes_per_pixel: ClassVar[int] = 0
    """Upper bound of the memory of its own for each pixel of a tile, in bytes: temporary arrays."""
    deterministic: ClassVar[bool] = False
    """Whether equal input gives equal bytes on every machine."""
    threads: ClassVar[str] = "instance"
    """`instance`, or `single` when there may be one instance in a process."""

    planned: Sequence[ConnectedInput] | None = None
    """The connected inputs, after `plan`."""

    # What an author writes.

    def prepare(self, spec: ImageSpec, cx: Context) -> None:
        """Called once, before anything else, with the first image that comes: the place to compute a kernel
        from its pixel size. Raises `Error` for an image that cannot be processed."""

    def halo(self, spec: ImageSpec) -> Sequence[int | tuple[int, int]]:
        """How far it looks around an output pixel for this image and these parameters, along T C Z Y X, in
        pixels; at most `max_halo`, which is the default."""
        return self.max_halo

    def plan(self, inputs: Sequence[ConnectedInput], cx: Context) -> Plan:
        """What comes out for these inputs, and how the work may be cut. By default images like the first
        input, axes cut as `tiling` says. Raises `Error` (`not-supported`, `invalid-argument`) for inputs that
        cannot be processed."""
        images = [port for port in self.output_ports() if port.kind in ("image", "labels")]
        plan = Plan.like(*[inputs[0].spec] * len(images)).tiled(**self.tiling)
        return Plan(plan.outputs, plan.tiling, bytes_per_pixel=self.bytes_per_pixel)

    def required_input(self, core: Region) -> Sequence[InputRegion]:
        """Which part of each connected input the part `core` of the work needs. By default the same part and
        the halo. Asked often: the same answer for the same question."""
        if self.planned is None:
            raise Error(
                "bad-state", "the operator was used before its plan", need="planned", **{"is": "created"}
            )
        return [InputRegion(port, core.grown(self.halo(spec)), self.padding) for port, spec in self.planned]

    def run(self, tile: Tile, cx: Context) -> None:
        """Computes the output tiles from the input tiles: every pixel of each output is written."""
        raise not_supported(f"`run` by operator `{self.id}`")

    def accumulate(self, tile: Tile, cx: Context) -> bytes:
        """The partial result of one tile, as bytes of the operator's own."""
        raise not_supported(f"`accumulate` by operator `{self.id}`")

    def merge(self, left: bytes, right: bytes, cx: Context) -> bytes:
        """Joins two partial results; `left` is of earlier tiles. Must not depend on how the image was cut."""
        raise not_supported(f"`merge` by operator `{self.id}`")

    def finish(self, total: bytes, sink: Sink, cx: Context) -> bytes | None:
        """Turns the joined result into rows and fields, and gives the conclusion for the second pass, if
        there is one."""
        raise not_supported(f"`finish` by operator `{self.id}`")

    def conclude(self, conclusion: bytes, cx: Context) -> None:
        """Takes the conclusion of the first pass, before `run`."""
        raise not_supported(f"`conclude` by operator `{self.id}`")

    def reset(self, cx: Context) -> None:
        """A new sequence starts: forget what was seen."""

    def save(self, cx: Context) -> bytes:
        """The state to continue a sequence later; empty for an operator without memory."""
        return b""

    def load(self, state: bytes, cx: Context) -> None:
        """Takes a state that `save` gave, perhaps in an earlier version; what is no state of this operator
        never gets here. Raises `Error` of kind `incompatible` for one of a version that it does not know."""
        if state:
            raise Error("corrupt", "a state for an operator that has none", what="the state")

    # What the package asks.

    @classmethod
    def input_ports(cls) -> Sequence[Input]:
        """What goes in, by port number."""
        return cls.inputs or (Input("image", cls.dtypes),)

    @classmethod
    def output_ports(cls) -> Sequence[Output]:
        """What comes out, by port number."""
        return cls.outputs or (Output("image", preserves=cls.preserves),)

    @classmethod
    def parameters(cls) -> list[Parameter]:
        """The declared parameters, those of base classes first."""
        found: dict[str, Parameter] = {}
        for base in reversed(cls.__mro__):
            found.update({name: item for name, item in vars(base).items() if isinstance(item, Parameter)})
        return list(found.values())

    @classmethod
    def build(cls, values: Mapping[str, Any]) -> Operator:
        """An instance with these values, by the names that users see.

        Raises:
            Error: of kind `not-found` for a name that was not declared, `invalid-argument` or `out-of-range`
                for a value that is not allowed.
        """
        instance = cls()
        instance.__dict__.update(checked.values(cls.parameters(), values))
        return instance
