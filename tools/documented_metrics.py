"""What the collectors give on the captured hosts, as it is written into the pages of docs/."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from exporter.collectors import Entry
from exporter.kernel import NoData
from exporter.table import Table
from tests.goldens import NAMES, attempt, expand, make_collector, switches


class NothingFoundError(Exception):
    """A collector that gives nothing on any host: which one, and what to do."""


class Metric(NamedTuple):
    """A line of a table."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    flag: str = ""
    """The option without which the metric is not there; empty for what is always there."""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Name, type, labels and meaning in Markdown."""
        labels = ", ".join(f"`{label}`" for label in self.labels)
        meaning = self.help.replace("|", "\\|")
        if self.flag:
            meaning += f" Only with `{self.flag}`."
        return f"`{self.name}`", self.kind, labels, meaning


_TREES_LACK: dict[str, tuple[Metric, ...]] = {
    "netclass": (
        Metric(
            "node_network_altnames_info",
            "gauge",
            ("device", "altname"),
            "An alternative name of the interface; always 1.",
            "--collector.netclass.netlink",
        ),
    ),
    "textfile": (
        Metric(
            "node_textfile_mtime_seconds",
            "gauge",
            ("file",),
            "When the file was last written, in Unix time; only of files that are read.",
            "--collector.textfile.directory",
        ),
        Metric(
            "perfwatch_textfile_file_error",
            "gauge",
            ("file", "reason"),
            "Why a file is not shown, or a directory not read; always 1.",
            "--collector.textfile.directory",
        ),
    ),
    "topprocesses": (
        Metric("node_topprocesses_open_descriptors", "gauge", ("group",), "Open file descriptors."),
        Metric(
            "node_topprocesses_proportional_bytes",
            "gauge",
            ("group",),
            "Memory in use; what processes share is counted in parts.",
            "--collector.topprocesses.proportional",
        ),
    ),
}
"""What no tree can hold (answers of netlink, files of others, descriptors), by collector. Its words
are the collectors' own: tests/test_documented_metrics.py compares them."""


def flag_of(entry: Entry, field: dataclasses.Field[Any]) -> str:
    """Spell an option of a collector as on the command line."""
    return f"--collector.{entry.name}.{field.metadata['flag'] or field.name.replace('_', '-')}"


@cache
def find_metrics(entry: Entry) -> tuple[Metric, ...]:
    """List what a collector can give, by name.

    Raises NothingFoundError when it gives nothing on any host: then nobody has seen it work.
    """
    found: dict[str, Metric] = {}
    for flag, options in _variants(entry):
        for host in NAMES:
            items = attempt(make_collector(host, entry, **options))
            for family in () if isinstance(items, NoData) else expand(items):
                known = found.get(family.name)
                labels = known.labels if known else ()
                labels += tuple(label for label in family.labels if label not in labels)
                found[family.name] = Metric(
                    family.name, family.type, labels, family.help, known.flag if known else flag
                )
    if not found:
        raise NothingFoundError(
            f"the collector {entry.name} has no data on any captured host: "
            "add what it reads to a host below tests/hosts/, or an injection to tests/goldens.py"
        )
    for metric in (*_TREES_LACK.get(entry.name, ()), *_declared(make_collector(NAMES[0], entry))):
        found.setdefault(metric.name, metric)
    return tuple(sorted(found.values()))


def _declared(part: object) -> Iterator[Metric]:
    """Give the families of the tables in a collector, also those that no captured host fills."""
    if isinstance(part, Table):
        for column in part.columns:
            yield Metric(column.name, column.type, part.labels, column.help)
    elif type(part).__module__.startswith("exporter.collectors") and hasattr(part, "__dict__"):
        for value in vars(part).values():
            yield from _declared(value)
    elif isinstance(part, dict):
        for value in part.values():
            yield from _declared(value)


def _variants(entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the default options, then each that can add metrics turned on by itself."""
    yield "", {}
    for field, turned_on in switches(entry):
        yield flag_of(entry, field), {field.name: turned_on}
