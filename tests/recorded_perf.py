"""What `perf stat` printed on a captured host, as it is kept below tests/hosts.

The file is `perf/stat.json` (of `-j`) or `perf/stat.csv` (of `-x ';'`). Nothing is started here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from exporter.perf.command import SEPARATOR
from exporter.perf.counters import Counters
from exporter.perf.events import Event
from exporter.perf.findings import NO_PERF, NOT_SUPPORTED
from exporter.perf.names import Translator
from exporter.perf.output import Row, parse_line
from exporter.perf.source import Reading

SEPARATORS = {".json": None, ".csv": SEPARATOR}


class RecordedPerf:
    """A source that has counted what was recorded, and half a second ago; or has no perf."""

    def __init__(self, files: list[Path], events: tuple[Event, ...], counters: Counters) -> None:
        self._is_up = bool(files)
        names = Translator(events, "none")
        counted: set[Event] = set()
        for file in files:
            for _, interval in groupby(_rows(file), key=lambda row: row.interval):
                samples = [sample for row in interval if (sample := names.sample(row))]
                counted.update(sample.event for sample in samples if sample.is_supported)
                counters.add(samples)
        missing = NOT_SUPPORTED if files else NO_PERF
        counters.set_availability({one: "" if one in counted else missing for one in events})

    def read(self) -> Reading:
        """Say that all is well, or that there is nothing."""
        return Reading(self._is_up, 0.5 if self._is_up else None, 0, 0, is_suspended=False)

    def wait(self, seconds: float) -> None:
        """Wait for nothing."""

    def suspend(self) -> None:
        """Suspend nothing."""

    def resume(self) -> None:
        """Resume nothing."""

    def close(self) -> None:
        """End nothing."""


def _rows(file: Path) -> Iterator[Row]:
    for line in file.read_text().splitlines():
        yield from parse_line(line, separator=SEPARATORS[file.suffix], aggregation="none")


def recorded_perf(host: Path) -> dict[str, Any]:
    """Give what stands in for perf on a captured host."""
    files = sorted((host / "perf").glob("stat.*"))
    return {"make_source": lambda events, counters: RecordedPerf(files, events, counters)}
