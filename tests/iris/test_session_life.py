from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.iris.access.connection import Secret
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from tests.engines import LONG
from tests.iris.double.faults import Hang
from tests.iris.double.hooks import ServerError
from tests.iris.double.server import Double


@pytest.fixture
def double(scripted: Double) -> Iterator[Double]:
    """The double, with nothing planned."""
    yield scripted
    scripted.faults.clear()


@pytest.fixture
def session(double: Double) -> Iterator[Session]:
    """A session that is open."""
    with Session(double.connection()) as session:
        yield session


def is_gone(pid: int | None) -> bool:
    """Whether there is no such process, dead and waiting to be reaped neither."""
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_session_opens_closes_and_opens_again(double: Double) -> None:
    """Each time with another worker; the version is the instance's own."""
    session = Session(double.connection())
    assert session.open().version == double.instance.version
    first = session.pid
    assert session.open().version == double.instance.version
    assert is_gone(first)
    assert session.is_open
    session.close()
    assert (session.is_open, session.pid) == (False, None)
    assert session.worker_starts == 2


def test_a_token_takes_the_place_of_user_and_password(double: Double) -> None:
    """Though there is a user, who is not the token's."""
    token = Secret("token.of.somebody")
    with Session(double.connection(access_token=token, password=Secret(""))) as session:
        assert session.is_open


def test_who_may_not_call_class_methods_may_log_in(double: Double) -> None:
    """The version is then unknown; the missing right is told where it is needed."""
    double.faults.next_call(ServerError("<PROTECT> *%SYSTEM.Version"), "GetVersion")
    session = Session(double.connection())
    assert session.open().version == ""
    assert session.is_open
    session.close()


def test_a_session_that_is_not_open_says_so(double: Double) -> None:
    """It does not connect by itself."""
    session = Session(double.connection())
    with pytest.raises(IrisError, match="not connected: open the session first") as raised:
        session.call("Test", "Method")
    assert raised.value.kind is ErrorKind.DROPPED
    session.close()


def test_every_call_is_told(double: Double) -> None:
    """Its name, how long it took, and the kind of its error."""
    told: list[tuple[str, float, str]] = []
    with Session(double.connection(), observe=lambda *call: told.append(call)) as session:
        session.call("Test", "Method")
        with pytest.raises(IrisError):
            session.call("Not", "There")
        session.get_global("Node")
        session.subscripts("Node")
    expected = [("open", ""), ("call", ""), ("call", "absent"), ("get_global", "")]
    assert [(name, kind) for name, _, kind in told] == [*expected, ("subscripts", "")]
    assert all(seconds > 0 for _, seconds, _ in told)


def test_a_session_that_closes_logs_off(session: Session, double: Double) -> None:
    """The licence unit is free again."""
    session.close()
    double.wait_for(lambda: double.open_connections == 0)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_session_closes_whatever_has_become_of_its_worker(
    session: Session, number: signal.Signals
) -> None:
    """Of one that is stopped, and of one that is dead; twice does no harm."""
    pid = session.pid
    assert pid is not None
    os.kill(pid, number)
    session.close()
    session.close()
    assert is_gone(pid)


def test_a_call_that_is_interrupted_ends_the_worker(session: Session, double: Double) -> None:
    """Ctrl-C in a command: its late answer would be taken for that of the next call."""
    pid = session.pid
    hang = double.faults.next_call(Hang())

    def interrupt() -> None:
        assert hang.entered.wait(LONG)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        session.call("Test", "Method", seconds=LONG)
    interrupting.join()
    assert is_gone(pid)
    double.faults.clear()
    session.open()
    assert session.call("Test", "Method") == "fine"


def test_a_session_that_is_aborted_gives_up_at_once(session: Session, double: Double) -> None:
    """A daemon that ends waits for no call, and no other worker is started."""
    pid = session.pid
    hang = double.faults.next_call(Hang())
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(session.call, "Test", "Method", seconds=LONG)
        assert hang.entered.wait(LONG)
        session.abort()
        error = calling.exception()
    assert isinstance(error, IrisError)
    assert error.kind is ErrorKind.CRASHED
    assert is_gone(pid)
    with pytest.raises(IrisError, match="aborted"):
        session.open()
    assert session.pid is None


def test_a_session_that_is_aborted_before_it_opens_stays_closed(double: Double) -> None:
    """There is nothing to be killed yet."""
    session = Session(double.connection())
    session.abort()
    with pytest.raises(IrisError, match="aborted"):
        session.open()
    assert session.pid is None
