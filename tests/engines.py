"""A scrape engine for tests, and what its pages say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from exporter.exposition import TEXT
from exporter.outcome import AnyCollector
from exporter.scrape import Engine
from tests.acting import Hanging
from tests.expositions import values

LONG = 60.0
"""A deadline that no test reaches."""

SHORT = 2.0
"""A deadline that a test waits for; half of it is more than a busy machine holds a thread up."""

EXPIRED = 0.1
"""A deadline before which nothing has to happen."""


def worker_threads() -> list[threading.Thread]:
    """The engine's threads that live."""
    return [thread for thread in threading.enumerate() if thread.name == "perfwatch-scrape"]


def run_with_engine(
    test: Callable[[Engine], Coroutine[Any, Any, None]],
    *collectors: AnyCollector,
    max_series: int = 1000,
) -> None:
    """Run a test with an engine; whatever happens, nothing hangs when it is over."""

    async def main() -> None:
        engine = Engine(collectors, max_series=max_series)
        try:
            await test(engine)
        finally:
            await close(engine)

    asyncio.run(main())


async def close(engine: Engine) -> None:
    """Let go what hangs, close the engine, and wait until its threads have ended."""
    for collector in engine.collectors.values():
        if isinstance(collector, Hanging):
            collector.released.set()
    engine.close()
    await until(lambda: not worker_threads())


async def collect(
    engine: Engine, seconds: float = LONG, *names: str, form: str = TEXT
) -> dict[str, float]:
    """One scrape: success of each collector, and the values."""
    collection = await engine.collect(names or None, form, seconds)
    return read(engine.page(collection))


def read(page: bytes) -> dict[str, float]:
    """The values of a page by name, success and duration by collector."""
    found = {}
    for (name, labels), value in values(page).items():
        collector = dict(labels).get("collector", "")
        short = name.removeprefix("node_scrape_collector_")
        found[f"{short} {collector}".strip()] = value
    return found


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until something is so."""
    while not condition():  # noqa: ASYNC110 -- what ends it has no event; each turn is a yield
        await asyncio.sleep(0)


async def hangs(collector: Hanging) -> None:
    """Wait until a call of the collector has begun to hang."""
    await until(lambda: collector.entered.acquire(blocking=False))
