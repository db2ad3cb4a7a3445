"""Whole lines to a stream that may be full, closed, or read by nobody: none of it is an error.

What cannot be written is dropped and counted, and one record says so when writing works again.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import select
import stat
import threading
from collections import deque
from time import monotonic
from typing import Any, TextIO

from monitoring.log_events import METRICS

PIECE = select.PIPE_BUF
"""Bytes of one write: a pipe that is ready takes so many without blocking."""

PATIENCE_SECONDS = 0.05
"""How long a record waits for a stream that takes nothing."""

IMPATIENCE_SECONDS = 5.0
"""How long after such a wait no other record waits."""

MAX_NESTED = 100
"""Records that may come of the writing of one: a stream that logs what it is given has no end."""

_GONE = select.POLLERR | select.POLLNVAL


class LogStream(logging.Handler):
    """Writes formatted records to a text stream, without raising or blocking for long.

    Where the stream is an open file, lines go to its descriptor directly: what others left in the
    stream's buffer comes later. The stream is not closed with the handler.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._polled = self._descriptor is not None and not _is_regular(self._descriptor)
        self._impatient_until = 0.0
        self._writer: int | None = None
        self._pending: deque[tuple[str, str]] = deque()
        self._torn = False
        """Whether the last line was cut in the middle."""
        self._dropped = 0
        self._reason = ""
        """Why the newest of the dropped ones could not be written."""

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
        self.acquire()
        try:
            if self._writer == threading.get_ident():
                self._pending.append((name, line))
            else:
                self._write_all(name, line)
        finally:
            self.release()

    def _write_all(self, name: str, line: str) -> None:
        # What another thread has left here was copied by a fork in the middle of its write.
        self._pending.clear()
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
        for name, _ in self._pending:
            METRICS.dropped(name, "stalled")

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
            _write_text(self._stream, f"{line}\n")
            return
        if self._stream.closed:
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
                piece = data[written : written + PIECE]
                written += self._write_piece(self._descriptor, piece, deadline)
        finally:
            if written:
                self._torn = written < len(data)

    def _write_piece(self, descriptor: int, piece: bytes, deadline: float) -> int:
        if self._polled:
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            ready = poll.poll(max(deadline - monotonic(), 0) * 1000)
            if not ready:
                self._impatient_until = monotonic() + IMPATIENCE_SECONDS
                raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")
            if ready[0][1] & _GONE:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        return os.write(descriptor, piece)


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


def _is_regular(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _write_text(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode("ascii", "backslashreplace").decode())
    stream.flush()
