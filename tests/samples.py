"""What a collector's families say once rendered and read back by prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import TEXT, Renderer


def read_samples(families: Iterable[Any]) -> dict[str, float]:
    """Give the samples by `name{label="value"}`, labels sorted."""
    text = Renderer(TEXT).render(families).decode()
    return {
        _key(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _key(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{pairs}}}" if pairs else name
