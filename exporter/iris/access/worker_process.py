"""The worker, as the daemon sees it: a process that answers in time, or is ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from subprocess import TimeoutExpired  # noqa: TID251 -- nothing is started with it
from time import monotonic
from typing import Any

from exporter.iris.access.messages import Assembly, pack
from exporter.program import start

COMMAND = (sys.executable, "-P", "-m", "exporter.iris.access.worker")

NOT_FOR_WORKERS = ("PERFWATCH_", "IRIS", "ISC")
"""Beginnings of variables that may hold secrets, or would change what the driver does."""

MAX_STDERR_BYTES = 4096
PIECE_BYTES = 1 << 16
REAP_SECONDS = 1.0
"""Much longer than the kernel takes with a process that was killed, unless a disk hangs."""


class WorkerGoneError(Exception):
    """The worker has ended by itself."""


class WorkerProcess:
    """A running worker. For one thread at a time."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Start it. Raises OSError."""
        keep = {n: v for n, v in os.environ.items() if not n.startswith(NOT_FOR_WORKERS)}
        with ExitStack() as theirs, ExitStack() as requests, ExitStack() as ours:
            stdin, self._requests = _pipe(theirs, requests)
            self._answers, stdout = _pipe(ours, theirs)
            self._stderr, stderr = _pipe(ours, theirs)
            for descriptor in (self._requests, self._answers, self._stderr):
                os.set_blocking(descriptor, False)
            self._process = start(command, keep, stdin=stdin, stdout=stdout, stderr=stderr)
            self._sending, self._receiving = requests.pop_all(), ours.pop_all()
        self.pid = self._process.pid
        self._tail = b""
        self._how_it_ended = ""
        self._reaping = threading.Lock()
        """Held while it is killed and reaped: its number may be another process's afterwards."""

    def ask(self, request: Sequence[Any], seconds: float) -> Any:
        """Send a request and wait for its answer.

        Raises TimeoutError, WorkerGoneError or BrokenFrameError. After any of them it is only good
        to be ended.
        """
        deadline = monotonic() + seconds
        rest = memoryview(pack(request))
        answer = Assembly()
        waiting = self._waiting()
        waiting.register(self._requests, select.POLLOUT)
        while not answer.is_complete:
            ready = _ready(waiting, deadline)
            if self._requests in ready:
                rest = self._send(rest)
                if not rest:
                    waiting.unregister(self._requests)
            if self._stderr in ready and not self._keep_stderr():
                waiting.unregister(self._stderr)
            if self._answers in ready:
                piece = os.read(self._answers, min(answer.missing, PIECE_BYTES))
                if not piece:
                    raise WorkerGoneError
                answer.add(piece)
        return answer.message()

    def kill(self) -> None:
        """Kill it. Any thread may call this; whoever asks it something learns that it is gone."""
        if self._reaping.acquire(blocking=False):  # or else it is being killed
            try:
                self._process.kill()
            finally:
                self._reaping.release()

    def end(self, patience_seconds: float = 0.0) -> str:
        """End it, at once or when it has had time to end by itself; say how it ended."""
        if not self._how_it_ended:
            self._how_it_ended = self._end(patience_seconds)
        return self._how_it_ended

    def _end(self, patience_seconds: float) -> str:
        self._sending.close()
        with contextlib.suppress(TimeoutError):
            self._wait_until_gone(monotonic() + patience_seconds)
        with self._reaping, contextlib.suppress(TimeoutExpired):
            self._process.kill()
            self._process.wait(REAP_SECONDS)
        with contextlib.suppress(BlockingIOError):
            while self._keep_stderr():
                pass
        self._receiving.close()
        return self._describe_end()

    def _waiting(self) -> select.poll:
        waiting = select.poll()
        waiting.register(self._answers, select.POLLIN)
        waiting.register(self._stderr, select.POLLIN)
        return waiting

    def _send(self, rest: memoryview) -> memoryview:
        try:
            return rest[os.write(self._requests, rest) :]
        except BrokenPipeError:
            return rest[:0]  # it has ended, and its answers will say so

    def _keep_stderr(self) -> bool:
        """Keep the end of what it says; False when it will say no more."""
        piece = os.read(self._stderr, PIECE_BYTES)
        self._tail = (self._tail + piece)[-MAX_STDERR_BYTES:]
        return bool(piece)

    def _wait_until_gone(self, deadline: float) -> None:
        waiting = self._waiting()
        while True:
            ready = _ready(waiting, deadline)
            if self._stderr in ready and not self._keep_stderr():
                waiting.unregister(self._stderr)
            if self._answers in ready and not os.read(self._answers, PIECE_BYTES):
                return

    def _describe_end(self) -> str:
        code = self._process.returncode
        if code is None:
            how = "it cannot be ended"
        elif code < 0:
            how = f"ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with status {code}"
        said = self._tail.decode("utf-8", "replace").strip()
        return f"{how}: {said}" if said else how


def _pipe(reading: ExitStack, writing: ExitStack) -> tuple[int, int]:
    """Open a pipe; each of its ends is closed with a stack of its own."""
    ends = os.pipe()
    reading.callback(os.close, ends[0])
    writing.callback(os.close, ends[1])
    return ends


def _ready(waiting: select.poll, deadline: float) -> list[int]:
    """Wait for something to happen. Raises TimeoutError."""
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return [descriptor for descriptor, _ in waiting.poll(left * 1000)]
