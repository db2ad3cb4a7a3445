"""Metric families as plain data: what every part of this library says of itself.

A part has `families()`, plain data that is cheap to build, and `collect()`, the same as
`prometheus_client` families, so that `REGISTRY.register(part)` is all a service needs. The metric
objects of `prometheus_client` are not used inside: reading them costs more than counting does
(docs/decisions/0008-monitoring.md), and a service that speaks to Prometheus otherwise need not
load them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Digits: TypeAlias = bytes
"""A number already printed as ASCII digits, checked by whoever took it from its source."""

Number: TypeAlias = int | float | Digits

LabelValues: TypeAlias = tuple[str, ...]


class HistogramValue(NamedTuple):
    """The state of one histogram: cumulative counts per upper bound (the last one is +Inf)."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


class SummaryValue(NamedTuple):
    """The state of one summary: its quantiles with their values, count and sum."""

    quantiles: tuple[tuple[float, float], ...]
    observations: int
    sum: float


class Family(NamedTuple):
    """One metric family. A type is counter, gauge, histogram, summary or untyped.

    Not changed once it is given away: whoever gives the same object again says that nothing has
    changed, and an exposition may use what it made of it before.
    """

    name: str
    """The full sample name of the text format (`perfwatch_cleanup_runs_total`)."""
    help: str
    type: str
    labels: tuple[str, ...]
    samples: Sequence[tuple[LabelValues, Number | HistogramValue | SummaryValue]]


def counter(name: str, help: str, value: Number) -> Family:  # noqa: A002 -- the field's own word
    """A counter without labels."""
    return Family(name, help, "counter", (), (((), value),))


def gauge(name: str, help: str, value: Number) -> Family:  # noqa: A002 -- the field's own word
    """A gauge without labels."""
    return Family(name, help, "gauge", (), (((), value),))


def to_prometheus(families: Iterable[Family]) -> Iterator[Metric]:
    """Convert into the families that `prometheus_client` registries take."""
    from prometheus_client.core import Metric

    for family in families:
        name = family.name.removesuffix("_total") if family.type == "counter" else family.name
        metric = Metric(name, family.help, family.type)
        for values, number in family.samples:
            labels = dict(zip(family.labels, values, strict=True))
            if isinstance(number, HistogramValue):
                for bound, count in zip(number.bounds, number.counts, strict=True):
                    edge = "+Inf" if bound == float("inf") else repr(float(bound))
                    metric.add_sample(f"{name}_bucket", labels | {"le": edge}, count)
                metric.add_sample(f"{name}_count", labels, number.counts[-1])
                metric.add_sample(f"{name}_sum", labels, number.sum)
            elif isinstance(number, SummaryValue):
                for quantile, value in number.quantiles:
                    edge = repr(float(quantile))
                    metric.add_sample(name, labels | {"quantile": edge}, value)
                metric.add_sample(f"{name}_count", labels, number.observations)
                metric.add_sample(f"{name}_sum", labels, number.sum)
            else:
                metric.add_sample(family.name, labels, float(number))
        yield metric
