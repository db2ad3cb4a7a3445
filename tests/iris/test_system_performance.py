"""What the page says of ^SystemPerformance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.iris.access.errors import ErrorKind
from exporter.iris.metrics.system_performance import HEADS, SystemPerformance
from exporter.iris.system_performance.marks import BY_ADMINISTRATOR, Mark, kept_on_by_operator
from exporter.iris.system_performance.observation import Identity, Missing, Observed
from exporter.iris.system_performance.profiles import Profile
from exporter.iris.system_performance.reports import Host, Report
from exporter.iris.system_performance.runs import Run
from exporter.iris.system_performance.task import Task
from tests.expositions import meaning
from tests.samples import read_samples

SERVER_NOW = datetime(2026, 11, 21, 23, 30)  # noqa: DTZ001 -- the server's, without a zone
NOW = 1_800_000_000.0
ENDED = Run(
    runid="20261121_220000_perfwatch",
    profile="perfwatch",
    started=SERVER_NOW - timedelta(seconds=5400),
    ended=SERVER_NOW - timedelta(seconds=1800),
    directory="/usr/irissys/mgr/",
)


def task(description: str = "PerfWatch: on", *, is_suspended: bool = False) -> Task:
    """Our task."""
    return Task(
        id="1000",
        name="PerfWatch perfwatch",
        description=description,
        is_suspended=is_suspended,
        settings="",
        every_minutes=5,
        start_seconds=0,
        end_seconds=86_340,
        run_as_user="",
        last_started=None,
        last_finished=None,
        error="",
        next_scheduled="",
    )


def observed(**seen: Any) -> Observed:
    """An instance of which so much was seen."""
    identity = Identity(host=Host("host", "IRIS"), wrapper="PerfWatch 1", version="15")
    return Observed(**{"now": SERVER_NOW, "identity": identity, **seen})


def everything() -> Observed:
    """An instance of which everything was seen."""
    active = Run(
        runid="20261121_233000_perfwatch",
        profile="perfwatch",
        started=SERVER_NOW,
        remaining_seconds=3540.0,
    )
    report = Report(ENDED, "/usr/irissys/mgr/a.html", 1_234_567, SERVER_NOW - timedelta(seconds=60))
    return observed(
        profile_names=("30mins", "perfwatch"),
        profile=Profile("perfwatch", "PerfWatch", 30, 120),
        task_ids=("1000",),
        task=task(),
        runs=(active,),
        other_runs=2,
        last_run=ENDED,
        last_report=report,
        expired_reports=(report,),
        missing=(Missing("read our task", "grant %Admin_Task:USE"),),
    )


def page(seen: Observed | None) -> dict[str, float]:
    """What is on the page then, errors aside, by what distinguishes it."""
    account = SystemPerformance("prod")
    account.see(seen, NOW)
    found = read_samples(account.families())
    return {
        key.removeprefix("iris_systemperformance_")
        .replace('iris_instance="prod",', "")
        .replace(',iris_instance="prod"', "")
        .replace('{iris_instance="prod"}', ""): value
        for key, value in found.items()
        if "errors_total" not in key
    }


def test_everything_that_was_seen_is_told() -> None:
    """Times of the server come out as Unix time, whatever its zone is."""
    assert page(everything()) == {
        'info{version="15",wrapper="PerfWatch 1"}': 1,
        "enabled": 1,
        "profiles": 2,
        "profile_interval_seconds": 30,
        "profile_duration_seconds": 3600,
        "missing_rights": 1,
        'active_runs{owner="perfwatch"}': 1,
        'active_runs{owner="other"}': 2,
        "run_remaining_seconds": 3540,
        "last_run_end_timestamp_seconds": NOW - 1800,
        "last_report_bytes": 1_234_567,
        "last_report_age_seconds": 60,
        "expired_reports": 1,
        "collecting": 1,
        'suspended_by{by="governor"}': 0,
        'suspended_by{by="operator"}': 0,
        'suspended_by{by="administrator"}': 0,
        'suspended_by{by="iris"}': 0,
    }


def test_what_was_not_seen_is_absent() -> None:
    """Without rights there is no 0 in place of a number."""
    nobody = Identity(host=Host("host", "IRIS"))
    assert page(observed(identity=nobody)) == {
        "enabled": 1,
        "missing_rights": 0,
        "expired_reports": 0,
    }
    assert page(None) == {"enabled": 1}


def test_an_instance_without_runs_says_so() -> None:
    """None is active, and there is no last one."""
    found = page(observed(runs=(), other_runs=0, last_run=Run(**vars_of(ENDED, ended=None))))
    assert found['active_runs{owner="perfwatch"}'] == 0
    assert "run_remaining_seconds" not in found
    assert "last_run_end_timestamp_seconds" not in found


def vars_of(run: Run, **changes: Any) -> dict[str, Any]:
    """The fields of a run, some of them changed."""
    names = ("runid", "profile", "started", "ended", "directory", "remaining_seconds")
    return {name: getattr(run, name) for name in names} | changes


@pytest.mark.parametrize(
    ("mark", "is_suspended", "by"),
    [
        ("PerfWatch: off by governor since 2026-11-21T23:00:00Z: cpu 93.1%", True, "governor"),
        ("PerfWatch: off by operator since 2026-11-21T23:00:00Z", True, "operator"),
        (str(Mark("on")), True, BY_ADMINISTRATOR.by),
        (str(kept_on_by_operator(SERVER_NOW.astimezone())), False, ""),
    ],
)
def test_who_has_suspended_it_is_told(mark: str, is_suspended: bool, by: str) -> None:
    """It is suspended by one, or by nobody."""
    found = page(observed(task=task(mark, is_suspended=is_suspended)))
    assert found["collecting"] == (not is_suspended)
    suspended = [key for key, value in found.items() if key.startswith("suspended_by") and value]
    assert suspended == ([f'suspended_by{{by="{by}"}}'] if by else [])


def test_errors_are_counted_by_kind() -> None:
    """Each kind is there from the start, and what was seen does not change them."""
    account = SystemPerformance("prod")
    account.count_error(ErrorKind.REJECTED)
    account.see(everything(), NOW)
    account.count_error(ErrorKind.REJECTED)
    (errors,) = [one for one in account.families() if one.name.endswith("errors_total")]
    counts = {values[1]: number for values, number in errors.samples}
    assert counts == dict.fromkeys(ErrorKind, 0) | {ErrorKind.REJECTED: 2}


def test_all_that_can_be_told_is_described() -> None:
    """By its head, and both formats take it."""
    account = SystemPerformance("prod")
    account.see(everything(), NOW)
    families = account.families()
    described = {head.name: head for head in HEADS}
    assert {family.name for family in families} == set(described)
    for family in families:
        head = described[family.name]
        assert family[:4] == (head.name, head.help, head.type, ("iris_instance", *head.labels))
    strict = meaning(Renderer(OPENMETRICS).render(families) + b"# EOF\n", openmetrics=True)
    assert strict == meaning(Renderer(TEXT).render(families))
