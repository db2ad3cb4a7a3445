"""Terminals, pipes, sockets and files that others use, too: whole lines, and nobody blocks."""

from __future__ import annotations

import os
import pty
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from monitoring import log_descriptor, log_stream
from monitoring.structured_logging import StructuredLogger, configure
from tests.child import REPOSITORY
from tests.logs import dropped, logging_put_back, records
from tests.pipes import Pipe

log = StructuredLogger("descriptor")

PROGRAM = """
import sys
from monitoring import log_descriptor, log_stream
from monitoring.structured_logging import StructuredLogger, configure

configure()
log = StructuredLogger("child")
for number in range(200):
    log.info("line", number=number, parts=["x" * 1000] * 20)
"""


@pytest.fixture(params=["new", "old"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that can write without waiting to pipes and sockets, and one that refuses the wish."""
    if request.param == "old":
        monkeypatch.setattr(log_descriptor, "_NOWAIT", 1 << 30)
    return str(request.param)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the process's logging as it was; wait for nothing."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.001)
    with logging_put_back():
        yield


def opened(descriptor: int) -> TextIO:
    """Make a stream of it."""
    return os.fdopen(descriptor, "w")


def log_until_dropped() -> float:
    """Log more than any buffer takes; give how many records were dropped."""
    before = dropped("descriptor", "stalled")
    for number in range(500):
        log.info("unread", number=number, text="x" * 1000)
    return dropped("descriptor", "stalled") - before


def test_a_terminal_that_nobody_reads_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that is scrolled back; whoever reads on is told what is missing."""
    monkeypatch.setattr(log_stream, "IMPATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.0001)
    master, slave = pty.openpty()
    with opened(slave) as stream:
        configure(stream=stream)
        missing = log_until_dropped()
        assert missing > 0
        assert os.get_blocking(stream.fileno())
        found: list[bytes] = []

        def read() -> None:
            while b"back" not in b"".join(found):
                found.append(os.read(master, 65_536))

        reader = threading.Thread(target=read)
        reader.start()
        monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 15.0)
        log.info("back")
        reader.join()
    os.close(master)
    *_, said, _ = b"".join(found).decode().splitlines(keepends=True)
    assert records(said)[0]["data"]["count"] == missing


def test_the_end_of_a_fifo_is_seen(kernel: str, tmp_path: Path) -> None:
    """Nobody reads it, or nobody is there any more; and the log keeps no end of it open."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with path.open("w") as stream:
        configure(stream=stream)
        log.info("heard")
        assert records(os.read(reading, 65_536).decode())[0]["message"] == "heard"
        assert log_until_dropped() > 0
        assert os.get_blocking(stream.fileno())
        while len(os.read(reading, 65_536)) == 65_536:
            pass
    while os.read(reading, 65_536):
        pass  # until its end
    with path.open("w") as stream:
        configure(stream=stream)
        os.close(reading)
        before = dropped("descriptor", "stalled")
        log.info("unheard")
        assert dropped("descriptor", "stalled") == before + 1


def test_without_a_free_descriptor_it_still_writes(kernel: str) -> None:
    """Only the guard against other processes is lost."""
    pipe = Pipe()
    configure(stream=pipe.stream)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        log.info("written", parts=["x" * 1000] * 9)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert records(pipe.read())[0]["message"] == "written"
    os.close(pipe.reading)
    pipe.stream.close()


@pytest.mark.parametrize("read_on", [True, False])
def test_room_that_somebody_else_takes_blocks_nobody(
    kernel: str, *, read_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe has room when it is asked, and none when it is written to."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 15.0 if read_on else 0.0)
    pipe = Pipe()
    configure(stream=pipe.stream)
    before = dropped("descriptor", "stalled")

    def interrupt(_: object, event: str, called: object) -> None:
        if event == "c_call" and called is (os.pwritev if kernel == "new" else os.write):
            sys.setprofile(None)
            filled = pipe.fill()
            if read_on:
                reader.append(threading.Thread(target=pipe.read, args=(filled,)))
                reader[0].start()

    reader: list[threading.Thread] = []
    sys.setprofile(interrupt)
    log.info("late")
    assert sys.getprofile() is None
    assert dropped("descriptor", "stalled") == before + (not read_on)
    for thread in reader:
        thread.join()
        assert records(pipe.read())[0]["message"] == "late"
    os.close(pipe.reading)
    pipe.stream.close()


def test_lines_of_processes_that_share_a_file_never_mix(tmp_path: Path) -> None:
    """Also long ones: each is one write."""
    path = tmp_path / "log"
    with path.open("a") as file:
        programs = [
            subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=REPOSITORY, stderr=file)
            for _ in range(4)
        ]
        assert [program.wait(15) for program in programs] == [0] * 4
    numbers = [record["data"]["number"] for record in records(path.read_text())]
    assert sorted(numbers) == sorted([*range(200)] * 4)


@pytest.mark.parametrize("default", [None, 5.0])
def test_a_socket_that_nobody_reads_holds_up_nobody(kernel: str, default: float | None) -> None:
    """As that of systemd's journal; it stays blocking for others, whatever the default timeout."""
    far, near = socket.socketpair()
    socket.setdefaulttimeout(default)
    try:
        with far, opened(near.detach()) as stream:
            configure(stream=stream)
            log.info("heard")
            assert records(far.recv(65_536).decode())[0]["message"] == "heard"
            assert log_until_dropped() > 0
            assert os.get_blocking(stream.fileno())
            far.close()
            before = dropped("descriptor", "stalled")
            log.info("unheard")
            assert dropped("descriptor", "stalled") == before + 1
    finally:
        socket.setdefaulttimeout(None)


def test_a_datagram_is_a_whole_line(kernel: str) -> None:
    """However long."""
    far, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with far, opened(near.detach()) as stream:
        configure(stream=stream)
        log.info("long", parts=["x" * 1000] * 20)
        [record] = records(far.recv(1 << 20).decode())
        assert record["message"] == "long"


def test_another_file_under_the_same_number_is_met(kernel: str, tmp_path: Path) -> None:
    """As when the output of a running daemon is turned elsewhere."""
    pipe = Pipe()
    configure(stream=pipe.stream)
    log.info("first")
    with (tmp_path / "log").open("w") as file:
        os.dup2(file.fileno(), pipe.stream.fileno())
    log.info("second", parts=["x" * 1000] * 20)
    [first] = records(pipe.read())
    [second] = records((tmp_path / "log").read_text())
    assert (first["message"], second["message"]) == ("first", "second")
    assert os.read(pipe.reading, 1) == b""
    os.close(pipe.reading)
    pipe.stream.close()
