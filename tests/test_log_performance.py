"""Operations and what they took: one record at their end, whatever that is."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from monitoring.log_performance import performance_context, performance_tracked

FIGURES = {"duration_ms", "cpu_ms", "memory_usage_mb", "memory_delta_mb"}


def test_an_operation_is_one_record() -> None:
    """With the fields that it was given by attribute or by name, which cannot forge its own."""
    with capture_logs() as records, performance_context("import") as operation:
        operation.records_processed = 5
        operation.records_processed += 1
        operation.add(cache_hit_ratio=0.9, status="forged", operation="forged")
        assert not records
    [record] = records
    assert set(record.pop("performance")) == FIGURES
    assert record == {
        "event": "operation finished",
        "log_level": "info",
        "data": {
            "operation": "import",
            "status": "ok",
            "records_processed": 6,
            "cache_hit_ratio": 0.9,
        },
    }


def test_the_figures_are_those_of_the_block() -> None:
    """Milliseconds of time and of this thread's CPU, and 2^20 bytes of resident memory."""
    with capture_logs() as records, performance_context("grow"):
        block = bytearray(b"x") * (64 << 20)
    figures = records[0]["performance"]
    assert len(block) == 64 << 20
    assert 0 < figures["cpu_ms"] <= figures["duration_ms"] * 1.5
    assert 60 < figures["memory_delta_mb"] < 80
    resident = psutil.Process().memory_info().rss / (1 << 20)
    assert figures["memory_usage_mb"] == pytest.approx(resident, rel=0.5)


def test_an_error_is_named_and_goes_on() -> None:
    """Its text is not logged: it may say more than a log should."""

    def divide() -> None:
        with performance_context("divide") as operation:
            operation.add(number=1)
            _ = 1 / 0

    with capture_logs() as records, pytest.raises(ZeroDivisionError):
        divide()
    [record] = records
    assert (record["event"], record["log_level"]) == ("operation failed", "error")
    assert record["data"] == {
        "operation": "divide",
        "status": "failed",
        "error": "ZeroDivisionError",
        "number": 1,
    }
    assert set(record["performance"]) == FIGURES


@pytest.mark.parametrize("fails", [False, True])
def test_a_slow_operation_is_an_alert_besides(*, fails: bool) -> None:
    """Also when it fails; any duration is above zero."""
    with capture_logs() as records:
        try:
            with performance_context("crawl", alert_threshold_ms=0):
                assert not fails
        except AssertionError:
            pass
    operation, alert = records
    duration_ms = operation["performance"]["duration_ms"]
    assert operation["event"] == ("operation failed" if fails else "operation finished")
    assert (alert["event"], alert["log_level"]) == ("slow operation", "warning")
    assert alert["data"] == {
        "operation": "crawl",
        "duration_ms": duration_ms,
        "threshold_ms": 0,
        "alert_channels": ["default"],
        "severity": "warning",
    }


def test_a_fast_operation_is_no_alert() -> None:
    """Below the threshold there is one record."""
    with capture_logs() as records, performance_context("run", alert_threshold_ms=1e9):
        pass
    assert [record["event"] for record in records] == ["operation finished"]


@pytest.mark.parametrize("threshold", [-1, "5", float("nan"), [1]])
def test_a_senseless_threshold_is_refused(threshold: Any) -> None:
    """Where it is given, not where it would be used."""
    with pytest.raises(ValueError, match="milliseconds, at least 0; got"):
        performance_context("x", alert_threshold_ms=threshold)
    with pytest.raises(ValueError, match="milliseconds, at least 0; got"):
        performance_tracked(alert_threshold_ms=threshold)


def test_one_context_object_measures_one_block_at_a_time() -> None:
    """One after the other is fine: each has its own fields."""
    context = performance_context("x")
    with capture_logs() as records:
        with context as operation:
            operation.first = True
            with pytest.raises(RuntimeError, match="measured already"):
                context.__enter__()
        with context:
            pass
    assert [set(record["data"]) - {"operation", "status"} for record in records] == [
        {"first"},
        set(),
    ]


def test_in_asyncio_it_is_the_same() -> None:
    """A cancelled task is no failure."""

    async def work() -> None:
        async with performance_context("work") as operation:
            operation.waiting = True
            await asyncio.Event().wait()

    async def main() -> None:
        async with performance_context("main"):
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])

    with capture_logs() as records:
        asyncio.run(main())
    assert [(record["event"], record["log_level"], record["data"]) for record in records] == [
        (
            "operation cancelled",
            "info",
            {"operation": "work", "status": "cancelled", "waiting": True},
        ),
        ("operation finished", "info", {"operation": "main", "status": "ok"}),
    ]


def test_cpu_time_of_two_threads_is_not_compared() -> None:
    """Left in another thread than it was entered in, it has none."""
    context = performance_context("wander")
    thread = threading.Thread(target=context.__enter__)
    thread.start()
    thread.join()
    with capture_logs() as records:
        context.__exit__(None)
    assert set(records[0]["performance"]) == FIGURES - {"cpu_ms"}


def test_without_psutil_memory_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is there."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    from monitoring import log_performance

    log_performance._process.cache_clear()
    with capture_logs() as records, performance_context("lean"):
        pass
    assert set(records[0]["performance"]) == {"duration_ms", "cpu_ms"}


def test_memory_that_is_known_only_at_the_end_has_no_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Missing is absent, not 0."""
    from monitoring import log_performance

    with capture_logs() as records:
        with monkeypatch.context() as without:
            without.setitem(sys.modules, "psutil", None)
            log_performance._process.cache_clear()
            context = performance_context("late")
            context.__enter__()
        context.__exit__(None)
    assert set(records[0]["performance"]) == FIGURES - {"memory_delta_mb"}


def _grow_in_child(sending: Connection) -> None:
    block = b"x" * (64 << 20)
    with capture_logs() as records, performance_context("child"):
        pass
    resident = psutil.Process().memory_info().rss / (1 << 20)
    sending.send((len(block), records[0]["performance"]["memory_usage_mb"], resident))


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_child_tells_its_own_memory() -> None:
    """Not that of its parent, which has asked before."""
    with capture_logs(), performance_context("parent"):
        pass
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_grow_in_child, args=(sending,))
    process.start()
    assert receiving.poll(10)
    _, told, resident = receiving.recv()
    process.join()
    assert told == pytest.approx(resident, abs=16)


def test_odd_fields_are_no_error() -> None:
    """What the log makes of them is the log's."""
    values: list[Any] = [object(), float("nan"), b"\xff", iter(()), Iterator]
    with capture_logs() as records, performance_context(None) as operation:  # type: ignore[arg-type]
        operation.add(**{"a b": values, "self": 1})
    assert records[0]["data"]["a b"] is values
    assert records[0]["data"]["operation"] == "None"
