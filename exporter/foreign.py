"""Metric families of foreign collectors: those of `prometheus_client`, taken as they are.

Nothing of `prometheus_client` is imported: its families are recognised by what they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from exporter.encoding import encode_head, encode_prefix, format_number


class ForeignMetric(Protocol):
    """What is used of a `prometheus_client` metric family."""

    name: str
    documentation: str
    type: str
    samples: Sequence[Any]
    """Each with name, labels, value, timestamp and exemplar."""


def encode_foreign(metric: ForeignMetric, *, openmetrics: bool) -> bytes:
    """Encode one family.

    The text format has no place for `_created` inside a counter, histogram or summary: there they
    become a gauge of their own, as `prometheus_client` does it.
    """
    if openmetrics:
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        return encode_head(name, metric.documentation, metric.type, openmetrics=True) + b"".join(
            _encode_sample(sample, openmetrics=True) for sample in metric.samples
        )
    suffix = {"counter": "_total", "info": "_info"}.get(metric.type, "")
    head = encode_head(metric.name + suffix, metric.documentation, metric.type, openmetrics=False)
    created_name = f"{metric.name}_created"
    created = [sample for sample in metric.samples if sample.name == created_name]
    lines = [
        _encode_sample(sample, openmetrics=False)
        for sample in metric.samples
        if sample.name != created_name
    ]
    if created and metric.type != "gauge":
        lines.append(encode_head(created_name, metric.documentation, "gauge", openmetrics=False))
    lines += [_encode_sample(sample, openmetrics=False) for sample in created]
    return head + b"".join(lines)


def _encode_sample(sample: Any, *, openmetrics: bool) -> bytes:
    labels = sample.labels
    line = encode_prefix(sample.name, labels.keys(), tuple(labels.values()))
    line += format_number(sample.value)
    if sample.timestamp is not None:
        seconds = float(sample.timestamp)
        line += b" " + format_number(seconds if openmetrics else int(seconds * 1000))
    if openmetrics and sample.exemplar is not None:
        exemplar = sample.exemplar
        pairs = encode_prefix("", exemplar.labels.keys(), tuple(exemplar.labels.values()))
        line += b" # " + (pairs if pairs.strip() else b"{} ") + format_number(exemplar.value)
        if exemplar.timestamp is not None:
            line += b" " + format_number(float(exemplar.timestamp))
    return line + b"\n"
