"""Writing to an open file without blocking, whatever it is and whoever shares it.

Non-blocking is a property of the open file description, which other processes share: setting it
would break them. And a file that was ready when it was asked may be full when it is written to,
by another process in between; a terminal says that it is ready and blocks.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from time import monotonic

PIECE = select.PIPE_BUF
"""Bytes of one write where nothing but asking first is left: what is ready takes so many."""

_NOWAIT = 8
"""RWF_NOWAIT of Linux, which Python has no name for."""

_OWN = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_GONE = select.POLLERR | select.POLLNVAL


def write_some(descriptor: int, data: bytes, deadline: float) -> int:
    """Write what the file takes, at least a byte, and give how many bytes that were.

    Raises TimeoutError if it has taken nothing by the deadline (of the monotonic clock), and
    OSError on anything else. A regular file is not waited for: its disk takes the time it takes.
    """
    # Asked each time: somebody may have put another file under this number.
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.write(descriptor, data)
    while True:
        # Also tells whether a reader is there: where there is none, a write may be the end of us.
        _wait(descriptor, deadline)
        try:
            return _write_at_once(descriptor, data, mode)
        except BlockingIOError:
            # Somebody was faster, or a terminal that another process writes to seems ready.
            if monotonic() >= deadline:
                raise _stalled() from None


def _wait(descriptor: int, deadline: float) -> None:
    """Wait until the file seems ready."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    ready = poll.poll(max(deadline - monotonic(), 0) * 1000)
    if not ready:
        raise _stalled()
    if ready[0][1] & _GONE:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _stalled() -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, "nobody reads it")


def _write_at_once(descriptor: int, data: bytes, mode: int) -> int:
    """Write what goes in now. Raises BlockingIOError if that is nothing."""
    try:
        return os.pwritev(descriptor, [data], -1, _NOWAIT)
    except BlockingIOError:
        raise
    except (NotImplementedError, OSError):
        # Linux before 6.4, terminals, old C libraries; any other failure is met again below.
        if stat.S_ISSOCK(mode):
            return _send(descriptor, data)
        if stat.S_ISFIFO(mode) or os.isatty(descriptor):
            return _write_to_own(descriptor, data)
        return os.write(descriptor, data[:PIECE])


def _send(descriptor: int, data: bytes) -> int:
    import socket  # nothing but systemd's journal is one

    # SOCK_NONBLOCK keeps Python from setting O_NONBLOCK where a default timeout is in force.
    kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_UNIX, kind, 0, fileno=os.dup(descriptor)) as duplicate:
        return duplicate.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _write_to_own(descriptor: int, data: bytes) -> int:
    """Write through an open file description of our own.

    It is not kept: a pipe's reader would not see that all others have closed it, and whoever
    closes all files it does not know would give its number to another.
    """
    try:
        own = os.open(f"/dev/fd/{descriptor}", _OWN)
    except OSError:
        # Another user's pipe, no /dev, no free descriptor: blocks if another process is faster.
        return os.write(descriptor, data[:PIECE])
    try:
        return os.write(own, data)
    finally:
        os.close(own)
