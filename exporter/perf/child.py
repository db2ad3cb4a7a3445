"""One `perf stat` process: started, read without waiting, and ended with all that it started.

perf ends on its own when the daemon is killed: nobody reads its pipe any more, so its next interval
brings it SIGPIPE.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Sequence
from time import monotonic

from exporter.perf.command import start

MAX_LINE = 64 * 1024
MAX_BURST = 16 * 1024 * 1024
"""Bytes in an interval, or in a second. 100 events on each of 512 CPUs are 11 MiB with -j."""

CHUNK = MAX_LINE
CHUNKS_AT_ONCE = 16
MAX_MESSAGE = 4096


class OutputError(Exception):
    """What a child prints cannot be what perf prints."""


class Child:
    """A running process whose output is lines.

    `command` gives the words for the descriptor that is to be written to. Raises OSError where it
    cannot be started.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        *,
        interval_seconds: float,
        wakeup: int | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.exit_code: int | None = None
        self._burst_seconds = max(1.0, interval_seconds)
        self._wakeup = wakeup
        self._now = now
        self._rest = b""
        self._errors = b""
        self._complaint = ""
        self._burst = 0
        self._burst_at = now()
        with contextlib.ExitStack() as own, contextlib.ExitStack() as given:
            self._output, output = _pipe(own, given)
            self._messages, messages = _pipe(own, given)
            self._process = start(command(output), output, messages)
            self._ends = own.pop_all()
        self._open = {self._output, self._messages}
        self._ready: set[int] = set()
        self._poll = select.poll()
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        if wakeup is not None:
            self._poll.register(wakeup, select.POLLIN)

    @property
    def has_closed(self) -> bool:
        """Whether no more lines will come."""
        return self._output not in self._open

    @property
    def message(self) -> str:
        """The end of what it has said beside its output."""
        return self._errors.decode(errors="replace").strip()

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to read, or time is up; tell whether `wakeup` is readable.

        Returns as soon as it is.
        """
        self._ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, seconds) * 1000)}
        return self._wakeup in self._ready

    def read_lines(self) -> list[str]:
        """Take the lines that `wait` has found; where there are very many, the first of them.

        Raises OutputError on what perf does not print, a line without end or lines without end,
        once what came before it was taken.
        """
        if message := self._read(self._messages):
            self._errors = (self._errors + message)[-MAX_MESSAGE:]
        lines: list[str] = []
        for _ in range(CHUNKS_AT_ONCE):
            chunk = self._read(self._output)
            if not chunk:
                self._begin_burst()
            if not chunk or self._complaint:
                break
            text = self._rest + chunk
            complete, newline, self._rest = text.rpartition(b"\n")
            if max(text.find(b"\n"), len(self._rest)) > MAX_LINE:
                self._complaint = f"a line of more than {MAX_LINE} bytes"
            elif newline:
                lines += complete.decode(errors="replace").split("\n")
        if self._complaint and not lines:
            raise OutputError(self._complaint)
        return lines

    def end(self, seconds: float) -> list[str]:
        """End it and all that it has started; give the last lines.

        Told by SIGINT, perf prints what it has counted since the last interval. What still runs
        after some seconds is killed.
        """
        if self.exit_code is not None:
            return []
        lines: list[str] = []
        try:
            if self._wakeup is not None:
                self._poll.unregister(self._wakeup)
            self._signal(signal.SIGINT)
            self._signal(signal.SIGCONT)  # a stopped one would not notice
            deadline = self._now() + seconds
            with contextlib.suppress(OutputError):
                # Both are closed at its end; its output alone may be before it has its exit code.
                while self._open and (left := deadline - self._now()) > 0:
                    self.wait(left)
                    lines += self.read_lines()
        finally:
            self._signal(signal.SIGKILL)
            self._ends.close()
            self.exit_code = self._process.wait()
        return lines

    def _read(self, descriptor: int) -> bytes:
        """Take what is there now, if anything."""
        if descriptor not in self._ready or self._complaint:
            return b""
        try:
            chunk = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return b""
        if not chunk:
            self._open.remove(descriptor)
            self._ready.remove(descriptor)
            self._poll.unregister(descriptor)
        self._burst += len(chunk)
        if self._burst > MAX_BURST:
            self._complaint = f"more than {MAX_BURST} bytes at once"
        return chunk

    def _begin_burst(self) -> None:
        """Begin to add up anew, unless the last time was just now."""
        if self._now() - self._burst_at >= self._burst_seconds:
            self._burst, self._burst_at = 0, self._now()

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to its group, whose number is taken as long as it has not been reaped."""
        try:
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            os.killpg(self._process.pid, number)
        except ChildProcessError:
            pass  # somebody else has reaped it: the number may be another's by now
        except PermissionError:
            pass  # a setuid program, for example: it ends when its output is closed


def _pipe(own: contextlib.ExitStack, given: contextlib.ExitStack) -> tuple[int, int]:
    """Open a pipe: the end to read from is our own, the other one is given to the process."""
    read, write = os.pipe()
    own.callback(os.close, read)
    given.callback(os.close, write)
    return read, write
