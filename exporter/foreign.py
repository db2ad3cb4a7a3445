"""Metric families of foreign collectors: those of `prometheus_client`, taken as they are.

Nothing of `prometheus_client` is imported: its families are recognised by what they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from exporter.encoding import encode_head, encode_prefix, format_number

_APART = ("_created", "_gcount", "_gsum")
"""Samples that a family of the text format has no place for: they become gauges of their own, as
`prometheus_client` does it."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")


class ForeignMetric(Protocol):
    """What is used of a `prometheus_client` metric family."""

    name: str
    documentation: str
    type: str
    unit: str

    @property
    def samples(self) -> Sequence[Any]:
        """Each with name, labels, value, timestamp and exemplar."""
        ...


class Collects(Protocol):
    """What is used of a `prometheus_client` collector or registry."""

    def collect(self) -> Iterable[ForeignMetric]:
        """Give metric families."""
        ...


def encode_foreign(metric: ForeignMetric, *, openmetrics: bool) -> bytes:
    """Encode one family.

    Raises ValueError on a name that needs quoting (UTF-8 names): neither format has that.
    """
    _check_names(metric.name)
    if openmetrics:
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        head = encode_head(name, metric.documentation, metric.type, openmetrics=True)
        if metric.unit:
            head += f"# UNIT {metric.name} {metric.unit}\n".encode()
        lines = [_encode_sample(sample, openmetrics=True) for sample in metric.samples]
        return head + b"".join(lines)
    suffix = {"counter": "_total", "info": "_info"}.get(metric.type, "")
    head = encode_head(metric.name + suffix, metric.documentation, metric.type, openmetrics=False)
    apart: dict[str, list[bytes]] = {metric.name + suffix: [] for suffix in _APART}
    lines = []
    for sample in metric.samples:
        apart.get(sample.name, lines).append(_encode_sample(sample, openmetrics=False))
    for name, found in apart.items():
        if found:
            lines += (encode_head(name, metric.documentation, "gauge", openmetrics=False), *found)
    return head + b"".join(lines)


def _encode_sample(sample: Any, *, openmetrics: bool) -> bytes:
    labels = sample.labels
    _check_names(sample.name, *labels)
    line = encode_prefix(sample.name, labels.keys(), tuple(labels.values()))
    line += format_number(sample.value)
    if sample.timestamp is not None:
        seconds = float(sample.timestamp)
        line += b" " + format_number(seconds if openmetrics else int(seconds * 1000))
    if openmetrics and sample.exemplar is not None:
        exemplar = sample.exemplar
        _check_names(*exemplar.labels)
        pairs = encode_prefix("", exemplar.labels.keys(), tuple(exemplar.labels.values()))
        line += b" # " + (pairs if pairs.strip() else b"{} ") + format_number(exemplar.value)
        if exemplar.timestamp is not None:
            line += b" " + format_number(float(exemplar.timestamp))
    return line + b"\n"


def _check_names(*names: str) -> None:
    for name in names:
        if not _NAME.match(name):
            raise ValueError(f"not a name that the exposition formats can print: {name!r}")


class ForeignCollector:
    """A `prometheus_client` collector (or registry) under a name, for the scrape engine.

    Whoever embeds the daemon adds it to the engine's collectors: it has its own error boundary,
    deadline and series cap like any other.
    """

    def __init__(self, name: str, collector: Collects) -> None:
        self.name = name
        self._collector = collector

    def collect(self) -> Iterable[ForeignMetric]:
        """Give the families as they are."""
        return self._collector.collect()
