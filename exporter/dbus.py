"""Questions to services over D-Bus: many at once, each batch within a deadline.

The library jeepney (the extra `systemd`) makes and reads the messages; the socket is ours, so that
nothing waits longer than the deadline and a batch of questions costs one round trip. Only
questions are asked: nothing is changed, and no service is started by being asked.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from itertools import count
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeAlias

from exporter.kernel import KernelTree, NoData

DEADLINE_SECONDS = 2.0

MAX_AT_ONCE = 64
"""A bus lets 128 questions of a connection wait for their answers."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024

PROPERTIES = "org.freedesktop.DBus.Properties"

_NOBODY = frozenset(
    {
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.ServiceUnknown",
    }
)

Answer: TypeAlias = tuple[Any, ...] | None
"""What a method returns; None for an error: no such object or property, or no right to ask."""


class Question(NamedTuple):
    """A method call; its arguments are texts."""

    service: str
    path: str
    interface: str
    method: str
    arguments: tuple[str, ...] = ()


_HELLO = Question("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
"""With it a bus gives a connection its name; before it answers nothing else."""


def property_of(service: str, path: str, interface: str, name: str) -> Question:
    """Ask for a property of an object."""
    return Question(service, path, PROPERTIES, "Get", (interface, name))


def value_of(answer: Answer) -> Any:
    """Give the value of a property, None when there is none."""
    return None if answer is None else answer[0][1]


class Asks(Protocol):
    """What is used of a bus."""

    def ask(self, questions: Iterable[Question]) -> list[Answer]:
        """Put questions and give the answers in their order."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Bus:
    """The system bus, or a service's own socket. Its connection is kept."""

    def __init__(self, path: str, *, private: bool = False) -> None:
        """`private` is a socket behind which there is a service and no bus.

        An absolute path, or one that begins with a zero byte for an abstract socket.
        """
        self._path = path
        self._private = private
        self._connection: _Connection | None = None

    def ask(self, questions: Iterable[Question]) -> list[Answer]:
        """Put questions and give the answers in their order.

        Raises NoData when there is nobody to ask, TimeoutError and other OSError when the bus
        fails, ValueError when it does not speak D-Bus.
        """
        deadline = monotonic() + DEADLINE_SECONDS
        questions = tuple(questions)
        try:
            return self._connect_and_ask(questions, deadline)
        except TimeoutError as error:  # of the socket, or of our own
            raise TimeoutError(
                f"D-Bus has not answered in time ({DEADLINE_SECONDS:g} s): is the service, or the "
                f"bus behind {self._path!r}, busy or stuck? See systemctl status dbus"
            ) from error

    def close(self) -> None:
        """Give the connection back; the next question opens another."""
        if self._connection is not None:
            self._connection.socket.close()
            self._connection = None

    def _connect_and_ask(self, questions: Sequence[Question], deadline: float) -> list[Answer]:
        if self._connection is not None:
            try:
                return self._ask(self._connection, questions, deadline)
            except ConnectionError:  # the bus has been restarted since
                pass
        self._connection = _connect(self._path, deadline, private=self._private)
        return self._ask(self._connection, questions, deadline)

    def _ask(
        self, connection: _Connection, questions: Sequence[Question], deadline: float
    ) -> list[Answer]:
        answers: list[Answer] = []
        try:
            for first in range(0, len(questions), MAX_AT_ONCE):
                batch = questions[first : first + MAX_AT_ONCE]
                answers += connection.ask(batch, deadline)
        except BaseException:
            # What is half read, or comes late, belongs to no later question.
            self.close()
            raise
        return answers


def system_bus(kernel: KernelTree) -> Bus:
    """Find the host's system bus; the environment may name another."""
    address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "")
    for part in address.split(";"):
        transport, _, rest = part.partition(":")
        pairs = dict(pair.partition("=")[::2] for pair in rest.split(","))
        if transport == "unix" and "path" in pairs:
            return Bus(pairs["path"])
        if transport == "unix" and "abstract" in pairs:
            return Bus("\0" + pairs["abstract"])
    return Bus(kernel.on_host("/run/dbus/system_bus_socket"))


class _Connection:
    """An open connection whose other side has accepted us."""

    def __init__(self, opened: socket.socket) -> None:
        from jeepney import Parser

        self.socket = opened
        self._parser = Parser()
        self._serials = count(1)

    def ask(self, questions: Sequence[Question], deadline: float) -> list[Answer]:
        """Send all, then wait for all answers."""
        waiting: dict[int, int] = {}
        messages = []
        for position, question in enumerate(questions):
            serial = next(self._serials)
            waiting[serial] = position
            messages.append(_encode(question, serial))
        self.limit(deadline)
        self.socket.sendall(b"".join(messages))
        answers: list[Answer] = [None] * len(questions)
        while waiting:
            serial, answer = self._receive(deadline)
            position = waiting.pop(serial, -1)
            if position >= 0:
                answers[position] = answer
        return answers

    def _receive(self, deadline: float) -> tuple[int, Answer]:
        """Wait for a message: what it answers (0: nothing), and how."""
        from jeepney import HeaderFields, MessageType

        try:
            message = self._wait_for_message(deadline)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            raise ValueError(f"not a D-Bus message: {type(error).__name__}: {error}") from error
        fields = message.header.fields
        serial = int(fields.get(HeaderFields.reply_serial, 0))
        if message.header.message_type is not MessageType.error:
            return serial, message.body
        if fields.get(HeaderFields.error_name) in _NOBODY:
            raise NoData("the service is not on the D-Bus system bus")
        return serial, None

    def _wait_for_message(self, deadline: float) -> Any:
        while (message := self._parser.get_next_message()) is None:
            if self._parser.bytes_desired() > MAX_MESSAGE_BYTES:
                raise ValueError("larger than 16 MiB")
            self.limit(deadline)
            self._parser.add_data(self.receive_some())
        return message

    def receive_some(self) -> bytes:
        """Wait for some bytes."""
        received = self.socket.recv(65_536)
        if not received:
            raise ConnectionResetError("the bus has closed the connection")
        return received

    def limit(self, deadline: float) -> None:
        """Let nothing wait beyond a moment. Raises TimeoutError when it is over."""
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the bus has not answered in time")
        self.socket.settimeout(left)


def _encode(question: Question, serial: int) -> bytes:
    from jeepney import DBusAddress, MessageFlag, new_method_call

    target = DBusAddress(question.path, question.service, question.interface)
    signature = "s" * len(question.arguments) or None
    message = new_method_call(target, question.method, signature, question.arguments)
    message.header.flags |= MessageFlag.no_auto_start
    encoded: bytes = message.serialise(serial=serial)
    return encoded


def _connect(path: str, deadline: float, *, private: bool) -> _Connection:
    try:
        from jeepney.auth import BEGIN, Authenticator
    except ImportError as error:
        raise NoData(
            "the library jeepney (the extra systemd) is not installed: pip install jeepney"
        ) from error
    opened = socket.socket(socket.AF_UNIX)
    connection = _Connection(opened)
    try:
        connection.limit(deadline)
        try:
            opened.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NoData("this host has no D-Bus system bus") from error
        except PermissionError as error:
            raise NoData("no rights to connect to D-Bus") from error
        opened.sendall(b"\0")
        conversation = Authenticator(inc_null_byte=False)
        for line in conversation:
            connection.limit(deadline)
            opened.sendall(line)
            conversation.feed(connection.receive_some())
        opened.sendall(BEGIN)
        if not private:
            connection.ask([_HELLO], deadline)
    except BaseException:
        opened.close()
        raise
    return connection
