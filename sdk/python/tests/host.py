"""A small host for tests: starts a plugin as the real one does, and speaks `worker/1` to it."""

from __future__ import annotations

import io
import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

PACKAGE = Path(__file__).resolve().parent.parent / "parfocal"
HEADER = struct.Struct("<4sIQ")
ID, VERSION = "org.example.test", "0.1.0"
SECONDS = 60
"""Longest wait for an answer: only a broken worker needs it."""


def packed(plugin: Path) -> bytes:
    """The plugin and the package in one archive, as `parfocal build` makes it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("__main__.py", 'from parfocal import start\nstart("plugin")\n')
        files.writestr("plugin.py", plugin.read_text())
        for path in sorted(PACKAGE.glob("*.py")):
            files.writestr(f"parfocal/{path.name}", path.read_text())
    return archive.getvalue()


class Failed(Exception):
    """The worker answered that a call failed."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.kind = error["kind"]
        self.details = error.get("details", {})
        self.remedy = error.get("remedy")


class Memory:
    """A piece of shared memory."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.descriptor = os.memfd_create("test")
        os.truncate(self.descriptor, length)
        self.bytes = mmap.mmap(self.descriptor, length)

    def array(self, shape: Sequence[int], dtype: str) -> numpy.ndarray:
        count = int(numpy.prod(shape))
        return numpy.frombuffer(self.bytes, dtype, count).reshape(shape)


class Host:
    """A started plugin at the other end of a connection. Use it in a `with` statement."""

    def __init__(self, plugin: Path, greet: bool = True) -> None:
        mine, its = socket.socketpair()
        mine.settimeout(SECONDS)
        code = os.memfd_create("plugin")
        os.write(code, packed(plugin))
        self.socket = mine
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", f"/proc/self/fd/{code}"],
            env={"PARFOCAL_WORKER": str(its.fileno())},
            pass_fds=[its.fileno(), code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        its.close()
        os.close(code)
        self.page = Memory(4096)
        self.notes: list[dict[str, Any]] = []
        self.body = b""
        self._number = 0
        self.welcome = self.hello() if greet else None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.process.kill()
        self.process.communicate()

    def hello(self, worker: Sequence[str] = ("1-draft.1",), operator: Sequence[str] = ("1-draft.2",)) -> Any:
        call = {"worker": list(worker), "operator": list(operator), "plugin": ID, "version": VERSION}
        return self.call("hello", call, descriptors=[self.page.descriptor])["welcome"]

    def send(self, text: Any, body: bytes = b"", descriptors: Sequence[int] = ()) -> None:
        words = text if isinstance(text, bytes) else json.dumps(text).encode()
        head = HEADER.pack(b"pfw1", len(words), len(body)) + words
        sent = socket.send_fds(self.socket, [head], list(descriptors)) if descriptors else 0
        self.socket.sendall(head[sent:] + body)

    def share(self, number: int, memory: Memory, writable: bool) -> None:
        self.tell(
            "share", {"memory": number, "length": memory.length, "writable": writable}, [memory.descriptor]
        )

    def tell(self, name: str, wire: Any, descriptors: Sequence[int] = ()) -> None:
        """Sends a call that has no answer."""
        self._number += 1
        self.send({"id": self._number, "call": {name: wire}}, b"", descriptors)

    def ask(self, name: str, wire: Any, body: bytes = b"", descriptors: Sequence[int] = ()) -> None:
        """Sends a call; `answer` waits."""
        self._number += 1
        self.send({"id": self._number, "call": {name: wire}}, body, descriptors)

    def call(self, name: str, wire: Any, body: bytes = b"", descriptors: Sequence[int] = ()) -> Any:
        self.ask(name, wire, body, descriptors)
        return self.answer()

    def answer(self) -> Any:
        """The answer to the last call; `body` and `notes` are what came with it."""
        self.notes = []
        while True:
            text, self.body = self.receive()
            if "done" in text:
                assert text["done"]["id"] == self._number, text
                return text["done"].get("answer")
            if "failed" in text:
                assert text["failed"]["id"] == self._number, text
                raise Failed(text["failed"]["error"])
            self.notes.append(text)

    def receive(self) -> tuple[Any, bytes]:
        magic, words, body = HEADER.unpack(self._exactly(HEADER.size))
        assert magic == b"pfw1"
        return json.loads(self._exactly(words)), self._exactly(body)

    def _exactly(self, count: int) -> bytes:
        whole = b""
        while len(whole) < count:
            piece = self.socket.recv(count - len(whole))
            if not piece:
                raise ConnectionError("the worker closed the connection")
            whole += piece
        return whole

    def create(self, operator: str, instance: int = 1, **parameters: Any) -> None:
        self.call("create", {"instance": instance, "operator": operator, "parameters": parameters})

    def plan(self, extent: Sequence[int], dtype: str = "u16", instance: int = 1) -> Any:
        wire = {"instance": instance, "seed": 0, "inputs": [{"port": 0, "spec": spec(extent, dtype)}]}
        return self.call("plan", wire)["plan"]

    def end(self) -> tuple[int, str]:
        """Closes the connection; how the process ended, and what it wrote on standard error."""
        self.socket.close()
        _, said = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said.decode()

    def died(self) -> tuple[int, str]:
        """As `end`, for a process that ends by itself."""
        _, said = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said.decode()


def spec(extent: Sequence[int], dtype: str) -> dict[str, Any]:
    """An image spec as it travels."""
    bits = {"u8": 8, "u16": 16, "f32": 32, "mask": 1}[dtype]
    return {
        "name": "cells",
        "extent": list(extent),
        "dtype": dtype,
        "significant_bits": bits,
        "pixel_size": {"x": 0.25, "y": 0.25},
        "channels": [{"name": "DAPI", "class": "measured", "supports": ["counting"]}] * extent[1],
    }


def region(extent: Sequence[int], origin: Sequence[int] = (0, 0, 0, 0, 0)) -> dict[str, Any]:
    return {"origin": list(origin), "extent": list(extent)}


def tile(
    extent: Sequence[int],
    dtype: str,
    memory: int,
    offset: int = 0,
    strides: Sequence[int] | None = None,
    port: int = 0,
) -> dict[str, Any]:
    """A tile as it travels: dense, unless `strides` (in pixels, along T C Z Y) says otherwise."""
    t, c, z, y, x = extent
    strides = list(strides or (c * z * y * x, z * y * x, y * x, x))
    last = sum((n - 1) * stride for n, stride in zip(extent, [*strides, 1])) + 1
    size = {"u8": 1, "mask": 1, "u16": 2, "f32": 4}[dtype]
    place = {"memory": memory, "offset": offset, "length": last * size}
    return {
        "port": port,
        "dtype": dtype,
        "region": region(extent),
        "strides": strides,
        "full": list(extent),
        **place,
    }


__all__ = ["Failed", "Host", "Memory", "region", "spec", "tile"]
