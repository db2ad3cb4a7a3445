"""What IRIS says counts: after a restart, and when somebody has decided by hand."""

from __future__ import annotations

import io

import pytest

from exporter.iris.governor.decision import Action, Mode, Reason
from exporter.iris.system_performance.marks import (
    BY_ADMINISTRATOR,
    ON,
    Mark,
    kept_on_by_operator,
    off_by_governor,
    off_by_operator,
    parse_mark,
)
from monitoring.structured_logging import configure
from tests.iris.governed import BUSY, FULL, LIVES_AT_92, QUIET, STARTED_AT, Governed
from tests.logs import records

HOUR = 3600.0


def parsed(mark: Mark) -> Mark:
    """What becomes of a mark on its way through IRIS."""
    found = parse_mark(str(mark))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("levels", "reason"),
    [(BUSY, Reason.CPU), (FULL, Reason.MEMORY), ((97.0, 97.0), Reason.CPU_AND_MEMORY)],
)
def test_after_a_restart_it_goes_on_where_it_was(
    levels: tuple[float, float], reason: Reason
) -> None:
    """Suspended, for the same reason, since the same moment; the six hours go on."""
    first = Governed()
    decision = first.minute(levels)
    mark = parsed(off_by_governor(first.moment(), decision.means.describe(decision.reason)))
    second = Governed(started_after=60 + 5 * HOUR)
    second.governor.note(mark)
    assert (second.state(), second.reason()) == ("suspended", reason)
    assert second.page()["state_since_timestamp_seconds"] == STARTED_AT + 60
    assert second.page()["suspended_seconds_total"] == 0
    actions = [second.minute(LIVES_AT_92).action for _ in range(61)]
    assert actions == [None] * 60 + [Action.RESUME]
    assert second.governor.pending is Action.RESUME


def test_after_a_restart_it_resumes_when_the_host_has_recovered() -> None:
    """Seen by itself: what was counted before the restart does not count."""
    governed = Governed()
    governed.governor.note(off_by_governor(governed.moment(-HOUR), "memory 96.0%"))
    assert [governed.minute(QUIET).action for _ in range(2)] == [None, Action.RESUME]


def test_a_mark_from_the_future_is_one_of_now() -> None:
    """Clocks of two hosts differ."""
    governed = Governed()
    governed.governor.note(off_by_governor(governed.moment(7 * HOUR), "cpu 93.0%"))
    assert governed.page()["state_since_timestamp_seconds"] == STARTED_AT


def test_what_was_decided_and_not_yet_carried_out_is_not_undone_by_iris() -> None:
    """The mark still says what was before."""
    governed = Governed()
    governed.minute(BUSY)
    governed.governor.note(ON)
    assert (governed.state(), governed.governor.pending) == ("suspended", Action.SUSPEND)
    governed.governor.done()
    governed.governor.note(off_by_governor(governed.moment(), "cpu 97.0%"))
    assert governed.state() == "suspended"


def test_what_iris_repeats_is_no_news() -> None:
    """The account of the suspension goes on, whatever its mark says exactly."""
    governed = Governed()
    governed.minute(BUSY)
    governed.governor.done()
    governed.minute(QUIET)
    governed.governor.note(off_by_governor(governed.moment(), "memory 97.0%"))
    assert governed.reason() == "cpu"
    assert governed.minute(QUIET).action is Action.RESUME


def test_a_resumption_by_hand_is_accepted() -> None:
    """It collects until a threshold is crossed again."""
    governed = Governed()
    governed.governor.note(ON)
    governed.minute(FULL)
    governed.governor.done()
    governed.governor.note(ON)
    assert (governed.state(), governed.reason()) == ("collecting", "none")
    assert governed.minute(LIVES_AT_92).action is None
    assert governed.minute(FULL).action is Action.SUSPEND


@pytest.mark.parametrize("mark", [off_by_operator, lambda _: BY_ADMINISTRATOR])
def test_what_others_have_suspended_for_good_is_not_resumed(mark: object) -> None:
    """Until they end it."""
    governed = Governed()
    assert callable(mark)
    governed.governor.note(mark(governed.moment()))
    assert (governed.state(), governed.reason()) == ("kept_off", "operator")
    assert "override_until_timestamp_seconds" not in governed.page()
    for _ in range(7 * 60):
        assert governed.minute(QUIET).action is None
    assert not governed.governor.is_suspending
    governed.governor.note(ON)
    assert governed.state() == "collecting"
    assert governed.page()["suspended_seconds_total"] == 0


def test_what_is_kept_on_is_not_suspended_until_then() -> None:
    """Afterwards it goes on normally: the pressure is still there."""
    governed = Governed()
    governed.governor.note(parsed(kept_on_by_operator(governed.moment(HOUR))))
    assert governed.page()["override_until_timestamp_seconds"] == STARTED_AT + HOUR
    for _ in range(59):
        assert governed.minute(BUSY).action is None
        assert not governed.governor.is_suspending
    assert governed.state() == "kept_on"
    assert governed.minute(BUSY).action is Action.SUSPEND
    assert "override_until_timestamp_seconds" not in governed.page()


def test_what_is_kept_off_is_resumed_after_then() -> None:
    """When the host is seen to be fit, for the dwell."""
    governed = Governed()
    governed.governor.note(parsed(off_by_operator(governed.moment(), governed.moment(HOUR))))
    for _ in range(59):
        assert governed.minute(QUIET).action is None
    assert governed.state() == "kept_off"
    assert governed.minute(BUSY).action is None
    assert (governed.state(), governed.reason()) == ("suspended", "operator")
    assert [governed.minute(QUIET).action for _ in range(2)] == [None, Action.RESUME]


def test_a_word_that_has_expired_meanwhile() -> None:
    """As the daemon finds it after a restart: what was kept on collects, the other is resumed."""
    governed = Governed()
    governed.governor.note(kept_on_by_operator(governed.moment(-1)))
    assert governed.state() == "collecting"
    governed.governor.note(off_by_operator(governed.moment(-2 * HOUR), governed.moment(-HOUR)))
    assert (governed.state(), governed.reason()) == ("suspended", "operator")
    assert governed.page()["state_since_timestamp_seconds"] == STARTED_AT - HOUR
    assert [governed.minute(QUIET).action for _ in range(2)] == [None, Action.RESUME]


def test_an_operators_word_ends_what_was_pending() -> None:
    """It is not carried out after it."""
    governed = Governed()
    governed.minute(BUSY)
    governed.governor.note(kept_on_by_operator(governed.moment(HOUR)))
    assert governed.governor.pending is None
    assert governed.state() == "kept_on"


def test_an_operators_word_can_be_prolonged_and_taken_back() -> None:
    """The newest counts."""
    governed = Governed()
    governed.governor.note(kept_on_by_operator(governed.moment(HOUR)))
    governed.governor.note(kept_on_by_operator(governed.moment(2 * HOUR)))
    assert governed.page()["override_until_timestamp_seconds"] == STARTED_AT + 2 * HOUR
    governed.governor.note(ON)
    assert governed.minute(BUSY).action is Action.SUSPEND


@pytest.mark.parametrize("jump", [-5 * HOUR, 5 * HOUR])
def test_a_clock_that_is_set_changes_nothing(jump: float) -> None:
    """Neither for an operator's word that was seen before, nor for a suspension."""
    governed = Governed()
    mark = kept_on_by_operator(governed.moment(HOUR))
    governed.governor.note(mark)
    governed.date += jump
    for _ in range(59):
        governed.governor.note(mark)
        assert governed.minute(FULL).action is None
    assert governed.page()["override_until_timestamp_seconds"] == STARTED_AT + HOUR
    assert governed.minute(FULL).action is Action.SUSPEND
    suspended_at = governed.page()["state_since_timestamp_seconds"]
    governed.date += jump
    actions = [governed.minute(LIVES_AT_92).action for _ in range(60)]
    assert governed.page()["state_since_timestamp_seconds"] == suspended_at
    actions += [governed.minute(LIVES_AT_92).action for _ in range(301)]
    assert actions == [None] * 360 + [Action.RESUME]


def test_an_observer_respects_an_operator_and_nothing_else() -> None:
    """What IRIS does is not what it would have done."""
    governed = Governed(mode=Mode.OBSERVE)
    governed.minute(BUSY)
    governed.governor.note(ON)
    assert governed.state() == "suspended"
    governed.governor.note(BY_ADMINISTRATOR)
    assert governed.state() == "kept_off"


def test_each_word_is_one_line_of_the_log(stream: io.StringIO) -> None:
    """When it is found, and when it ends."""
    configure(stream=stream)
    governed = Governed()
    mark = kept_on_by_operator(governed.moment(60))
    for _ in range(2):
        governed.governor.note(mark)
    governed.minute(QUIET)
    governed.governor.note(off_by_governor(governed.moment(), "cpu 93.0%"))
    lines = [(line["message"], line["data"]) for line in records(stream.getvalue())]
    assert lines == [
        ("governor is overruled", {"instance": "prod", "state": "kept_on"}),
        ("governor decides again", {"instance": "prod", "state": "collecting"}),
        ("governor follows iris", {"instance": "prod", "state": "suspended"}),
    ]
