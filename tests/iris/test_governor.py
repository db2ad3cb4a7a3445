"""What the governor does, as its documentation tells it."""

from __future__ import annotations

import pytest

from exporter.iris.governor.decision import Action, Mode, Reason
from exporter.iris.system_performance.policy import ResourceThresholds
from tests.iris.governed import BUSY, FULL, LIVES_AT_92, QUIET, Governed, Levels, suspended


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        (QUIET, None),
        ((90.0, 95.0), None),  # at the threshold is not above it
        ((90.1, 50.0), Reason.CPU),
        ((20.0, 95.1), Reason.MEMORY),
        ((90.1, 95.1), Reason.CPU_AND_MEMORY),
        ((None, 50.0), None),
        ((None, 95.1), Reason.MEMORY),  # what is known is enough to suspend
        ((90.1, None), Reason.CPU),
        ((None, None), None),
    ],
)
def test_it_suspends_above_a_disable_threshold(levels: Levels, reason: Reason | None) -> None:
    """And says which one."""
    decision = Governed().minute(levels)
    if reason is None:
        assert (decision.action, decision.reason) == (None, Reason.NONE)
    else:
        assert (decision.action, decision.reason) == (Action.SUSPEND, reason)


def test_it_decides_on_the_mean_of_the_window() -> None:
    """A short peak is none, and missing samples are left out."""
    governed = Governed()
    assert governed.minute(BUSY, QUIET).action is None
    decision = governed.minute(BUSY, (None, None), (85.0, None))
    assert decision.means == (91.0, 50.0)
    assert decision.action is Action.SUSPEND


def test_it_decides_once_a_minute() -> None:
    """In step with the samples; a new one begins with a whole window."""
    governed = Governed()
    due = []
    for number in range(1, 20):
        governed.sample(QUIET)
        if governed.governor.decide_if_due():
            due.append(number)
    assert due == [6, 12, 18]


def test_a_decision_that_is_late_delays_no_other() -> None:
    """Calls take their time; decisions stay in step with the samples."""
    governed = Governed()
    governed.pass_seconds(68)
    governed.decide()
    governed.pass_seconds(51)
    assert governed.governor.decide_if_due() is None
    governed.pass_seconds(1)
    governed.decide()


def test_after_one_that_is_too_late_a_whole_window_follows() -> None:
    """A decision on the readings of a part of it would be one on a peak."""
    governed = Governed()
    governed.pass_seconds(90)
    governed.decide()
    governed.pass_seconds(59)
    assert governed.governor.decide_if_due() is None
    governed.pass_seconds(1)
    governed.decide()


def test_after_a_call_that_hung_old_readings_are_not_used() -> None:
    """It is blind at first, and then has a whole window again."""
    governed = Governed()
    governed.sample(BUSY)
    governed.pass_seconds(600)
    decision = governed.decide()
    assert decision.means.is_blind
    assert decision.action is None
    for _ in range(5):
        governed.sample(QUIET)
        assert governed.governor.decide_if_due() is None
    governed.sample(QUIET)
    assert governed.decide().means == QUIET


def test_it_resumes_after_the_dwell() -> None:
    """Two decisions in a row must find the host recovered."""
    governed = suspended()
    assert governed.minute(QUIET).action is None
    decision = governed.minute(QUIET)
    assert (decision.action, decision.reason) == (Action.RESUME, Reason.RECOVERED)
    assert governed.state() == "collecting"


@pytest.mark.parametrize(
    "between", [BUSY, LIVES_AT_92, (85.0, 50.0), (20.0, 90.0), (20.0, None), (None, None)]
)
def test_decisions_of_the_dwell_are_in_a_row(between: Levels) -> None:
    """One that finds the host not recovered, or cannot see it, begins the count anew."""
    governed = suspended()
    levels = [QUIET, between, QUIET]
    assert [governed.minute(level).action for level in levels] == [None] * 3
    assert governed.minute(QUIET).action is Action.RESUME


def test_the_dwell_can_be_longer() -> None:
    """As the thresholds say."""
    governed = suspended(thresholds=ResourceThresholds(dwell_decisions=5))
    assert [governed.minute(QUIET).action for _ in range(5)] == [None] * 4 + [Action.RESUME]


def test_it_never_resumes_blind() -> None:
    """Without data the state is held, however long, and it says so."""
    governed = suspended()
    for _ in range(7 * 60):
        assert governed.blind_minute().action is None
    assert governed.page()["blind"] == 1
    assert "reading_ratio cpu" not in governed.page()
    assert governed.state() == "suspended"
    assert governed.minute((None, 50.0)).action is None
    assert governed.page()["blind"] == 1
    assert governed.page()["reading_ratio memory"] == 0.5


def test_a_host_that_lives_at_92_percent_is_resumed_on_probation() -> None:
    """After six hours below the disable thresholds; it collects until it crosses one again."""
    governed = Governed()
    governed.minute(FULL)
    for _ in range(6 * 60):
        assert governed.minute(LIVES_AT_92).action is None
    decision = governed.minute(LIVES_AT_92)
    assert (decision.action, decision.reason) == (Action.RESUME, Reason.PROBATION)
    for _ in range(60):
        assert governed.minute(LIVES_AT_92).action is None
    assert governed.reason() == "probation"
    assert governed.minute(FULL).action is Action.SUSPEND
    for _ in range(6 * 60):  # the six hours begin anew
        assert governed.minute(LIVES_AT_92).action is None
    assert governed.minute(LIVES_AT_92).action is Action.RESUME


def test_there_is_no_probation_under_pressure() -> None:
    """After six hours above a threshold, the dwell counts from when it is below."""
    governed = Governed()
    for _ in range(7 * 60):
        governed.minute(FULL)
    assert governed.state() == "suspended"
    assert governed.minute(LIVES_AT_92).action is None
    assert governed.minute(LIVES_AT_92).reason is Reason.PROBATION


def test_probation_can_be_turned_off() -> None:
    """With 0 only recovery resumes."""
    governed = suspended(max_suspension_seconds=0.0)
    for _ in range(7 * 60):
        assert governed.minute(LIVES_AT_92).action is None
    governed.minute(QUIET)
    assert governed.minute(QUIET).reason is Reason.RECOVERED


def test_what_is_decided_is_pending_until_it_is_carried_out() -> None:
    """IRIS may be out of reach just then; what is decided later takes its place."""
    governed = Governed()
    pending = []
    for levels in (BUSY, BUSY, QUIET, QUIET, QUIET):
        governed.minute(levels)
        pending.append(governed.governor.pending)
    assert pending == [Action.SUSPEND] * 3 + [Action.RESUME] * 2
    governed.governor.done()
    assert governed.governor.pending is None


def test_observe_mode_says_what_it_would_do() -> None:
    """And does nothing."""
    governed = Governed(mode=Mode.OBSERVE)
    decision = governed.minute(BUSY)
    assert (decision.action, decision.acts) == (Action.SUSPEND, False)
    assert governed.governor.pending is None
    assert not governed.governor.is_suspending
    assert governed.state() == "suspended"
    assert governed.only("mode") == "observe"
    assert governed.page()["transitions_total suspend"] == 1
