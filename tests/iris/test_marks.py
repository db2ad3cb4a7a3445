"""The description of our task: what is written comes back, and nothing else is taken for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.iris.system_performance.marks import (
    BY_ADMINISTRATOR,
    MAX_DESCRIPTION,
    ON,
    Mark,
    kept_on_by_operator,
    off_by_governor,
    off_by_operator,
    parse_mark,
)

NOW = datetime(2026, 11, 21, 23, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=6)

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 -- the strategy adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
MARKS = st.one_of(
    st.just(ON),
    st.builds(off_by_governor, MOMENTS, st.text()),
    st.builds(off_by_operator, MOMENTS, st.none() | MOMENTS, st.text()),
    st.builds(kept_on_by_operator, MOMENTS),
)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        (ON, "PerfWatch: on"),
        (
            off_by_governor(NOW, "cpu 93.1%"),
            "PerfWatch: off by governor since 2026-11-21T23:00:00Z: cpu 93.1%",
        ),
        (off_by_operator(NOW), "PerfWatch: off by operator since 2026-11-21T23:00:00Z"),
        (
            off_by_operator(NOW, LATER),
            "PerfWatch: off by operator since 2026-11-21T23:00:00Z until 2026-11-22T05:00:00Z",
        ),
        (
            off_by_operator(NOW, reason="a release"),
            "PerfWatch: off by operator since 2026-11-21T23:00:00Z: a release",
        ),
        (
            kept_on_by_operator(LATER),
            "PerfWatch: kept on by operator until 2026-11-22T05:00:00Z",
        ),
    ],
)
def test_marks_are_written_so_that_people_understand_them(mark: Mark, text: str) -> None:
    """And read back."""
    assert str(mark) == text
    assert parse_mark(text) == mark


@given(MARKS)
def test_every_mark_fits_and_comes_back(mark: Mark) -> None:
    """Whatever the reason: ASCII, on one line, cut where it has to be."""
    text = str(mark)
    assert len(text) <= MAX_DESCRIPTION
    assert text.isascii()
    assert text.isprintable()
    found = parse_mark(text)
    assert found is not None
    assert str(found) == text
    assert (found.state, found.by, found.since, found.until) == (
        mark.state,
        mark.by,
        mark.since,
        mark.until,
    )


@given(st.text())
def test_no_other_text_is_a_mark(text: str) -> None:
    """Only what reads as one of ours, from its first letter to its last."""
    found = parse_mark(text)
    assert found is None or str(found) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PerfWatch: on ",
        "PerfWatch: off",
        "perfwatch: on",
        "PerfWatch: off by administrator since 2026-11-21T23:00:00Z",
        "PerfWatch: kept on by operator until 2026-11-31T23:00:00Z",
        "PerfWatch: off by governor since 2026-11-21T25:00:00Z: cpu",
        "Start VSM Collection Drivers",
    ],
)
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    """A day that there is not, for one."""
    assert parse_mark(text) is None


def test_a_mark_with_an_end_expires() -> None:
    """At its end, and not before; one without never does."""
    mark = off_by_operator(NOW, LATER)
    assert not mark.has_expired(LATER - timedelta(seconds=1))
    assert mark.has_expired(LATER)
    assert not off_by_operator(NOW).has_expired(LATER)


def test_a_mark_needs_its_time() -> None:
    """None is invented."""
    with pytest.raises(ValueError, match="without its time"):
        str(Mark("off", "operator"))


def test_an_administrators_doing_is_off() -> None:
    """Without a mark of ours."""
    assert not BY_ADMINISTRATOR.is_on
    assert ON.is_on
