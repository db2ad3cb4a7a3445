"""What became of records, as counters for Prometheus."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.connection import Connection

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitoring.log_events import MAX_SERIES, LogMetrics
from tests.logs import counts


def test_nothing_is_there_before_the_first_event() -> None:
    """Missing is absent; a family is the same object until its next event."""
    metrics = LogMetrics()
    assert list(metrics.families()) == []
    metrics.dropped("shop", "rate_limit", 3)
    [first] = metrics.families()
    assert next(iter(metrics.families())) is first
    metrics.dropped("shop", "rate_limit")
    [second] = metrics.families()
    assert (first.samples, second.samples) == (
        [(("shop", "rate_limit"), 3)],
        [(("shop", "rate_limit"), 4)],
    )


def test_a_registry_takes_the_metrics() -> None:
    """The page that a service gives has the names and labels of the contract."""
    metrics = LogMetrics()
    metrics.security_event("login_failed")
    metrics.alert("slow", "critical", ["ops"])
    metrics.dropped("shop", "sampled", 2)
    registry = CollectorRegistry()
    registry.register(metrics)
    page = generate_latest(registry).decode()
    found = {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert found == {
        ("perfwatch_security_events_total", ("kind", "login_failed"), 1.0),
        (
            "perfwatch_log_alerts_total",
            ("channel", "ops"),
            ("name", "slow"),
            ("severity", "critical"),
            1.0,
        ),
        ("perfwatch_log_records_dropped_total", ("logger", "shop"), ("reason", "sampled"), 2.0),
    }


def test_the_series_are_bounded() -> None:
    """Beyond the bound new ones are counted together; the severity is kept, by it one routes."""
    metrics = LogMetrics()
    for number in range(MAX_SERIES + 10):
        metrics.security_event(f"kind {number}")
        metrics.alert(f"alert {number}", "critical", ["ops"])
    metrics.security_event("kind 0")
    metrics.alert("late", "info", ["ops"])
    kinds = counts(metrics, "perfwatch_security_events_total")
    assert (len(kinds), kinds[("other",)], kinds[("kind 0",)]) == (MAX_SERIES + 1, 10, 2)
    found = counts(metrics, "perfwatch_log_alerts_total")
    assert len(found) == MAX_SERIES + 2
    assert found[("other", "critical", "other")] == 10
    assert found[("other", "info", "other")] == 1


def test_counting_from_many_threads_loses_nothing() -> None:
    """All of them wait for each other and count at once, while somebody reads."""
    metrics = LogMetrics()
    barrier = threading.Barrier(8)

    def count() -> None:
        barrier.wait()
        for _ in range(500):
            metrics.dropped("shop", "sampled")
            list(metrics.families())

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(metrics, "perfwatch_log_records_dropped_total") == {("shop", "sampled"): 4000}


def _count_in_child(metrics: LogMetrics, sending: Connection) -> None:
    metrics.dropped("child", "sampled")
    sending.send(counts(metrics, "perfwatch_log_records_dropped_total"))


@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_counts_does_not_block_the_child() -> None:
    """The lock that it held in the parent is nobody's in the child."""
    metrics = LogMetrics()
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with metrics._lock:
            held.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_count_in_child, args=(metrics, sending), daemon=True)
    process.start()
    try:
        assert receiving.poll(10), "the child is blocked"
        assert receiving.recv() == {("child", "sampled"): 1}
    finally:
        leave.set()
        thread.join()
        process.kill()
        process.join()
