"""What every operator is held against, so that no author writes it: its parameters when it is made, its inputs
when it plans, its own bytes when they come back."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .declare import Parameter
from .errors import Error

if TYPE_CHECKING:
    from .operator import Operator
    from .plan import ConnectedInput


def values(declared: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values by attribute, each of the type that was declared and within its limits.

    Raises:
        Error: `not-found` for a name that was not declared, `invalid-argument` for a value of another type or
            a word that is no option, `out-of-range` for a number beyond its limits.
    """
    known = {spec.name: spec for spec in declared}
    for name in given:
        if name not in known:
            remedy = f"use one of {', '.join(known)}" if known else "leave it out"
            raise Error("not-found", f"there is no parameter `{name}`", remedy=remedy)
    return {known[name].attribute: _value(known[name], value) for name, value in given.items()}


def _value(spec: Parameter, value: Any) -> Any:
    default, what = spec.default, f"parameter `{spec.name}`"
    wanted = "true or false" if isinstance(default, bool) else _WORDS[type(default)]
    fits = type(value) is type(default) or (type(default) is float and type(value) is int)
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise Error("invalid-argument", f"{what} is {value!r}", remedy=f"give it {wanted}")
    if isinstance(default, str):
        if spec.options is not None and value not in spec.options:
            remedy = f"use one of {', '.join(spec.options)}"
            raise Error("invalid-argument", f"{what} is {value!r}, which is no option", remedy=remedy)
    elif not isinstance(default, bool) and not spec.min <= value <= spec.max:
        limits = f"between {spec.min} and {spec.max}"
        raise Error(
            "out-of-range",
            f"{what} is {value}, it lies {limits}",
            remedy=f"use a value {limits}",
            min=spec.min,
            max=spec.max,
            got=value,
        )
    return float(value) if type(default) is float else value


_WORDS = {int: "a whole number", float: "a number", str: "a text"}


def inputs(operator: type[Operator], connected: Sequence[ConnectedInput]) -> None:
    """Holds images against the declared input ports.

    Raises:
        Error: `invalid-argument` for one that is missing or not declared, `not-supported` for pixels of
            another type.
    """
    ports = operator.input_ports()
    for number, port in enumerate(ports):
        count = sum(one.port == number for one in connected)
        if count > 1:
            raise Error("invalid-argument", f"its input `{port.name}` is given twice")
        if count == 0 and not port.optional:
            raise Error("invalid-argument", f"its input `{port.name}` is missing")
    for number, spec in connected:
        if not 0 <= number < len(ports):
            raise Error("invalid-argument", f"it has no input {number}, it has {len(ports)}")
        port = ports[number]
        if spec.dtype not in port.dtypes:
            accepted = ", ".join(port.dtypes)
            raise Error(
                "not-supported",
                f"input `{port.name}` holds pixels of type {spec.dtype}, it takes {accepted}",
                remedy=f"convert the image to one of {accepted}",
                what=f"{spec.dtype} pixels in input `{port.name}`",
            )


MARK = b"pfp1"
"""What sealed bytes begin with."""


def seal(what: str, operator: str, data: bytes) -> bytes:
    """Bytes of an operator's own, marked as such: `what` they are, and whose."""
    return MARK + _digest(what, operator, data) + data


def unseal(what: str, operator: str, sealed: bytes) -> bytes:
    """The bytes that were sealed as the same of the same operator, so that `json.loads` of an author never
    sees others.

    Raises:
        Error: of kind `corrupt` for all others.
    """
    start = len(MARK)
    digest, data = sealed[start : start + 4], sealed[start + 4 :]
    if sealed[:start] != MARK or digest != _digest(what, operator, data):
        sentence = f"these {len(sealed)} bytes are no {what} of operator `{operator}`"
        raise Error("corrupt", sentence, what=f"the {what}")
    return data


def _digest(what: str, operator: str, data: bytes) -> bytes:
    return zlib.crc32(data, zlib.crc32(f"{what}/{operator}/".encode())).to_bytes(4, "little")
