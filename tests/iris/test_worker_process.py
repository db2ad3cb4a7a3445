from __future__ import annotations

import os
import resource
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.iris.access.connection import Connection
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.messages import MAX_ANSWER_BYTES, Assembly, BrokenFrameError, pack
from exporter.iris.access.session import Session
from exporter.iris.access.worker_process import WorkerGoneError, WorkerProcess
from tests.engines import LONG

OUTPUT = "import os, sys, time, struct\ndef put(data): os.write(1, data)\n"

LATE = 0.3
"""Seconds after which a worker that never answers is given up."""


class Started:
    """Starts programs in the place of a worker, and ends them."""

    def __init__(self) -> None:
        self.workers: list[WorkerProcess] = []

    def __call__(self, program: str) -> WorkerProcess:
        """Start a program in Python."""
        worker = WorkerProcess((sys.executable, "-S", "-c", OUTPUT + program))
        self.workers.append(worker)
        return worker


@pytest.fixture
def start() -> Iterator[Started]:
    """Start programs; those that a test does not end are ended afterwards."""
    started = Started()
    yield started
    for worker in started.workers:
        worker.end()


def is_gone(pid: int) -> bool:
    """Whether there is no such process, dead and waiting to be reaped neither."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def descriptors() -> set[str]:
    """What this process has open."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


ECHO = """
while True:
    head = os.read(0, 4)
    if not head: break
    (left,) = struct.unpack(">I", head)
    put(head)
    while left:
        piece = os.read(0, left)
        left -= len(piece)
        for byte in (piece if len(piece) < 100 else [piece]):
            put(bytes([byte]) if isinstance(byte, int) else byte)
"""


def test_an_answer_may_come_in_pieces(start: Started) -> None:
    """Of one byte, or larger than a pipe; one after the other."""
    worker = start(ECHO)
    big = "x" * 1_000_000
    for request in (["small", None, 2**80, "é密\0"], [big], [1.5]):
        assert worker.ask(request, LONG) == request


def test_an_answer_that_does_not_come_is_not_waited_for(start: Started) -> None:
    """The worker is ended then, though it would live for ever, and is reaped."""
    worker = start("put(b'\\0'); time.sleep(1000)")
    with pytest.raises(TimeoutError):
        worker.ask(["hello"], LATE)
    assert worker.end() == "ended by SIGKILL"
    assert is_gone(worker.pid)


def test_an_answer_that_drips_meets_the_same_deadline(start: Started) -> None:
    """Each byte arrives in time, the message does not."""
    worker = start("put(struct.pack('>I', 10**6))\nwhile True: put(b' '); time.sleep(0.01)")
    with pytest.raises(TimeoutError):
        worker.ask(["hello"], LATE)


def test_a_request_that_nobody_reads_is_not_waited_for(start: Started) -> None:
    """It is larger than the pipe."""
    worker = start("time.sleep(1000)")
    with pytest.raises(TimeoutError):
        worker.ask(["x" * 10_000_000], LATE)


def test_a_worker_that_has_ended_says_how(start: Started) -> None:
    """With the end of what it wrote to stderr."""
    worker = start("os.write(2, b'a' * 10_000 + b' that was it'); os._exit(3)")
    with pytest.raises(WorkerGoneError):
        worker.ask(["x" * 1_000_000], LONG)
    ending = worker.end()
    assert ending.startswith("ended with status 3: aaa")
    assert ending.endswith("a that was it")
    assert len(ending) < 5000


def test_a_worker_that_was_killed_says_by_what(start: Started) -> None:
    """The name of the signal is what to search for."""
    worker = start("os.kill(os.getpid(), 11)")
    with pytest.raises(WorkerGoneError):
        worker.ask(["hello"], LONG)
    assert worker.end() == "ended by SIGSEGV"


def test_what_a_worker_says_does_not_hold_it_up(start: Started) -> None:
    """More on stderr than a pipe holds is read while the answer is waited for."""
    worker = start("os.write(2, b'x' * 500_000); put(struct.pack('>I', 1) + b'1'); os.read(0, 99)")
    assert worker.ask([], LONG) == 1


def test_a_worker_that_says_no_more_can_still_answer(start: Started) -> None:
    """A closed stderr is no end."""
    worker = start("os.close(2); put(struct.pack('>I', 1) + b'1'); os.read(0, 99); os.read(0, 9)")
    assert worker.ask([], LONG) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (struct.pack(">I", MAX_ANSWER_BYTES + 1), "33554433 bytes, more than 33554432"),
        (b"HTTP/1.1 200 OK\r\n", "1213486160 bytes, more than"),
        (struct.pack(">I", 3) + b"abc", "no JSON: "),
    ],
)
def test_what_is_no_answer_is_refused(start: Started, answer: bytes, says: str) -> None:
    """Before it is read, where it claims to be large."""
    worker = start(f"put({answer!r}); time.sleep(1000)")
    with pytest.raises(BrokenFrameError, match=says):
        worker.ask([], LONG)


def test_what_is_nested_too_deeply_is_no_answer() -> None:
    """It is refused as any other nonsense."""
    assembly = Assembly()
    assembly.add(struct.pack(">I", 100_000) + b"[" * 100_000)
    with pytest.raises(BrokenFrameError, match="no JSON: maximum recursion"):
        assembly.message()


def test_a_worker_gets_time_to_end_by_itself(start: Started) -> None:
    """It does when its input ends; what it still says is no trouble."""
    answer = f"put({pack(None)!r})\nwhile os.read(0, 99): pass\n"
    worker = start(answer + "put(b'bye'); os.write(2, b'b')")
    assert worker.ask([], LONG) is None
    assert worker.end(LONG) == "ended with status 0: b"


def test_a_worker_that_does_not_end_by_itself_is_ended(start: Started) -> None:
    """Though it closes stderr, and ignores its input."""
    worker = start("os.close(2); time.sleep(1000)")
    assert worker.end(LATE) == "ended by SIGKILL"
    assert is_gone(worker.pid)


def test_a_worker_gets_the_environment_without_secrets(
    start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours, of IRIS's or of its driver's; the rest as it is."""
    for name in ("PERFWATCH_IRIS_PASSWORD", "IRISPASSWORD", "ISC_irisconnect_tracefile"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("OTHER", "kept")
    worker = start(
        "import json\nbody = json.dumps(dict(os.environ)).encode()\n"
        "put(struct.pack('>I', len(body)) + body); os.read(0, 99)"
    )
    environment = worker.ask([], LONG)
    assert environment["OTHER"] == "kept"
    assert "secret" not in environment.values()


def test_a_worker_inherits_its_three_pipes_and_nothing_else(start: Started) -> None:
    """Not the sockets that the daemon listens on, nor the pipes of another worker."""
    start("time.sleep(1000)")
    worker = start(
        "import json\nbody = json.dumps(os.listdir('/proc/self/fd')).encode()\n"
        "put(struct.pack('>I', len(body)) + body); os.read(0, 99)"
    )
    assert set(worker.ask([], LONG)) == {"0", "1", "2", "3"}  # 3 is the folder itself


def test_nothing_is_left_open(start: Started) -> None:
    """Neither by workers that have come and gone, nor by those that could not be started."""
    before = descriptors()
    for _ in range(3):
        worker = start("os._exit(0)")
        worker.end()
        with pytest.raises(FileNotFoundError):
            WorkerProcess(("/nonexistent/program",))
    assert descriptors() == before


def test_a_worker_that_cannot_be_started() -> None:
    """Without descriptors there is no pipe to it; the error names the limits."""
    session = Session(Connection(name="test", host="127.0.0.1"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(IrisError, match="limits") as raised:
            session.open()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert raised.value.kind is ErrorKind.CRASHED


def test_a_message_is_put_together_from_bytes() -> None:
    """It always says how many are missing, so that nothing of the next one is taken."""
    packed = pack(["a", [1, None]])
    assembly = Assembly()
    for position in range(len(packed)):
        assert not assembly.is_complete
        assert assembly.missing <= len(packed) - position
        assembly.add(packed[position : position + 1])
    assert assembly.is_complete
    assert assembly.message() == ["a", [1, None]]


def test_a_worker_that_is_given_time_can_be_killed_meanwhile(start: Started) -> None:
    """By another thread, also after it has been reaped."""
    worker = start(f"put({pack(None)!r}); time.sleep(1000)")
    assert worker.ask([], LONG) is None
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(worker.end, LONG)
        worker.kill()
        assert ending.result() == "ended by SIGKILL"
    worker.kill()
    assert is_gone(worker.pid)
