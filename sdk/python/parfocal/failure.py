"""What an operator raised, as the host is told."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from .errors import Error

PACKAGE = os.path.dirname(os.path.abspath(__file__))
LONGEST = 2000
"""Characters of a message."""


def failure(error: BaseException) -> dict[str, Any]:
    """The error as it travels. What is no `Error` is a defect of the operator: kind `internal`, with its
    place, and the whole traceback on standard error. Afterwards the exception holds on to no frame, and so to
    no array."""
    wire = _failure(error)
    _forget(error)
    return wire


def _failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Error):
        return error.to_wire()
    traceback.print_exception(error, file=sys.stderr)
    place = _place(error)
    if isinstance(error, MemoryError):
        told = Error(
            "out-of-memory", f"the memory that a plugin may use is not enough{place}", need=0, budget=0
        )
        told.remedy = "give it more with `memory` in [limits] of plugin.toml, or use smaller tiles"
        return told.to_wire()
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    kind = "not-supported" if isinstance(error, NotImplementedError) else "internal"
    return Error(kind, text[:LONGEST] + place).to_wire()


def _place(error: BaseException) -> str:
    """The last line of the author's own code: `(plugin.py, line 12, in run: x = 1 / 0)`."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if not os.path.abspath(frame.filename).startswith((PACKAGE, sys.prefix, sys.base_prefix))
    ]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    code = f": {frame.line}" if frame.line else ""
    return f" ({os.path.basename(frame.filename)}, line {frame.lineno}, in {frame.name}{code})"


def _forget(error: BaseException | None) -> None:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
