"""Expositions read back with prometheus_client, to compare what two pages say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

Meaning = dict[str, tuple[str, str, str, list[tuple[Any, ...]]]]
"""By family: type, help, unit, samples in their order."""


def meaning(page: bytes, *, openmetrics: bool = False) -> Meaning:
    """What a page says; raises when it is not valid (OpenMetrics is read strictly)."""
    parse = parse_openmetrics if openmetrics else parse_text
    metrics: Iterable[Metric] = parse(page.decode())
    found = {}
    for metric in metrics:
        assert metric.name not in found, f"{metric.name} stands twice"
        samples = [_sample(sample) for sample in metric.samples]
        found[metric.name] = (metric.type, metric.documentation, metric.unit, samples)
    return found


def values(page: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples of a text page by name and labels."""
    metrics: Iterable[Metric] = parse_text(page.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def _sample(sample: Any) -> tuple[Any, ...]:
    """Comparable: NaN equals itself, an empty label is none.

    Minus zero is zero here: prometheus_client reads our `-0` as a whole number.
    """
    labels = frozenset((name, value) for name, value in sample.labels.items() if value)
    exemplar = sample.exemplar and (
        frozenset(sample.exemplar.labels.items()),
        sample.exemplar.value,
        _seconds(sample.exemplar.timestamp),
    )
    return (sample.name, labels, repr(sample.value + 0.0), _seconds(sample.timestamp), exemplar)


def _seconds(timestamp: Any) -> float | None:
    return None if timestamp is None else round(float(timestamp), 6)
