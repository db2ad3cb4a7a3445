"""statvfs for all mounts of a scrape, in threads of its own, because it can block for ever.

A network mount whose server is gone keeps its caller in the kernel until the server returns, and
nothing can call it back. So the caller never asks itself. One sleeping thread takes all mounts of
a scrape, which costs one hand-over however many they are. If it does not come back at once,
further threads take over what it has left, and the scrape waits for the hanging calls no longer
than the timeout. Their threads are left to them: until such a call returns, its mount is not asked
again. As many calls as `max_hanging` may hang; then only local filesystems are asked, for which one
more thread is kept.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias

Answer: TypeAlias = os.statvfs_result | OSError

HELP_AFTER_SECONDS = 0.01
"""A mount in order answers in microseconds, over a network in a few milliseconds. After this time
another thread takes over the mounts that are left."""


class Target(NamedTuple):
    """A mount to ask."""

    mount_id: int
    """Tells a new mount from the old one on the same path: that one may still hang."""

    path: str
    local: bool
    """It answers from memory. Asked first, and also when no more hanging calls are allowed."""


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
        self,
        timeout_seconds: float,
        max_hanging: int,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_hanging = max_hanging
        self._statvfs = statvfs
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[_Batch] = SimpleQueue()
        self._pending: set[int] = set()
        self._threads = 0
        self._idle = 0

    def ask(self, targets: Iterable[Target]) -> tuple[dict[int, Answer], frozenset[int]]:
        """Give the answers by mount id, and the ids of the mounts whose call has not returned.

        A mount in neither was not asked, because too many calls hang.
        """
        with self._lock:
            todo = [target for target in targets if target.mount_id not in self._pending]
        todo.sort(key=lambda target: not target.local)
        batch = _Batch(todo)
        if self._enlist(batch):
            self._wait(batch)
        with self._lock:
            batch.closed = True
            batch.todo.clear()
            return batch.answers, frozenset(self._pending)

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
            if batch.closed or not self._may_begin(batch):
                return False
            if self._idle:
                self._idle -= 1
            elif self._threads <= self._max_hanging:
                # A daemon thread: one that hangs in the kernel must not keep the process.
                threading.Thread(target=self._serve, name="statvfs", daemon=True).start()
                self._threads += 1
            else:
                return False
            batch.workers += 1
            self._inbox.put(batch)
            return True

    def _may_begin(self, batch: _Batch) -> bool:
        return bool(batch.todo) and (batch.todo[0].local or len(self._pending) < self._max_hanging)

    def _serve(self) -> None:
        while True:
            batch = self._inbox.get()
            while target := self._begin(batch):
                try:
                    answer: Answer = self._statvfs(target.path)
                except OSError as error:
                    answer = error
                self._end(batch, target, answer)

    def _begin(self, batch: _Batch) -> Target | None:
        with self._lock:
            if self._may_begin(batch):
                target = batch.todo.popleft()
                self._pending.add(target.mount_id)
                return target
            self._idle += 1
            batch.workers -= 1
            if not batch.workers and not batch.closed:
                batch.closed = True
                batch.finished.release()
            return None

    def _end(self, batch: _Batch, target: Target, answer: Answer) -> None:
        with self._lock:
            self._pending.discard(target.mount_id)
            if not batch.closed:
                batch.answers[target.mount_id] = answer
