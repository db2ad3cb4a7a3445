"""Foreign collectors: what prometheus_client collects comes out as prometheus_client prints it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
)
from prometheus_client import exposition as oracle_text
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    Metric,
    Timestamp,
    UnknownMetricFamily,
)
from prometheus_client.openmetrics import exposition as oracle_openmetrics

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.foreign import ForeignCollector
from tests.expositions import meaning

AWKWARD = 'a\\b\n"c" ä€'


class OtherFamilies:
    """What has no instrument class: gauge histograms, untyped values, units, timestamps."""

    def collect(self) -> Iterator[Metric]:
        """Give one family of each."""
        buckets = [("1.0", 2.0), ("+Inf", 3.0)]
        sizes = GaugeHistogramMetricFamily("queue_sizes", "Sizes.", labels=["queue"])
        sizes.add_metric(["a"], buckets, 4.5)
        yield sizes
        yield UnknownMetricFamily("thing", "Thing.", value=-1.5)
        yield GaugeMetricFamily("pressure_pascals", "P.", value=1e-7, unit="pascals")
        stamped = GaugeMetricFamily("stamped", "S.", labels=["x"])
        stamped.add_metric(["float"], 1, timestamp=1_700_000_000.25)
        stamped.add_metric(["exact"], 2, timestamp=Timestamp(1_700_000_000, 500_000_000))
        yield stamped


def make_registry() -> CollectorRegistry:
    """A registry with a collector of every type."""
    registry = CollectorRegistry()
    counter = Counter("jobs", AWKWARD, ["kind"], registry=registry)
    counter.labels(kind=AWKWARD).inc(3, exemplar={"trace": "abc"})
    counter.labels(kind="").inc()
    Gauge("temperature", "T.", registry=registry).set(float("nan"))
    summary = Summary("wait_seconds", "W.", ["kind"], registry=registry)
    summary.labels("x").observe(0.25)
    histogram = Histogram("took_seconds", "T.", registry=registry, buckets=[0.1, 1, 10])
    histogram.observe(0.5, exemplar={"trace": "def", "span": "ä"})
    Info("build", "B.", registry=registry).info({"version": "1", "empty": ""})
    Enum("state", "S.", registry=registry, states=["up", "down"]).state("down")
    registry.register(OtherFamilies())
    return registry


def test_text_is_what_prometheus_client_prints() -> None:
    """Created times and the sums of gauge histograms become gauges of their own, as there."""
    registry = make_registry()
    page = Renderer(TEXT).render(ForeignCollector("foreign", registry).collect())
    ours = meaning(page)
    assert ours == meaning(oracle_text.generate_latest(registry))
    assert {"jobs_created", "queue_sizes_gsum", "build_info"} <= set(ours)


def test_openmetrics_is_what_prometheus_client_prints() -> None:
    """Units, exemplars, timestamps and created times stay where OpenMetrics wants them."""
    registry = make_registry()
    renderer = Renderer(OPENMETRICS)
    page = renderer.render(ForeignCollector("foreign", registry).collect()) + renderer.end
    ours = meaning(page, openmetrics=True)
    expected = oracle_openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    assert ours == meaning(expected, openmetrics=True)
    assert ours["pressure_pascals"][2] == "pascals"
    assert any(sample[4] for sample in ours["jobs"][3]), "an exemplar"


@pytest.mark.parametrize(
    ("exemplar", "end"),
    [
        (Exemplar({}, 1), b"# {} 1\n"),
        (Exemplar({}, 0.5, 12.5), b"# {} 0.5 12.5\n"),
        (Exemplar({"trace": 'a"'}, 2, Timestamp(3, 0)), b'# {trace="a\\""} 2 3\n'),
    ],
)
def test_labels_and_time_of_an_exemplar_are_optional(exemplar: Exemplar, end: bytes) -> None:
    """The braces stay when there are no labels; the text format leaves all of it out."""
    metric = CounterMetricFamily("jobs", "J.", value=1)
    metric.samples = [metric.samples[0]._replace(exemplar=exemplar)]
    assert Renderer(OPENMETRICS).render([metric]).endswith(b"jobs_total 1 " + end)
    assert Renderer(TEXT).render([metric]).endswith(b"jobs_total 1\n")


@pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
@pytest.mark.parametrize("name", ["dotted.name", "spaced name", "ünicode", "9lives", "a\n"])
def test_a_name_that_needs_quoting_is_refused(name: str, form: str) -> None:
    """It would make the whole page unreadable; so it costs its own collector only."""
    metric = GaugeMetricFamily("fine", "F.", value=1)
    metric.samples[0] = metric.samples[0]._replace(name=name)
    empty = GaugeMetricFamily("fine", "F.")
    empty.name = name
    labelled = GaugeMetricFamily("fine", "F.", value=1)
    labelled.samples[0] = labelled.samples[0]._replace(labels={name: "1"})
    for one in (metric, empty, labelled):
        with pytest.raises(ValueError, match="not a name"):
            Renderer(form).render([one])
