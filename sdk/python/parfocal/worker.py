"""Answers the host's calls, one after the other, until the connection closes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from . import checked
from .context import Context, ControlPage
from .declare import describe
from .errors import Error, ProtocolError, Wire
from .failure import failure
from .framing import Channel, Closed, Message
from .geometry import Region
from .image import ImageSpec
from .memory import Memories
from .operator import Operator
from .plan import ConnectedInput, Plan
from .tables import Sink, value_from_wire
from .tile import SharedTile

PROTOCOL = ("1-draft.1",)
"""Versions of `worker` that this package speaks."""
INTERFACE = ("1-draft.2",)
"""Versions of the interface `operator` that it speaks."""

PARTIAL, CONCLUSION, STATE = "partial result", "conclusion", "state"
"""What bytes of an operator's own can be."""

Answer = tuple[Any, bytes]
"""What a call gives: the document of the answer, or `None`, and the body."""


class Worker:
    """A plugin at one end of a connection."""

    def __init__(
        self, channel: Channel, plugin: str, version: str, operators: Sequence[type[Operator]]
    ) -> None:
        self._channel = channel
        self._plugin, self._version = plugin, version
        self._classes = {operator.id: operator for operator in operators}
        self._descriptions = [describe(operator) for operator in operators]
        self._memories = Memories()
        self._instances: dict[int, Operator] = {}
        self._page: ControlPage | None = None
        self._calls = {
            "create": self._create,
            "destroy": self._destroy,
            "plan": self._plan,
            "required-input": self._required_input,
            "reset": self._reset,
            "run": self._run,
            "accumulate": self._accumulate,
            "merge": self._merge,
            "finish": self._finish,
            "conclude": self._conclude,
            "save": self._save,
            "load": self._load,
        }

    def serve(self) -> None:
        """Answers calls until the other side closes the connection.

        Raises:
            ProtocolError: when it sends what is no message of `worker/1`.
        """
        try:
            while True:
                message = self._channel.receive()
                try:
                    self._answer(message)
                finally:
                    message.close()
        except Closed:
            return

    def _answer(self, message: Message) -> None:
        try:
            number, call = message.text["id"], message.text["call"]
            ((name, wire),) = call.items()
            if type(number) is not int or not isinstance(wire, dict):
                raise TypeError("a request is a number and a call with an object")
            if name == "share":
                self._memories.share(wire["memory"], message.descriptors, wire["length"], wire["writable"])
                return
            if name == "forget":
                self._memories.forget(wire["memory"])
                return
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ProtocolError(f"the host sent what is no request of `worker/1`: {error!r}") from None
        try:
            document, body = self._call(name, Wire(wire), message)
            done: dict[str, Any] = {"id": number}
            if document is not None:
                done["answer"] = document
            self._channel.send({"done": done}, body)
        except (Closed, ProtocolError):
            raise
        except Exception as error:  # Whatever an operator raises is the call's failure, never the process's.
            self._channel.send({"failed": {"id": number, "error": failure(error)}})

    def _call(self, name: str, wire: Mapping[str, Any], message: Message) -> Answer:
        if name == "hello":
            return self._hello(wire, message), b""
        if self._page is None:
            raise ProtocolError(f"the host began with `{name}` instead of `hello`")
        answer = self._calls.get(name)
        if answer is None:
            raise Error(
                "not-supported", f"the host asks for `{name}`, which is no call of worker/1", what=name
            )
        cx = Context(wire.get("seed", 0), self._page, self._channel.send)
        try:
            return answer(wire, message.body, cx)
        finally:
            cx.close()

    def _hello(self, wire: Mapping[str, Any], message: Message) -> Any:
        if len(message.descriptors) != 1:
            raise ProtocolError("`hello` came without the descriptor of the control page")
        chosen = {}
        for what, spoken in (("worker", PROTOCOL), ("operator", INTERFACE)):
            offered = wire.get(what, [])
            both = [version for version in spoken if version in offered]
            if not both:
                have = ", ".join(f"{what}/{version}" for version in spoken)
                need = ", ".join(f"{what}/{version}" for version in offered) or "nothing"
                raise Error(
                    "incompatible",
                    f"the plugin's package `parfocal` speaks {have}, the host {need}",
                    remedy="build the plugin again with the SDK of this host",
                    have=have,
                    need=need,
                )
            chosen[what] = both[-1]
        self._page = ControlPage(message.descriptors[0])
        who = {"plugin": self._plugin, "version": self._version}
        return {"welcome": {**chosen, **who, "operators": self._descriptions}}

    def _create(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        name = wire["operator"]
        found = self._classes.get(name)
        if found is None:
            known = ", ".join(self._classes)
            raise Error(
                "not-found", f"{self._plugin} has no operator `{name}`", remedy=f"its operators are: {known}"
            )
        values = {key: value_from_wire(value) for key, value in wire["parameters"].items()}
        self._instances[wire["instance"]] = found.build(values)
        return None, b""

    def _destroy(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        self._instances.pop(wire["instance"], None)
        return None, b""

    def _plan(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        operator = self._instance(wire)
        operator.planned = None
        inputs = [ConnectedInput(each["port"], ImageSpec(each["spec"])) for each in wire["inputs"]]
        checked.inputs(type(operator), inputs)
        if inputs:
            operator.prepare(inputs[0].spec, cx)
        plan = operator.plan(inputs, cx)
        if not isinstance(plan, Plan):
            raise TypeError(f"`plan` returned {type(plan).__name__}, not a Plan")
        operator.planned = inputs
        return {"plan": plan.to_wire()}, b""

    def _required_input(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        regions = self._instance(wire).required_input(Region.from_wire(wire["core"]))
        return {"regions": [region.to_wire() for region in regions]}, b""

    def _reset(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        self._instance(wire).reset(cx)
        return None, b""

    def _run(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        self._work(wire, cx, "run")
        return None, b""

    def _accumulate(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        part = as_bytes(self._work(wire, cx, "accumulate"), "accumulate")
        return None, checked.seal(PARTIAL, self._instance(wire).id, part)

    def _work(self, wire: Mapping[str, Any], cx: Context, call: str) -> Any:
        operator = self._instance(wire)
        if operator.planned is None:
            raise Error(
                "bad-state", f"`{call}` before a plan that succeeded", need="planned", **{"is": "created"}
            )
        ports = [[port.name for port in ports] for ports in (operator.input_ports(), operator.output_ports())]
        shared = SharedTile(wire, self._memories, ports, cx)
        try:
            result = getattr(operator, call)(shared.tile, cx)
            if isinstance(result, memoryview):
                result = bytes(result)
        except BaseException:
            shared.close()
            raise
        if not shared.close():
            raise Error(
                "internal",
                f"the operator kept an array of its tile after `{call}`; "
                "the next call would change its pixels",
                remedy="keep a copy: `array.copy()`",
            )
        return result

    def _merge(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        left = wire["left"]
        if not 0 <= left <= len(body):
            raise Error(
                "protocol", f"the first of two partial results has {left} of {len(body)} bytes", raw=str(left)
            )
        operator = self._instance(wire)
        one, other = (checked.unseal(PARTIAL, operator.id, part) for part in (body[:left], body[left:]))
        joined = as_bytes(operator.merge(one, other, cx), "merge")
        return None, checked.seal(PARTIAL, operator.id, joined)

    def _finish(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        operator = self._instance(wire)
        total = checked.unseal(PARTIAL, operator.id, body)
        conclusion = operator.finish(total, Sink(operator.output_ports(), self._channel.send), cx)
        if conclusion is None:
            return None, b""
        return None, checked.seal(CONCLUSION, operator.id, as_bytes(conclusion, "finish"))

    def _conclude(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        operator = self._instance(wire)
        operator.conclude(checked.unseal(CONCLUSION, operator.id, body), cx)
        return None, b""

    def _save(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        operator = self._instance(wire)
        state = as_bytes(operator.save(cx), "save")
        # An operator without memory has an empty state, in every version and language.
        return None, checked.seal(STATE, operator.id, state) if state else b""

    def _load(self, wire: Mapping[str, Any], body: bytes, cx: Context) -> Answer:
        operator = self._instance(wire)
        operator.load(checked.unseal(STATE, operator.id, body) if body else b"", cx)
        return None, b""

    def _instance(self, wire: Mapping[str, Any]) -> Operator:
        number = wire["instance"]
        instance = self._instances.get(number)
        if instance is None:
            raise Error("protocol", f"there is no instance {number}", raw=f"instance {number}")
        return instance


def as_bytes(result: Any, call: str) -> bytes:
    """What an operator gave as bytes, if it is such."""
    if isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result)
    raise TypeError(f"`{call}` returned {type(result).__name__}, not bytes")


def flush() -> None:
    """What was printed reaches the host."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass


def leave(status: int) -> None:
    """Ends the process at once, whatever threads an operator left running."""
    flush()
    os._exit(status)
