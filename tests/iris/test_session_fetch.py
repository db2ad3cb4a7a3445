from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from exporter.iris.access.connection import Connection
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from tests.engines import LONG
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.web import PAGE, Web, respond


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server."""
    with Web() as web:
        yield web


@pytest.fixture
def session() -> Iterator[Session]:
    """For an instance whose superserver nobody reaches."""
    session = Session(Connection(name="test", host="127.0.0.1", port=9, timeout_seconds=LONG))
    yield session
    session.close()


def test_a_page_is_fetched_without_a_login(session: Session, web: Web) -> None:
    """By a worker that stays for the next one, also after a page that is not there."""
    assert session.fetch(web.url()) == PAGE.decode()
    pid = session.pid
    web.answer = respond(503)
    with pytest.raises(IrisError) as raised:
        session.fetch(web.url())
    assert raised.value.kind is ErrorKind.SERVER
    web.answer = respond()
    assert session.fetch(web.url()) == PAGE.decode()
    assert session.pid == pid
    assert not session.is_open


def test_the_superserver_may_come_back(web: Web) -> None:
    """The worker that has fetched logs in; and one that is logged in fetches too."""
    with Double(Scripted()) as double:
        session = Session(double.connection())
        assert session.fetch(web.url()) == PAGE.decode()
        pid = session.pid
        session.open()
        assert session.pid == pid
        assert session.fetch(web.url()) == PAGE.decode()
        assert session.get_global("Node") is None
        session.close()


def test_a_page_that_does_not_come(session: Session) -> None:
    """The deadline of the call counts; the error names the instance and no page."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://user:secret@127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(IrisError, match=r"IRIS at 127\.0\.0\.1:9: HTTP: no answer") as raised:
            session.fetch(address, seconds=0.5)
    assert raised.value.kind is ErrorKind.TIMEOUT
    assert "secret" not in str(raised.value)
    assert session.pid is None
