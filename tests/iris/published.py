"""Samples of pages under the names that they have, read back with prometheus_client."""

from __future__ import annotations

import re
from collections.abc import Iterable

from exporter.exposition import OPENMETRICS, Renderer
from exporter.families import Family, Filled
from tests.expositions import meaning, values

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def text_values(page: bytes) -> Samples:
    """Read a page of the text format.

    prometheus_client gives a counter `x` the name `x_total`, which Prometheus does not.
    """
    counters = set(re.findall(r"^# TYPE (\S+) counter$", page.decode(), re.MULTILINE))
    found = {}
    for (name, labels), value in values(page).items():
        bare = name.removesuffix("_total")
        found[bare if bare in counters else name, labels] = value
    return found


def expand(items: Iterable[Family | Filled]) -> list[Family]:
    """All as plain families."""
    return [
        family
        for item in items
        for family in (item.families() if isinstance(item, Filled) else [item])
    ]


def strict_values(families: Iterable[Family | Filled]) -> Samples:
    """Render families as OpenMetrics, and read that strictly."""
    page = Renderer(OPENMETRICS).render(families) + b"# EOF\n"
    return {
        (name, labels): float(value)
        for _, _, _, samples in meaning(page, openmetrics=True).values()
        for name, labels, value, *_ in samples
    }
