from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from tests.engines import LONG
from tests.iris.double import wire
from tests.iris.double.faults import (
    HTTP,
    OLD_VERSION,
    SSH,
    UNKNOWN_TYPE,
    WRONG_NUMBER,
    Close,
    Damage,
    Drip,
    Fault,
    Hang,
    Reset,
)
from tests.iris.double.server import Double

SHORTEST = 1
"""Seconds: the driver counts whole ones."""
SOON = 0.3
"""Seconds after which a call that hangs is given up."""


@pytest.fixture
def double(scripted: Double) -> Iterator[Double]:
    """The double, with nothing planned."""
    yield scripted
    scripted.faults.clear()


@pytest.fixture
def session(double: Double) -> Iterator[Session]:
    """A session that a test opens."""
    session = Session(double.connection(timeout_seconds=SHORTEST))
    yield session
    session.close()


def fails(act: Callable[[], Any]) -> IrisError:
    """The error of what fails."""
    with pytest.raises(IrisError) as raised:
        act()
    return raised.value


def call(session: Session, seconds: float = LONG) -> Any:
    """Call the method."""
    return session.call("Test", "Method", seconds=seconds)


def check_recovery(session: Session, double: Double, pid: int | None) -> None:
    """See that nothing is left of the worker, and that the next one works."""
    assert not session.is_open
    assert session.pid is None
    if pid is not None:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    double.faults.clear()
    session.open()
    assert call(session) == "fine"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Access Denied", "access_denied"),
        ("License limit exceeded", "licence"),
        ("an unheard-of refusal", "server"),
    ],
)
def test_a_login_that_is_refused(session: Session, double: Double, text: str, kind: str) -> None:
    """The server's text is in the error, and no worker is left, whatever the kind."""
    double.faults.at_login(text)
    error = fails(session.open)
    assert error.kind == kind
    assert text in error.message
    check_recovery(session, double, None)


def test_a_wrong_password_is_not_told_to_anybody(double: Double) -> None:
    """Neither it nor the user's name is in the error."""
    session = Session(double.connection(username="somebody"))
    error = fails(session.open)
    assert error.kind is ErrorKind.ACCESS_DENIED
    assert double.instance.password not in repr(error)
    assert "somebody" not in repr(error)


AT_LOGIN = [
    ("accept", Close(), "dropped unreachable"),
    ("accept", Reset(), "dropped unreachable"),
    ("handshake", HTTP, "protocol"),
    ("handshake", SSH, "protocol"),
    ("handshake", OLD_VERSION, "protocol"),
    ("login", Close(), "unreachable"),
    ("login", Reset(), "dropped"),
    ("login", WRONG_NUMBER, "protocol"),
]


@pytest.mark.parametrize(("place", "fault", "kinds"), AT_LOGIN)
def test_a_login_that_comes_to_nothing(
    session: Session, double: Double, place: str, fault: Fault, kinds: str
) -> None:
    """It ends, and nothing is left of it."""
    getattr(double.faults, f"at_{place}")(fault)
    assert fails(session.open).kind in kinds.split()
    assert (session.is_open, session.pid) == (False, None)


@pytest.mark.parametrize(("place", "fault"), [("login", Hang()), ("handshake", Drip())])
def test_a_login_that_takes_too_long(double: Double, place: str, fault: Fault) -> None:
    """It is over in time, also where a byte comes now and then, each in time for the driver."""
    getattr(double.faults, f"at_{place}")(fault)
    session = Session(double.connection(timeout_seconds=0.1))
    assert fails(session.open).kind is ErrorKind.UNREACHABLE
    assert (session.is_open, session.pid) == (False, None)


def test_nobody_listens(session: Session, double: Double) -> None:
    """Until somebody does."""
    double.stop()
    try:
        error = fails(session.open)
        assert error.kind is ErrorKind.UNREACHABLE
        assert "`iris.port`" in error.remedy
    finally:
        double.start()
    check_recovery(session, double, None)


def test_a_name_that_nobody_has(double: Double) -> None:
    """The error says that it is the name."""
    error = fails(Session(double.connection(host="nobody.invalid")).open)
    assert error.kind is ErrorKind.UNREACHABLE
    assert "no such name" in error.message


IN_A_CALL = [
    (Close(), "dropped"),
    (Reset(), "dropped"),
    (WRONG_NUMBER, "protocol"),
    (Damage(lambda answer: bytes(4) + answer[4 : wire.HEADER.size]), "protocol"),
]


@pytest.mark.parametrize(("fault", "kind"), IN_A_CALL)
def test_a_connection_that_breaks_in_a_call(
    session: Session, double: Double, fault: Fault, kind: str
) -> None:
    """The worker is ended, and the next one works."""
    session.open()
    pid = session.pid
    double.faults.next_call(fault)
    assert fails(lambda: call(session)).kind == kind
    check_recovery(session, double, pid)


def test_a_connection_that_breaks_in_a_query(session: Session, double: Double) -> None:
    """The driver has other exceptions for it there."""
    session.open()
    pid = session.pid
    double.faults.next_call(Close())
    assert fails(lambda: session.query("SELECT A FROM T")).kind is ErrorKind.DROPPED
    check_recovery(session, double, pid)


def test_a_value_that_nobody_knows(session: Session, double: Double) -> None:
    """It is an error of this call, and the connection stays."""
    session.open()
    double.faults.next_call(UNKNOWN_TYPE)
    assert fails(lambda: call(session)).kind is ErrorKind.SERVER
    assert call(session) == "fine"


def test_a_connection_that_broke_while_nobody_called(session: Session, double: Double) -> None:
    """The driver does not know; the next call finds out."""
    session.open()
    pid = session.pid
    double.drop_connections()
    assert fails(lambda: call(session)).kind is ErrorKind.DROPPED
    check_recovery(session, double, pid)


@pytest.mark.parametrize("fault", [Hang(), Drip()])
def test_a_call_that_does_not_return(session: Session, double: Double, fault: Fault) -> None:
    """The driver would wait for ever: its process is ended at the deadline."""
    session.open()
    pid = session.pid
    double.faults.next_call(fault)
    error = fails(lambda: call(session, SOON))
    assert error.kind is ErrorKind.TIMEOUT
    assert "no answer within 0.3 s" in error.message
    check_recovery(session, double, pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_in_a_call(
    session: Session, double: Double, number: signal.Signals
) -> None:
    """The driver is known to crash; the system kills what takes too much memory."""
    session.open()
    pid = session.pid
    assert pid is not None
    hang = double.faults.next_call(Hang())
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(fails, lambda: call(session))
        assert hang.entered.wait(LONG)
        os.kill(pid, number)
        error = calling.result()
    assert error.kind is ErrorKind.CRASHED
    assert f"ended by {number.name}" in error.message
    assert ("Segmentation fault" in error.message) == (number == signal.SIGSEGV)
    check_recovery(session, double, pid)


def test_what_a_worker_says_last_holds_no_secret(session: Session) -> None:
    """What crashes may tell a piece of its memory."""
    session.open()
    password = session.connection.password.reveal()
    pid = session.pid
    assert pid is not None
    Path(f"/proc/{pid}/fd/2").write_text(f"free(): invalid pointer {password}!")
    os.kill(pid, signal.SIGKILL)
    error = fails(lambda: call(session))
    assert "SIGKILL: free(): invalid pointer ***!" in error.message
    assert password not in str(error)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_while_nobody_calls(
    session: Session, double: Double, number: signal.Signals
) -> None:
    """The next call says so."""
    session.open()
    pid = session.pid
    assert pid is not None
    os.kill(pid, number)
    error = fails(lambda: call(session))
    assert error.kind is ErrorKind.CRASHED
    assert number.name in error.message
    check_recovery(session, double, pid)
