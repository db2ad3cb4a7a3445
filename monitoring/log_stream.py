"""Whole lines to a stream that may be full, closed, or read by nobody: none of it is an error.

What cannot be written is dropped and counted, and one record says so when writing works again.
"""

from __future__ import annotations

import io
import logging
import threading
from collections import deque
from time import monotonic
from typing import Any, TextIO

from monitoring.after_fork import renewed_after_fork
from monitoring.log_descriptor import write_some
from monitoring.log_events import METRICS

PATIENCE_SECONDS = 0.05
"""How long a record waits for a stream that takes nothing."""

IMPATIENCE_SECONDS = 5.0
"""How long after such a wait no other record waits."""

MAX_NESTED = 100
"""Records that may come of the writing of one: a stream that logs what it is given has no end."""


class LogStream(logging.Handler):
    """Writes formatted records to a text stream, without raising or blocking for long.

    Where the stream is an open file, lines go to its descriptor directly: what others left in the
    stream's buffer comes later. The stream is not closed with the handler.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self._descriptor = _descriptor(stream)
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._impatient_until = 0.0
        self._writer: int | None = None
        self._torn = False
        """Whether the last line was cut in the middle."""
        self._reason = ""
        """Why the newest of the dropped ones could not be written."""
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Begin anew in a forked child: what the parent could not write, the parent says."""
        self._dropped = 0
        if self._writer != threading.get_ident():
            # Not logging's lock, which is renewed by logging even while this thread holds it.
            self._turn = threading.RLock()
            self._writer = None
            self._pending: deque[tuple[str, str]] = deque()

    def handle(self, record: logging.LogRecord) -> bool:
        """Write one record: formatted before the lock is taken, as that calls foreign code."""
        passed: Any = self.filter(record)  # Python 3.12: a filter may replace the record
        if not passed:
            return False
        self.emit(record if passed is True else passed)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record that has passed the filters."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 -- a record must never harm the caller
            self.handleError(record)
        else:
            self._write_in_turn(record.name, line)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        """Count a record that could not be formatted."""
        METRICS.dropped(record.name, "unreadable")

    def _write_in_turn(self, name: str, line: str) -> None:
        """Write, or leave it to the write that a signal handler or a finalizer has interrupted."""
        with self._turn:
            if self._writer == threading.get_ident():
                self._pending.append((name, line))
            else:
                self._write_all(name, line)

    def _write_all(self, name: str, line: str) -> None:
        self._writer = threading.get_ident()
        try:
            self._write_or_drop(name, line)
            self._write_nested()
        finally:
            self._writer = None

    def _write_nested(self) -> None:
        for _ in range(MAX_NESTED):
            if not self._pending:
                return
            self._write_or_drop(*self._pending.popleft())
        while self._pending:
            METRICS.dropped(self._pending.popleft()[0], "stalled")

    def _write_or_drop(self, name: str, line: str) -> None:
        try:
            if self._dropped:
                self._write(self._account())
                self._dropped = 0
            self._write(line)
        except Exception as error:  # noqa: BLE001 -- the stream's own code may raise anything
            self._dropped += 1
            known = error.strerror if isinstance(error, OSError) else None
            self._reason = known or type(error).__name__
            METRICS.dropped(name, "stalled")

    def _account(self) -> str:
        """Give the line that says how many records are missing."""
        data = {"count": self._dropped, "reason": "stalled", "error": self._reason}
        return self.format(
            logging.makeLogRecord(
                {
                    "name": __name__,
                    "levelno": logging.WARNING,
                    "levelname": "WARNING",
                    "msg": "log records dropped",
                    "data": data,
                }
            )
        )

    def _write(self, line: str) -> None:
        """Write a whole line. Raises whatever the stream raises."""
        if self._descriptor is None:
            _write_text(self.stream, f"{line}\n")
            return
        if self.stream.closed:
            # The number may be that of another file by now.
            raise ValueError("closed")
        data = f"{line}\n".encode(self._encoding, "backslashreplace")
        if self._torn:
            data = b"\n" + data
        now = monotonic()
        deadline = now + (PATIENCE_SECONDS if now >= self._impatient_until else 0)
        written = 0
        try:
            while written < len(data):
                written += write_some(self._descriptor, data[written:], deadline)
        except TimeoutError:
            self._impatient_until = monotonic() + IMPATIENCE_SECONDS
            raise
        finally:
            if written:
                self._torn = written < len(data)


def _descriptor(stream: TextIO) -> int | None:
    """Give the descriptor of a stream that is a file and nothing in between, such as gzip."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if isinstance(stream, io.TextIOWrapper) and isinstance(raw, io.FileIO):
        try:
            return stream.fileno()
        except (OSError, ValueError):
            return None
    return None


def _write_text(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode("ascii", "backslashreplace").decode())
    stream.flush()
