"""The whole daemon with a log that cannot be written: it serves, reloads, and ends in order."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.child import PATIENCE_SECONDS, REPOSITORY
from tests.expositions import values
from tests.ports import free_port


def ask(port: int, path: str) -> bytes | None:
    """What the daemon answers; nothing while it does not listen."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except ConnectionError:
            return None


@contextlib.contextmanager
def daemon(stderr: int | None, before: Callable[[], None] | None = None) -> Iterator[int]:
    """A daemon with this stderr; told to stop at the end, it exits with 0."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "exporter", "run", f"--web.listen-address=127.0.0.1:{port}"],
        cwd=REPOSITORY,
        stderr=stderr,
        preexec_fn=before,  # noqa: PLW1509 -- nothing runs beside the test here
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ask(port, "/readyz") != b"ready\n":
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGHUP)
        yield port
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def dropped(port: int) -> float:
    """How many lines the daemon could not write."""
    page = values(ask(port, "/metrics") or b"")
    name = "perfwatch_log_records_dropped_total"
    return sum(number for (found, _), number in page.items() if found == name)


def test_a_full_disk() -> None:
    """The lines that are lost are counted."""
    with Path("/dev/full").open("wb") as full, daemon(full.fileno()) as port:
        assert dropped(port) >= 2


def close(*descriptors: int) -> Callable[[], None]:
    """Close descriptors in the child."""

    def before() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return before


@pytest.mark.parametrize("closed", [(2,), (1, 2), (0, 1, 2)])
def test_closed_standard_descriptors(closed: tuple[int, ...]) -> None:
    """Whatever a careless parent has closed: no other file gets those numbers."""
    with daemon(None, close(*closed)) as port:
        assert dropped(port) >= 2


def test_a_pipe_that_nobody_reads() -> None:
    """Full from the start: no request waits for it."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(4096))
        os.set_blocking(writing, True)
        with daemon(writing) as port:
            assert dropped(port) >= 2
    finally:
        os.close(reading)
        os.close(writing)
