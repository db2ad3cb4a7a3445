from __future__ import annotations

import http.server
import re
import socket
import threading
from collections.abc import Iterator

import pytest

from exporter.cli import main
from exporter.healthcheck import healthcheck
from exporter.settings import SettingsError
from tests.daemon import Daemon, start_daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One daemon for all questions."""
    with start_daemon("--collector.disable-defaults", "--collector.loadavg") as running:
        yield running


def test_a_ready_daemon_is_healthy(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """It answers 200, so nothing is said."""
    assert main(["healthcheck", f"{daemon.url}/readyz"]) == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_path_readiness_is_asked(daemon: Daemon) -> None:
    """The address alone is enough."""
    assert healthcheck(daemon.url) == 0


def test_without_a_url_the_configured_address_is_asked(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container sets the address once, in the environment, for daemon and check."""
    monkeypatch.setenv("PERFWATCH_WEB_LISTEN_ADDRESS", f":{daemon.port}")
    assert main(["healthcheck"]) == 0


def test_another_status_is_unhealthy(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that is not there is not ready: the line has the status and the text."""
    assert healthcheck(f"{daemon.url}/nothing") == 1
    assert capsys.readouterr().err == f"perfwatch: {daemon.url}/nothing answers 404: Not Found\n"


def test_nobody_there_is_unhealthy(capsys: pytest.CaptureFixture[str]) -> None:
    """A port on which nobody listens gives exit code 1 and the system's reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert healthcheck(f"http://127.0.0.1:{port}/readyz") == 1
    expected = rf"perfwatch: http://127\.0\.0\.1:{port}/readyz does not answer: .*refused\n"
    assert re.fullmatch(expected, capsys.readouterr().err)


class _Nonsense(http.server.BaseHTTPRequestHandler):
    """Somebody else's server, which does not speak HTTP."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"220 mail.example.com\r\n\r\n")


def test_another_protocol_is_unhealthy(capsys: pytest.CaptureFixture[str]) -> None:
    """What answers, but not in HTTP, is not the daemon."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Nonsense) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert healthcheck(f"http://127.0.0.1:{server.server_port}/") == 1
        thread.join()
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:10100",
        "https://127.0.0.1:10100/readyz",
        "http://",
        "http://:10100/",
        "http://[::1",
        "http://h:port/",
        "http://h:99999/",
        f"http://{'a' * 64}.example/",
        "http://h/\u00e9",
        "http://h/\x00",
    ],
)
def test_what_cannot_be_asked_is_refused(url: str) -> None:
    """A mistake in the URL is exit code 2: no daemon's state could mend it."""
    with pytest.raises(SettingsError, match=r"^healthcheck: "):
        healthcheck(url)
