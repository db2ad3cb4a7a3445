"""The end of a process that was told to stop and does not end by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading

from monitoring.shutdown_cleanups import Attempt, start_thread
from monitoring.structured_logging import StructuredLogger

LINGER_SECONDS = 1.0
"""For the main thread to end by itself when all cleanups are over: often one has released it."""

MARGIN_SECONDS = 2.0
"""Added to the grace period; then the process is ended, whatever it does."""

LOG_SECONDS = 1.0
"""For one record."""

FLUSH_SECONDS = 0.5
"""For each of the log, the standard error and the standard output to take what is buffered."""

log = StructuredLogger("perfwatch.shutdown")


class ProcessEnd:
    """Sees to it that the process ends, from daemon threads: the main thread may be blocked."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """`loop` is the main thread's event loop, whose main coroutine ends the process."""
        self._loop = loop
        self._released = threading.Event()

    def release(self) -> None:
        """The process is its owner's again."""
        self._released.set()

    def begin(self, grace_seconds: float) -> None:
        """Allow the process the grace period and a margin; then end it with code 1."""
        with contextlib.suppress(RuntimeError):  # no thread to be had: the cleanups come first
            threading.Thread(
                target=self._enforce,
                args=(grace_seconds + MARGIN_SECONDS,),
                name="shutdown: deadline",
                daemon=True,
            ).start()

    def finish(self) -> None:
        """All is closed: end the process with code 0, unless its main coroutine will do so."""
        if self._loop is None:
            start_thread(self._linger, "shutdown: end", daemon=True)

    def _enforce(self, seconds: float) -> None:
        # A closed loop has come to its regular end: this process goes on because it wants to.
        if self._released.wait(seconds) or (self._loop is not None and self._loop.is_closed()):
            return
        Attempt(lambda: log.error("process ended by force", after_seconds=seconds)).run(
            LOG_SECONDS, "shutdown: log"
        )
        end_process(1)

    def _linger(self) -> None:
        main = threading.main_thread()
        main.join(LINGER_SECONDS)
        # One that has ended gives the exit code; should other threads keep the process, it is
        # ended when the grace period is over.
        if main.is_alive() and not self._released.is_set():
            end_process(0)


def end_process(code: int) -> None:
    """End the process at once, when what it has logged and printed is out, or cannot be."""
    # In threads: a pipe that nobody reads blocks whoever writes to it.
    Attempt(logging.shutdown).run(FLUSH_SECONDS, "shutdown: flush")
    for stream in (sys.stderr, sys.stdout):
        if stream is not None:
            Attempt(stream.flush).run(FLUSH_SECONDS, "shutdown: flush")
    os._exit(code)
