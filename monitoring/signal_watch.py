"""Signals that are noticed whatever the main thread does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterable
from types import FrameType

CATCHABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

Handler = Callable[[int, FrameType | None], None]


def signal_name(number: int) -> str:
    """The signal's name; real-time signals have only numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class SignalWatch:
    """Hands signals to a handler, and more surely than Python alone.

    Python calls handlers in the main thread, when its bytecode goes on: never, while it waits in C
    code. But at once, when a signal comes, Python writes its number into the wakeup descriptor.
    With an event loop in this thread that is the loop's own, which wakes it. Otherwise it is a
    pipe, read by a daemon thread, which reports what it reads to `notice`.

    So a signal may be noticed twice: `handler` and `notice` must count for themselves.
    """

    def __init__(
        self, signals: Iterable[int], handler: Handler, notice: Callable[[int], None]
    ) -> None:
        """Decide how to watch.

        Raises RuntimeError outside the main thread, ValueError on a signal that cannot be caught.
        """
        _require_main_thread("install()")
        self._numbers = frozenset(map(int, signals))
        if uncatchable := self._numbers - CATCHABLE:
            raise ValueError(f"signals that cannot be caught: {sorted(uncatchable)}")
        self.loop = running_loop()
        self._handler = handler
        self._notice = notice
        self._former = {number: signal.getsignal(number) for number in self._numbers}
        self._former_descriptor = -1
        self._pipe: tuple[int, int] | None = None
        self._open = False
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (call := forget()) and call())

    def open(self) -> None:
        """Watch from now on."""
        self._open = True
        if self.loop is None:
            self._open_pipe()
        for number in self._numbers:
            self._set_handler(number)

    def close(self) -> None:
        """Put everything back as it was. Raises RuntimeError outside the main thread."""
        _require_main_thread("uninstall()")
        self._open = False
        if self.loop is not None and not self.loop.is_closed():
            for number in self._numbers:
                self.loop.remove_signal_handler(number)
        self._restore()
        if self._pipe is not None:
            self._close_pipe(self._pipe[1])

    def _forget(self) -> None:
        """In a forked child: its signals are its own, and must not be reported to the parent."""
        if self._open:
            signal.set_wakeup_fd(-1)
            self._restore()

    def _restore(self) -> None:
        for number, former in self._former.items():
            # None: what was there was not installed from Python, and cannot be from here.
            signal.signal(number, signal.SIG_DFL if former is None else former)

    def _set_handler(self, number: int) -> None:
        if self.loop is None:
            signal.signal(number, self._handler)
            # C code need not know: the pipe's reader acts.
            signal.siginterrupt(number, False)
            return
        # The loop is woken up, for which it needs a callback, but the handler is Python's: that is
        # called even if the loop's thread is blocked, unless in C code that goes on waiting.
        self.loop.add_signal_handler(number, _do_nothing)
        signal.signal(number, self._handler)

    def _open_pipe(self) -> None:
        reading, writing = self._pipe = os.pipe()
        os.set_blocking(writing, False)
        threading.Thread(
            target=_read_signals,
            args=(reading, self._numbers, self._notice),
            name="signal watch",
            daemon=True,
        ).start()
        self._former_descriptor = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def _close_pipe(self, writing: int) -> None:
        current = signal.set_wakeup_fd(self._former_descriptor)
        if current != writing:  # an event loop was started since, and needs its own
            signal.set_wakeup_fd(current)
        # The end of the reader: a forked child may keep the pipe open.
        with contextlib.suppress(BlockingIOError):
            os.write(writing, b"\0")
        os.close(writing)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _read_signals(descriptor: int, numbers: frozenset[int], notice: Callable[[int], None]) -> None:
    with open(descriptor, "rb", buffering=0) as pipe:
        while (received := pipe.read(512)) and 0 not in received:
            for number in received:
                if number in numbers:
                    notice(number)


def _do_nothing() -> None:
    pass


def _require_main_thread(call: str) -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"signals belong to the main thread: call {call} there")
