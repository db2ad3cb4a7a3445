"""A task that has failed is suspended by IRIS itself: nobody's wish, and not for ever."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.iris import control
from monitoring.structured_logging import configure
from tests.iris.double.server import Double
from tests.iris.kept import FakeMachine, Kept

RIGHT = "%DB_IRISSYS:W"
"""Without it the task's code fails."""


@pytest.fixture
def failed(double: Double, tmp_path: Path, stream: io.StringIO) -> Iterator[Kept]:
    """A keeper whose task has failed in its first execution, for a reason that is gone by now."""
    configure(stream=stream)
    kept = Kept(double, FakeMachine(tmp_path))
    kept.instance.revoke(RIGHT)
    kept.minutes(2)
    kept.instance.grant(RIGHT)
    assert kept.task["Suspended"] == 1
    yield kept
    kept.session.close()


def pass_time(kept: Kept, minutes: int) -> None:
    """Let time pass in which the daemon does nothing."""
    kept.monotonic += 60 * minutes
    kept.date += 60 * minutes
    kept.instance.advance(60 * minutes)


def test_it_is_tried_again_every_hour(failed: Kept) -> None:
    """And until then the log and the page say why nothing is collected."""
    failed.restart()
    with capture_logs() as records:
        failed.minutes(2)
    [said] = [one for one in records if one["event"] == "instance cannot be controlled"]
    assert "<PROTECT>" in said["data"]["reasons"]["rely on our task"]
    assert failed.samples()["iris_systemperformance_suspended_by", "iris"] == 1
    assert failed.keeper.word == "collecting"
    pass_time(failed, 50)
    failed.minutes(1)
    assert failed.task["Suspended"] == 1
    pass_time(failed, 10)
    with capture_logs() as records:
        failed.minutes(2)
    assert failed.task["Suspended"] == 0
    events = [one["event"] for one in records if one["event"].startswith("instance ")]
    assert events == ["instance is as wanted", "instance can be controlled"]


def test_what_fails_again_waits_again(failed: Kept) -> None:
    """An hour from its last execution on."""
    failed.instance.revoke(RIGHT)
    starts = [failed.task["LastStarted"]]
    for wait in (60, 30, 30):
        pass_time(failed, wait)
        failed.minutes(2)
        starts.append(failed.task["LastStarted"])
    assert starts[0] < starts[1] == starts[2] < starts[3]


def test_pressure_comes_first(failed: Kept) -> None:
    """What the governor suspends is not tried again before the host has recovered."""
    failed.minutes(3, cpu=96)
    assert failed.task["Description"].endswith(": cpu 96.0%")
    pass_time(failed, 60)
    failed.minutes(2, cpu=96)
    assert failed.task["Suspended"] == 1
    failed.minutes(4)
    assert failed.task["Suspended"] == 0


def test_an_operator_need_not_wait(failed: Kept) -> None:
    """To configure, or to enable, resumes it; what the governor asks for does not."""
    assert not control.auto_enable_monitoring(failed.session)
    assert failed.task["Suspended"] == 1
    assert control.enable_monitoring(failed.session) == 1
    assert failed.task["Suspended"] == 0
