"""What is counted of requests: by `PerformanceMonitor`, whoever calls it."""

from __future__ import annotations

import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from monitoring.metrics import Family, HistogramValue
from monitoring.performance import PerformanceMonitor, TimingMiddleware
from tests.expositions import meaning, values

LABELS = ("handler", "method", "code")


class Clock:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def named(monitor: PerformanceMonitor) -> dict[str, Family]:
    """The families by what follows the namespace."""
    return {family.name.partition("_http_")[2]: family for family in monitor.families()}


def samples(monitor: PerformanceMonitor, name: str) -> dict[tuple[str, ...], Any]:
    """The samples of one family by label values."""
    return dict(named(monitor)[name].samples)


def test_requests_count_by_known_handlers_and_methods() -> None:
    """What clients invent is counted together; codes are the service's own."""
    monitor = PerformanceMonitor(["/a"])
    for handler, method, code in [
        ("/a", "GET", 200),
        ("/a", "GET", 200),
        ("/a", "GET", 404),
        ("/a", "BREW", 405),
        ("/b", "GET", 404),
        ("/c", "GET", 404),
    ]:
        monitor.observe(handler, method, code, 0.1, 1)
    assert samples(monitor, "requests_total") == {
        ("/a", "GET", "200"): 2,
        ("/a", "GET", "404"): 1,
        ("/a", "other", "405"): 1,
        ("other", "GET", "404"): 2,
    }
    assert set(samples(monitor, "requests_in_flight")) == {
        ("/a", "GET"),
        ("/a", "other"),
        ("other", "GET"),
    }


def test_histograms_are_cumulative_and_a_bound_is_in_its_bucket() -> None:
    """As Prometheus counts: less or equal; what is above all bounds is in +Inf alone."""
    monitor = PerformanceMonitor(["/"], duration_bounds=(0.5, 1), size_bounds=(100,))
    for seconds, size in [(0.5, 100), (0.25, 0), (0.75, 101), (2.5, 5000)]:
        monitor.observe("/", "GET", 200, seconds, size)
    infinity = float("inf")
    [durations] = samples(monitor, "request_duration_seconds").values()
    assert durations == HistogramValue((0.5, 1, infinity), (2, 3, 4), 4.0)
    [sizes] = samples(monitor, "response_size_bytes").values()
    assert sizes == HistogramValue((100, infinity), (2, 4), 5201)


def test_what_did_not_change_is_the_same_object() -> None:
    """So that whoever renders it can keep what was rendered."""
    monitor = PerformanceMonitor(["/a", "/b"])
    for handler in ("/a", "/b"):
        monitor.observe(handler, "GET", 200, 0.1, 1)
    first = named(monitor)
    assert all(family is first[name] for name, family in named(monitor).items())
    monitor.observe("/b", "GET", 200, 0.1, 1)
    second = named(monitor)
    for name in ("requests_total", "request_duration_seconds", "response_size_bytes"):
        assert second[name].samples[0] is first[name].samples[0]
        assert second[name].samples[1] != first[name].samples[1]
    assert second["requests_in_flight"] is first["requests_in_flight"]


def test_families_that_were_given_do_not_change() -> None:
    """They are a state, not a view: a scrape may render them later."""
    monitor = PerformanceMonitor(["/a"])
    monitor.observe("/a", "GET", 200, 0.1, 1)
    before = list(monitor.families())
    text = repr(before)
    monitor.observe("/a", "GET", 500, 0.1, 1)
    monitor.observe("/a", "GET", 200, 0.1, 1)
    monitor.families()
    assert repr(before) == text


def test_requests_are_in_flight_from_start_to_finish() -> None:
    """And count as answered only then, with the time in between."""
    clock = Clock()
    monitor = PerformanceMonitor(["/a"], clock=clock)
    assert list(monitor.families()) == []
    first, second = monitor.start("/a", "GET"), monitor.start("/a", "GET")
    assert list(named(monitor)) == ["requests_in_flight"]
    assert samples(monitor, "requests_in_flight") == {("/a", "GET"): 2}
    clock.now += 3
    monitor.finish(first, 200, 1000.0, 7)
    assert samples(monitor, "requests_in_flight") == {("/a", "GET"): 1}
    monitor.finish(second, 500, 1001.0, 8)
    assert samples(monitor, "requests_in_flight") == {("/a", "GET"): 0}
    durations = samples(monitor, "request_duration_seconds")
    assert durations["/a", "GET", "200"].sum == 3
    assert durations["/a", "GET", "500"].sum == 2


def test_a_template_found_late_is_a_handler_from_then_on() -> None:
    """In flight it was counted as what was known when it came."""
    monitor = PerformanceMonitor()
    monitor.finish(monitor.start("/users/1", "GET"), 200, monitor.clock(), 7, "/users/{id}")
    monitor.observe("/users/{id}", "GET", 200, 0.1, 1)
    assert samples(monitor, "requests_total") == {("/users/{id}", "GET", "200"): 2}
    assert samples(monitor, "requests_in_flight") == {
        ("other", "GET"): 0,
        ("/users/{id}", "GET"): 0,
    }


@pytest.fixture
def busy() -> PerformanceMonitor:
    """A monitor of another service, with known numbers; one handler needs escaping."""
    monitor = PerformanceMonitor(["/a", '/"b\\\n'], namespace="shop", duration_bounds=(0.5, 1))
    for seconds in (0.25, 0.75, 2):
        monitor.observe("/a", "GET", 200, seconds, 500)
    monitor.observe('/"b\\\n', "POST", 503, 0.25, 10**8)
    monitor.start("/a", "GET")
    return monitor


def expected() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The numbers of the durations of `/a`, and one of each other family."""
    own = frozenset(zip(LABELS, ("/a", "GET", "200"), strict=True))
    other = frozenset(zip(LABELS, ('/"b\\\n', "POST", "503"), strict=True))
    name = "shop_http_request_duration_seconds"
    size = "shop_http_response_size_bytes"
    return {
        ("shop_http_requests_total", own): 3,
        ("shop_http_requests_total", other): 1,
        (f"{name}_bucket", own | {("le", "0.5")}): 1,
        (f"{name}_bucket", own | {("le", "1.0")}): 2,
        (f"{name}_bucket", own | {("le", "+Inf")}): 3,
        (f"{name}_count", own): 3,
        (f"{name}_sum", own): 3,
        (f"{size}_bucket", other | {("le", "1000000.0")}): 0,
        (f"{size}_bucket", other | {("le", "+Inf")}): 1,
        (f"{size}_sum", other): 10**8,
        (
            "shop_http_requests_in_flight",
            frozenset({("handler", "/a"), ("method", "GET")}),
        ): 1,
    }


def test_prometheus_client_reads_the_right_numbers_back(busy: PerformanceMonitor) -> None:
    """From a registry of its own, in both formats (OpenMetrics is read strictly)."""
    registry = CollectorRegistry()
    registry.register(busy)
    page = values(generate_latest(registry))
    assert page.items() >= expected().items()
    assert len(page) == 2 * (1 + (3 + 2) + (4 + 2) + 1)
    strict: bytes = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    types = {name: found[0] for name, found in meaning(strict, openmetrics=True).items()}
    assert types == {
        "shop_http_requests": "counter",
        "shop_http_request_duration_seconds": "histogram",
        "shop_http_response_size_bytes": "histogram",
        "shop_http_requests_in_flight": "gauge",
    }


def test_buckets_are_cumulative_in_the_page(busy: PerformanceMonitor) -> None:
    """In each histogram: no count is below the one before, and the last is the number of all."""
    registry = CollectorRegistry()
    registry.register(busy)
    buckets: dict[Any, list[float]] = {}
    page = values(generate_latest(registry))
    for (name, labels), value in page.items():
        if name.endswith("_bucket"):
            own = frozenset(pair for pair in labels if pair[0] != "le")
            buckets.setdefault((name.removesuffix("_bucket"), own), []).append(value)
    assert len(buckets) == 4
    for (name, own), counts in buckets.items():
        assert counts == sorted(counts)
        assert counts[-1] == page[f"{name}_count", own]


def test_requests_of_many_threads_count_once_and_whole() -> None:
    """Whoever reads meanwhile sees each request in all families or in none."""
    monitor = PerformanceMonitor(["/a", "/b"], clock=lambda: 0.0)
    done = threading.Event()
    torn = []

    def serve(handler: str) -> None:
        for number in range(2000):
            monitor.finish(monitor.start(handler, "GET"), 200 + number % 3, -1.0, 1)

    def scrape() -> None:
        while not done.is_set():
            families = named(monitor)
            if "requests_total" in families:
                counts = [number for _, number in families["requests_total"].samples]
                durations: list[Any] = [
                    number for _, number in families["request_duration_seconds"].samples
                ]
                if (
                    not counts
                    == [of.counts[-1] for of in durations]
                    == [of.sum for of in durations]
                ):
                    torn.append(families)

    reader = threading.Thread(target=scrape)
    servers = [threading.Thread(target=serve, args=(handler,)) for handler in ("/a", "/b") * 3]
    for thread in (reader, *servers):
        thread.start()
    for thread in servers:
        thread.join()
    done.set()
    reader.join()
    assert not torn
    assert sum(samples(monitor, "requests_total").values()) == 12_000
    assert set(samples(monitor, "requests_in_flight").values()) == {0}


def test_a_request_that_ends_inside_another_ones_counting_is_no_deadlock() -> None:
    """The garbage collector ends abandoned requests whenever it likes, also under the lock."""
    abandoned: list[Coroutine[Any, Any, None]] = []

    def clock() -> float:
        if abandoned:
            abandoned.pop().close()
        return 0.0

    class Never:
        """Suspends for good."""

        def __await__(self) -> Any:
            yield

    async def app(*_: Any) -> None:
        await Never()

    monitor = PerformanceMonitor(["/a", "/b"], clock=clock)
    scope = {"type": "http", "method": "GET", "path": "/a"}
    request: Any = TimingMiddleware(app, monitor)(scope, app, app)
    request.send(None)
    abandoned.append(request)
    monitor.observe("/b", "GET", 200, 0.1, 1)
    assert samples(monitor, "requests_total") == {
        ("/a", "GET", "499"): 1,
        ("/b", "GET", "200"): 1,
    }
