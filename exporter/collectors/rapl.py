"""Energy that processors and memory have used, from /sys/class/powercap.

Source: Linux drivers/powercap/ (intel_rapl since 3.13, AMD since 5.8). `energy_uj` is for root only
since 5.10, because it gives secrets away (CVE-2020-8694): CAP_DAC_READ_SEARCH is needed, or a group
that may read it; without, there is no data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from exporter.attributes import Attributes
from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.options import option
from exporter.table import Column, Table

FOLDER = "class/powercap"


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the rapl collector."""

    enable_zone_label: bool = option(
        False, "Show all zones as node_rapl_joules_total, with the zone's name as a label."
    )


_NUMBERED = re.compile(r"([^-]*)-([0-9]{1,9})\Z")
_NOT_IN_NAMES = re.compile("[^a-zA-Z0-9:_]")


def parse_zone(name: str) -> tuple[str, str | None]:
    """Take `package-1` apart into the name and the number; most other zones have no number."""
    match = _NUMBERED.match(name)
    return (match[1], str(int(match[2]))) if match else (name, None)


class _Zone(NamedTuple):
    """A folder of /sys/class/powercap that measures energy, and its labels."""

    folder: str
    name: str
    """As the metric has it; empty where the name is a label."""
    labels: LabelValues


class RaplCollector:
    """Energy counters of RAPL zones: packages, cores, memory."""

    name = "rapl"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        self._with_label = options is not None and options.enable_zone_label
        self._attributes = Attributes(kernel, FOLDER)
        self._folders: list[str] = []
        self._zones: list[_Zone] = []
        self._tables: dict[str, Table] = {}

    def collect(self) -> Iterable[Filled]:
        """Yield the joules of each zone."""
        folders = self._attributes.names()
        if folders != self._folders:
            self._zones = self._find_zones(folders)
            self._tables = {}
            self._folders = folders
        self._attributes.refused = ""
        families: dict[str, dict[LabelValues, list[Digits | None]]] = {}
        for zone in self._zones:
            energy = self._attributes.number(f"{zone.folder}/energy_uj")
            if energy is not None:
                families.setdefault(zone.name, {})[zone.labels] = [energy]
        if not families:
            raise NoData(self._explain())
        for name, rows in families.items():
            yield self._find_table(name).fill(rows)

    def _explain(self) -> str:
        if self._attributes.refused:
            return (
                "no rights to read energy_uj below /sys/class/powercap: run as root, or with "
                "CAP_DAC_READ_SEARCH"
            )
        self._folders = []  # a driver that is loaded later is found
        return "/sys/class/powercap has no energy counter: there is no RAPL here"

    def _find_zones(self, folders: Sequence[str]) -> list[_Zone]:
        zones = []
        used: Counter[str] = Counter()
        for folder in folders:
            title = self._attributes.text(f"{folder}/name")
            if title is None:  # the control type that the zones belong to
                continue
            name, number = parse_zone(title)
            # As node_exporter: zones without a number are counted, in the order of their folders.
            index = str(used[name]) if number is None else number
            used[name] = int(index) + 1
            # The host's own path, wherever its sysfs is mounted for us.
            labels = (index, str(PurePath("/", "sys", FOLDER, folder)))
            if self._with_label:
                zones.append(_Zone(folder, "", (*labels, name)))
            else:
                zones.append(_Zone(folder, _NOT_IN_NAMES.sub("_", name), labels))
        return zones

    def _find_table(self, name: str) -> Table:
        if name not in self._tables:
            prefix = f"{name}_" if name else ""
            help_text = f"Energy that {name} zones have used, in joules."
            if not name:
                help_text = "Energy that RAPL zones have used, in joules."
            self._tables[name] = Table(
                (Column(f"node_rapl_{prefix}joules_total", help_text, "counter", -6),),
                ("index", "path", "rapl_zone") if self._with_label else ("index", "path"),
            )
        return self._tables[name]
