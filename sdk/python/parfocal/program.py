"""Runs a plugin as the program that the host starts."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NamedTuple

from .declare import describe
from .errors import ProtocolError
from .framing import Channel
from .operator import Operator
from .worker import INTERFACE, Worker, leave

VARIABLE = "PARFOCAL_WORKER"
"""The environment variable with the number of the connection's descriptor."""


class Plugin(NamedTuple):
    """What `serve` was told."""

    id: str
    version: str
    operators: Sequence[type[Operator]]


_served: list[Plugin] = []


def serve(plugin: str, version: str, operators: Sequence[type[Operator]]) -> None:
    """Says what the plugin is: the last line of `plugin.py`.

    In the program that `parfocal build` makes, the host's calls are answered then, until the host closes the
    connection. A test that imports the module goes on.

    Args:
        plugin: the id in `plugin.toml`.
        version: the version in `plugin.toml`.
    """
    _served[:] = [Plugin(plugin, version, operators)]
    if sys._getframe(1).f_globals.get("__name__") == "__main__":
        run(_served[0])


def start(module: str) -> None:
    """Runs the module that `parfocal build` packed; the last line of `__main__.py`.

    Numerical libraries get one thread: the host runs as many processes as there is work for, and sums do not
    depend on the number of processors.
    """
    for library in ("OPENBLAS", "OMP", "MKL", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    importlib.import_module(module)
    if not _served:
        sys.exit(
            f'{module}.py does not say what it has: end it with `serve("<id>", "<version>", [<operators>])`'
        )
    run(_served[0])


def run(plugin: Plugin) -> None:
    """Answers the host's calls, and ends the process. With `--describe` prints what the operators declare
    instead."""
    try:
        descriptions = [describe(operator) for operator in plugin.operators]
    except ValueError as error:
        sys.exit(str(error))
    if "--describe" in sys.argv[1:]:
        about = {"plugin": plugin.id, "version": plugin.version}
        interfaces = [f"operator/{version}" for version in INTERFACE]
        print(json.dumps({**about, "interfaces": interfaces, "operators": descriptions}, ensure_ascii=False))
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the host too, which then asks to stop.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        connection = socket.socket(fileno=int(os.environ.pop(VARIABLE)))
    except (KeyError, ValueError, OSError):
        sys.exit(
            f"{plugin.id} is a plugin of Parfocal, which starts it itself: build it with `parfocal build`, "
            "then use `parfocal run`; `--describe` prints what it has"
        )
    try:
        Worker(Channel(connection), *plugin).serve()
    except ProtocolError as error:
        print(f"parfocal: {error}", file=sys.stderr)
        leave(1)
    leave(0)
