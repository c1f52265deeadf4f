"""Errors: a kind for programs, a sentence and a remedy for people."""

from __future__ import annotations

from typing import Any

KINDS: dict[str, tuple[str, ...]] = {
    "not-supported": ("what",),
    "not-found": (),
    "invalid-argument": (),
    "out-of-range": ("min", "max", "got"),
    "read-only": (),
    "locked": (),
    "bad-state": ("need", "is"),
    "wrong-thread": (),
    "busy": (),
    "timeout": ("ms",),
    "cancelled": (),
    "lost": (),
    "protocol": ("raw",),
    "device-fault": ("code",),
    "interlock": (),
    "limit-hit": (),
    "buffer-overflow": ("dropped",),
    "data-incomplete": ("missing",),
    "permission-denied": ("permission",),
    "incompatible": ("have", "need"),
    "missing-runtime": ("what", "where"),
    "unfit": ("needs", "class"),
    "out-of-memory": ("need", "budget"),
    "corrupt": ("what",),
    "plugin-died": ("signal",),
    "internal": (),
}
"""Every kind, and the names of its details."""


class Error(Exception):
    """What an operator raises when something cannot be done.

    Args:
        kind: one of `KINDS`, for programs: `not-supported` and `invalid-argument` for inputs that `plan`
            refuses, `not-found` for a fact that the image does not state, `corrupt` for bytes that are no
            result or state.
        message: a sentence that says which thing, doing what, why.
        remedy: what the user can do now, as an imperative phrase.
        details: the fields of the kind (`KINDS[kind]`), written as texts.

    >>> raise Error("not-found", "the image does not say how large its pixels are", remedy="give the size
    yourself")
    """

    def __init__(self, kind: str, message: str, *, remedy: str | None = None, **details: object) -> None:
        if kind not in KINDS:
            raise ValueError(f"there is no kind of error {kind!r}; the kinds are: {', '.join(KINDS)}")
        unknown = sorted(set(details) - set(KINDS[kind]))
        if unknown:
            known = ", ".join(KINDS[kind]) or "none"
            raise ValueError(
                f"an error of kind {kind} has no detail {unknown[0]!r}; its details are: {known}"
            )
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.remedy = remedy
        self.details = {name: str(value) for name, value in details.items()}

    def to_wire(self) -> dict[str, object]:
        """The error as it travels."""
        wire: dict[str, object] = {"kind": self.kind, "message": self.message}
        if self.details:
            wire["details"] = self.details
        if self.remedy is not None:
            wire["remedy"] = self.remedy
        return wire


class Cancelled(Error):
    """The user or the host asked to stop. Raised by `Context.check_cancelled`; let it pass."""

    def __init__(self) -> None:
        super().__init__("cancelled", "stopped on request")


class ProtocolError(Exception):
    """The host sent what is no message of `worker/1`: the process ends. Not for authors."""


class Wire(dict[str, Any]):
    """An object of a message; a key that it lacks is the host's fault, not the operator's."""

    def __missing__(self, key: str) -> Any:
        raise Error("protocol", f"the host's message lacks `{key}`", raw=key)


def not_supported(what: str, *, remedy: str | None = None) -> Error:
    """The error of something that this operator does not do, named as its standard names it."""
    return Error("not-supported", f"not supported: {what}", remedy=remedy, what=what)
