"""Shared memory: mapped once, looked at in place, and not writable between calls.

Why pages are protected: an array that outlives its call, or a thread that goes on, must not change a result
that the host has read. Output pages are writable from the start of the call that they are handed to until
just before its answer; then they are read-only for this whole process (`mprotect`), and whoever writes late
dies with SIGSEGV.

Measured for 8 MiB: a copy into a mapping that stays as it is 0.5 ms, between two `mprotect` 0.7 to 0.9 ms,
into a mapping that is made for the call 3.6 to 4.3 ms (a page fault for every 4 KiB), which arrays that are
still alive would forbid besides.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import weakref
from typing import Any

from .errors import Error, ProtocolError

PAGE = mmap.PAGESIZE

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Memory:
    """One piece of memory that the host shares."""

    def __init__(self, descriptor: int, length: int, writable: bool) -> None:
        """Maps it. `length` in bytes; the descriptor stays the caller's."""
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        self.length = length
        self.writable = writable
        self._map = mmap.mmap(descriptor, length, flags=mmap.MAP_SHARED, prot=protection)
        if writable:
            first = ctypes.c_char.from_buffer(self._map)
            self._address = ctypes.addressof(first)
            del first
            self._protect(0, length, mmap.PROT_READ)

    def check(self, offset: int, length: int) -> None:
        """Raises `Error` of kind `protocol` unless the piece lies inside."""
        if offset < 0 or length < 0 or offset + length > self.length:
            raise Error(
                "protocol",
                f"a tile of {length} bytes at {offset} does not lie in memory of {self.length} bytes",
                raw=f"offset {offset}, length {length}",
            )

    def view(self, offset: int, length: int, writable: bool) -> memoryview:
        """The bytes from `offset` on. A writable view makes its pages writable, until `seal`."""
        self.check(offset, length)
        if writable and not self.writable:
            raise Error(
                "protocol", "an output lies in memory that was shared read-only", raw=f"offset {offset}"
            )
        if writable:
            self._protect(offset, length, mmap.PROT_READ | mmap.PROT_WRITE)
        whole = memoryview(self._map)
        piece = whole[offset : offset + length]
        whole.release()
        return piece if writable else piece.toreadonly()

    def seal(self, offset: int, length: int) -> None:
        """Nothing in this process can write to the pages of this piece any more."""
        self._protect(offset, length, mmap.PROT_READ)

    def close(self) -> None:
        """Unmaps it. Where an array still looks at it, it goes with the array."""
        try:
            self._map.close()
        except BufferError:
            pass

    def _protect(self, offset: int, length: int, protection: int) -> None:
        start = offset - offset % PAGE
        end = -(-(offset + length) // PAGE) * PAGE
        if end > start and _libc.mprotect(self._address + start, end - start, protection):
            number = ctypes.get_errno()
            raise OSError(number, f"the protection of shared memory cannot be changed: {os.strerror(number)}")


class Memories:
    """All memory that the host shares, by number."""

    def __init__(self) -> None:
        self._known: dict[int, Memory | Exception] = {}

    def share(self, number: int, descriptors: list[int], length: int, writable: bool) -> None:
        """Maps memory. What goes wrong is told by the first call that refers to it: sharing has no answer."""
        if len(descriptors) != 1 or number in self._known:
            raise ProtocolError(f"memory {number} was shared with {len(descriptors)} descriptors, or twice")
        try:
            self._known[number] = Memory(descriptors[0], length, writable)
        except (OSError, ValueError) as error:
            self._known[number] = error

    def forget(self, number: int) -> None:
        """Unmaps memory."""
        memory = self._known.pop(number, None)
        if isinstance(memory, Memory):
            memory.close()

    def get(self, number: int) -> Memory:
        """The memory of this number."""
        memory = self._known.get(number)
        if isinstance(memory, Exception):
            raise Error("internal", f"memory {number} could not be mapped: {memory}")
        if memory is None:
            raise Error("protocol", f"memory {number} was not shared", raw=f"memory {number}")
        return memory


def are_gone(references: list[weakref.ref[Any]]) -> bool:
    """Whether all of these arrays, and with them all views of them, are gone."""
    if any(reference() is not None for reference in references):
        gc.collect()  # Arrays in a reference cycle, such as a kept exception, are no fault of the author's.
    return all(reference() is None for reference in references)
