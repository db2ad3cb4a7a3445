"""The ready-made checks, against real memory, disks, event loops, sockets and databases."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from monitoring.check_result import CheckResult
from monitoring.health_check import HealthMonitor
from monitoring.ready_checks import (
    data_freshness,
    database_reachable,
    disk_space,
    event_loop_lag,
    memory,
    process_memory,
    tcp_reachable,
)
from tests.health import LONG, LOOPS, run_in
from tests.tls import listen

TINY = 1e-9
"""A limit that everything reaches."""


@pytest.mark.parametrize(
    ("warning", "critical", "status"),
    [(1.0, 1.0, "healthy"), (TINY, 1.0, "warning"), (TINY, TINY, "critical")],
)
def test_shares_of_memory_and_disk_are_compared_with_their_limits(
    tmp_path: Path, warning: float, critical: float, status: str
) -> None:
    """The message has the value and both limits, the details the figures behind it."""
    (tmp_path / "something").write_bytes(bytes(100_000))
    for check in (memory(warning, critical), disk_space(tmp_path, warning, critical)):
        result = check()
        used = result.details["used_ratio"]
        assert result.status == status
        assert 0 < used < 1
        assert result.message.startswith(f"{used:.1%} of ")
        assert result.message.endswith(
            f"(warning from {warning:.1%}, critical from {critical:.1%})"
        )


def test_memory_is_what_is_not_available() -> None:
    """What the kernel would give back counts as free."""
    details = memory()().details
    assert details["total_bytes"] == psutil.virtual_memory().total
    free = details["available_bytes"] / details["total_bytes"]
    assert details["used_ratio"] == pytest.approx(1 - free)


def test_disk_space_is_counted_as_df_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reserved for root is neither used nor usable."""
    asked = []

    def statvfs(path: Path) -> os.statvfs_result:
        asked.append(path)
        # Block size, fragment size, blocks, free, available to others than root.
        return os.statvfs_result((8192, 4096, 1000, 400, 200, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    result = disk_space(tmp_path)()
    assert asked == [tmp_path]
    assert result.status == "healthy"
    assert result.message == (
        f"75.0% of the file system of {tmp_path} is used (warning from 85.0%, critical from 95.0%)"
    )
    assert result.details == {"used_ratio": 0.75, "available_bytes": 200 * 4096}


def test_a_path_may_look_like_a_placeholder(tmp_path: Path) -> None:
    """It is shown as it is."""
    path = tmp_path / "{} {x}"
    path.mkdir()
    assert f"of the file system of {path} is used" in disk_space(path)().message


def test_a_path_without_a_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, or on a file system of the kernel's: nothing there can be full."""
    with pytest.raises(FileNotFoundError):
        disk_space(tmp_path / "none")()
    nothing = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: nothing)
    with pytest.raises(ValueError, match="has no size: give a path on a disk"):
        disk_space(tmp_path)()


@pytest.mark.parametrize(
    ("warning", "critical", "status"),
    [(2**50, 2**50, "healthy"), (2**20, 2**50, "warning"), (2**10, 2**20, "critical")],
)
def test_the_memory_of_the_process_is_compared_with_its_limits(
    warning: int, critical: int, status: str
) -> None:
    """In MiB for people and bytes for machines."""
    result = process_memory(warning, critical)()
    assert result.status == status
    size = result.details["resident_bytes"] / 2**20
    assert 1 < size < 2**20
    assert result.message.startswith(f"this process holds {size:.1f} MiB of memory (warning from ")


@pytest.mark.parametrize("loop", LOOPS)
def test_a_free_event_loop_is_not_late(loop: str) -> None:
    """It is never early either, whatever the loop's clock says."""

    async def main() -> None:
        result = await event_loop_lag(LONG, LONG)()
        assert result.status == "healthy"
        assert 0 <= result.details["lag_seconds"] < LONG
        assert "the event loop is " in result.message
        assert result.message.endswith(" late (warning from 60 s, critical from 60 s)")

    run_in(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("critical", "status"), [(LONG, "warning"), (0.1, "critical")])
def test_a_blocked_event_loop_is_late(loop: str, critical: float, status: str) -> None:
    """Something in it computes, or waits for a disk, instead of awaiting."""

    async def main() -> None:
        measuring = asyncio.create_task(event_loop_lag(0.1, critical)())
        await asyncio.sleep(0)
        threading.Event().wait(0.3)
        result = await measuring
        assert result.status == status
        assert result.details["lag_seconds"] > 0.1

    run_in(loop, main)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_listening_port_is_reachable(host: str, shown: str) -> None:
    """And the connection is closed again."""
    with listen(host) as listener:
        port = listener.getsockname()[1]
        result = tcp_reachable(host, port)()
        assert (result.status, result.message) == ("healthy", f"{shown}:{port} accepts connections")
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(LONG)
            assert connection.recv(1) == b""


def test_a_closed_port_is_critical() -> None:
    """With the reason."""
    with listen() as listener:
        port = listener.getsockname()[1]
    result = tcp_reachable("127.0.0.1", port)()
    assert result.status == "critical"
    assert result.message.startswith(f"127.0.0.1:{port} cannot be reached: ")
    assert result.message.endswith("Connection refused")


def test_a_port_that_does_not_answer_is_critical() -> None:
    """Its queue of connections is full, as a hung server's is."""
    with listen() as listener:
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        try:
            while (result := tcp_reachable("127.0.0.1", port, 0.2)()).status == "healthy":
                queued = socket.socket()
                queued.setblocking(False)
                queued.connect_ex(("127.0.0.1", port))
                waiting.append(queued)
        finally:
            for queued in waiting:
                queued.close()
    assert "timed out" in result.message


class Database:
    """Connects to a real database, and keeps the connections."""

    def __init__(self) -> None:
        self.connections: list[sqlite3.Connection] = []

    def connect(self) -> sqlite3.Connection:
        """Make a connection, which may be used in a check's thread only."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.connections.append(connection)
        return connection

    def is_closed(self) -> bool:
        """Whether no connection is left open."""
        for connection in self.connections:
            with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
                connection.execute("SELECT 1")
        return bool(self.connections)


def run(check: Callable[[], CheckResult]) -> dict[str, Any]:
    """What a monitor says of it."""
    monitor = HealthMonitor()
    monitor.register_check("it", timeout=LONG)(check)
    found: dict[str, Any] = monitor.run_all_checks()["checks"]["it"]
    return found


def test_a_database_that_answers_is_healthy() -> None:
    """The connection is closed again."""
    database = Database()
    check = run(database_reachable(database.connect))
    assert (check["status"], check["message"]) == ("healthy", "the database answers")
    assert database.is_closed()


def test_a_database_that_fails_is_critical() -> None:
    """With the driver's reason; the connection is closed then, too."""
    database = Database()
    check = run(database_reachable(database.connect, "SELECT * FROM nowhere"))
    assert check["status"] == "critical"
    assert check["message"] == "OperationalError: no such table: nowhere"
    assert database.is_closed()


def test_no_password_of_a_data_source_is_shown() -> None:
    """Drivers like to repeat what they were given."""

    def connect() -> sqlite3.Connection:
        raise sqlite3.OperationalError(
            "cannot connect to postgresql://shop:Sesam77@db1/shop (password=Sesam77)"
        )

    check = run(database_reachable(connect))
    assert check["status"] == "critical"
    assert check["message"].startswith("OperationalError: cannot connect to ")
    assert "Sesam77" not in check["message"]


@pytest.mark.parametrize(
    ("age", "status"),
    [(0, "healthy"), (59.9, "healthy"), (60, "warning"), (300, "critical"), (-5.0, "healthy")],
)
def test_data_grows_old(age: float, status: str) -> None:
    """At a limit it is reached."""
    result = data_freshness(lambda: age, 60, 300)()
    assert result.status == status
    assert result.details == {"age_seconds": age}
    assert result.message.startswith("the newest data is ")
    assert result.message.endswith(" s old (warning from 60 s, critical from 300 s)")


@pytest.mark.parametrize(("limit", "status"), [(LONG, "warning"), (TINY, "critical")])
def test_data_that_never_came_is_a_warning_and_then_critical(limit: float, status: str) -> None:
    """As long as it may still be on its way, the service is not taken for broken."""
    result = data_freshness(lambda: None, TINY, limit)()
    assert result.status == status
    assert result.message.startswith("no data yet, after ")
    assert result.details == {"age_seconds": None}


@pytest.mark.parametrize("age", [float("nan"), float("inf")])
def test_an_age_that_is_no_number_is_an_error(age: float) -> None:
    """It would otherwise be younger than any limit."""
    with pytest.raises(ValueError, match=f"must be a number of seconds, got {age}"):
        data_freshness(lambda: age, 60, 300)()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: memory(0.9, 0.8), "0 <= warning <= critical <= 1, got 0.9 and 0.8"),
        (lambda: disk_space("/", 85, 95), "<= critical <= 1, got 85 and 95"),
        (lambda: process_memory(-1, 5), "0 <= warning <= critical, got -1 and 5"),
        (lambda: event_loop_lag(2, 1), "got 2 and 1"),
        (lambda: data_freshness(lambda: 1, float("nan"), 1), "got nan and 1"),
    ],
)
def test_limits_in_the_wrong_order_are_refused(make: Callable[[], Any], says: str) -> None:
    """When the check is made, not when it runs."""
    with pytest.raises(ValueError, match=says):
        make()
