from __future__ import annotations

import base64
import socket
import ssl
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.fetching import MAX_BYTES, fetch
from tests.engines import LONG
from tests.iris.web import PAGE, Answer, Web, page, raw, respond
from tests.tls import Issuer

EXPIRY = datetime(2090, 1, 1, tzinfo=UTC)
PASSWORD = "pässword"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def shared() -> Iterator[Web]:
    """One web server for all tests here."""
    with Web() as web:
        yield web


@pytest.fixture
def web(shared: Web) -> Web:
    """The server as it begins."""
    shared.headers.clear()
    shared.answer = page
    return shared


def login(**changes: Any) -> dict[str, Any]:
    """What a worker knows of the connection."""
    return {
        "username": "watcher",
        "password": PASSWORD,
        "access_token": "",
        "timeout_seconds": LONG,
        "tls": None,
        **changes,
    }


def failure(url: str, **changes: Any) -> IrisError:
    """The error of a page that cannot be had; it does not tell the password."""
    with pytest.raises(IrisError) as raised:
        fetch(url, login(**changes))
    message = str(raised.value)
    assert PASSWORD not in message
    assert message.isprintable()
    return raised.value


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Basic " + base64.b64encode(b"watcher:p\xc3\xa4ssword").decode()),
        ({"access_token": "t.o.k"}, "Bearer t.o.k"),
        ({"username": "", "password": ""}, None),
    ],
)
def test_who_asks(web: Web, changes: dict[str, Any], expected: str | None) -> None:
    """A token is given as one; without a user nothing is."""
    assert fetch(web.url("?a=1"), login(**changes)) == PAGE.decode()
    (headers,) = web.headers
    assert headers.get("Authorization") == expected
    assert headers["target"] == "/?a=1"


@pytest.mark.parametrize("token", ["a\u20acb-secret", "secret\n"])
def test_a_token_that_http_cannot_hold_is_not_repeated(web: Web, token: str) -> None:
    """What refuses it quotes it: neither the message nor what it follows from may be shown."""
    with pytest.raises(IrisError, match="not fit for HTTP") as raised:
        fetch(web.url(), login(access_token=token))
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert not web.headers


def test_no_proxy_is_asked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the daemon says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert fetch(web.url(), login()) == PAGE.decode()


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (respond(401), "access_denied", "HTTP status 401 Unauthorized"),
        (respond(403), "access_denied", "HTTP status 403 Forbidden"),
        (respond(404), "absent", "HTTP status 404 Not Found"),
        (respond(503), "server", "HTTP status 503 Service Unavailable"),
        (respond(302, Location="http://127.0.0.1:9/"), "server", "HTTP status 302 Found"),
        (raw(b"HTTP/1.1 799 p\xc3\xa4ssword\r\n\r\n"), "server", "HTTP status 799:"),
        (respond(200, Content_Length=str(MAX_BYTES + 1)), "server", "more than 16777216 bytes"),
        (respond(200, PAGE * 800_000), "server", "more than 16777216 bytes"),
        (respond(200, Content_Length="1000"), "dropped", "IncompleteRead"),
        (raw(CHUNKS + b"5\r\nabcde\r\n5\r\nab"), "dropped", "IncompleteRead"),
        (raw(b""), "dropped", "RemoteDisconnected"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", "no HTTP: BadStatusLine"),
    ],
)
def test_a_page_that_is_refused(web: Web, answer: Answer, kind: str, says: str) -> None:
    """Each way has its kind; nothing that the server says by itself is repeated."""
    web.answer = answer
    error = failure(web.url())
    assert error.kind == kind
    assert says in str(error)


def test_a_page_of_unknown_length_is_read_to_its_end(web: Web) -> None:
    """In chunks, or until the server hangs up."""
    web.answer = raw(CHUNKS + b"5\r\nabcde\r\n0\r\n\r\n")
    assert fetch(web.url(), login()) == "abcde"
    web.answer = respond(200, b"to the end")
    assert fetch(web.url(), login()) == "to the end"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("ftp://127.0.0.1/", "protocol"),
        ("127.0.0.1:52773/api", "protocol"),
        ("", "protocol"),
        ("http://127.0.0.1:port/", "protocol"),
        ("http://[::1/", "protocol"),
        ("http://127.0.0.1:9/", "unreachable"),
        ("http://nobody.invalid/", "unreachable"),
        ("http://" + "x" * 100 + "/", "unreachable"),
    ],
)
def test_an_address_that_leads_nowhere(address: str, kind: str) -> None:
    """Wrong ones, and those where nobody is."""
    error = failure(address)
    assert error.kind == kind
    assert "`iris.metrics-url`" in error.remedy


def test_a_user_in_the_address_is_not_told(web: Web) -> None:
    """It is not used either: there are settings for that."""
    web.answer = respond(404)
    error = failure(f"http://somebody:{PASSWORD}@127.0.0.1:{web.port}/")
    assert "somebody" not in str(error)
    assert base64.b64encode(b"watcher:p\xc3\xa4ssword").decode() in str(web.headers)


def test_a_space_in_the_address_is_no_request(web: Web) -> None:
    """Nothing else can be slipped into a request."""
    assert failure(web.url("/a b")).kind is ErrorKind.PROTOCOL
    assert web.headers == []


def test_a_server_that_says_nothing() -> None:
    """It is waited for as long as the connection says."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        error = failure(address, timeout_seconds=0.1)
    assert error.kind is ErrorKind.TIMEOUT


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Makes certificates for localhost."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def certificate(issuer: Issuer) -> Path:
    """Its own authority."""
    return issuer.issue(EXPIRY)


@pytest.fixture(scope="module")
def secure(issuer: Issuer, certificate: Path) -> Iterator[Web]:
    """A server that speaks HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, issuer.key)
    with Web(context) as web:
        yield web


def test_a_page_over_https(secure: Web, certificate: Path) -> None:
    """From whoever has a certificate that is trusted, and from anybody if that is wanted."""
    for tls in ({"ca_file": str(certificate), "verify": True}, {"ca_file": "", "verify": False}):
        assert fetch(f"https://localhost:{secure.port}/", login(tls=tls)) == PAGE.decode()


def test_a_certificate_that_is_not_trusted(secure: Web, certificate: Path, tmp_path: Path) -> None:
    """Nobody knows who signed it, or it has another name; without settings it is verified too."""
    trusted = {"ca_file": str(certificate), "verify": True}
    for host, tls in (("localhost", None), ("127.1", trusted)):
        error = failure(f"https://{host}:{secure.port}/", tls=tls)
        assert error.kind is ErrorKind.TLS
        assert "no agreement on TLS" in error.message
    missing = {"ca_file": str(tmp_path / "missing.pem"), "verify": True}
    error = failure(f"https://localhost:{secure.port}/", tls=missing)
    assert error.kind is ErrorKind.TLS
    assert "No such file" in error.message
