"""What ends a thread's waiting for descriptors: another one, which any thread can make readable."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import Self


class Wakeup:
    """Wakes a thread, between its `open` and its `close`; before and after, nothing happens."""

    def __init__(self) -> None:
        self.descriptor = -1
        self._lock = threading.Lock()
        self._poll = select.poll()

    def open(self) -> Self:
        """Open the descriptor."""
        self.descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll.register(self.descriptor, select.POLLIN)
        return self

    def close(self) -> None:
        """Close the descriptor, whose number others may have from then on."""
        with self._lock:
            os.close(self.descriptor)
            self.descriptor = -1

    def wake(self) -> None:
        """Let the thread go on: now, or when it begins to wait."""
        with self._lock:
            if self.descriptor >= 0:
                os.eventfd_write(self.descriptor, 1)

    def wait(self, seconds: float | None) -> None:
        """Wait until woken, or until time is up."""
        self._poll.poll(None if seconds is None else seconds * 1000)
        self.clear()

    def clear(self) -> None:
        """Forget that it was woken."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)
