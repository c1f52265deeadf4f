"""What an operator declares about itself: ports, parameters, and the description that hosts read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .image import NUMPY_TYPES

if TYPE_CHECKING:
    from .operator import Operator

ALL = (
    "localisation",
    "counting",
    "gross-morphology",
    "fine-detail",
    "intensity",
    "rare-event-search",
    "rare-event-frequency",
)
"""Every use that pixels may support. An operator says which of them its result still supports if its input
does."""

KINDS = ("map", "reduce", "whole")
PORT_KINDS = ("image", "labels", "table", "record")
CLASSES = ("unknown", "measured", "derived", "restored", "predicted", "labels")
ROLES = ("setting", "tunable")
UNITS = (
    *(
        "none",
        "pixel",
        "micrometer",
        "square-micrometer",
        "cubic-micrometer",
        "nanometer",
        "second",
        "milliwatt",
    ),
    *(
        "volt",
        "decibel",
        "percent",
        "fraction",
        "count",
        "grey-level",
        "electron",
        "photon",
        "degree",
        "celsius",
    ),
    *("joule-per-square-centimeter", "square-pixel", "cubic-pixel"),
)
"""Units of parameters, columns and fields."""

T = TypeVar("T", bool, int, float, str)


@dataclass(frozen=True)
class Input:
    """A port that an image goes into.

    Attributes:
        name: lower-case words joined by `-`, unique among the inputs.
        dtypes: pixel types that are accepted (`u8 i8 u16 i16 u32 f32 mask`); others are refused before any
            work.
        kind: `image`, or `labels` for pixels that number objects.
        optional: whether it may be left out; `Tile.connected` tells.
    """

    name: str = "image"
    dtypes: Sequence[str] = tuple(NUMPY_TYPES)
    kind: str = "image"
    optional: bool = False

    def to_wire(self) -> dict[str, Any]:
        for dtype in self.dtypes:
            one_of(dtype, tuple(NUMPY_TYPES), f"the pixel type of input `{self.name}`")
        return {
            "name": kebab(self.name, "the name of an input"),
            "kind": one_of(self.kind, PORT_KINDS[:2], f"the kind of input `{self.name}`"),
            "dtypes": list(self.dtypes),
            "optional": bool(self.optional),
        }


@dataclass(frozen=True)
class Output:
    """A port that something comes out of.

    Attributes:
        name: lower-case words joined by `-`, unique among the outputs.
        kind: `image`, `labels`, and, for reduce operators, `table` or `record`.
        preserves: which of `ALL` the result still supports if the input does.
        yields: the pixel class of the result before the host joins it with the inputs'; `derived` for a
            classical operation, `restored` or `predicted` for what a network makes.
        network: whether a neural network makes it.
    """

    name: str = "image"
    kind: str = "image"
    preserves: Sequence[str] = ()
    yields: str = "derived"
    network: bool = False

    def to_wire(self) -> dict[str, Any]:
        for support in self.preserves:
            one_of(support, ALL, f"what output `{self.name}` preserves")
        return {
            "name": kebab(self.name, "the name of an output"),
            "kind": one_of(self.kind, PORT_KINDS, f"the kind of output `{self.name}`"),
            "yields": one_of(self.yields, CLASSES, f"what output `{self.name}` yields"),
            "preserves": [support for support in ALL if support in self.preserves],
            "network": bool(self.network),
        }


def parameter(
    default: T,
    *,
    doc: str,
    min: T | None = None,
    max: T | None = None,
    options: Sequence[str] | None = None,
    unit: str = "none",
    role: str = "tunable",
) -> T:
    """Declares a parameter; in an instance the attribute is its value, checked by the host.

    The type is the default's: `bool`, `int` and `float` (both with `min` and `max`, limits included), `str`
    with `options` for one of a closed list of words, `str` without for free text. `under_scores` are
    `hyphens` in the name that users see.

    Args:
        doc: one sentence for people.
        unit: one of `UNITS`; numbers only.
        role: `setting` when it describes the experiment, `tunable` when it changes the result at the user's
            taste.
    """
    return Parameter(default, doc, min, max, options, unit, role)  # type: ignore[return-value]


class Parameter:
    """A declared parameter. Made by `parameter`."""

    def __init__(
        self, default: Any, doc: str, min: Any, max: Any, options: Sequence[str] | None, unit: str, role: str
    ) -> None:
        self.default, self.doc, self.unit, self.role = default, doc, unit, role
        self.min, self.max, self.options = min, max, options
        self.attribute = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else instance.__dict__.get(self.attribute, self.default)

    @property
    def name(self) -> str:
        """The name that users see, in kebab-case."""
        return self.attribute.replace("_", "-")

    def to_wire(self) -> dict[str, Any]:
        what = f"parameter `{self.name}`"
        wire: dict[str, Any] = {
            "name": kebab(self.name, "the name of a parameter"),
            "doc": self.doc,
            "role": one_of(self.role, ROLES, f"the role of {what}"),
            "unit": one_of(self.unit, UNITS, f"the unit of {what}"),
        }
        if isinstance(self.default, bool):
            return {**wire, "type": "flag", "default": self.default}
        if isinstance(self.default, (int, float)):
            kind, of_type = ("integer", int) if isinstance(self.default, int) else ("number", float)
            if self.min is None or self.max is None:
                raise ValueError(f"{what} is a number and needs `min` and `max`")
            low, value, high = of_type(self.min), self.default, of_type(self.max)
            if not (low <= value <= high) or not all(map(math.isfinite, (low, high))):
                raise ValueError(f"the default of {what} is {value}; it must lie between {low} and {high}")
            return {**wire, "type": kind, "default": value, "min": low, "max": high}
        if self.unit != "none":
            raise ValueError(f"{what} has a unit, but only numbers have one")
        if not isinstance(self.default, str):
            raise TypeError(
                f"the default of {what} is {self.default!r}; write a bool, an int, a float or a str"
            )
        if self.options is None:
            return {**wire, "type": "text", "default": self.default}
        one_of(self.default, tuple(self.options), f"the default of {what}")
        return {**wire, "type": "choice", "default": self.default, "options": list(self.options)}


def describe(operator: type[Operator]) -> dict[str, Any]:
    """The operator as `[[operator]]` in `plugin.toml` has it.

    Raises:
        ValueError: when the parts do not agree; the sentence names the class.
    """
    try:
        return _describe(operator)
    except (TypeError, ValueError) as error:
        raise ValueError(f"operator class {operator.__name__}: {error}") from None


def _describe(operator: type[Operator]) -> dict[str, Any]:
    inputs, outputs = operator.input_ports(), operator.output_ports()
    parameters = operator.parameters()
    for what, ports in (("input", inputs), ("output", outputs)):
        names = [port.name for port in ports]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ValueError(f"the {what} `{name}` is declared twice")
    if not outputs:
        raise ValueError("it has no output")
    for port in outputs:
        if port.kind in ("table", "record") and operator.kind != "reduce":
            raise ValueError(f"its output `{port.name}` is no image: tables and records need kind `reduce`")
    summary = operator.summary or " ".join((operator.__doc__ or "").strip().split("\n\n")[0].split())
    if not summary:
        raise ValueError("it has no summary: write one sentence as its docstring")
    return {
        "id": kebab(operator.id, "its id"),
        "summary": summary,
        "kind": one_of(operator.kind, KINDS, "its kind"),
        "threads": one_of(operator.threads, ("single", "instance"), "its rule for threads"),
        "deterministic": bool(operator.deterministic),
        "temporal-window": [int(frames) for frames in operator.temporal_window],
        "max-halo": [int(pixels) for pixels in operator.max_halo],
        "input": [port.to_wire() for port in inputs],
        "output": [port.to_wire() for port in outputs],
        "parameter": [spec.to_wire() for spec in parameters],
    }


def kebab(name: str, what: str) -> str:
    """The name, if it is lower-case words joined by `-`."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    good = name[:1] in letters and all(
        word and set(word) <= set(letters + "0123456789") for word in name.split("-")
    )
    if not name or not good or len(name) > 64:
        raise ValueError(f"{what} is {name!r}; write lower-case words joined by `-`")
    return name


def one_of(word: str, words: Sequence[str], what: str) -> str:
    """The word, if it is one of the list."""
    if word not in words:
        raise ValueError(f"{what} is {word!r}; write one of {', '.join(words)}")
    return word
