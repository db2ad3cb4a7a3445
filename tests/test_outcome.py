"""One attempt at one collector: whatever it does costs only itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.families import Family, Filled, Layout, Series
from exporter.foreign import ForeignCollector
from exporter.outcome import FAILED, NO_DATA, OK, AnyCollector, Outcome, attempt
from tests.acting import Absent, Raising, Steady
from tests.expositions import meaning, values


def try_out(collector: AnyCollector, max_series: int = 1000, form: str = TEXT) -> Outcome:
    """Attempt it."""
    return attempt(collector, Renderer(form), max_series)


def rows(count: int) -> list[tuple[str]]:
    """Label values of as many series."""
    return [(str(number),) for number in range(count)]


def plain(name: str, count: int) -> Family:
    """A plain family."""
    return Family(name, "H.", "gauge", ("x",), [(row, 1) for row in rows(count)])


def filled(name: str, count: int) -> Filled:
    """Two filled families in one layout, with so many series each."""
    series = [Series(f"{name}_{n}", "H.", "gauge", ("x",), rows(count), -2) for n in (1, 2)]
    return Layout(series).fill([b"1"] * count * 2)


def foreign(name: str, count: int) -> Metric:
    """A family of prometheus_client."""
    metric = GaugeMetricFamily(name, "H.", labels=["x"])
    for row in rows(count):
        metric.add_metric(row, 1)
    return metric


class Given:
    """A foreign collector of given metrics."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """Give them."""
        return self._metrics


def test_a_good_collector_gives_its_page_and_how_long_it_took() -> None:
    """All of its families, and nothing dropped."""
    outcome = try_out(Steady("a", [plain("a", 2), filled("b", 1)]))
    assert (outcome.status, outcome.dropped, outcome.reason) == (OK, 0, "")
    assert outcome.seconds > 0
    assert set(meaning(outcome.body)) == {"a", "b_1", "b_2"}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad line"),
        OSError(5, "Input/output error"),
        MemoryError(),
        RecursionError(),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
    ],
)
def test_whatever_a_collector_raises_is_its_failure(error: BaseException) -> None:
    """Even sys.exit() in somebody's library; of what it gave before, nothing is kept."""
    outcome = try_out(Raising("a", error))
    assert (outcome.status, outcome.body) == (FAILED, b"")
    assert outcome.reason == f"{type(error).__name__}: {error}"
    assert outcome.seconds > 0


def test_a_lacking_source_is_no_failure() -> None:
    """It has a state of its own, with the reason."""
    outcome = try_out(Absent("a"))
    assert (outcome.status, outcome.body) == (NO_DATA, b"")
    assert outcome.reason == "no such thing here"


@pytest.mark.parametrize(
    "item",
    [None, "text", Family("a", "A.", "gauge", (), [((), "1")]), object()],  # type: ignore[list-item]
)
def test_what_is_no_family_is_a_failure(item: Any) -> None:
    """A collector that gives nonsense fails alone."""
    assert try_out(Steady("a", [plain("good", 1), item])).status == FAILED


def test_the_cap_cuts_plain_and_filled_families() -> None:
    """The first series are kept, in their order; the rest is counted; values stay right."""
    items: list[Family | Filled] = [plain("a", 3), filled("b", 2), plain("c", 3)]
    outcome = try_out(Steady("a", items), max_series=6)
    assert (outcome.status, outcome.dropped) == (OK, 4)
    found = values(outcome.body)
    assert list(found.values()) == [1, 1, 1, 0.01, 0.01, 0.01]
    assert {name for name, _ in found} == {"a", "b_1", "b_2"}


@pytest.mark.parametrize("max_series", [1, 9, 10, 11])
def test_the_cap_is_exact(max_series: int) -> None:
    """Nothing is dropped up to the cap, and never more or less than what is beyond it."""
    outcome = try_out(Steady("a", [plain("a", 10)]), max_series)
    assert len(values(outcome.body)) == min(max_series, 10)
    assert outcome.dropped == max(10 - max_series, 0)


def test_the_cap_cuts_foreign_families_without_touching_them() -> None:
    """The family may belong to somebody else's registry: the cut is made in a copy."""
    metric = foreign("a", 10)
    outcome = try_out(ForeignCollector("a", Given([metric, foreign("b", 1)])), max_series=4)
    assert (len(values(outcome.body)), outcome.dropped) == (4, 7)
    assert len(metric.samples) == 10


def test_the_cap_cuts_no_histogram_in_two() -> None:
    """Half of one would be a wrong one, and unreadable in OpenMetrics: it is left out whole."""
    registry = CollectorRegistry()
    Counter("before", "B.", registry=registry).inc()
    Histogram("took", "T.", registry=registry, buckets=[1, 2, 3]).observe(1)
    after = Counter("after", "A.", ["x"], registry=registry)
    for row in rows(20):
        after.labels(*row).inc()
    collector = ForeignCollector("a", registry)
    given = sum(len(metric.samples) for metric in registry.collect())
    outcome = try_out(collector, max_series=6, form=OPENMETRICS)
    page = meaning(outcome.body + b"# EOF\n", openmetrics=True)
    assert set(page) == {"before", "after"}
    kept = sum(len(samples) for _, _, _, samples in page.values())
    assert (kept, outcome.dropped) == (6, given - 6)
