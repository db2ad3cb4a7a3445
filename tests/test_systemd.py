"""sd_notify: the datagrams that tell systemd how the daemon is."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from exporter.systemd import notify, watchdog_seconds


@pytest.mark.parametrize("abstract", [False, True])
def test_a_state_is_one_datagram(
    abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a socket file or to an abstract name, whichever systemd gives."""
    name = f"@perfwatch-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        notify("READY=1")
        notify("RELOADING=1\nMONOTONIC_USEC=5")
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"RELOADING=1\nMONOTONIC_USEC=5"


def test_a_systemd_that_does_not_read_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into its queue is lost; the daemon goes on."""
    name = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        systemd.setblocking(False)
        sent = 2000
        for _ in range(sent):
            notify("WATCHDOG=1")
        heard = 0
        with contextlib.suppress(BlockingIOError):
            while systemd.recv(100):
                heard += 1
        assert 0 < heard < sent


@pytest.mark.parametrize("value", [None, "", "relative/path", "/nobody/listens/here"])
def test_without_systemd_nothing_happens(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable, no usable one, or nobody behind it: none of it is the daemon's failure."""
    if value is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", value)
    notify("READY=1")


@pytest.mark.parametrize(
    ("limit", "pid", "seconds"),
    [
        ("30000000", None, 15.0),
        ("1000000", "own", 0.5),
        ("30000000", "1", None),
        (None, None, None),
        ("", None, None),
        ("0", None, None),
        ("soon", None, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_asked(
    limit: str | None, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only when it is meant for this process."""
    for name, value in (("WATCHDOG_USEC", limit), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(os.getpid()) if value == "own" else value)
    assert watchdog_seconds() == seconds
