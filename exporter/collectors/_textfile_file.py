"""One file of the textfile collector: read when it has changed, and never waited for."""

from __future__ import annotations

import os
import stat

from exporter.text_format import DuplicateError, TextFamily, TimestampError, parse_text_format

MAX_BYTES = 8 * 1024 * 1024

UNREADABLE = "unreadable"
SYNTAX = "syntax"
TIMESTAMPS = "timestamps"
TOO_LARGE = "too_large"
DUPLICATE = "duplicate"
TYPE = "type"
RESERVED_NAME = "reserved_name"
STALE = "stale"


class Failure(Exception):  # noqa: N818 -- of a file, which is shown as a metric
    """Why a file is not shown: one of the reasons above, and more in words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class TextFile:
    """A file, and what it said when it was read last."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.signature: tuple[int, ...] = ()
        """Changes with the file."""
        self.modified_ns = 0
        self.families: list[TextFamily] = []
        self.failure: Failure | None = None

    def refresh(self) -> bool:
        """Read it if it has changed; False when it is gone."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 -- at each collection
            signature = _sign(status)
            if signature == self.signature:
                return True
            self.modified_ns = status.st_mtime_ns
            self.signature, self.families, self.failure = signature, [], None
            self.families = parse_text_format(_read(self.path))
        except Failure as failure:
            self.failure = failure
        except OSError as error:
            self._forget(error.strerror or repr(error))
            return os.path.lexists(self.path)  # a link that leads nowhere is still there
        except TimestampError as error:
            self.failure = Failure(TIMESTAMPS, str(error))
        except DuplicateError as error:
            self.failure = Failure(DUPLICATE, str(error))
        except ValueError as error:
            self.failure = Failure(SYNTAX, str(error))
        return True

    def _forget(self, detail: str) -> None:
        """Try again at the next collection: rights of a folder change without a trace here."""
        self.signature, self.families = (), []
        self.failure = Failure(UNREADABLE, detail)


def _sign(status: os.stat_result) -> tuple[int, ...]:
    # The time of the last change of the inode too: `cp -p` and `touch -d` set the other back.
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _read(path: str) -> bytes:
    """Read a regular file; what a pipe or a terminal has to say would have to be waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Failure(UNREADABLE, "not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise Failure(TOO_LARGE, f"larger than {MAX_BYTES} bytes")
    return content
