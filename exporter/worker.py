"""The scrape engine's worker: a thread that runs collectors one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import Context
from queue import SimpleQueue
from time import monotonic

from exporter.exposition import Renderer
from exporter.outcome import AnyCollector, Outcome, attempt


class Run:
    """One worker's pass over collectors. What is finished can be read at any time."""

    def __init__(
        self,
        collectors: Sequence[AnyCollector],
        renderer: Renderer,
        outcomes: dict[str, Outcome],
        now: float,
        context: Context,
    ) -> None:
        self.collectors = collectors
        self.renderer = renderer
        self.outcomes = outcomes
        self.current = (0, now)
        """The position of the collector at work, and since when."""
        self.context = context
        """For this run alone: two threads cannot be in one context at the same time."""
        self.abandoned = False
        self.lock = threading.Lock()

    def abandon(self, position: int) -> bool:
        """Leave the worker to the collector at this position, unless it has just finished."""
        with self.lock:
            self.abandoned = self.current[0] == position
        return self.abandoned


class Worker:
    """A thread that takes runs, one at a time. A daemon thread: a hung collector blocks no exit."""

    def __init__(
        self,
        max_series: int,
        finished: Callable[[Run], bool],
        returned: Callable[[str], bool],
    ) -> None:
        """Start the thread. Raises RuntimeError when the system has none to give.

        It calls `finished` when it has worked through a run, and ends when that gives False; and
        `returned`, as its last act, when a collector returns to which it had been left.
        """
        self._max_series = max_series
        self._finished = finished
        self._returned = returned
        self._runs: SimpleQueue[Run | None] = SimpleQueue()
        threading.Thread(target=self._serve, name="perfwatch-scrape", daemon=True).start()

    def submit(self, run: Run | None) -> None:
        """Hand over a run; None ends the thread."""
        self._runs.put(run)

    def _serve(self) -> None:
        while (run := self._runs.get()) is not None:
            if not run.context.run(self._execute, run):
                return
            del run  # an idle worker keeps no page alive

    def _execute(self, run: Run) -> bool:
        """Work through a run; False when this thread is to end: with the loop, or left behind."""
        for position, collector in enumerate(run.collectors):
            outcome = attempt(collector, run.renderer, self._max_series)
            with run.lock:
                if run.abandoned:
                    self._returned(collector.name)
                    return False
                run.outcomes[collector.name] = outcome
                run.current = (position + 1, monotonic())
        return self._finished(run)
