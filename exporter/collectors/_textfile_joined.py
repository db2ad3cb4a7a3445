"""The families of several text files as one set: no family, and no series, is in it twice."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from exporter.collectors._textfile_file import (
    DUPLICATE,
    RESERVED_NAME,
    TYPE,
    Failure,
    TextFile,
)
from exporter.families import Family
from exporter.text_format import TextFamily

RESERVED_PREFIXES = ("node_scrape_collector_", "node_textfile_", "perfwatch_")
RESERVED_NAMES = frozenset(
    {
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
        "python_info",
    }
)
"""What this collector gives, and the daemon of itself; what others give is learnt from the page."""


class JoinedFiles:
    """Files joined in their order: one that contradicts an earlier one is left out as a whole."""

    def __init__(self) -> None:
        self._families: dict[str, tuple[tuple[TextFamily, ...], Family]] = {}

    def join(
        self, files: Iterable[TextFile], taken: AbstractSet[str]
    ) -> tuple[list[Family], dict[str, Failure]]:
        """Give the families, and why a file was left out, by its path.

        `taken` are names that belong to other collectors. Gives the same object again for a family
        whose files have not changed, which is rendered once.
        """
        parts: dict[str, list[tuple[str, TextFamily]]] = {}
        owners: dict[str, str] = {}
        failures = {}
        for file in files:
            try:
                for family in file.families:
                    _check(family, [one for _, one in parts.get(family.name, ())], owners, taken)
            except Failure as failure:
                failures[file.path] = failure
                continue
            for family in file.families:
                parts.setdefault(family.name, []).append((file.path, family))
                owners.update(dict.fromkeys(family.sample_names(), family.name))
        known, self._families = self._families, {}
        for name, of in parts.items():
            sources = tuple(family for _, family in of)
            same = name in known and known[name][0] == sources
            self._families[name] = known[name] if same else (sources, _merge(of))
        return [family for _, family in self._families.values()], failures


def _check(
    family: TextFamily,
    earlier: Iterable[TextFamily],
    owners: dict[str, str],
    taken: AbstractSet[str],
) -> None:
    names = family.sample_names()
    reserved = family.name.startswith(RESERVED_PREFIXES) or family.name in RESERVED_NAMES
    if reserved or not taken.isdisjoint(names):
        raise Failure(RESERVED_NAME, f"the daemon gives {family.name} already")
    if any(owners.get(name, family.name) != family.name for name in names):
        raise Failure(DUPLICATE, f"samples of {family.name} belong to an earlier file's family")
    for one in earlier:
        if one.type != family.type:
            raise Failure(TYPE, f"{family.name} is a {one.type} in an earlier file")
        if not one.series.keys().isdisjoint(family.series):
            raise Failure(DUPLICATE, f"a series of {family.name} is in an earlier file")


def _merge(parts: list[tuple[str, TextFamily]]) -> Family:
    first = parts[0][1]
    paths = ", ".join(path for path, _ in parts)
    helps = [family.help for _, family in parts if family.help is not None]
    series = [one for _, family in parts for one in family.series.items()]
    labels = tuple(sorted({name for pairs, _ in series for name, _ in pairs}))
    samples = []
    for pairs, value in series:
        of = dict(pairs)
        samples.append((tuple(of.get(name, "") for name in labels), value))
    help_text = helps[0] if helps else f"Read from {paths}."
    return Family(first.name, help_text, first.type, labels, samples)
