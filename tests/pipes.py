"""A pipe whose reader reads when a test wants it to."""

from __future__ import annotations

import os
from typing import TextIO


class Pipe:
    """A pipe with a writing stream for the log; nobody reads until a test does."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        self.stream: TextIO = os.fdopen(writing, "w")

    def fill(self) -> int:
        """Write until nothing more goes in, and give how much that was."""
        os.set_blocking(self.stream.fileno(), False)
        written = 0
        try:
            while True:
                written += os.write(self.stream.fileno(), b"-" * 4095 + b"\n")
        except BlockingIOError:
            return written
        finally:
            os.set_blocking(self.stream.fileno(), True)

    def read(self, count: int = 1 << 20) -> str:
        """Read what is there."""
        found = b""
        while len(found) < count:
            try:
                more = os.read(self.reading, count - len(found))
            except BlockingIOError:
                break
            if not more:
                break
            found += more
        return found.decode()
