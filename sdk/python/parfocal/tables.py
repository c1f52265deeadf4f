"""Where tables and records go."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .declare import UNITS, one_of
from .errors import Error

COLUMN_KINDS = ("flag", "integer", "number", "text")
AT_ONCE = 2048
"""Rows of one message."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: in `snake_case`, without the unit.
        kind: `flag`, `integer` (64 bits, signed), `number` or `text`.
        unit: one of `parfocal.declare.UNITS`.
    """

    name: str
    kind: str = "number"
    unit: str = "none"

    def to_wire(self) -> dict[str, str]:
        kind = one_of(self.kind, COLUMN_KINDS, f"the kind of column `{self.name}`")
        return {
            "name": self.name,
            "unit": one_of(self.unit, UNITS, f"the unit of column `{self.name}`"),
            "kind": kind,
        }


class Sink:
    """What `Operator.finish` writes to. The host adds columns for time point and channel where there are
    several."""

    def __init__(self, ports: Sequence[Any], note: Callable[[dict[str, Any]], None]) -> None:
        self._ports = ports
        self._note = note

    def table(self, port: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
        """Writes a table output: its columns, once, and rows of values in the order of the columns.

        Values are Python's or numpy's; a number may be NaN or infinite.
        """
        number = self._number(port, "table")
        self._note({"columns": {"port": number, "columns": [column.to_wire() for column in columns]}})
        batch: list[list[Any]] = []
        for row in rows:
            batch.append(self._row(row, columns))
            if len(batch) == AT_ONCE:
                self._note({"rows": {"port": number, "rows": batch}})
                batch = []
        if batch:
            self._note({"rows": {"port": number, "rows": batch}})

    def field(self, port: str, name: str, value: Any, unit: str = "none") -> None:
        """Writes a value of a record output; `name` in `snake_case`."""
        kind = kind_of(value)
        field = {
            "port": self._number(port, "record"),
            "name": name,
            "unit": one_of(unit, UNITS, f"the unit of `{name}`"),
        }
        self._note({"field": {**field, "value": {kind: cell(value, kind, name)}}})

    def _row(self, row: Sequence[Any], columns: Sequence[Column]) -> list[Any]:
        if len(row) != len(columns):
            raise Error(
                "invalid-argument", f"a row of {len(row)} values, where there are {len(columns)} columns"
            )
        return [cell(value, column.kind, column.name) for value, column in zip(row, columns)]

    def _number(self, name: str, kind: str) -> int:
        for number, port in enumerate(self._ports):
            if port.name == name and port.kind == kind:
                return number
        raise Error("invalid-argument", f"the operator has no {kind} output `{name}`")


def kind_of(value: Any) -> str:
    """The kind of a value of Python or numpy."""
    if isinstance(value, str):
        return "text"
    letter = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, bool) or letter == "b":
        return "flag"
    if isinstance(value, int) or letter in ("i", "u"):
        return "integer"
    return "number"


def cell(value: Any, kind: str, name: str) -> Any:
    """A value as it travels. Numbers that JSON lacks are texts."""
    try:
        if kind == "flag" and kind_of(value) == "flag":
            return bool(value)
        if kind == "integer" and kind_of(value) != "flag":
            whole = operator.index(value)
            if -(2**63) <= whole < 2**63:
                return whole
        elif kind == "number" and kind_of(value) != "text":
            number = float(value)
            return number if math.isfinite(number) else special(number)
        elif kind == "text" and isinstance(value, str):
            return str(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Error("invalid-argument", f"`{name}` holds {kind} values, not {value!r}")


def special(number: float) -> str:
    """The name of a number that JSON lacks."""
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def value_from_wire(value: dict[str, Any]) -> Any:
    """A value that carries its type, such as `{"number": 2.0}`."""
    ((kind, content),) = value.items()
    if kind == "number":
        return float(content)
    return content
