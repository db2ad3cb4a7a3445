"""What perf prints in versions and on machines that are not at hand, written after its source."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from exporter.perf.output import COUNTED, NOT_COUNTED, NOT_SUPPORTED, Row
from tests.perf.recorded_streams import WRITTEN, read_stream

TIME = 1.000123456
RUN, HALF, THIRD, QUARTER = 2000246912, 1000123456, 666748970, 500061728
CYCLES, INSTRUCTIONS = 5199602031, 2599801015
"""Of all intervals that are written."""


class Count(NamedTuple):
    """A row at TIME, with what most have not at the end."""

    event: str
    value: float | str
    running: int | None = None
    percent: float | None = None
    place: str = ""
    unit: str = ""

    def row(self, interval: float | None) -> Row:
        """What it is when parsed."""
        state, value = (self.value, None) if isinstance(self.value, str) else (COUNTED, self.value)
        return Row(
            self.event,
            state,
            value,
            self.unit,
            self.place,
            self.running,
            self.percent,
            interval,
        )


SENSELESS = Count("", "no sense")
NOTHING = None
"""A line without data."""

ROWS: dict[str, list[Count | None]] = {
    "3.6-csv": [
        Count("cpu-clock", 2003.123456),
        Count("context-switches", 372),
        Count("cycles", NOT_COUNTED),
        Count("L1-dcache-loads", NOT_SUPPORTED),
        Count("task-clock", 1001.4, place="CPU0"),
        Count("task-clock", 1001.376, place="CPU1"),
        Count("cycles", NOT_COUNTED, place="CPU1"),
        Count("task-clock", 1.234567),
        Count("context-switches", 0),
    ],
    "3.10-csv": [
        Count("cpu-clock", 2000.246912),
        Count("cycles", CYCLES),
        Count("LLC-loads", NOT_COUNTED),
        Count("cycles", INSTRUCTIONS, place="S0-C0"),
        Count("cycles", NOT_COUNTED, place="S1-C3"),
        Count("cycles", CYCLES, place="S0"),
    ],
    "3.14-csv": [
        Count("cpu-clock", 2000.246912),
        Count("cycles", CYCLES),
        Count("uncore_imc/cas_count_read/", 12.5, unit="MiB"),
        Count("LLC-loads", NOT_SUPPORTED),
        Count("cycles", INSTRUCTIONS, place="CPU0"),
        Count("cycles", CYCLES),
    ],
    "4.1-csv": [
        Count("cpu-clock", 2000.246912, RUN, 100),
        Count("cycles", CYCLES, THIRD, 33.33),
        Count("LLC-loads", NOT_COUNTED, 0),
        Count("dTLB-loads", NOT_SUPPORTED, 0),
        Count("cycles", CYCLES, THIRD, 33.33, "N0"),
        Count("cycles", 0, THIRD, 33.33, "N1"),
    ],
    "4.6-csv": [
        Count("cpu-clock", 2000.246912, RUN, 100),
        Count("cycles", CYCLES, RUN, 100),
        Count("instructions", INSTRUCTIONS, RUN, 100),
        NOTHING,
        Count("LLC-loads", NOT_COUNTED, 0),
        Count("instructions", 1299900507, HALF, 100, "CPU0"),
        NOTHING,
        Count("instructions", INSTRUCTIONS, RUN, 100, "S0"),
        NOTHING,
    ],
    "5.13-csv": [
        Count("cpu_core/cycles/", 3199602031, HALF, 100),
        Count("cpu_atom/cycles/", 1999602031, 333374485, 33),
        Count("cpu_atom/LLC-loads/", NOT_SUPPORTED, 0),
        Count("uncore_cha_0/perf_reads/", 12, HALF, 100, "CPU0"),
        Count("perf_reads [uncore_cha_1]", 30, HALF, 100, "CPU0"),
        Count("cycles", INSTRUCTIONS, RUN, 100, "S0-D0-C0"),
    ],
    "6.0-json": [
        Count("cpu-clock", 2000.246912, RUN, 100, unit="msec"),
        Count("instructions", INSTRUCTIONS, THIRD, 33),
        NOTHING,
        Count("LLC-loads", NOT_COUNTED, 0),
        Count("cycles", 42, RUN, 100, "S1-D0-C7"),
    ],
    "6.2-rc-json": [Count("instructions", INSTRUCTIONS, RUN, 100), SENSELESS, SENSELESS],
    "6.5-csv": [
        Count("cpu_core/cycles/", 3199602031, HALF, 100),
        Count("cpu_atom/cycles/", 1999602031, 333374485, 33.33),
        NOTHING,
        NOTHING,
        Count("cpu_atom/LLC-loads/", NOT_COUNTED, 0),
        NOTHING,
        NOTHING,
        Count("cpu_core/LLC-loads/u", 95, 2002828617, 100, "S0"),
    ],
    "6.5-json": [
        Count("cpu_core/cycles/", 3199602031, HALF, 100),
        Count("cpu_core/branch-misses/", 12, HALF, 100),
        NOTHING,
        NOTHING,
        Count("cycles", 5, RUN, 100, "S0-D0-C0"),
    ],
    "6.13-csv": [
        Count("cycles", CYCLES, THIRD, 33.33),
        Count("instructions", INSTRUCTIONS, THIRD, 33.33),
        NOTHING,
        NOTHING,
    ],
    "6.13-json": [
        Count("cycles", CYCLES, THIRD, 33.33),
        Count("sched:sched_switch", 95, RUN, 100),
        Count("cs", 95, RUN, 100, "S1"),
        Count("perf_energy", 3.5, HALF, 100, "N1", "Joules"),
    ],
    "6.19-json": [
        Count("branch-misses", 100, QUARTER, 25),
        Count("cpu-cycles", CYCLES, QUARTER, 25),
        Count("branches", 10000, QUARTER, 25),
        NOTHING,
    ],
}


@pytest.mark.parametrize("stem", WRITTEN)
def test_each_version_is_understood(stem: str) -> None:
    """Each line gives the row that was meant, or none where it is about metrics."""
    lines = list(read_stream("written", stem))
    assert len(lines) == len(ROWS[stem])
    for line, count in zip(lines, ROWS[stem], strict=True):
        if count is SENSELESS:
            with pytest.raises(ValueError, match=r"Expecting|Extra data"):
                line.parse()
            continue
        interval = TIME if str(TIME) in line.text else None
        assert line.parse() == ([count.row(interval)] if count else []), line.text
