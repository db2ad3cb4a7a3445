"""What real programs of five years printed: perf 5.10, 6.1, 6.12 and 7.3."""

from __future__ import annotations

from collections import defaultdict

import pytest

from exporter.perf.events import KNOWN, SETS
from exporter.perf.output import COUNTED, NOT_COUNTED, NOT_SUPPORTED, Row, parse_line
from tests.perf.recorded_streams import MESSAGES, RECORDED, STREAMS, read_stream

SOFTWARE = [event.spec for event in SETS["software"]]
HARDWARE = [spec for spec in KNOWN if spec not in SOFTWARE]

Seen = list[tuple[str, str, str]]
"""Event, place and state of each row."""


def rows_of(folder: str, stem: str) -> dict[str, list[Row]]:
    """The rows of a stream by part; a line of no sense is a row without an event."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for line in read_stream(folder, stem):
        try:
            rows[line.part] += line.parse()
        except ValueError:
            rows[line.part].append(Row("", "no sense"))
    return rows


def counted(*events: str, places: tuple[str, ...] = ("",)) -> Seen:
    """Events that were counted at each place."""
    return [(event, place, COUNTED) for event in events for place in places]


def unsupported(*events: str, places: tuple[str, ...] = ("",)) -> Seen:
    """Events that the machine could not count, at each place."""
    return [(event, place, NOT_SUPPORTED) for event in events for place in places]


def what_was_recorded(stem: str) -> dict[str, Seen]:
    """The rows that every recorded version printed, apart from what changed between them."""
    cpus = ("0", "1") if stem.endswith("json") else ("CPU0", "CPU1")
    by_cpu = " [software]" if stem.startswith("6.12.") else ""
    duration = "tool/duration_time/" if stem.startswith("7.") else "duration_time"
    few = counted("cpu-clock", "context-switches")
    return {
        "none events": counted(*SOFTWARE) + unsupported(*HARDWARE),
        "cpu events": counted(f"cpu-clock{by_cpu}", f"context-switches{by_cpu}", places=cpus)
        + unsupported("cycles", "branch-misses", places=cpus),
        **{
            part: [
                (event, place, state)
                for place in places
                for event, _, state in few + unsupported("cycles")
            ]
            for part, places in {
                "core events": ("S0-D0-C0", "S0-D0-C1"),
                "socket events": ("S0",),
                "node events": ("N0",),
            }.items()
        },
        "none group": counted("context-switches", "page-faults", "cpu-clock"),
        "cpu tools": [
            (duration, cpus[0], COUNTED),
            *counted(f"cpu-clock{by_cpu}", places=cpus),
        ],
        "none pmu": counted("msr/tsc/", "my_tsc", "msr/event=0x0/"),
        "cpu pmu": counted("my_tsc", "msr/tsc/", places=cpus),
        "none tracepoints": counted("sched:sched_switch", "raw_syscalls:sys_enter"),
        "none synonyms": [
            *unsupported("cpu-cycles", "branch-instructions"),
            *counted("cs", "migrations", "faults"),
            *unsupported("LLC-load", "l1d-loads"),
            *counted("cpu-clock:u", "cs:u"),
            *unsupported("r1a8"),
        ],
        "none repeat": [*few, *unsupported("cycles")],
        "none metric-only": [],
        "none cgroup": [("", "", "no sense")],
    }


@pytest.mark.parametrize("stem", RECORDED)
def test_real_versions_are_understood(stem: str) -> None:
    """Each event that was asked for has its row, of the right place and state; no other has."""
    rows = rows_of("recorded", stem)
    for part, expected in what_was_recorded(stem).items():
        assert [(row.event, row.place, row.state) for row in rows[part]] == expected, part


@pytest.mark.parametrize(
    ("stem", "row"),
    [
        ("5.10.223-csv", ("CPU0", 201.28, 201284006, 0.201267869)),
        ("6.1.187-csv", ("CPU0", 202.32, 202323113, 0.200311350)),
        ("6.1.187-json", ("0", 200.379612, 200380673, 0.200256790)),
        ("6.12.107-csv", ("CPU0", 200.55, 200549944, 0.200308226)),
        ("6.12.107-json", ("0", 200.597475, 200598216, 0.200362206)),
        ("7.3.4-csv", ("CPU0", 200.63, 200634469, 0.200354379)),
        ("7.3.4-json", ("0", 200.460761, 200461192, 0.200313684)),
    ],
)
def test_real_values_are_read(stem: str, row: tuple[str, float, int, float]) -> None:
    """Value, unit, run time, share of it and time are those that were printed."""
    place, value, running, interval = row
    first = rows_of("recorded", stem)["cpu events"][0]
    assert first[2:] == (value, "msec", place, running, 100.0, interval)


@pytest.mark.parametrize("stem", RECORDED)
def test_a_count_is_whole(stem: str) -> None:
    """What is counted is an int, as perf prints it in JSON with six zeros."""
    rows = rows_of("recorded", stem)
    for row in rows["none events"][2:7] + rows["none tracepoints"] + rows["none pmu"]:
        assert type(row.value) is int, row


@pytest.mark.parametrize("stem", RECORDED)
def test_a_summary_is_marked_or_without_time(stem: str) -> None:
    """The sum of all intervals is told from them: by its mark, or by the time that it lacks."""
    times = [row.interval for row in rows_of("recorded", stem)["none summary"]]
    marked = stem.endswith("csv") and not stem.startswith("5.")
    assert len(times) == 4 if marked else times[4:] == [None, None]
    assert None not in times[:4]


@pytest.mark.parametrize("stem", RECORDED)
def test_what_was_not_counted_is_told_from_zero(stem: str) -> None:
    """A process that slept all the interval was not counted, and has no value."""
    for row in rows_of("recorded", stem)["none uncounted"]:
        assert (row.value is None) == (row.state != COUNTED)
        assert row.state != NOT_COUNTED or row.running_nanoseconds == 0


@pytest.mark.parametrize("stem", MESSAGES)
@pytest.mark.parametrize("separator", [";", None])
def test_complaints_are_no_data(stem: str, separator: str | None) -> None:
    """Nothing that perf says where it refuses is taken for a count."""
    for line in (STREAMS / "recorded" / f"{stem}.txt").read_text().splitlines():
        try:
            assert parse_line(line, separator=separator, aggregation="none") == []
        except ValueError:
            continue
