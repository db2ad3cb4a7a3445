"""Runids, $HOROLOG, and how long a run still needs."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance.runs import (
    from_horolog,
    ours,
    parse_runid,
    parse_wait,
    server_time,
    to_horolog_day,
)
from tests.iris.monitored import Monitored


@pytest.mark.parametrize(
    ("runid", "started", "profile"),
    [
        ("20170103_000100_24hours_30sec_7", "2017-01-03T00:01:00", "24hours_30sec_7"),
        ("20180714_163716_benchdb1_12_min", "2018-07-14T16:37:16", "benchdb1_12_min"),
        ("20260904_1610_test", "2026-09-04T16:10:00", "test"),
    ],
)
def test_runids_of_all_versions_are_read(runid: str, started: str, profile: str) -> None:
    """With seconds or without; the name of the profile may have underscores."""
    run = parse_runid(runid)
    assert run is not None
    assert (run.started.isoformat(), run.profile) == (started, profile)


@pytest.mark.parametrize(
    "runid", ["", "20260904_16105_test", "20260904_161059_", "20261399_161059_x", "x_1_y"]
)
def test_what_is_no_runid_is_no_run(runid: str) -> None:
    """A month that there is not, five digits, no profile."""
    assert parse_runid(runid) is None


def test_ours_are_those_of_our_profile_alone() -> None:
    """One whose name only ends like ours is another's."""
    mine = "20260904_161059_perfwatch"
    others = ["20260904_161059_my_perfwatch", "20260904_161059_test", "perfwatch"]
    assert [run.runid for run in ours([mine, *others], "perfwatch")] == [mine]


@given(st.datetimes(min_value=datetime(1841, 1, 1), max_value=datetime(4000, 1, 1)))  # noqa: DTZ001
def test_horolog_is_read(moment: datetime) -> None:
    """As days since the end of 1840, and seconds."""
    moment = moment.replace(microsecond=0)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    assert from_horolog(f"{to_horolog_day(moment)},{seconds}") == moment


@pytest.mark.parametrize("text", [None, "", "0", "67839", "x,1", "9999999,0"])
def test_never_is_no_time(text: str | None) -> None:
    """And neither is what is beyond the calendar."""
    assert from_horolog(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 hours 7 minutes 3 seconds", 4023),
        ("7 minutes", 420),
        ("1 hour 1 second", 3601),
        ("ready now", 0),
        ("-2^no such runid", None),
        ("", None),
    ],
)
def test_the_remaining_time_is_read(text: str, seconds: float | None) -> None:
    """Parts may be missing; no time is not 0."""
    assert parse_wait(text) == seconds


def test_the_server_says_what_time_it_has(monitored: Monitored) -> None:
    """Its local time, as it has it."""
    assert server_time(monitored.session) == monitored.instance.clock.now


def test_a_time_that_is_none_is_an_error(monitored: Monitored) -> None:
    """Nothing is guessed from it."""
    methods = dict(monitored.instance._class_methods)
    methods["%Library.UTC", "NowLocal"] = lambda _: "soon"
    monitored.instance._class_methods = methods
    with pytest.raises(IrisError, match="'soon'") as raised:
        server_time(monitored.session)
    assert raised.value.kind is ErrorKind.SERVER
