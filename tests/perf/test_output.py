"""The parser of what perf prints with -x, and that it takes nothing else for a count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.perf.output import (
    COUNTED,
    MAX_VALUE,
    NOT_COUNTED,
    NOT_SUPPORTED,
    Row,
    parse_line,
)

AGGREGATIONS = ("none", "cpu", "core", "socket", "node")


def parse(text: str, separator: str | None = ";", aggregation: str = "none") -> list[Row]:
    """Parse a line, with -x ';' unless told otherwise."""
    return parse_line(text, separator=separator, aggregation=aggregation)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("12;;cycles;99;50.00;;", Row("cycles", COUNTED, 12, "", "", 99, 50.0)),
        ("0;;cycles;99;50.00;;", Row("cycles", COUNTED, 0, "", "", 99, 50.0)),
        ("1.50;MiB;reads;99;100.00", Row("reads", COUNTED, 1.5, "MiB", "", 99, 100.0)),
        ("<not counted>;;cycles;0;0.00;;", Row("cycles", NOT_COUNTED, None, "", "", 0)),
        ("<not counted>;;cycles;0;100.00;;", Row("cycles", NOT_COUNTED, None, "", "", 0)),
        ("<not supported>;;cycles;0;100.00;;", Row("cycles", NOT_SUPPORTED, None, "", "", 0)),
        ("nan;;cycles;99;50.00;;", Row("cycles", NOT_COUNTED, None, "", "", 99)),
        ("-nan;;cycles;99;50.00;;", Row("cycles", NOT_COUNTED, None, "", "", 99)),
        ("12;;cycles;3.14%;99;50.00;;", Row("cycles", COUNTED, 12, "", "", 99, 50.0)),
        ("12;;cpu/event=0x3c,umask=0/u", Row("cpu/event=0x3c,umask=0/u", COUNTED, 12)),
        ("12;;cycles [cpu_core]", Row("cycles [cpu_core]", COUNTED, 12)),
        ("12;r1a8", Row("r1a8", COUNTED, 12)),
    ],
)
def test_columns_are_read(text: str, row: Row) -> None:
    """Value, unit, event, run time and share of it, and nothing of the metric after them."""
    assert parse(text) == [row]


@pytest.mark.parametrize(
    "text",
    [
        "12,,msr/event=0x0,umask=0x1/,99,50.00,,",
        "12,,msr/tsc,name=x/u,3.14%,99,50.00,2.6,G/sec",
        "12,,msr/tsc/,99,50.00,1.0,M/sec",
    ],
)
def test_commas_in_the_name_of_an_event(text: str) -> None:
    """Between slashes a comma separates nothing, though the separator is one."""
    (row,) = parse(text, ",")
    assert row.event in {"msr/event=0x0,umask=0x1/", "msr/tsc,name=x/u", "msr/tsc/"}
    assert row[1:] == (COUNTED, 12, "", "", 99, 50.0, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "# started on Sat Nov 21 02:34:31 2026",
        "#           time             counts unit events",
        "         summary;2013.96;msec;cpu-clock;2013964625;100.00;1.999;CPUs utilized",
        " time,",
        "time;insn per cycle;",
        "     1.001132413",
        "     1.001132413;0.52;;1.20;",
        "     1.001132413;;;;;;0.50;insn per cycle",
        ";2002828617;100.00;;;;TopdownL1",
    ],
)
def test_what_is_no_data_gives_nothing(text: str) -> None:
    """Comments, sums of all intervals, and metrics that stand alone are no counts."""
    assert parse(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "12",  # of 1234;;cycles
        "12;",
        "12;;",
        "12;;cycles;99",  # the run time may be cut off
        "12;;cycles;99;5",
        "12;;cycles;99;50.0",
        "12.34;mse",
        "12.34;msec",
        "12.34;msec;",
        "12;;99;99;50.00",
        "-12;;cycles;99;50.00",
        "+12;;cycles;99;50.00",
        "1e9;;cycles;99;50.00",
        "1_000;;cycles;99;50.00",
        "1.234.567;;cycles;99;50.00",  # as some languages write it
        "12,34;msec;cpu-clock;99;50.00",
        "inf;;cycles;99;50.00",
        "1234567890123456789;;cycles;99;50.00",
        "12;;cycles;1234567890123456789;50.00",
        "12;;cycles;99;-50.00",
        "12;;cycles;99;nan",
        "12;;cycles;/;99;50.00;;",  # of one cgroup
        "\u0661\u0662;;cycles;99;50.00",  # digits, but not perf's
        "12;;cycles;99;50.00;1;2;3;4;5",
        "12;;cyc\x00les;99;50.00",
        "12;;\u00e9cycles;99;50.00",
        "1.001132413;;cycles;99;50.00",  # a time is no value
        "CPU0;12;;cycles;99;50.00",
        "S0;2;12;;cycles;99;50.00",
        "bash-5347;12;;cycles;99;50.00",
        "Error:",
        "event syntax error: 'nosuchevent'",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """A line that is cut off, of another place, or of other numbers, is no data."""
    with pytest.raises(ValueError, match="not a line of perf stat -x ;"):
        parse(text)


@pytest.mark.parametrize(
    ("aggregation", "place", "others"),
    [
        ("cpu", "CPU12;", ["CPU12;4;", "12;", "", "S0;2;", "N0;2;"]),
        ("core", "S0-D1-C2;2;", ["S0-D1-C2;", "CPU2;", "S0;2;", ""]),
        ("socket", "S-1;2;", ["S-2;2;", "S-;2;"]),
        ("core", "S-1-D0-C-1;2;", ["S-1-D0-C-;2;"]),
        ("socket", "S1;2;", ["S1;", "S0-D0;2;", "N0;2;", ""]),
        ("node", "N1;2;", ["N1;", "S0;2;", ""]),
    ],
)
def test_places_are_those_asked_for(aggregation: str, place: str, others: list[str]) -> None:
    """One column for a CPU, two for what has several CPUs; another place is refused."""
    (row,) = parse(f"     1.001132413;{place}12;;cycles;99;50.00;;", aggregation=aggregation)
    assert row == Row("cycles", COUNTED, 12, "", place.partition(";")[0], 99, 50.0, 1.001132413)
    for other in others:
        with pytest.raises(ValueError, match="not a line of perf stat"):
            parse(f"     1.001132413;{other}12;;cycles;99;50.00;;", aggregation=aggregation)


@given(st.text(), st.sampled_from([";", ",", None]), st.sampled_from(AGGREGATIONS))
def test_any_text_is_understood_or_refused(
    text: str, separator: str | None, aggregation: str
) -> None:
    """Nothing but ValueError is raised, and what comes out could have been counted."""
    try:
        rows = parse(text, separator, aggregation)
    except ValueError:
        return
    assert all(is_sound(row) for row in rows)


def is_sound(row: Row) -> bool:
    """Whether a row could have been printed."""
    numbers = [row.value, row.running_nanoseconds, row.running_percent, row.interval]
    return (
        bool(row.event)
        and (row.value is not None) == (row.state == COUNTED)
        and row.state in {COUNTED, NOT_COUNTED, NOT_SUPPORTED}
        and all(number is None or 0 <= number < MAX_VALUE for number in numbers)
    )
