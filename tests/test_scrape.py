"""The scrape engine: deadlines, quarantine, and what a failure costs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client import exposition as oracle

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.families import Family, gauge
from exporter.foreign import ForeignCollector
from exporter.outcome import TIMEOUT, AnyCollector
from exporter.scrape import MIN_PATIENCE_SECONDS, Engine
from tests.acting import Absent, Hanging, Raising, Steady
from tests.engines import (
    LONG,
    SHORT,
    close,
    collect,
    hangs,
    read,
    run_with_engine,
    until,
    worker_threads,
)
from tests.expositions import meaning, values


def test_a_scrape_never_waits_longer_than_it_may() -> None:
    """Behind a collection that hangs it gets nothing, in time; its account says so."""
    hanging = Hanging("b")

    async def test(engine: Engine) -> None:
        active = asyncio.create_task(collect(engine, LONG, "b"))
        await hangs(hanging)
        # Less than any collector's least patience: nothing can have been left behind by then.
        page = await collect(engine, MIN_PATIENCE_SECONDS / 5)
        assert page.keys() == {"success a", "success b", "duration_seconds a", "duration_seconds b"}
        assert page["success a"] == page["success b"] == 0
        hanging.released.set()
        await active

    run_with_engine(test, Steady("a"), hanging)


def test_a_source_that_the_host_lacks_is_no_failure() -> None:
    """It is said to be absent, and not asked again by the next scrape."""
    absent = Absent("b")

    async def test(engine: Engine) -> None:
        for _ in range(2):
            page = await collect(engine)
            assert page["success a"] == page["success b"] == page["a_value"] == 1
            assert absent.calls == 1
        assert (await collect(engine, LONG, "b"))["success b"] == 1
        assert absent.calls == 1

    run_with_engine(test, Steady("a"), absent)


def test_a_hanging_collector_costs_the_same_scrape_nothing_else() -> None:
    """It is left behind at half time, and a fresh worker collects the others for this scrape."""
    after = Steady("c")

    async def test(engine: Engine) -> None:
        page = await collect(engine, SHORT)
        assert page["success a"] == page["c_value"] == page["success c"] == 1
        assert page["success b"] == 0
        assert engine.ledger.quarantined == {"b"}
        assert engine.ledger.last["b"].status == TIMEOUT

    run_with_engine(test, Steady("a"), Hanging("b"), after)


@pytest.mark.parametrize(
    "bad",
    [
        Raising("b", ValueError("x")),
        Raising("b", SystemExit(1)),
        Steady("b", [Family("b", "B.", "gauge", (), [((), "no number")])]),  # type: ignore[list-item]
    ],
    ids=["raises", "exits", "nonsense"],
)
def test_a_failing_collector_costs_only_itself(bad: AnyCollector) -> None:
    """In the same scrape and in the next, all others are there; its own account is too."""

    async def test(engine: Engine) -> None:
        for _ in range(2):
            page = await collect(engine)
            assert page["success a"] == page["success c"] == page["c_value"] == 1
            assert page["success b"] == 0
            assert page["duration_seconds b"] > 0
            assert "b_value" not in page
        assert len(worker_threads()) == 1

    run_with_engine(test, Steady("a"), bad, Steady("c"))


def test_a_collector_that_recovers_takes_part_again() -> None:
    """A failure is of one scrape only."""
    bad = Raising("b", OSError("gone"))

    async def test(engine: Engine) -> None:
        assert (await collect(engine))["success b"] == 0
        bad.error = None
        assert (await collect(engine))["success b"] == 1

    run_with_engine(test, bad)


def test_quarantine_lasts_until_the_call_returns() -> None:
    """A hanging collector is not called again; once its call has returned it takes part again."""
    hanging = Hanging("b")

    async def test(engine: Engine) -> None:
        for _ in range(3):
            page = await collect(engine, SHORT)
            assert (page["success a"], page["success b"]) == (1, 0)
            assert "duration_seconds b" in page
        assert hanging.calls == 1
        assert len(worker_threads()) == 2
        hanging.released.set()
        await until(lambda: not engine.ledger.quarantined)
        page = await collect(engine)
        assert page["success b"] == page["b_value"] == 1
        assert hanging.calls == 2

    run_with_engine(test, hanging, Steady("a"))


def test_several_hanging_collectors_each_get_left_behind() -> None:
    """Each costs half of the time that is left; those behind them are still collected."""

    async def test(engine: Engine) -> None:
        page = await collect(engine, SHORT)
        assert (page["success a"], page["success b"], page["success c"]) == (0, 0, 1)
        assert engine.ledger.quarantined == {"a", "b"}

    run_with_engine(test, Hanging("a"), Hanging("b"), Steady("c"))


def test_the_cap_holds_in_the_engine_and_is_counted() -> None:
    """A collector beyond it succeeds with what fits."""
    family = Family("many", "M.", "gauge", ("x",), [((str(n),), n) for n in range(10)])

    async def test(engine: Engine) -> None:
        for dropped in (6, 12):
            assert (await collect(engine))["success a"] == 1
            own = read(Renderer(TEXT).render(engine.ledger.own_families()))
            assert own["perfwatch_collector_dropped_series_total a"] == dropped

    run_with_engine(test, Steady("a", [family]), max_series=4)


def test_foreign_collectors_take_part() -> None:
    """prometheus_client's page says the same; it has its account like any other."""
    registry = CollectorRegistry()
    Counter("jobs", "J.", ["kind"], registry=registry).labels("x").inc(3)
    Histogram("took_seconds", "T.", registry=registry).observe(0.5)

    async def test(engine: Engine) -> None:
        page = engine.page(await engine.collect(None, TEXT, LONG))
        said = meaning(page)
        assert said.items() >= meaning(oracle.generate_latest(registry)).items()
        assert read(page)["success foreign"] == 1

    run_with_engine(test, ForeignCollector("foreign", registry), Steady("a"))


def test_an_openmetrics_page_ends_once() -> None:
    """One # EOF behind everything, extras included."""

    async def main() -> None:
        engine = Engine([Steady("a")], max_series=10, extras=lambda: [gauge("own", "Own.", 1)])
        page = engine.page(await engine.collect(None, OPENMETRICS, LONG))
        await close(engine)
        assert set(meaning(page, openmetrics=True)) >= {"a_value", "own"}

    asyncio.run(main())


def test_own_families_that_fail_cost_only_themselves() -> None:
    """The host's metrics are worth a page without the daemon's own."""
    broken = True

    def extras() -> Iterator[Family]:
        if broken:
            raise OSError(24, "Too many open files")
        yield gauge("own", "The daemon's.", 1)

    async def main() -> None:
        nonlocal broken
        engine = Engine([Steady("a")], max_series=10, extras=extras)
        try:
            for _ in range(2):
                page = values(engine.page(await engine.collect(None, TEXT, LONG)))
                assert "own" not in {name for name, _ in page}
                assert page["node_scrape_collector_success", frozenset({("collector", "a")})] == 1
            broken = False
            page = values(engine.page(await engine.collect(None, TEXT, LONG)))
            assert page["own", frozenset()] == 1
        finally:
            await close(engine)

    asyncio.run(main())


def test_without_a_thread_a_scrape_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system out of threads gets a page without data, and with data once it has some again."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def test(engine: Engine) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert (await collect(engine))["success a"] == 0
        assert (await collect(engine))["success a"] == 1

    run_with_engine(test, Steady("a"))
