"""Calls of methods, properties and globals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.iris.double import wire
from tests.iris.double.faults import RELEASE, send
from tests.iris.double.hooks import Reference, ServerError, SqlError, User, WithOutputs
from tests.iris.double.link import Link, Message, Request, frames

if TYPE_CHECKING:
    from tests.iris.double.server import Double

NATIVE = b"\xc2"
"""The second byte of the code of every request here; the first is 0x40 and the number."""
GOOD = 0xCA00
FAILED = GOOD + 5002
ABSENT_NODE = GOOD + 1009

GET, SET, KILL, ORDER, DATA = 1, 2, 3, 5, 9
CLASS_VALUE, CLASS_VOID, OBJECT_VALUE, OBJECT_VOID = 11, 12, 27, 28
PROPERTY_GET, PROPERTY_SET = 29, 30
NAMES = {GET: "get", SET: "set", KILL: "kill", ORDER: "order", DATA: "data"}
WITH_VALUE, BACKWARDS = 1, 4
"""Flags of $ORDER."""

Act = Callable[[], bytes]


class _AbsentNodeError(Exception):
    """There is no such node: a status of its own, without a text."""


class Native:
    """The native half of one logged-in connection, with its objects."""

    def __init__(self, double: Double, link: Link, user: User) -> None:
        self._double = double
        self._instance = double.instance
        self._link = link
        self._user = user
        self._objects: dict[str, Reference] = {}
        self._last_object = 0

    def answer(self, message: Message) -> None:
        """Do what is asked and send the answer."""
        request, act = self._understand(message.code[0] - 0x40, wire.decode_all(message.body))
        trouble = self._double.begin(request)
        try:
            if isinstance(trouble, ServerError | SqlError):
                raise trouble
            body, status = act(), GOOD
        except (ServerError, SqlError) as error:
            body, status = wire.encode(str(error)), FAILED
        except _AbsentNodeError:
            body, status = b"", ABSENT_NODE
        send(trouble, self._link, frames(message, body, status))

    def _understand(self, function: int, words: list[Any]) -> tuple[Request, Act]:
        if function in NAMES:
            return self._global(function, words)
        if function in {CLASS_VALUE, CLASS_VOID, OBJECT_VALUE, OBJECT_VOID}:
            return self._method(function, words)
        if function in {PROPERTY_GET, PROPERTY_SET}:
            return self._property(words)
        request = Request("routine", "", "", tuple(words))
        return request, self._refused

    def _refused(self) -> bytes:
        """Refuse what no current server offers (function, procedure) and what we never use."""
        raise ServerError("<FUNCTION> the Native API of this server does not offer this call")

    def _method(self, function: int, words: list[Any]) -> tuple[Request, Act]:
        target, method, _, *sent = words
        arguments = [self._incoming(word) for word in sent]
        of_class = function in {CLASS_VALUE, CLASS_VOID}
        name = target if of_class else self._class_name(target)

        def act() -> bytes:
            result: Any = None
            if of_class and method == RELEASE:
                self._release(arguments[0])
            elif of_class:
                result = self._instance.class_method(self._user, target, method, arguments)
            else:
                found = self._object(target)
                result = self._instance.object_method(self._user, found, method, arguments)
            value, outputs = result if isinstance(result, WithOutputs) else (result, ())
            void = function in {CLASS_VOID, OBJECT_VOID}
            body = b"" if void else wire.encode(self._outgoing(value))
            return body + self._by_reference(sent, outputs)

        kind = "class_method" if of_class else "object_method"
        return Request(kind, name, method, tuple(arguments)), act

    def _by_reference(self, sent: list[Any], outputs: Any) -> bytes:
        """Give back each by-reference argument; what the method has not set is as it came."""
        references = [word for word in sent if isinstance(word, wire.ByReference)]
        left = [reference.value for reference in references[len(outputs) :]]
        given = [self._outgoing(value) for value in outputs[: len(references)]]
        return wire.encode_all([*given, *left])

    def _property(self, words: list[Any]) -> tuple[Request, Act]:
        target, name, *values = words
        class_name = self._class_name(target)
        if not values:
            request = Request("property_get", class_name, name, ())
            return request, lambda: wire.encode(
                self._outgoing(self._instance.property_get(self._user, self._object(target), name))
            )
        value = self._incoming(values[0])

        def act() -> bytes:
            self._instance.property_set(self._user, self._object(target), name, value)
            return b""

        return Request("property_set", class_name, name, (value,)), act

    def _global(self, function: int, words: list[Any]) -> tuple[Request, Act]:
        name, count, *rest = words
        name = name.removeprefix("^")
        subscripts, more = rest[:count], rest[count:]
        request = Request(NAMES[function], name, "", tuple(rest))
        where = (self._user, name, subscripts)
        instance = self._instance

        def get() -> bytes:
            if (value := instance.global_get(*where)) is None:
                raise _AbsentNodeError
            return wire.encode(value)

        def change() -> bytes:
            if function == SET:
                instance.global_set(*where, more[0])
            else:
                instance.global_kill(*where)
            return b""

        def order() -> bytes:
            found = instance.global_order(*where, -1 if more[0] & BACKWARDS else 1)
            wants_value = more[0] & WITH_VALUE
            pair = (None, None) if found is None else found
            return wire.encode_all(pair if wants_value else pair[:1])

        acts: dict[int, Act] = {GET: get, SET: change, KILL: change, ORDER: order}
        return request, acts.get(function, lambda: wire.encode(instance.global_data(*where)))

    def _incoming(self, word: Any) -> Any:
        if isinstance(word, wire.ByReference):
            return self._incoming(word.value)
        if isinstance(word, wire.ObjectNumber):
            return self._object(word)
        return None if word is wire.UNDEFINED else word

    def _outgoing(self, value: Any) -> Any:
        if not isinstance(value, Reference):
            return value
        self._last_object += 1
        number = str(self._last_object)
        self._objects[number] = value
        return wire.ObjectNumber(f"{number}@{value.class_name}")

    def _object(self, number: str) -> Any:
        if number not in self._objects:
            raise ServerError("<INVALID OREF>")
        return self._objects[number].object

    def _class_name(self, number: str) -> str:
        return self._objects[number].class_name if number in self._objects else ""

    def _release(self, numbers: str) -> None:
        """Forget objects: `,7,8`."""
        for number in numbers.split(","):
            self._objects.pop(number, None)
