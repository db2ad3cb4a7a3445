"""The scrape engine: deadlines, quarantine, and collections that scrapers share.

How a scrape keeps its deadline. Collectors are cheap and run one after the other in one worker
thread; a hop to a thread for each would cost more than they do. Scrapers that arrive while a
collection runs, and want the same of it, share it. A collector may take at most half of the time
that is left to whoever waits, here or in the queue: then it is put under quarantine, its thread is
left to it, and a fresh worker goes on with the others. It takes part again once its call has
returned. A scraper whose deadline comes gets what is finished; what is not has success 0.

Everything here happens in the event loop's thread; worker.py is the other one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from time import monotonic
from typing import Any

from exporter.collection import Collection
from exporter.exposition import Renderer
from exporter.families import Family, Filled
from exporter.ledger import Ledger
from exporter.outcome import TIMEOUT, AnyCollector, Outcome
from exporter.worker import Run, Worker
from monitoring.structured_logging import StructuredLogger

MIN_PATIENCE_SECONDS = 0.5
"""However little time somebody offers, a collector is not put under quarantine before it had this
much: more than the filesystem collector rightly waits for a mount."""

MAX_PATIENCE_SECONDS = 5.0
"""However much time a client offers: others, with less of it, may share the collection."""

log = StructuredLogger("perfwatch.scrape")


class Engine:
    """Runs collectors for scrapers."""

    def __init__(
        self,
        collectors: Sequence[AnyCollector],
        *,
        max_series: int,
        extras: Callable[[], Iterable[Family | Filled]] = tuple,
    ) -> None:
        """`extras` gives the daemon's own families, which cannot block."""
        self.collectors = {collector.name: collector for collector in collectors}
        self._heeding = [collector for collector in collectors if hasattr(collector, "heed")]
        self._max_series = max_series
        self.ledger = Ledger(self.collectors)
        self._extras = extras
        self._loop = asyncio.get_running_loop()
        self._renderers: dict[str, Renderer] = {}
        self._joinable: dict[tuple[tuple[str, ...], str], Collection] = {}
        self._queue: deque[Collection] = deque()
        self._active: Collection | None = None
        self._worker: Worker | None = None
        self._closing = False
        self._kept: Container[str] = ()
        self._own_failed = False

    async def collect(self, names: Sequence[str] | None, form: str, seconds: float) -> Collection:
        """Run the named collectors (all when None), or join those who already do.

        Returns after at most the given seconds, complete or not: `page` makes bytes of it.
        """
        deadline = monotonic() + seconds
        collection = self._join(tuple(self.collectors if names is None else names), form, deadline)
        if collection.finished:  # at once, for want of a thread
            return collection
        waiter = self._loop.create_future()
        collection.waiters[waiter] = deadline
        if len(collection.waiters) > 1 or collection is not self._active:
            self._hurry()
        timer = self._loop.call_later(seconds, _release, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            del collection.waiters[waiter]
        return collection

    def release(self) -> None:
        """Let all scrapers go with what is finished: the daemon is about to end."""
        for collection in (self._active, *self._queue):
            for waiter in collection.waiters if collection else ():
                _release(waiter)

    def page(self, collection: Collection) -> bytes:
        """Join what is finished, the scrape's own account and the daemon's own families."""
        if collection.page is not None:
            return collection.page
        outcomes = dict(collection.outcomes)
        # Decided by the copy: the worker goes on writing into the other.
        complete = len(outcomes) == len(collection.collectors)
        if not complete:
            waited = Outcome(TIMEOUT, monotonic() - collection.started)
            outcomes = dict.fromkeys(collection.names, waited) | outcomes
        renderer = self._renderer(collection.form)
        parts = [one.body for one in outcomes.values()]
        parts.append(renderer.render([self.ledger.account(collection.names, outcomes)]))
        parts += (self._render_own(renderer), renderer.end)
        page = b"".join(parts)
        if complete:
            collection.page = page
        return page

    def _render_own(self, renderer: Renderer) -> bytes:
        """Render the daemon's own families; if they fail, the host's are worth a page without."""
        try:
            own = renderer.render(self._extras())
        except Exception as error:  # noqa: BLE001 -- as for any collector
            if not self._own_failed:
                reason = f"{type(error).__name__}: {error}"
                log.error("own metrics failed", reason=reason)  # noqa: TRY400 -- one line
            self._own_failed = True
            return b""
        self._own_failed = False
        return own

    def close(self, kept: Container[str] = ()) -> None:
        """End the worker, and what collectors keep, once the collections under way are done.

        `kept` names the collectors that go on elsewhere.
        """
        self._closing = True
        self._kept = kept
        if self._active is None:
            self._end_worker()

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.submit(None)
            self._worker = None
        for name, collector in self.collectors.items():
            if hasattr(collector, "close") and name not in self._kept:
                collector.close()

    def _renderer(self, form: str) -> Renderer:
        if form not in self._renderers:
            self._renderers[form] = Renderer(form)
        return self._renderers[form]

    def _join(self, names: tuple[str, ...], form: str, deadline: float) -> Collection:
        collection = self._joinable.get((names, form))
        if collection is not None:
            collection.deadline = max(collection.deadline, deadline)
            return collection
        collection = Collection(names, [self.collectors[name] for name in names], form, deadline)
        collection.started = monotonic()
        self._joinable[names, form] = collection
        self._queue.append(collection)
        if self._active is None:
            self._start_next()
        return collection

    def _start_next(self) -> None:
        while self._queue and self._queue[0].deadline <= monotonic():
            self._drop(self._queue.popleft())  # nobody waits for it any more
        self._active = self._queue.popleft() if self._queue else None
        if self._active is None:
            if self._closing:
                self._end_worker()
            return
        collection = self._active
        runnable = collection.collectors
        if left_out := self.ledger.left_out():
            collection.outcomes.update(
                {name: left_out[name] for name in collection.names if name in left_out}
            )
            runnable = [one for one in runnable if one.name not in left_out]
        self._run(collection, runnable)

    def _run(self, collection: Collection, collectors: Sequence[AnyCollector]) -> None:
        now = monotonic()
        renderer = self._renderer(collection.form)
        context = collection.context.copy()
        collection.run = Run(collectors, renderer, collection.outcomes, now, context)
        try:
            self._worker = self._worker or Worker(
                self._max_series,
                self._from_worker(self._take),
                self._from_worker(self.ledger.came_back),
            )
        except RuntimeError as error:
            log.error("no thread to be had", reason=str(error))  # noqa: TRY400 -- one line
            self._finish(collection)
            return
        self._worker.submit(collection.run)
        self._check_at(self._patience_ends(collection, now), collection)

    def _check_at(self, moment: float, collection: Collection) -> None:
        # Not by the loop's own clock: uvloop's stands still while the loop sleeps or works.
        delay = max(moment - monotonic(), 0.0)
        collection.timer = self._loop.call_later(
            delay, self._check, collection, context=collection.context
        )
        collection.next_check = moment

    def _hurry(self) -> None:
        """Look earlier after the collector at work: somebody with less time waits now."""
        active = self._active
        if active is not None and active.run is not None and active.timer is not None:
            limit = self._patience_ends(active, active.run.current[1])
            if limit < active.next_check:
                active.timer.cancel()
                self._check_at(limit, active)

    def _patience_ends(self, collection: Collection, since: float) -> float:
        """When a collector has had half of the time of whoever has least, here or in the queue."""
        now = monotonic()
        waiting = [
            deadline
            for one in (collection, *self._queue)
            for deadline in one.waiters.values()
            if deadline > now
        ]
        half = (min(waiting, default=collection.deadline) - since) / 2
        return since + min(max(half, MIN_PATIENCE_SECONDS), MAX_PATIENCE_SECONDS)

    def _check(self, collection: Collection) -> None:
        """Look after the collector at work: wait on, or leave it behind."""
        run = collection.run
        if run is None:
            return
        position, since = run.current
        limit = self._patience_ends(collection, since)
        if monotonic() < limit or position >= len(run.collectors) or not run.abandon(position):
            again = max(limit, monotonic() + MIN_PATIENCE_SECONDS / 2)
            self._check_at(again, collection)
            return
        stuck = run.collectors[position]
        collection.outcomes[stuck.name] = Outcome(TIMEOUT, monotonic() - since)
        self.ledger.left_behind(stuck.name, monotonic() - since)
        self._worker = None
        if monotonic() < collection.deadline and run.collectors[position + 1 :]:
            self._run(collection, run.collectors[position + 1 :])
        else:
            self._finish(collection)

    def _finish(self, collection: Collection) -> None:
        self._drop(collection)
        self.ledger.book(collection.outcomes)
        for collector in self._heeding:
            collector.heed(collection.outcomes)
        self._start_next()

    def _drop(self, collection: Collection) -> None:
        """Take a collection out of the books, and let its scrapers go with what there is."""
        collection.run = None
        collection.finished = True
        if collection.timer is not None:
            collection.timer.cancel()
        self._joinable.pop((collection.names, collection.form), None)
        for waiter in collection.waiters:
            _release(waiter)

    def _take(self, run: Run) -> None:
        """Take note that a worker has worked through a run."""
        collection = self._active
        if collection is not None and collection.run is run:
            self._finish(collection)

    def _from_worker(self, function: Callable[[Any], None]) -> Callable[[Any], bool]:
        """Have a function run in the event loop's thread; False when that has ended."""

        def call(argument: Any) -> bool:
            try:
                self._loop.call_soon_threadsafe(function, argument)
            except RuntimeError:
                return False
            return True

        return call


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
