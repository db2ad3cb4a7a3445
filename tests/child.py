"""A program under test, as a child process whose log is read while it runs."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

Found = TypeVar("Found")

REPOSITORY = Path(__file__).parent.parent

PATIENCE_SECONDS = 15.0
"""How long a step may take on a busy machine before the test counts it as never."""


class Child:
    """A running program; leaving the block ends it, whatever its state."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._lines: list[str] = []
        self._log_ended = False
        self._log_changed = threading.Condition()
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, env=env, stderr=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE_SECONDS)

    def log_lines(self) -> list[str]:
        """Everything written to stderr so far, as it is."""
        with self._log_changed:
            return list(self._lines)

    def wait_for_lines(
        self,
        find: Callable[[Sequence[str]], Found | None],
        what: str,
        timeout: float = PATIENCE_SECONDS,
    ) -> Found:
        """Wait until something is found among the lines of the log."""
        deadline = time.monotonic() + timeout
        with self._log_changed:
            while (found := find(self._lines)) is None:
                left = deadline - time.monotonic()
                if self._log_ended or left <= 0:
                    raise AssertionError(f"never logged: {what}\n" + "\n".join(self._lines))
                self._log_changed.wait(left)
            return found

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = PATIENCE_SECONDS) -> int:
        """Wait until the program has ended and its log is complete; give the exit code."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                with self._log_changed:
                    self._lines.append(line.rstrip("\n"))
                    self._log_changed.notify_all()
        with self._log_changed:
            self._log_ended = True
            self._log_changed.notify_all()
