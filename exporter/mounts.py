"""statvfs for mounts that can block it for ever, in threads of its own.

A network mount whose server is gone keeps its caller in the kernel until the server returns, and
nothing can call it back. So the caller never asks such a mount itself. One sleeping thread takes
all that a scrape wants to know, which costs one hand-over however many they are. If it does not
come back at once, further threads take over what it has left, and the scrape waits for the hanging
calls no longer than the timeout. Their threads are left to them: until such a call returns, its
mount is not asked again. As many calls as `max_hanging` may hang; then no mount is asked.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias

StatVfs: TypeAlias = Callable[[str], os.statvfs_result]

Answer: TypeAlias = os.statvfs_result | str
"""What a mount says of itself, or why it says nothing, in the words of node_exporter."""

TIMED_OUT = "mountpoint timeout"
NOT_ASKED = "too many mounts hang"

HELP_AFTER_SECONDS = 0.01
"""A mount in order answers in microseconds, over a network in a few milliseconds. After this time
another thread takes over the mounts that are left."""


class Target(NamedTuple):
    """A mount to ask."""

    mount_id: int
    """Tells a new mount from the old one on the same path: that one may still hang."""

    path: str


def ask_mount(statvfs: StatVfs, path: str) -> Answer:
    """Ask one mount, and wait for its answer."""
    try:
        return statvfs(path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        return reason[:1].lower() + reason[1:]


class _Batch:
    """The mounts of one scrape. All fields but `finished` are guarded by the workers' lock."""

    __slots__ = ("answers", "closed", "finished", "todo", "workers")

    def __init__(self, todo: Iterable[Target]) -> None:
        self.todo = deque(todo)
        self.answers: dict[int, Answer] = {}
        self.workers = 0
        self.closed = False
        self.finished = threading.Lock()
        self.finished.acquire()


class StatWorkers:
    """Asks mounts for their size, one batch after the other, and never waits for one twice."""

    def __init__(
        self, timeout_seconds: float, max_hanging: int, statvfs: StatVfs = os.statvfs
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_hanging = max_hanging
        self._statvfs = statvfs
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[_Batch | None] = SimpleQueue()
        self._pending: set[int] = set()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def close(self) -> None:
        """End the threads: idle ones at once, others when their call returns."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._inbox.put(None)

    def ask(self, targets: Sequence[Target]) -> list[Answer]:
        """Give the answers in the order of the mounts."""
        with self._lock:
            batch = _Batch(target for target in targets if target.mount_id not in self._pending)
        if self._enlist(batch):
            self._wait(batch)
        with self._lock:
            batch.closed = True
            batch.todo.clear()
            return [batch.answers.get(one.mount_id) or self._excuse(one) for one in targets]

    def _excuse(self, target: Target) -> str:
        return TIMED_OUT if target.mount_id in self._pending else NOT_ASKED

    def _wait(self, batch: _Batch) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        patience = min(HELP_AFTER_SECONDS, self._timeout_seconds)
        while not batch.finished.acquire(timeout=patience):
            patience = min(HELP_AFTER_SECONDS, deadline - time.monotonic())
            if patience <= 0:
                return
            self._enlist(batch)

    def _enlist(self, batch: _Batch) -> bool:
        """Put a thread on the batch, unless there is nothing to do or no thread may be added."""
        with self._lock:
            if batch.closed or self._closed or not batch.todo:
                return False
            if self._idle:
                self._idle -= 1
            elif self._threads < self._max_hanging:
                # A daemon thread: one that hangs in the kernel must not keep the process.
                threading.Thread(target=self._serve, name="statvfs", daemon=True).start()
                self._threads += 1
            else:
                return False
            batch.workers += 1
            self._inbox.put(batch)
            return True

    def _serve(self) -> None:
        while (batch := self._inbox.get()) is not None:
            with self._lock:
                target = self._take(batch)
            while target:
                answer = ask_mount(self._statvfs, target.path)
                # In one step: between calls a thread is never seen as neither hanging nor idle.
                with self._lock:
                    self._pending.discard(target.mount_id)
                    if not batch.closed:
                        batch.answers[target.mount_id] = answer
                    target = self._take(batch)

    def _take(self, batch: _Batch) -> Target | None:
        """Take the next mount, or leave the batch when there is none. The caller has the lock."""
        if batch.todo:
            target = batch.todo.popleft()
            self._pending.add(target.mount_id)
            return target
        self._idle += 1
        batch.workers -= 1
        if not batch.workers and not batch.closed:
            batch.closed = True
            batch.finished.release()
        return None
