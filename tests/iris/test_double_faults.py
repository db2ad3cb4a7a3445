"""What goes wrong on purpose, as the real driver sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import iris
import pytest

from exporter.iris.access.session import Session
from tests.iris.double.faults import (
    BAD_LENGTH,
    HTTP,
    OLD_VERSION,
    SSH,
    UNKNOWN_TYPE,
    WRONG_NUMBER,
    Close,
    Drip,
    Fault,
    Garbage,
    Hang,
    Reset,
)
from tests.iris.double.hooks import ServerError, SqlError
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.driver import connect

RANDOM = Garbage(bytes.fromhex("8f01e3c2007710aa53fe9b2d6c04d18833f7"))
TIMED_OUT = "Error code: 110 Error message: Communication timed out"
OUT_OF_ORDER = "Message out of order"


@pytest.fixture
def double() -> Iterator[Double]:
    """A double with a method that gives its argument back."""
    instance = Scripted()
    instance.methods["Test", "Echo"] = lambda _, value: value
    with Double(instance) as double:
        yield double


def echo(connection: Any) -> Any:
    """Make a call."""
    return iris.createIRIS(connection).classMethodValue("Test", "Echo", "a text")


@pytest.mark.parametrize(
    ("place", "fault", "text"),
    [
        ("accept", Close(), "Failed to (receive|send) message"),
        ("accept", Reset(), "Error code: (104|32|-1) "),  # it may come before connect() is back
        ("accept", HTTP, OUT_OF_ORDER),
        ("accept", SSH, OUT_OF_ORDER),
        ("accept", RANDOM, "std::bad_alloc|Message out of order"),
        ("handshake", Close(), TIMED_OUT),
        ("handshake", Reset(), "Error code: 104"),
        ("handshake", OLD_VERSION, "IRIS xDBC protocol is not compatible"),
        ("login", Close(), TIMED_OUT),
        ("login", Reset(), "Error code: 104"),
        ("login", "License limit exceeded", "Invalid Message received; Details: License limit exc"),
        ("login", "Password change required", "Details: Password change required"),
        ("login", WRONG_NUMBER, OUT_OF_ORDER),
    ],
)
def test_connecting_fails(double: Double, place: str, fault: Fault | str, text: str) -> None:
    """In its own way at each place. The double does not wait for who has gone, and recovers."""
    getattr(double.faults, f"at_{place}")(fault)
    with pytest.raises(RuntimeError, match=f"^<COMMUNICATION LINK ERROR> .*({text})"):
        connect(double)
    double.wait_for(lambda: double.open_connections == 0)
    double.faults.clear()
    connection = connect(double)
    assert echo(connection) == "a text"
    connection.close()


def test_who_says_nothing_is_given_up() -> None:
    """At each place, after the driver's time; all at once here, as it counts whole seconds."""
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        doubles = [stack.enter_context(Double(Scripted())) for _ in range(3)]
        for double, place in zip(doubles, ("accept", "handshake", "login"), strict=True):
            getattr(double.faults, f"at_{place}")(Hang())
        tries = [pool.submit(connect, double, timeout=1) for double in doubles]
        for each in tries:
            with pytest.raises(RuntimeError, match=TIMED_OUT):
                each.result()


def test_a_fault_may_be_for_the_next_client_alone(double: Double) -> None:
    """The one after it is served."""
    double.faults.at_login("Access Denied", once=True)
    with pytest.raises(RuntimeError, match=r"Details: Access Denied$"):
        connect(double)
    connect(double).close()
    assert (double.refused_logins, double.logins) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Close(), RuntimeError, TIMED_OUT),
        (Reset(), RuntimeError, "Error code: 104"),
        (WRONG_NUMBER, RuntimeError, OUT_OF_ORDER),
        (RANDOM, RuntimeError, OUT_OF_ORDER),
        (UNKNOWN_TYPE, TypeError, "unsupported type for IRISList"),
        (ServerError("<NOROUTINE> *SystemPerformance"), RuntimeError, "^<NOROUTINE> "),
        (SqlError(-99, "a text"), RuntimeError, "^a text$"),
    ],
)
def test_a_call_fails(
    double: Double, fault: Fault | ServerError, error: type[Exception], text: str
) -> None:
    """The one that was meant: neither the one before it nor, on a new connection, the next."""
    connection = connect(double)
    double.faults.next_call(fault, after=1)
    assert echo(connection) == "a text"
    with pytest.raises(error, match=text):
        echo(connection)
    another = connect(double)
    assert echo(another) == "a text"
    another.close()


def test_a_fault_meets_the_call_that_it_names(double: Double) -> None:
    """By class, method or kind; the others go through, until the fault is cleared."""
    double.instance.methods["Test", "Other"] = lambda _: "other"  # type: ignore[attr-defined]
    connection = connect(double)
    database = iris.createIRIS(connection)
    double.faults.every_call(ServerError("<PROTECT> *Other"), "Other")
    double.faults.next_call(ServerError("<PROTECT> *^Test"), "get")
    assert echo(connection) == "a text"
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"<PROTECT> \*Other"):
            database.classMethodValue("Test", "Other")
    with pytest.raises(RuntimeError, match=r"<PROTECT> \*\^Test"):
        database.get("Test", 1)
    assert database.get("Test", 1) is None
    double.faults.clear()
    assert database.classMethodValue("Test", "Other") == "other"
    connection.close()


def test_a_hang_lasts_until_it_is_released(double: Double) -> None:
    """The answer comes then, and the connection goes on."""
    hang = double.faults.next_call(Hang(), "Echo")

    def release() -> None:
        assert hang.entered.wait(10)
        hang.release()

    with Session(double.connection()) as session:
        releasing = threading.Thread(target=release)
        releasing.start()
        assert session.call("Test", "Echo", "late") == "late"
        releasing.join()
        double.faults.next_call(hang, "Echo")
        assert session.call("Test", "Echo", "not held again") == "not held again"
        double.faults.next_call(Hang(0.01), "Echo")
        assert session.call("Test", "Echo", "slow") == "slow"


def test_a_drip_comes_to_its_end(double: Double) -> None:
    """Byte by byte the whole answer arrives."""
    double.faults.at_accept(Drip(0.0))
    with Session(double.connection()) as session:
        assert session.call("Test", "Echo", "x" * 100) == "x" * 100


def test_an_element_may_lie_about_its_length(double: Double) -> None:
    """The driver reads on in its own memory: what comes is not what was sent."""
    with Session(double.connection()) as session:
        double.faults.next_call(BAD_LENGTH, "Echo")
        answer = session.call("Test", "Echo", "abc")
        assert isinstance(answer, str)
        assert len(answer) > len("abc")


def test_closing_releases_whoever_hangs(double: Double) -> None:
    """A test may end while a client is held."""
    hang = double.faults.at_accept(Hang())
    threads = []
    for _ in range(2):
        threads.append(threading.Thread(target=_fail_to_connect, args=(double,), daemon=True))
        threads[-1].start()
    assert hang.entered.wait(10)
    double.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def _fail_to_connect(double: Double) -> None:
    with pytest.raises(RuntimeError):
        connect(double)
