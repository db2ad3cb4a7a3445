"""Services of D-Bus with recorded answers: asked directly, or behind a real dbus-daemon."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from exporter.dbus import PROPERTIES, Answer, Question
from exporter.kernel import NoData

SYSTEMD = "org.freedesktop.systemd1"
LOGIND = "org.freedesktop.login1"

UNITS = "a(ssssssouso)"
SEATS = "a(so)"
SESSIONS = "a(susso)"


class Reply(NamedTuple):
    """What a service sends back."""

    signature: str
    body: tuple[Any, ...]


class Recording:
    """What the services of a host said: a file `dbus.json`, or the same as data.

    By service: the properties of its manager, and of its units or sessions, each as signature and
    value.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        """May be changed by a test, as a service changes."""

    @classmethod
    def of_host(cls, host: Path) -> Recording:
        """Read a host's file; without one nobody is there to be asked."""
        file = host / "dbus.json"
        return cls(json.loads(file.read_text()) if file.is_file() else {})

    def reply(self, question: Question) -> Reply | None:
        """Answer a question; None is an error."""
        service = self.content[question.service]
        if question.interface == PROPERTIES:
            interface, name = question.arguments
            found = self._properties(question.service, question.path).get(
                f"{interface.removeprefix(question.service)[1:]}.{name}"
            )
            return None if found is None else Reply("v", (tuple(found),))
        lists = {
            "ListUnits": (UNITS, self._units),
            "ListSeats": (SEATS, self._seats),
            "ListSessions": (SESSIONS, self._sessions),
        }
        signature, rows = lists[question.method]
        if question.method in service.get("refused", ()):
            return None
        return Reply(signature, (rows(service),))

    def _properties(self, service: str, path: str) -> Mapping[str, Any]:
        content = self.content[service]
        every = [*content.get("units", ()), *content.get("sessions", ())]
        found = {path_of(service, one): one["properties"] for one in every}
        found[f"/{service.replace('.', '/')}"] = content.get("manager", {})
        properties: Mapping[str, Any] = found.get(path, {})
        return properties

    def _units(self, service: Mapping[str, Any]) -> list[Any]:
        return [
            (
                unit["name"],
                f"The unit {unit['name']}",
                unit.get("load", "loaded"),
                unit["active"],
                "running",
                "",
                path_of(SYSTEMD, unit),
                0,
                "",
                "/",
            )
            for unit in service["units"]
        ]

    def _seats(self, service: Mapping[str, Any]) -> list[Any]:
        return [(seat, f"/org/freedesktop/login1/seat/{seat}") for seat in service["seats"]]

    def _sessions(self, service: Mapping[str, Any]) -> list[Any]:
        return [
            (one["name"], 1000, "user1", one["seat"], path_of(LOGIND, one))
            for one in service["sessions"]
        ]


def path_of(service: str, one: Mapping[str, Any]) -> str:
    """Name the object of a unit or session as systemd does."""
    kind = "unit" if service == SYSTEMD else "session"
    name = "".join(c if c.isalnum() else f"_{ord(c):02x}" for c in one["name"])
    return f"/{service.replace('.', '/')}/{kind}/{name}"


class RecordedBus:
    """A bus without a wire: for the golden tests."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.batches: list[int] = []
        """How many questions came at a time."""

    def ask(self, questions: Iterable[Question]) -> list[Answer]:
        """Answer from the recording."""
        questions = tuple(questions)
        self.batches.append(len(questions))
        if any(question.service not in self._recording.content for question in questions):
            raise NoData("the service is not on the D-Bus system bus")
        replies = [self._recording.reply(question) for question in questions]
        return [None if reply is None else reply.body for reply in replies]

    def close(self) -> None:
        """Nothing is open."""


class BusService:
    """The recorded services behind a real bus, until the bus ends."""

    def __init__(self, address: str, recording: Recording) -> None:
        from jeepney.io.blocking import open_dbus_connection

        self._recording = recording
        self._connection = open_dbus_connection(address)
        self._own_names()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the bus has ended."""
        self._thread.join(10)
        self._connection.close()

    def _own_names(self) -> None:
        from jeepney import message_bus

        for name in self._recording.content:
            reply = self._connection.send_and_get_reply(message_bus.RequestName(name), timeout=10)
            assert reply.body == (1,)

    def _serve(self) -> None:
        from jeepney import MessageType

        while True:
            try:
                message = self._connection.receive()
            except OSError:  # the bus has ended
                return
            if message.header.message_type is MessageType.method_call:
                self._connection.send(self._answer(message))

    def _answer(self, message: Any) -> Any:
        from jeepney import HeaderFields, new_error, new_method_return

        fields = message.header.fields
        question = Question(
            fields[HeaderFields.destination],
            fields[HeaderFields.path],
            fields[HeaderFields.interface],
            fields[HeaderFields.member],
            message.body,
        )
        reply = self._recording.reply(question)
        if reply is None:
            return new_error(message, "org.freedesktop.DBus.Error.UnknownProperty", "s", ("no",))
        return new_method_return(message, *reply)
