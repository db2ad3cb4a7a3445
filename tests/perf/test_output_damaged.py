"""Damaged lines: whatever was cut off, lost or put in, no wrong count comes of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.perf.output import Row
from tests.perf.recorded_streams import Line, good_lines

GOOD = good_lines()
JSON = [line for line in GOOD if line.separator is None]
COLUMNS = [line for line in GOOD if line.separator]


def parse_damaged(line: Line, text: str) -> list[Row]:
    """Parse a text in the place of a line; nothing where it is refused."""
    try:
        return line.parse_other(text)
    except ValueError:
        return []


def test_a_line_cut_off_gives_no_other_count() -> None:
    """With -x, what is left is refused, or is right as far as it goes.

    Cut within the name of the event, it is the count of an event that has no such name.
    """
    for line in COLUMNS:
        (whole,) = line.parse()
        for length in range(len(line.text)):
            for row in parse_damaged(line, line.text[:length]):
                assert whole.event.startswith(row.event), line.text[:length]
                details = (row.running_nanoseconds, row.running_percent)
                assert row.event == whole.event or details == (None, None)
                assert row == whole._replace(
                    event=row.event,
                    running_nanoseconds=details[0] and whole.running_nanoseconds,
                    running_percent=details[1] and whole.running_percent,
                ), line.text[:length]


def test_an_object_cut_off_gives_nothing() -> None:
    """With -j, what lacks its brace is refused."""
    for line in JSON:
        for length in range(len(line.text)):
            assert parse_damaged(line, line.text[:length]) == [], line.text[:length]


def test_two_lines_that_run_together_are_refused() -> None:
    """With -x, a lost end of line shows."""
    for line, following in pairwise(COLUMNS):
        if line.stem != following.stem:
            continue
        with pytest.raises(ValueError, match="not a line of perf stat"):
            line.parse_other(line.text + following.text)


def test_two_objects_that_run_together_are_two_rows() -> None:
    """With -j, the braces show where one ends, and nothing is lost."""
    for line, following in pairwise(JSON):
        if line.aggregation == following.aggregation:
            rows = line.parse_other(line.text + following.text)
            assert rows == [*line.parse(), *following.parse()]


@given(st.data())
def test_whatever_is_put_in_is_refused_or_sound(data: st.DataObject) -> None:
    """Anything in the place of anything raises ValueError at most, and no impossible count."""
    line = data.draw(st.sampled_from(GOOD))
    start = data.draw(st.integers(0, len(line.text)))
    end = data.draw(st.integers(start, len(line.text)))
    put_in = data.draw(st.text(max_size=5) | st.sampled_from([";", '"', "{", "}", "-", "0" * 20]))
    for row in parse_damaged(line, line.text[:start] + put_in + line.text[end:]):
        assert row.event
        assert row.value is None or 0 <= row.value < 1e18


@pytest.mark.parametrize(
    "piece",
    ["1", ";", " ", "12;;a", "a/", "1.001132413;", '{"', '\\"', '{"a":"b"', ", }", "nan ", "S0-D0"],
)
@pytest.mark.parametrize("separator", [";", None])
def test_a_long_line_of_garbage_holds_nobody_up(piece: str, separator: str | None) -> None:
    """As long as a line may be, it is refused, or without a count, long before the test ends."""
    line = Line("", "", separator, "none", "none")
    assert parse_damaged(line, '{"12;;' + piece * (60_000 // len(piece))) == []
    assert parse_damaged(line, piece * (60_000 // len(piece))) == []
