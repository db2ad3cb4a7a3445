"""The parser of what perf prints with -j: its rules, and that it takes nothing else for a count."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.perf.output import COUNTED, MAX_VALUE, NOT_COUNTED, Row, parse_line

OBJECT = {
    "interval": 1.5,
    "counter-value": "12.000000",
    "unit": "",
    "event": "cycles",
    "event-runtime": 2002828617,
    "pcnt-running": 66.67,
}


CHANGES: list[dict[str, object]] = [
    {"counter-value": None},
    {"counter-value": True},
    {"counter-value": []},
    {"counter-value": ""},
    {"counter-value": " 12"},
    {"counter-value": "1_2"},
    {"counter-value": "1e3"},
    {"counter-value": -1},
    {"counter-value": "-1"},
    {"counter-value": "inf"},
    {"counter-value": MAX_VALUE},
    {"counter-value": str(MAX_VALUE)},
    {"counter-value": math.inf},
    {"counter-value": math.nan},
    {"event": None},
    {"event": ""},
    {"event": 12},
    {"unit": None},
    {"event-runtime": 1.5},
    {"event-runtime": -1},
    {"pcnt-running": "-nan"},
    {"interval": "soon"},
    {"cpu": "0"},
    {"core": "S0-D0-C0"},
    {"socket": "S0"},
    {"node": "N0"},
    {"die": "S0-D0"},
    {"cache": "S0-D0-L3-ID0"},
    {"cluster": "S0-D0-CLS0"},
    {"thread": "bash-5347"},
    {"cgroup": "/"},
]
"""What makes the object one that cannot be a count."""


def parse(text: str, aggregation: str = "none") -> list[Row]:
    """Parse a line that was printed with -j."""
    return parse_line(text, separator=None, aggregation=aggregation)


@pytest.mark.parametrize("text", ["", "  ", "# started on Sat", "{}", '{"interval" : 1.5}'])
def test_what_is_no_data_gives_nothing(text: str) -> None:
    """Comments, and objects without an event, are no counts."""
    assert parse(text) == []


@given(st.permutations(list(OBJECT)), st.booleans())
def test_keys_come_in_any_order(keys: list[str], spaced: bool) -> None:
    """The order of keys says nothing, nor do spaces."""
    text = json.dumps({key: OBJECT[key] for key in keys}, indent=1 if spaced else None)
    (row,) = parse(text.replace("\n", " "))
    assert row == Row("cycles", COUNTED, 12, "", "", 2002828617, 66.67, 1.5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"counter-value": 12}, {}),
        ({"counter-value": 12.0}, {}),
        ({"counter-value": "12.500000"}, {"value": 12.5}),
        ({"counter-value": 12.5}, {"value": 12.5}),
        ({"event-runtime": "2002828617", "pcnt-running": "66.67"}, {}),
        ({"interval": "1.5"}, {}),
        ({"event-runtime": None}, {"running_nanoseconds": None}),
        ({"pcnt-running": None}, {"running_percent": None}),
        ({"unit": "msec"}, {"unit": "msec"}),
        ({"metric-value": "nan", "metric-unit": "%  x", "metric-threshold": "bad"}, {}),
        ({"counter-value": "nan"}, {"state": NOT_COUNTED, "value": None, "running_percent": None}),
    ],
)
def test_values_are_numbers_or_texts(
    changes: dict[str, object], expected: dict[str, object]
) -> None:
    """Both are taken, and a whole number is an int."""
    (row,) = parse(json.dumps(OBJECT | changes))
    usual = Row("cycles", COUNTED, 12, "", "", 2002828617, 66.67, 1.5)
    assert row == usual._replace(**expected)  # type: ignore[arg-type]
    assert type(row.value) is type(expected.get("value", 12))


def test_what_is_no_json_is_mended() -> None:
    """A comma before a brace, and nan, are what some versions print; a name keeps its own."""
    text = '{"counter-value" : "12.000000", "event" : "a, }: nan", "metric-value" : -nan, }'
    assert parse(text) == [Row("a, }: nan", COUNTED, 12)]


def test_objects_stand_side_by_side() -> None:
    """Each object of a line is a row, or none."""
    one = json.dumps(OBJECT)
    assert parse(f'{one}{{}}{{"metric-value" : ""}} {one}') == parse(one) * 2


@pytest.mark.parametrize(
    "text",
    [
        "12",
        '"text"',
        "[]",
        "null",
        "[" * 100_000,
        '{"a":' * 100_000,
        json.dumps(OBJECT) + "Error",
        json.dumps(OBJECT) + "[1]",
        *(json.dumps(OBJECT | changes) for changes in CHANGES),
    ],
)
def test_other_objects_are_refused(text: str) -> None:
    """What has no event, no value, other values, or is of a part only, is no data."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("aggregation", "places"),
    [
        ("cpu", {"cpu": "CPU0"}),
        ("cpu", {}),
        ("cpu", {"cpu": "0", "thread": "bash-1"}),
        ("core", {"core": "S0"}),
        ("core", {"cpu": "0"}),
        ("socket", {"socket": "S0-D0"}),
        ("node", {"node": None}),
    ],
)
def test_places_in_json_are_those_asked_for(aggregation: str, places: dict[str, str]) -> None:
    """Another place than was asked for, or none, is refused."""
    with pytest.raises(ValueError, match="not "):
        parse(json.dumps(OBJECT | places), aggregation)
