"""What an operator may ask of the host while it works."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any

from .errors import Cancelled, Error

LEVELS = ("error", "warning", "info", "debug")


class ControlPage:
    """A page that host and worker both map: each word is written by one side only, and lies on a line of its
    own."""

    LENGTH = 4096
    CANCEL, PROGRESS, HEARTBEAT = 0, 64, 128

    def __init__(self, descriptor: int) -> None:
        page = memoryview(mmap.mmap(descriptor, self.LENGTH, flags=mmap.MAP_SHARED))
        self._words = page.cast("I")
        self._fractions = page.cast("f")

    def is_cancelled(self) -> bool:
        """Whether the host asks to stop the current call."""
        return self._words[self.CANCEL // 4] != 0

    def set_progress(self, fraction: float) -> None:
        """How far the current call has come, 0 to 1."""
        self._fractions[self.PROGRESS // 4] = fraction

    def beat(self) -> None:
        """A sign of life."""
        place = self.HEARTBEAT // 4
        self._words[place] = (self._words[place] + 1) & 0xFFFFFFFF


class Context:
    """The host's services, for the length of one call; of any thread.

    Attributes:
        seed: the seed of the run, 64 bits, for operators that draw random numbers.
    """

    def __init__(self, seed: int, page: ControlPage | None, note: Callable[[dict[str, Any]], None]) -> None:
        self.seed = seed
        self._page = page
        self._note: Callable[[dict[str, Any]], None] | None = note
        self._progress = 0.0
        if page is not None:
            page.set_progress(0.0)

    def check_cancelled(self) -> None:
        """Raises `Cancelled` when somebody asked to stop; let it pass. Ask every few milliseconds: it costs
        less than one."""
        if self._page is not None:
            self._page.beat()
            if self._page.is_cancelled():
                raise Cancelled

    def progress(self, fraction: float) -> None:
        """Tells how far the call has come, 0 to 1; a smaller number than before changes nothing."""
        self._progress = max(self._progress, min(float(fraction), 1.0))
        if self._page is not None and self._note is not None:
            self._page.beat()
            self._page.set_progress(self._progress)

    def log(self, text: object, level: str = "info") -> None:
        """Writes a line into the host's log; `level` is one of `error`, `warning`, `info`, `debug`."""
        if level not in LEVELS:
            raise ValueError(f"there is no level {level!r}; the levels are: {', '.join(LEVELS)}")
        if self._note is None:
            raise Error(
                "bad-state", "a log line after the call had ended", need="in a call", **{"is": "after it"}
            )
        self._note({"log": {"level": level, "text": str(text)}})

    def close(self) -> None:
        """The call has ended."""
        self._note = None
