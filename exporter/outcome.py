"""One attempt at one collector: the error boundary, the series cap, and what comes out of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from exporter.collectors import Collector
from exporter.exposition import Renderer
from exporter.families import Family, Filled
from exporter.foreign import ForeignCollector
from exporter.kernel import NoData

OK = "ok"
FAILED = "failed"
NO_DATA = "no data"
TIMEOUT = "timeout"

AnyCollector: TypeAlias = Collector | ForeignCollector

_SEVERAL_SAMPLES_EACH = frozenset({"histogram", "gaugehistogram", "summary"})
"""Foreign families in which one series of Prometheus' kind is several samples."""


class Outcome(NamedTuple):
    """What one collector gave in one collection: all of its families, or none."""

    status: str
    """OK, FAILED, NO_DATA or TIMEOUT."""
    seconds: float
    body: bytes = b""
    dropped: int = 0
    """Series beyond the cap."""
    reason: str = ""
    """Why there is nothing, in words."""


def attempt(collector: AnyCollector, renderer: Renderer, max_series: int) -> Outcome:
    """Run one collector and render what it gives.

    Raises nothing: whatever a collector does costs only itself.
    """
    started = perf_counter()
    dropped = 0
    try:
        items: list[Any] = list(collector.collect())
        total = 0
        for item in items:
            total += item.layout.size if isinstance(item, Filled) else len(item.samples)
        if total > max_series:
            items, dropped = _cap(items, total, max_series)
        body = renderer.render(items)
    except NoData as absent:
        return Outcome(NO_DATA, perf_counter() - started, reason=str(absent))
    except BaseException as error:  # noqa: BLE001 -- the boundary: sys.exit() ends no worker either
        reason = f"{type(error).__name__}: {error}"
        return Outcome(FAILED, perf_counter() - started, reason=reason)
    return Outcome(OK, perf_counter() - started, body, dropped)


def _cap(items: list[Any], total: int, max_series: int) -> tuple[list[Any], int]:
    kept: list[Any] = []
    room = max_series
    for family in _expand(items):
        samples = _fit(family, room)
        room -= len(samples)
        if samples:
            kept.append(_with_samples(family, samples))
    return kept, total - max_series + room


def _fit(family: Any, room: int) -> Any:
    """Give as many samples as there is room for. Half a foreign histogram would be a wrong one."""
    if len(family.samples) <= room:
        return family.samples
    if not isinstance(family, Family) and family.type in _SEVERAL_SAMPLES_EACH:
        return []
    return family.samples[:room]


def _expand(items: Iterable[Any]) -> Iterable[Any]:
    for item in items:
        if isinstance(item, Filled):
            yield from item.families()
        else:
            yield item


def _with_samples(family: Any, samples: Any) -> Any:
    if isinstance(family, Family):
        return family._replace(samples=samples)
    # A foreign family may be shared with its owner: cut a copy.
    cut = copy.copy(family)
    cut.samples = samples
    return cut
