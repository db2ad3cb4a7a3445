"""The scrape engine: collections that scrapers share, wait for, and leave; and its threads."""

from __future__ import annotations

import asyncio

import pytest

from exporter.exposition import OPENMETRICS, TEXT
from exporter.scrape import Engine
from tests.acting import Hanging, Steady
from tests.engines import (
    EXPIRED,
    LONG,
    SHORT,
    collect,
    hangs,
    run_with_engine,
    until,
    worker_threads,
)


def test_scrapers_that_arrive_together_share_one_collection() -> None:
    """64 of them cost what one costs, and get the same page."""
    hanging, steady = Hanging("a"), Steady("b")

    async def test(engine: Engine) -> None:
        joiners = [asyncio.create_task(engine.collect(None, TEXT, LONG)) for _ in range(64)]
        await hangs(hanging)
        hanging.released.set()
        collections = await asyncio.gather(*joiners)
        assert len({id(one) for one in collections}) == 1
        assert len({id(engine.page(one)) for one in collections}) == 1
        assert (hanging.calls, steady.calls) == (1, 1)
        assert (await collect(engine))["success a"] == 1
        assert (hanging.calls, steady.calls) == (2, 2)

    run_with_engine(test, hanging, steady)


def test_other_selections_and_formats_wait_their_turn() -> None:
    """One after the other, so that no collector is ever called by two threads."""
    hanging, steady = Hanging("a"), Steady("b")

    async def test(engine: Engine) -> None:
        first = asyncio.create_task(collect(engine))
        await hangs(hanging)
        one = asyncio.create_task(collect(engine, LONG, "b"))
        others = [
            asyncio.create_task(engine.collect(None, OPENMETRICS, LONG)),
            asyncio.create_task(engine.collect((), TEXT, LONG)),
        ]
        await asyncio.sleep(0)
        assert steady.calls == 0
        assert len(worker_threads()) == 1
        hanging.released.set()
        assert "a_value" in await first
        assert set(await one) == {"b_value", "success b", "duration_seconds b"}
        await asyncio.gather(*others)
        assert (hanging.calls, steady.calls) == (2, 3)

    run_with_engine(test, hanging, steady)


def test_whoever_has_least_time_loses_no_healthy_collector() -> None:
    """A joiner with more time, or less, does not let a hanging collector take the others' data."""
    for times in ((SHORT, LONG), (LONG, SHORT)):
        hanging = Hanging("b")

        async def test(
            engine: Engine, times: tuple[float, float] = times, hanging: Hanging = hanging
        ) -> None:
            first = asyncio.create_task(collect(engine, times[0]))
            await hangs(hanging)
            joiner = asyncio.create_task(collect(engine, times[1]))
            for page in (await first, await joiner):
                assert (page["success a"], page["success b"], page["success c"]) == (1, 0, 1)
            assert hanging.calls == 1

        run_with_engine(test, Steady("a"), hanging, Steady("c"))


def test_a_queued_selection_with_less_time_gets_its_collectors() -> None:
    """It waits behind a hanging collector no longer than half of its own time."""
    hanging = Hanging("a")

    async def test(engine: Engine) -> None:
        first = asyncio.create_task(collect(engine, LONG))
        await hangs(hanging)
        page = await collect(engine, SHORT, "b")
        assert page["success b"] == 1
        assert (await first)["success b"] == 1

    run_with_engine(test, hanging, Steady("b"))


def test_all_scrapers_can_be_let_go() -> None:
    """At the end of the daemon's life, running and queued ones get what is finished."""
    hanging = Hanging("b")

    async def test(engine: Engine) -> None:
        first = asyncio.create_task(collect(engine, LONG))
        await hangs(hanging)
        queued = asyncio.create_task(collect(engine, LONG, "c"))
        await asyncio.sleep(0)
        engine.release()
        assert (await first)["success a"] == 1
        assert (await queued)["success c"] == 0

    run_with_engine(test, Steady("a"), hanging, Steady("c"))


def test_a_queued_collection_that_nobody_waits_for_is_not_run() -> None:
    """Clients with too little time leave no work behind for those who come after them."""
    first, late = Hanging("a"), Hanging("b")

    async def test(engine: Engine) -> None:
        active = asyncio.create_task(collect(engine, LONG, "a"))
        await hangs(first)
        page = await collect(engine, EXPIRED, "b")
        assert page["success b"] == 0
        first.released.set()
        await active
        assert engine.ledger.quarantined == set()
        assert late.calls == 0
        late.released.set()
        assert (await collect(engine, LONG, "b"))["success b"] == 1

    run_with_engine(test, first, late)


def test_a_scraper_that_goes_away_disturbs_nobody() -> None:
    """The collection goes on for the others, and the engine with it."""
    hanging = Hanging("a")

    async def test(engine: Engine) -> None:
        leaver = asyncio.create_task(collect(engine))
        stayer = asyncio.create_task(collect(engine))
        await hangs(hanging)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        hanging.released.set()
        assert (await stayer)["success a"] == 1
        assert (await collect(engine))["success a"] == 1

    run_with_engine(test, hanging)


def test_closing_ends_the_idle_worker() -> None:
    """A reload replaces the engine: its thread must not stay."""

    async def main() -> None:
        engine = Engine([Steady("a")], max_series=10)
        await collect(engine)
        [thread] = worker_threads()
        engine.close()
        await until(lambda: not thread.is_alive())

    asyncio.run(main())


def test_closing_lets_collections_under_way_finish() -> None:
    """Scrapes of the old engine get their whole page; then its thread ends."""
    hanging = Hanging("a")

    async def test(engine: Engine) -> None:
        active = asyncio.create_task(collect(engine))
        queued = asyncio.create_task(collect(engine, LONG, "b"))
        await hangs(hanging)
        engine.close()
        hanging.released.set()
        assert (await active)["success a"] == 1
        assert (await queued)["success b"] == 1
        await until(lambda: not worker_threads())

    run_with_engine(test, hanging, Steady("b"))


def test_a_call_that_returns_after_the_end_is_no_error() -> None:
    """The event loop is gone by then; the thread just ends."""
    hanging = Hanging("a")

    async def main() -> None:
        engine = Engine([hanging], max_series=10)
        await collect(engine, EXPIRED)
        engine.close()

    asyncio.run(main())
    [thread] = worker_threads()
    hanging.released.set()
    thread.join(10)
    assert not thread.is_alive()
