"""What holds for the governor whatever a host does: thousands of series that nobody has written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.iris.governor.decision import (
    Action,
    Decision,
    Hold,
    Mode,
    Reading,
    Rules,
    State,
    decide,
)
from exporter.iris.system_performance.policy import ResourceThresholds
from tests.iris.governed import BUSY, FULL, LIVES_AT_92, QUIET, Governed, Levels

CPU = (None, 0.0, 84.9, 85.0, 90.0, 90.1, 100.0)
MEMORY = (None, 0.0, 89.9, 90.0, 95.0, 95.1, 100.0)
"""On both sides of each threshold, and exactly there."""

ANY = st.sampled_from([(cpu, memory) for cpu in CPU for memory in MEMORY])
SERIES = st.lists(st.tuples(ANY, st.integers(1, 6)), max_size=12).map(
    lambda runs: [levels for levels, minutes in runs for _ in range(minutes)]
)
"""Of minutes with one decision each; hosts stay where they are for a while."""
DWELLS = st.integers(1, 5)
LONGEST = st.sampled_from([0.0, 60.0, 300.0, 6 * 3600.0])

MINUTE = 60.0

many: Callable[..., Callable[..., None]] = settings(max_examples=250, deadline=None)


def rules(dwell: int = 2, longest: float = 0.0, mode: Mode = Mode.ACT) -> Rules:
    """Rules with the usual thresholds."""
    return Rules(
        mode=mode,
        thresholds=ResourceThresholds(dwell_decisions=dwell),
        max_suspension_seconds=longest,
    )


def run(
    series: list[Levels], followed: Rules, state: State | None = None
) -> Iterator[tuple[State, Decision]]:
    """Decide minute after minute; give the state before, and the decision."""
    state = state or State(changed_at=0.0)
    for number, levels in enumerate(series, 1):
        now = MINUTE * number
        decision = decide(state, [Reading(now, *levels)], followed, now)
        yield state, decision
        state = decision.state


def is_calm(levels: Levels) -> bool:
    """Whether both are known and neither is above its disable threshold."""
    cpu, memory = levels
    return cpu is not None and memory is not None and cpu <= 90 and memory <= 95


@many
@given(st.integers(0, 40), st.sampled_from([BUSY, FULL, (97.0, None)]), st.sets(st.integers(0, 60)))
def test_it_suspends_within_two_decisions_of_crossing(
    quiet: int, above: Levels, missing: set[int]
) -> None:
    """At whatever sample the host crosses, and although samples are missing."""
    governed = Governed()
    decisions = []
    for number in range(quiet + 12):
        is_missing = number in missing and number % 6 != 0
        levels = QUIET if number < quiet else above
        governed.sample((None, None) if is_missing else levels)
        if decision := governed.governor.decide_if_due():
            decisions.append(decision)
    assert any(decision.action is Action.SUSPEND for decision in decisions)
    assert decisions[-1].state.is_suspended


@many
@given(SERIES, DWELLS, LONGEST)
def test_it_never_toggles_faster_than_the_dwell(
    series: list[Levels], dwell: int, longest: float
) -> None:
    """Each suspension lasts for the dwell, so resumptions are further apart than that."""
    actions = [decision.action for _, decision in run(series, rules(dwell, longest))]
    taken = [(number, action) for number, action in enumerate(actions) if action]
    assert [action for _, action in taken[::2]] == [Action.SUSPEND] * len(taken[::2])
    assert [action for _, action in taken[1::2]] == [Action.RESUME] * len(taken[1::2])
    for (suspended, _), (resumed, _) in zip(taken[::2], taken[1::2], strict=False):
        assert resumed - suspended >= dwell
    for (earlier, _), (later, _) in pairwise(taken[1::2]):
        assert later - earlier > dwell


@many
@given(SERIES, DWELLS, LONGEST)
def test_it_resumes_only_when_it_has_seen_calm_for_the_dwell(
    series: list[Levels], dwell: int, longest: float
) -> None:
    """Never above a disable threshold, and never blind."""
    for number, (_, decision) in enumerate(run(series, rules(dwell, longest))):
        if decision.action is Action.RESUME:
            assert all(map(is_calm, series[number + 1 - dwell : number + 1]))


@many
@given(SERIES, DWELLS, LONGEST)
def test_it_suspends_only_above_a_disable_threshold(
    series: list[Levels], dwell: int, longest: float
) -> None:
    """And then always: what collects is below, or unknown."""
    for (before, decision), (cpu, memory) in zip(
        run(series, rules(dwell, longest)), series, strict=True
    ):
        is_above = (cpu or 0.0) > 90 or (memory or 0.0) > 95
        if not before.is_suspended:
            assert (decision.action is Action.SUSPEND) == is_above


@many
@given(SERIES, DWELLS, LONGEST)
def test_it_recovers_after_recovery(series: list[Levels], dwell: int, longest: float) -> None:
    """Whatever has been: after the dwell it collects."""
    *_, (_, last) = run([*series, *[QUIET] * dwell], rules(dwell, longest))
    assert not last.state.is_suspended


@many
@given(SERIES, DWELLS, st.integers(1, 20))
def test_no_suspension_lasts_for_ever_below_the_disable_thresholds(
    series: list[Levels], dwell: int, minutes: int
) -> None:
    """After the longest time and the dwell it collects, recovered or not."""
    *_, (_, last) = run(
        [*series, *[LIVES_AT_92] * (minutes + dwell + 1)], rules(dwell, MINUTE * minutes)
    )
    assert not last.state.is_suspended


@many
@given(SERIES, DWELLS, LONGEST)
def test_an_observer_decides_the_same_and_never_acts(
    series: list[Levels], dwell: int, longest: float
) -> None:
    """So what it says is what would have been done."""
    acting = [decision for _, decision in run(series, rules(dwell, longest))]
    observing = [decision for _, decision in run(series, rules(dwell, longest, Mode.OBSERVE))]
    assert [one._replace(acts=False) for one in acting] == observing
    assert [one.acts for one in acting] == [one.action is not None for one in acting]


@many
@given(SERIES, st.booleans(), st.integers(0, 60))
def test_while_an_operators_word_lasts_it_does_nothing(
    series: list[Levels], is_on: bool, minutes: int
) -> None:
    """And with the first decision after that it decides again."""
    hold = Hold(is_on, MINUTE * minutes)
    state = State(changed_at=0.0, is_suspended=not is_on, hold=hold)
    for number, (_, decision) in enumerate(run(series, rules(), state), 1):
        if number < minutes:
            assert (decision.action, decision.state.hold) == (None, hold)
        else:
            assert decision.state.hold is None
