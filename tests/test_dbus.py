"""Questions over D-Bus: what is asked, what goes wrong, and that nothing waits for ever."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jeepney import Parser, new_error, new_method_return

from exporter import dbus
from exporter.dbus import MAX_AT_ONCE, Bus, Question, property_of, system_bus, value_of
from exporter.kernel import KernelTree, NoData
from tests.real_bus import start_bus
from tests.recorded_services import LOGIND, Recording

QUESTION = Question(LOGIND, "/org/freedesktop/login1", f"{LOGIND}.Manager", "ListSeats")
RECORDING = Recording({LOGIND: {"seats": ["seat0"], "sessions": []}})
SEATS = [("seat0", "/org/freedesktop/login1/seat/seat0")]


def test_answers_come_in_the_order_of_the_questions(tmp_path: Path) -> None:
    """Also when there are more than a bus lets wait, and some have no answer."""
    missing = property_of(LOGIND, QUESTION.path, f"{LOGIND}.Manager", "Missing")
    count = 2 * MAX_AT_ONCE + 1
    with start_bus(tmp_path, RECORDING) as path:
        bus = Bus(str(path))
        answers = bus.ask([QUESTION, missing] * count)
        bus.close()
        bus.close()
    assert answers == [(SEATS,), None] * count
    assert value_of(None) is None


def test_a_service_that_is_not_there_is_no_data(tmp_path: Path) -> None:
    """And none is started by being asked."""
    with (
        start_bus(tmp_path, RECORDING) as path,
        pytest.raises(NoData, match="not on the D-Bus system bus"),
    ):
        Bus(str(path)).ask([QUESTION._replace(service="org.example.Missing")])


def test_a_bus_that_was_restarted_is_found_again(tmp_path: Path) -> None:
    """The kept connection is replaced within the same question."""
    with start_bus(tmp_path, RECORDING) as path:
        bus = Bus(str(path))
        assert bus.ask([QUESTION]) == [(SEATS,)]
    with pytest.raises(NoData, match="no D-Bus system bus"):
        bus.ask([QUESTION])
    with start_bus(tmp_path, RECORDING):
        assert bus.ask([QUESTION]) == [(SEATS,)]
    with start_bus(tmp_path, RECORDING):
        assert bus.ask([QUESTION]) == [(SEATS,)]
        bus.close()


def test_a_host_without_a_bus_has_no_data(tmp_path: Path) -> None:
    """Neither one without the socket, nor one where nobody listens any more."""
    with pytest.raises(NoData, match="no D-Bus system bus"):
        Bus(str(tmp_path / "missing")).ask([QUESTION])
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(tmp_path / "left"))
    with pytest.raises(NoData, match="no D-Bus system bus"):
        Bus(str(tmp_path / "left")).ask([QUESTION])


def test_missing_rights_are_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root nothing is refused, so the socket is replaced."""

    class Refused(socket.socket):
        def connect(self, _: object) -> None:
            raise PermissionError

    monkeypatch.setattr(socket, "socket", Refused)
    with pytest.raises(NoData, match="no rights"):
        Bus("/bus").ask([QUESTION])


def test_without_the_library_there_is_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason says how to get it."""
    monkeypatch.setitem(sys.modules, "jeepney.auth", None)
    with pytest.raises(NoData, match="pip install jeepney"):
        Bus("/bus").ask([QUESTION])


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("", "/host/run/dbus/system_bus_socket"),
        ("unix:path=/run/bus,guid=0", "/run/bus"),
        ("unix:abstract=/tmp/bus", "\0/tmp/bus"),
        ("tcp:host=a,port=1;unix:path=/run/bus", "/run/bus"),
        ("tcp:host=a,port=1;unix:dir=/tmp", "/host/run/dbus/system_bus_socket"),
    ],
)
def test_the_system_bus_is_the_hosts(
    address: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the environment names another."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    assert system_bus(KernelTree(rootfs="/host"))._path == path


@contextmanager
def serve(folder: Path, talk: Callable[[socket.socket], object]) -> Iterator[Bus]:
    """Give a private socket behind which a service talks its own way."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "private"))
        listener.listen()

        def accept() -> None:
            with listener.accept()[0] as client:
                talk(client)

        thread = threading.Thread(target=accept)
        thread.start()
        bus = Bus(str(folder / "private"), private=True)
        try:
            yield bus
        finally:
            bus.close()
            thread.join(10)


def authenticate(client: socket.socket) -> None:
    """Let a client in."""
    said = b""
    while not said.endswith(b"\r\n"):
        said += client.recv(1024)
    client.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")


def read_until_closed(client: socket.socket) -> None:
    """Listen, and say nothing."""
    while client.recv(1024):
        pass


def test_a_private_socket_is_asked_without_hello(tmp_path: Path) -> None:
    """What comes before the answer, or is no answer, is passed over."""

    def talk(client: socket.socket) -> None:
        authenticate(client)
        parser = Parser()
        data = client.recv(4096).removeprefix(b"BEGIN\r\n")
        (question,) = parser.feed(data or client.recv(4096))
        answer = new_method_return(question, "s", ("yes",)).serialise(serial=1)
        question.header.serial = 4711
        other = new_error(question, "org.example.Other").serialise(serial=2)
        client.sendall(other + answer[:10])
        client.sendall(answer[10:])
        read_until_closed(client)

    with serve(tmp_path, talk) as bus:
        assert bus.ask([QUESTION]) == [("yes",)]


def test_a_bus_that_says_nothing_is_left_after_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the answers, and before it has let us in."""
    monkeypatch.setattr(dbus, "DEADLINE_SECONDS", 0.05)

    def talk(client: socket.socket) -> None:
        authenticate(client)
        read_until_closed(client)

    late = pytest.raises(TimeoutError, match="D-Bus has not answered in time")
    with serve(tmp_path, talk) as bus, late:
        bus.ask([QUESTION])
    (tmp_path / "private").unlink()
    with serve(tmp_path, read_until_closed) as bus, late:
        bus.ask([QUESTION])


def test_a_deadline_that_is_over_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that comes too late is not sent."""
    monkeypatch.setattr(dbus, "DEADLINE_SECONDS", -1.0)
    with pytest.raises(TimeoutError, match="not answered in time"):
        Bus(str(tmp_path / "bus")).ask([QUESTION])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (b"", ConnectionError),
        (b"l\2\1\1" + bytes(4) + b"\1\0\0\0" + b"\xff" * 40, ValueError),
        (b"x" * 64, ValueError),
        (b"l\2\1\1" + b"\0\0\0\7" + b"\1\0\0\0" + bytes(40), ValueError),
    ],
    ids=["nothing", "a broken head", "no D-Bus", "too much"],
)
def test_what_is_no_dbus_is_an_error(words: bytes, error: type[Exception], tmp_path: Path) -> None:
    """And the connection is given up."""

    def talk(client: socket.socket) -> None:
        authenticate(client)
        client.recv(4096)
        client.sendall(words)
        client.shutdown(socket.SHUT_WR)
        read_until_closed(client)

    with serve(tmp_path, talk) as bus:
        with pytest.raises(error):
            bus.ask([QUESTION])
        assert bus._connection is None


def test_a_refused_name_is_an_error(tmp_path: Path) -> None:
    """The library says what the other side said."""

    def talk(client: socket.socket) -> None:
        client.recv(1024)
        client.sendall(b"REJECTED EXTERNAL\r\n")
        read_until_closed(client)

    with serve(tmp_path, talk) as bus, pytest.raises(ValueError, match="REJECTED"):
        bus.ask([QUESTION])
