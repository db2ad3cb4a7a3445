"""The double as a server: who gets in, restarts, TLS, and what is left when it is closed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import iris
import pytest

from exporter.iris.access.connection import Secret, Tls
from exporter.iris.access.errors import IrisError
from exporter.iris.access.session import Session
from tests.iris.double import wire
from tests.iris.double.faults import HTTP, Hang
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.driver import connect
from tests.perf.running import open_descriptors
from tests.tls import Issuer


@pytest.fixture
def instance() -> Scripted:
    """Says who asks."""
    instance = Scripted()
    instance.methods["Test", "User"] = lambda user: f"{user.name} {user.namespace} {user.token}"
    return instance


@pytest.fixture
def double(instance: Scripted) -> Iterator[Double]:
    """Of that instance."""
    with Double(instance) as double:
        yield double


def who(connection: Any) -> str:
    """Ask the server who this is."""
    name: str = iris.createIRIS(connection).classMethodValue("Test", "User")
    return name


def test_many_are_served_at_once(double: Double) -> None:
    """Each with its own user's name and namespace; each goes when it logs off."""
    connections = [connect(double, namespace=space) for space in ("%SYS", "USER", "%SYS")]
    assert [who(connection) for connection in connections] == [
        "watcher %SYS ",
        "watcher USER ",
        "watcher %SYS ",
    ]
    assert (double.logins, double.accepted, double.open_connections) == (3, 3, 3)
    for connection in connections:
        connection.close()
    double.wait_for(lambda: double.open_connections == 0)


def test_a_token_comes_without_user_and_password(double: Double) -> None:
    """The instance sees which."""
    with Session(double.connection(access_token=Secret(Scripted.access_token))) as session:
        assert session.call("Test", "User") == f" %SYS {Scripted.access_token}"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"password": "wrong"}, "Access Denied"),
        ({"username": "nobody"}, "Access Denied"),
        ({"namespace": "NONE"}, "Namespace NONE does not exist"),
        ({"username": "", "password": "", "accessToken": "wrong"}, "Access Denied"),
    ],
)
def test_who_may_not_is_refused(double: Double, changes: dict[str, str], text: str) -> None:
    """With the instance's text; and it is counted."""
    with pytest.raises(RuntimeError, match=f"Invalid Message received; Details: {text}$"):
        connect(double, **changes)
    assert (double.logins, double.refused_logins) == (0, 1)


def test_it_stops_and_starts_at_its_port(double: Double) -> None:
    """Clients are dropped and refused in the meantime."""
    connection = connect(double)
    double.stop()
    assert double.open_connections == 0
    with pytest.raises(RuntimeError, match="Failed to receive message"):
        who(connection)
    with pytest.raises(RuntimeError, match="Failed to connect to server; Details: Error code: -1"):
        connect(double)
    double.start()
    assert who(connect(double)).startswith("watcher")


def test_another_takes_over_the_port(instance: Scripted) -> None:
    """As a server that is started again, with nothing of what the first one knew."""
    with Double(instance) as first:
        connection = connect(first)
    with Double(instance, port=first.port) as second:
        assert second.port == first.port
        assert who(connect(second)) == "watcher %SYS "
        assert second.logins == 1
    assert connection is not None


@pytest.mark.parametrize(("reset", "code"), [(False, 110), (True, 104)])
def test_idle_connections_are_dropped(double: Double, *, reset: bool, code: int) -> None:
    """In the way of a server that ends (FIN), or of a firewall (RST). Others may come."""
    connection = connect(double)
    double.drop_connections(reset=reset)
    with pytest.raises(RuntimeError, match=f"Error code: {code}"):
        who(connection)
    assert who(connect(double)).startswith("watcher")


def test_what_is_no_driver_is_hung_up_on(double: Double) -> None:
    """Whatever does not begin as the driver does, or does not go on so."""
    handshake = wire.HEADER.pack(2, 1, 0, b"HS") + b"\x45\0"
    wrong = wire.HEADER.pack(0, 3, 0, b"XX")
    for beginning in (wrong, handshake + wrong, b"GET /"):
        with socket.create_connection(("127.0.0.1", double.port), timeout=10) as client:
            client.sendall(beginning)
            client.shutdown(socket.SHUT_WR)
            while client.recv(100):
                pass
    assert double.logins == 0


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for the loopback, and a server's side of it."""
    issuer = Issuer(tmp_path)
    path = issuer.issue(datetime(2100, 1, 1, tzinfo=UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, issuer.key)
    return path, context


def test_it_speaks_tls(instance: Scripted, certificate: tuple[Path, ssl.SSLContext]) -> None:
    """All is as without, also dropping; and who does not speak it gets nowhere."""
    path, context = certificate
    instance.methods["Test", "Echo"] = lambda _, text: text
    with Double(instance, tls=context) as double:
        with Session(double.connection(tls=Tls(ca_file=str(path)))) as session:
            assert session.call("Test", "Echo", "x" * 100_000) == "x" * 100_000
            double.drop_connections()
        with pytest.raises(RuntimeError, match="Failed to connect to server"):
            connect(double)
        double.wait_for(lambda: double.open_connections == 0)
        double.faults.at_accept(HTTP)
        with pytest.raises(RuntimeError, match="Failed to connect to server"):
            connect(double)
    assert double.logins == 1


def test_a_hang_in_tls_ends_with_the_client(
    instance: Scripted, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """The double sees it go although it does not read."""
    path, context = certificate
    with Double(instance, tls=context) as double:
        hang = double.faults.at_login(Hang())
        session = Session(double.connection(tls=Tls(ca_file=str(path))))
        with ThreadPoolExecutor(1) as pool:
            opening = pool.submit(session.open)
            assert hang.entered.wait(10)
            session.abort()
            assert isinstance(opening.exception(), IrisError)
        double.wait_for(lambda: double.open_connections == 0)


def test_waiting_in_vain_says_what_there_was(double: Double) -> None:
    """The last requests, for whoever reads the failure."""
    connection = connect(double)
    who(connection)
    with pytest.raises(AssertionError, match=r"1 logins, 1 open, .*b='User'"):
        double.wait_for(lambda: False, seconds=0)
    connection.close()


def test_nothing_is_left_when_it_is_closed(instance: Scripted) -> None:
    """Neither a thread nor a descriptor, whatever the clients were doing."""
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    with Double(instance) as double:
        hang = double.faults.next_call(Hang(), "Hanging")
        instance.methods["Test", "Hanging"] = lambda _: None
        idle = connect(double)
        handshake = wire.HEADER.pack(2, 1, 0, b"HS") + b"\x45\0"
        half = socket.create_connection(("127.0.0.1", double.port))
        half.sendall(handshake)
        assert half.recv(100)
        connection = connect(double)
        calling = threading.Thread(target=_call_in_vain, args=(connection,), daemon=True)
        calling.start()
        assert hang.entered.wait(10)
    calling.join(10)
    half.close()
    del idle, connection, calling
    assert set(threading.enumerate()) <= threads
    assert open_descriptors() <= descriptors


def _call_in_vain(connection: Any) -> None:
    with pytest.raises(RuntimeError, match="Failed to receive"):
        iris.createIRIS(connection).classMethodValue("Test", "Hanging")
