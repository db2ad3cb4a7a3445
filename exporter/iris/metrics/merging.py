"""The families of several instances as one set: no family is in it twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from exporter.families import (
    Family,
    Filled,
    HistogramValue,
    LabelValues,
    Layout,
    Number,
    Series,
    SummaryValue,
)
from exporter.text_format import SUFFIXES

_OPENMETRICS_SUFFIXES = {
    "counter": ("_total", "_created"),
    **{kind: (*suffixes, "_created") for kind, suffixes in SUFFIXES.items()},
}
"""Of the names that belong to a family of such a type in OpenMetrics, used or not."""

_Sample = tuple[LabelValues, Number | HistogramValue | SummaryValue]


class _Merged(NamedTuple):
    parts: tuple[Family, ...]
    whole: Family | Filled
    names: frozenset[str]
    """What no other family may be called, nor any sample of it."""


class Merger:
    """Merges families by name, and remembers what it made of them.

    Gives the same object again for a family whose parts are the same objects as last time, which is
    rendered once; and as long as its series stay, their names and labels are encoded once.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Merged] = {}

    def merge(self, instances: Iterable[Sequence[Family]]) -> list[Family | Filled]:
        """Give the families of all instances.

        What an instance has under a name that it had before is left out, and so is what OpenMetrics
        cannot tell from a family before it (`x_total` behind `x`, `x_count` behind the histogram
        `x`): an exporter's own families come first, then those that an instance publishes.
        """
        parts: dict[str, list[Family]] = {}
        for families in instances:
            first: dict[str, Family] = {}
            for family in families:
                first.setdefault(family.name, family)
            for name, family in first.items():
                parts.setdefault(name, []).append(family)
        known, self._known = self._known, {}
        taken: set[str] = set()
        merged: list[Family | Filled] = []
        for name, of in parts.items():
            one = known.get(name)
            # By identity: comparing all samples would cost more than it spares.
            if one is None or list(map(id, one.parts)) != list(map(id, of)):
                one = _merge(tuple(of), one)
            self._known[name] = one
            if taken.isdisjoint(one.names):
                taken |= one.names
                merged.append(one.whole)
        return merged


def _merge(parts: tuple[Family, ...], last: _Merged | None) -> _Merged:
    family = parts[0] if len(parts) == 1 else _join(parts)
    names = frozenset(_names_in_openmetrics(family.name, family.type))
    if family.type in SUFFIXES:
        return _Merged(parts, family, names)
    rows = [values for values, _ in family.samples]
    numbers: list[Any] = [number for _, number in family.samples]
    series = Series(family.name, family.help, family.type, family.labels, rows)
    layout = last.whole.layout if last and isinstance(last.whole, Filled) else None
    if layout is None or layout.series != (series,):
        layout = Layout([series])
    return _Merged(parts, layout.fill(numbers), names)


def _names_in_openmetrics(name: str, kind: str) -> Iterable[str]:
    is_counter = kind == "counter" and name.endswith("_total")
    base = name.removesuffix("_total") if is_counter else name
    suffixes = _OPENMETRICS_SUFFIXES[kind] if is_counter or kind in SUFFIXES else ()
    return (base, *(base + suffix for suffix in suffixes))


def _join(parts: tuple[Family, ...]) -> Family:
    """Join families of one name.

    Those of differing types are of none; but a histogram is no number, so with one of these only
    those of the first type are taken.
    """
    first = parts[0]
    types = {part.type for part in parts}
    if not types.isdisjoint(SUFFIXES):
        parts, types = tuple(part for part in parts if part.type == first.type), {first.type}
    labels = tuple(dict.fromkeys(label for part in parts for label in part.labels))
    samples: list[_Sample] = []
    for part in parts:
        samples += part.samples if part.labels == labels else _relabel(part, labels)
    kind = first.type if len(types) == 1 else "untyped"
    return Family(first.name, first.help, kind, labels, samples)


def _relabel(part: Family, wanted: tuple[str, ...]) -> Iterable[_Sample]:
    for values, number in part.samples:
        of = dict(zip(part.labels, values, strict=True))
        yield tuple(of.get(name, "") for name in wanted), number
