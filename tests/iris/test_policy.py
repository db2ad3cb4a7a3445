"""What may be wanted: valid or not made at all, with a message that helps."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.iris.system_performance.policy import (
    OTHERS_PROFILES,
    CPFParameters,
    MonitoringPolicy,
    PerformanceMetrics,
    PolicyError,
    ResourceThresholds,
    TaskSchedule,
)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"interval_seconds": 1, "duration_seconds": 3600},
        {"interval_seconds": 2, "duration_seconds": 86_400},
        {"interval_seconds": 300, "duration_seconds": 300, "retention_seconds": 0},
        {"name": "benchdb1_12_min"},
        {"name": "x" * 32},
    ],
)
def test_a_policy_within_the_limits_is_taken(values: dict[str, Any]) -> None:
    """The limits themselves are within."""
    policy = MonitoringPolicy(**values)
    assert policy.count * policy.interval_seconds <= policy.duration_seconds


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "bad name"}, "letters, digits and _"),
        ({"name": ""}, "letters, digits and _"),
        ({"name": "perfwatch\n"}, "letters, digits and _"),
        ({"name": 'x"),Delete("'}, "letters, digits and _"),
        ({"name": "naïve"}, "letters, digits and _"),
        ({"name": "x" * 33}, "at most 32"),
        *(({"name": name}, "comes with IRIS") for name in sorted(OTHERS_PROFILES)),
        ({"interval_seconds": 0}, "the interval is a whole number from 1 to 300"),
        ({"interval_seconds": 301}, "got 301"),
        ({"interval_seconds": 2.5}, "got 2.5"),
        ({"interval_seconds": True}, "got True"),
        ({"duration_seconds": 29}, "the duration is a whole number from 30 to 86400"),
        ({"duration_seconds": 86_401}, "got 86401"),
        ({"retention_seconds": -1}, "the retention is a whole number from 0"),
        ({"retention_seconds": 10**9}, "the retention is a whole number from 0"),
        ({"interval_seconds": 1, "duration_seconds": 3601}, "may sample every second"),
    ],
)
def test_a_policy_beyond_them_says_what_is_wrong(values: dict[str, Any], says: str) -> None:
    """What was given, what helps, and where it is documented."""
    with pytest.raises(PolicyError, match=r"\(see docs/iris.md\)$") as raised:
        MonitoringPolicy(**values)
    assert says in str(raised.value)


def test_a_policy_shows_what_will_be_run() -> None:
    """Each statement on its own line, with our values and nothing else."""
    policy = MonitoringPolicy(name="mine", interval_seconds=10, os_data=False)
    text = policy.to_objectscript()
    make, change, start, purge = text.splitlines()
    assert make == (
        'if $data(^IRIS.SystemPerformance("profile","mine"))=0 '
        "{ set result=$$addprofile^SystemPerformance("
        '"mine","PerfWatch: every 10 s for 3600 s",10,360) }'
    )
    assert change == make[make.index("set") : -2].replace("addprofile", "editprofile")
    assert '$select(0:$$run^SystemPerformance("mine"),1:$$literun^' in start
    assert "##class(%Library.File).Delete(file)" in purge


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"every_minutes": 0}, "from 1 to 1440"),
        ({"every_minutes": 1441}, "from 1 to 1440"),
        ({"start_seconds": 86_400}, "the start of the day's schedule"),
        ({"start_seconds": 100, "end_seconds": 99}, "from 100 to 86399"),
        ({"run_as_user": "a\nb"}, "printable"),
    ],
)
def test_a_schedule_fits_a_day(values: dict[str, Any], says: str) -> None:
    """And its user can be written in a message."""
    with pytest.raises(PolicyError, match=says):
        TaskSchedule(**values)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"cpu_disable_percent": 100.1}, "thresholds of CPU"),
        ({"cpu_enable_percent": 90.0}, "thresholds of CPU"),
        ({"memory_enable_percent": 0.0}, "thresholds of memory"),
        ({"memory_enable_percent": float("nan")}, "thresholds of memory"),
        ({"dwell_decisions": 0}, "the dwell"),
        ({"dwell_decisions": 61}, "the dwell"),
    ],
)
def test_thresholds_are_apart(values: dict[str, Any], says: str) -> None:
    """What resumes is below what suspends."""
    with pytest.raises(PolicyError, match=says):
        ResourceThresholds(**values)


@pytest.mark.parametrize("daily_reports", [0, 1, -2, -300])
def test_daily_reports_are_as_the_file_has_them(daily_reports: int) -> None:
    """Off, on, or every so many seconds."""
    assert CPFParameters(daily_reports=daily_reports).daily_reports == daily_reports


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"daily_reports": -1}, "sample every 2 s at most"),
        ({"daily_reports": 2}, "daily reports is a whole number"),
        ({"daily_reports": -301}, "daily reports is a whole number"),
        ({"retention_days": -1}, "the retention of daily reports"),
    ],
)
def test_other_daily_reports_are_refused(values: dict[str, Any], says: str) -> None:
    """Those that the configuration file does not know."""
    with pytest.raises(PolicyError, match=says):
        CPFParameters(**values)


def test_metrics_may_be_unknown() -> None:
    """None is not 0."""
    metrics = PerformanceMetrics(cpu_percent=None, memory_percent=100.5, source="host")
    assert metrics.cpu_percent is None


@pytest.mark.parametrize(
    ("cpu", "memory", "source", "says"),
    [
        (-0.1, 1.0, "iris", "the use of CPU"),
        (1.0, 101.5, "iris", "the use of memory"),
        (float("nan"), 1.0, "iris", "the use of CPU"),
        (1.0, 1.0, "guess", "metrics come from"),
    ],
)
def test_metrics_are_per_cent(cpu: float, memory: float, source: str, says: str) -> None:
    """Nothing else is a measurement."""
    with pytest.raises(PolicyError, match=says):
        PerformanceMetrics(cpu_percent=cpu, memory_percent=memory, source=source)
