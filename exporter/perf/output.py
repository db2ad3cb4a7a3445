"""What `perf stat` prints, as typed rows: `-j` of perf 6.0 to 7, and `-x SEPARATOR` since 3.

Source: perf-stat(1); tools/perf/util/stat-display.c and, before 4.20, builtin-stat.c. Columns of
-x: [seconds], [place, [CPUs in it]], value, [unit, since 3.14], event, [variance, with -r], [run
time in ns, percentage of it, since 4.1], [up to four for a metric]. Nothing is quoted, so the
separator must not occur in the names of events; a comma between two slashes is recognized.

A line must be complete. One that was cut off raises ValueError unless nothing shows that it is
shorter than what an older perf prints: cut right after the name of the event or the run time, its
row is right, and cut within the name, the name is none that was asked for.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

COUNTED = "counted"
NOT_COUNTED = "not counted"
NOT_SUPPORTED = "not supported"

MAX_VALUE = 10**18
"""More than any counter gains in an interval: what has more than 18 digits is garbage."""

UNITS: Mapping[str, float | int] = {
    "sec": 1,
    "msec": 1e-3,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "Bytes": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "Joules": 1,
}
"""By unit that perf prints: what it is in base units. Others stay as they are."""


class Row(NamedTuple):
    """What one event counted at one place in one interval, as perf prints it."""

    event: str
    """As printed: `cycles`, `cycles:u`, `cpu_core/cycles/`, `my_alias`."""
    state: str
    """COUNTED, NOT_COUNTED or NOT_SUPPORTED."""
    value: int | float | None = None
    """In `unit`; None unless counted. Scaled already where events took turns on the CPU."""
    unit: str = ""
    place: str = ""
    """As printed: `CPU0` or `0`, `S0-D0-C1`, `S0`, `N0`; empty where all is one."""
    running_nanoseconds: int | None = None
    """How long it was counted, of all CPUs together; None in old versions."""
    running_percent: float | None = None
    """Of the time in which it was to be counted; None in old versions, and unless counted."""
    interval: float | None = None
    """Seconds since perf's start, with -I."""


def parse_line(line: str, *, separator: str | None, aggregation: str) -> list[Row]:
    """Parse one line (without its end): none, one, or with -j several rows.

    `separator` is that of -x, one character; None for -j. `aggregation` is none, cpu, core, socket
    or node. Gives [] for what is no data by design: blank lines, comments (`# started on`), sums of
    all intervals (`summary`), rows of metrics without an event. Raises ValueError on everything
    else that is not understood.
    """
    if separator is None:
        return [row for found in _objects(line) if (row := _row_of(found, aggregation))]
    patterns = _patterns(separator, aggregation)
    if columns := patterns.data.match(line):
        return [_row(*columns.groups())]
    if patterns.other.match(line):
        return []
    raise ValueError(f"not a line of perf stat -x {separator}: {line[:200]!r}")


_STATES = {
    "<not counted>": NOT_COUNTED,
    "<not supported>": NOT_SUPPORTED,
    "nan": NOT_COUNTED,
    "-nan": NOT_COUNTED,
}


def _row(  # noqa: PLR0913, PLR0917 -- the columns of a line, in their order
    interval: str | None,
    place: str,
    value: str,
    unit: str | None,
    event: str,
    running: str | None,
    percent: str | None,
) -> Row:
    """Make a row of columns that have the right shape, and thereby the right size."""
    state = _STATES.get(value, COUNTED)
    number: int | float | None = None
    if state == COUNTED:
        number = int(value) if value.isdigit() else float(value)
    return Row(
        event,
        state,
        number,
        unit or "",
        place,
        None if running is None else int(running),
        None if percent is None or number is None else float(percent),
        None if interval is None else float(interval),
    )


_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,40})?\Z")


def _number(value: Any) -> int | float:
    """Convert a number of JSON, or its text, to an int where it is a whole one."""
    if type(value) is int and 0 <= value < MAX_VALUE:
        return value
    if type(value) is str and _NUMBER.match(value):
        whole, _, fraction = value.partition(".")
        return float(value) if fraction.strip("0") else int(whole)
    if type(value) not in {int, float} or not 0 <= value < MAX_VALUE:
        raise ValueError(f"not what can be counted: {value!r:.200}")
    return int(value) if value == int(value) else float(value)


class _Patterns(NamedTuple):
    """What lines look like with -x."""

    data: re.Pattern[str]
    other: re.Pattern[str]
    """What is no data by design."""


_SOCKET = "S(?:[0-9]+|-1)"
"""-1 where the firmware does not tell."""

_CORE = f"{_SOCKET}(?:-D(?:[0-9]+|-1))?-C(?:[0-9]+|-1)"
"""Before 5.4 there were no dies."""

_PLACES = {
    "none": "()",
    # A core where an event is counted `percore`.
    "cpu": f"(CPU[0-9]+|{_CORE}){{sep}}",
    "core": f"({_CORE}){{sep}}[0-9]+{{sep}}",
    "socket": f"({_SOCKET}){{sep}}[0-9]+{{sep}}",
    "node": "(N[0-9]+){sep}[0-9]+{sep}",
}
"""By aggregation: place, and of how many CPUs it is the sum."""

_CUT_UNITS = sorted({unit[:length] for unit in UNITS for length in range(1, len(unit) + 1)})
"""What a line ends with that was cut off within the unit."""

_NAME = string.ascii_letters + string.digits + "_:.=*?@+,~!$-[] "
"""What names of events are made of, outside the slashes of a PMU's."""


@cache
def _patterns(separator: str, aggregation: str) -> _Patterns:
    sep = re.escape(separator)
    place = _PLACES[aggregation].format(sep=sep)
    interval = rf"\ *(?:([0-9]{{1,12}}\.[0-9]{{9}}){sep})?"
    name = f"[{re.escape(_NAME.replace(separator, ''))}]"
    terms = "[^/]*" if separator == "," else f"[^/{sep}]*"
    data = rf"""
        {interval} {place}
        ([0-9]{{1,18}}(?:\.[0-9]{{1,6}})? | <not\ counted> | <not\ supported> | -?nan) {sep}
        (?: ([^{sep}0-9<>]*){sep} | (?!(?:{"|".join(_CUT_UNITS)})\Z) )
        ((?=[^{sep}]*[A-Za-z]) \w {name}* (?: /{terms}/[\w:]* )?)
        (?: {sep}[0-9]+\.[0-9]{{2}}% )?
        (?: {sep}([0-9]{{1,18}}) {sep}([0-9]{{1,3}}\.[0-9]{{2}})
            (?: {sep}[0-9.]* {sep}[^{sep}]* (?:{sep}[a-z\ ]*){{0,2}} )? )?
        \Z"""
    # Metrics without an event, also as 4.x printed them; metric-only, and its header.
    other = rf"""
        \s*(?:\Z|\#) | \ *summary{sep} | \ ?time[,{sep}]
        | {interval} {sep}? (?:{place})? {sep}
          (?: {sep}{sep} | [0-9]+{sep}[0-9]{{1,3}}\.[0-9]{{2}}{sep} )
        | \ *[0-9]{{1,12}}\.[0-9]{{9}} (?: {sep}(?:[0-9.]*{sep})* )? \Z"""
    flags = re.VERBOSE | re.ASCII
    return _Patterns(re.compile(data, flags), re.compile(other, flags))


_DECODER = json.JSONDecoder()
_NO_JSON = re.compile(r'("(?:[^"\\]|\\.)*"?)|,\s*(?=\})|(?<=[:\s])-?(?:nan|inf)\b')
"""A text, which stays, and is taken to its end so that each is looked at once; and what some
versions print that is no JSON."""

_PLACE_KEYS = {"cpu", "core", "socket", "node", "die", "cluster", "cache", "thread", "cgroup"}
_OWN_KEYS = {"none": (), "cpu": ("cpu", "core")}
_FOREIGN_KEYS = {
    aggregation: _PLACE_KEYS.difference(_OWN_KEYS.get(aggregation, (aggregation,)))
    for aggregation in _PLACES
}
"""By aggregation: what shows that a row is of a part of what was asked for."""

_PLACE = {
    "cpu": re.compile(rf"(?:[0-9]+|{_CORE})\Z"),
    "core": re.compile(rf"{_CORE}\Z"),
    "socket": re.compile(rf"{_SOCKET}\Z"),
    "node": re.compile(r"N[0-9]+\Z"),
}


def _objects(line: str) -> Iterable[Any]:
    """Decode the objects of a line, which may stand side by side."""
    text = line.strip()
    if text.startswith("#"):
        return ()
    try:
        try:
            return tuple(_decode(text))
        except json.JSONDecodeError:
            return tuple(_decode(_NO_JSON.sub(_mend, text)))
    except RecursionError:
        raise ValueError(f"nested too deeply: {line[:200]!r}") from None


def _decode(text: str) -> Iterator[Any]:
    position = 0
    while position < len(text):
        found, position = _DECODER.raw_decode(text, position)
        yield found
        while text[position : position + 1].isspace():
            position += 1


def _mend(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    return "" if found[0].startswith(",") else f'"{found[0]}"'


def _row_of(found: Any, aggregation: str) -> Row | None:
    """Make a row of an object; None of one that has metrics only."""
    if type(found) is not dict:
        raise ValueError(f"not an object: {found!r:.200}")
    event, value = found.get("event"), found.get("counter-value")
    if event is None and value is None:
        return None
    unit = found.get("unit", "")
    if type(event) is not str or not event or type(unit) is not str:
        raise ValueError(f"not what an event has counted: {found!r:.200}")
    state = _STATES.get(value, COUNTED) if type(value) is str else COUNTED
    running = _optional(found.get("event-runtime"))
    if type(running) is float:
        raise ValueError(f"not a whole number of nanoseconds: {running}")
    percent = _optional(found.get("pcnt-running"))
    return Row(
        event,
        state,
        _number(value) if state == COUNTED else None,
        unit,
        _place_of(found, aggregation),
        cast("int | None", running),
        percent if state == COUNTED else None,
        _optional(found.get("interval")),
    )


def _optional(value: Any) -> int | float | None:
    return None if value is None else _number(value)


def _place_of(found: Mapping[str, Any], aggregation: str) -> str:
    if not _FOREIGN_KEYS[aggregation].isdisjoint(found):
        raise ValueError(f"not of aggregation {aggregation}: {found!r:.200}")
    if aggregation == "none":
        return ""
    place = found.get(aggregation)
    if place is None and aggregation == "cpu":
        place = found.get("core")
    place = str(place)
    if not _PLACE[aggregation].match(place):
        raise ValueError(f"not a {aggregation}: {place[:200]!r}")
    return place
