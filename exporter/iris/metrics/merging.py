"""The families of several instances as one set: no family is in it twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporter.families import Family, LabelValues


class Merger:
    """Merges families by name, and remembers what it made of them.

    Gives the same object again for a family whose parts are the same objects as last time: it is
    rendered once.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Family, ...], Family]] = {}

    def merge(self, instances: Iterable[Sequence[Family]]) -> list[Family]:
        """Give the families of all instances.

        What an instance has under a name that it had before is left out, and so is `x_total` behind
        `x`, which OpenMetrics cannot tell apart: an exporter's own families come first, then those
        that an instance publishes.
        """
        parts: dict[str, list[Family]] = {}
        for families in instances:
            taken: set[str] = set()
            for family in families:
                names = {family.name, _openmetrics_name(family)}
                if taken.isdisjoint(names):
                    taken |= names
                    parts.setdefault(family.name, []).append(family)
        known, self._known = self._known, {}
        for name, of in parts.items():
            sources = tuple(of)
            last = known.get(name)
            # By identity: comparing all samples would cost more than it spares.
            same = last is not None and list(map(id, last[0])) == list(map(id, sources))
            self._known[name] = last if last is not None and same else (sources, _join(sources))
        return [family for _, family in self._known.values()]


def _openmetrics_name(family: Family) -> str:
    return family.name.removesuffix("_total") if family.type == "counter" else family.name


def _join(parts: tuple[Family, ...]) -> Family:
    """Join families of one name; those of differing types are of none."""
    first = parts[0]
    if len(parts) == 1:
        return first
    labels = tuple(dict.fromkeys(label for part in parts for label in part.labels))
    types = {part.type for part in parts}
    return Family(
        first.name,
        first.help,
        first.type if len(types) == 1 else "untyped",
        labels,
        [
            (_place(part.labels, values, labels), value)
            for part in parts
            for values, value in part.samples
        ],
    )


def _place(names: tuple[str, ...], values: LabelValues, wanted: tuple[str, ...]) -> LabelValues:
    if names == wanted:
        return values
    of = dict(zip(names, values, strict=True))
    return tuple(of.get(name, "") for name in wanted)
