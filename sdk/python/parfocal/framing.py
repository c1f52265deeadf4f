"""Messages with bodies and descriptors over a unix stream socket.

A message is a header of 16 bytes (`pfw1`, the length of the text as `u32`, the length of the body as `u64`,
little-endian), the text (JSON), and the body. Descriptors travel with the header's first byte.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from typing import Any, NamedTuple

from .errors import ProtocolError

MAGIC = b"pfw1"
HEADER = struct.Struct("<4sIQ")
LONGEST_TEXT = 64 << 20
LONGEST_BODY = 4 << 30
MOST_DESCRIPTORS = 4
PIECE = 1 << 20
"""Bytes made room for at once: a lying header costs no more."""


class Closed(Exception):
    """The other side is gone."""


class Message(NamedTuple):
    """A message as it came. The descriptors are the receiver's to close."""

    text: Any
    body: bytes
    descriptors: list[int]

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


class Channel:
    """One end of the connection. Any thread may send; one receives."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        self._socket = connection
        self._lock = threading.Lock()

    def send(self, text: Any, body: bytes = b"", descriptors: list[int] | None = None) -> None:
        """Sends a message.

        Raises:
            Closed: when the other side is gone.
            ValueError: for a message that is too long, or numbers that JSON lacks.
        """
        encoded = json.dumps(text, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        words = encoded.encode("utf-8", "backslashreplace")
        if len(words) > LONGEST_TEXT or len(body) > LONGEST_BODY:
            raise ValueError(
                f"a message of {len(words)} bytes and {len(body)} more is longer than the protocol allows"
            )
        head = HEADER.pack(MAGIC, len(words), len(body)) + words
        try:
            with self._lock:
                sent = socket.send_fds(self._socket, [head], descriptors) if descriptors else 0
                self._socket.sendall(memoryview(head)[sent:])
                if body:
                    self._socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def receive(self) -> Message:
        """Receives a message.

        Raises:
            Closed: when the other side is gone.
            ProtocolError: for bytes that are no message.
        """
        descriptors: list[int] = []
        try:
            header = self._header(descriptors)
            magic, words, body = HEADER.unpack(header)
            if magic != MAGIC or words > LONGEST_TEXT or body > LONGEST_BODY:
                raise ProtocolError(
                    f"the host sent bytes that are no message of `worker/1`: {header.hex(' ')}"
                )
            text = self._exactly(words)
            try:
                decoded = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise ProtocolError(f"the host sent a text that is no JSON: {error}") from None
            return Message(decoded, self._exactly(body), descriptors)
        except ConnectionResetError:
            raise Closed from None

    def _header(self, descriptors: list[int]) -> bytes:
        header = b""
        while len(header) < HEADER.size:
            piece, came, flags, _ = socket.recv_fds(
                self._socket, HEADER.size - len(header), MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
            descriptors.extend(came)
            if not piece:
                if header:
                    raise ProtocolError("the connection ended in the middle of a message")
                raise Closed
            if flags & socket.MSG_CTRUNC:
                raise ProtocolError(f"the host sent more than {MOST_DESCRIPTORS} descriptors at once")
            header += piece
        return header

    def _exactly(self, count: int) -> bytes:
        if count <= PIECE:
            return bytes(self._piece(count))
        whole = bytearray()
        while len(whole) < count:
            whole += self._piece(min(PIECE, count - len(whole)))
        return bytes(whole)

    def _piece(self, count: int) -> bytearray:
        piece = bytearray(count)
        left = memoryview(piece)
        while left:
            got = self._socket.recv_into(left)
            if not got:
                raise ProtocolError("the connection ended in the middle of a message")
            left = left[got:]
        return piece
