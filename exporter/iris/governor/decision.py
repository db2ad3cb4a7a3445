"""The governor's decisions, as pure functions of what it knows: no clock, no thread, no IRIS.

It gets out of the way of a host under pressure. That does not cure the pressure: a run of
^SystemPerformance is one load among many, and mostly a small one.

Suspending is never delayed; resuming waits for the dwell. So a suspension lasts for `dwell`
decisions at least, and there is none shorter, however the load swings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from exporter.iris.system_performance.policy import ResourceThresholds


class Mode(StrEnum):
    """What it may do."""

    ACT = "act"
    OBSERVE = "observe"
    """Everything but acting: what it would do is on the page and in the log."""
    OFF = "off"


class Action(StrEnum):
    """What a decision leads to."""

    SUSPEND = "suspend"
    RESUME = "resume"


class Reason(StrEnum):
    """Why it is in its state."""

    NONE = "none"
    """Collecting since the start."""
    CPU = "cpu"
    MEMORY = "memory"
    CPU_AND_MEMORY = "cpu_and_memory"
    RECOVERED = "recovered"
    PROBATION = "probation"
    """Resumed although not recovered, as it was suspended for so long."""
    OPERATOR = "operator"
    """Somebody has said so, by hand."""


class Reading(NamedTuple):
    """What the host was like at one moment; None is unknown."""

    at: float
    """By the monotonic clock."""
    cpu_percent: float | None
    memory_percent: float | None


class Means(NamedTuple):
    """The readings of a window in two numbers; None where there was no reading at all."""

    cpu_percent: float | None
    memory_percent: float | None

    @property
    def is_blind(self) -> bool:
        """Whether one of them is unknown: then nothing shows that the host has recovered."""
        return self.cpu_percent is None or self.memory_percent is None

    def describe(self, reason: Reason) -> str:
        """Give the numbers behind a reason, as an operator wants to read them."""
        cpu = f"cpu {self.cpu_percent:.1f}%" if self.cpu_percent is not None else ""
        memory = f"memory {self.memory_percent:.1f}%" if self.memory_percent is not None else ""
        if reason is Reason.CPU:
            return cpu
        if reason is Reason.MEMORY:
            return memory
        return ", ".join(text for text in (cpu, memory) if text)


DEFAULT_THRESHOLDS = ResourceThresholds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decisions follow."""

    mode: Mode = Mode.ACT
    thresholds: ResourceThresholds = DEFAULT_THRESHOLDS
    max_suspension_seconds: float = 6 * 3600.0
    """After so long it is resumed, if only the host is below the disable thresholds; 0: never."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An operator's word: while it lasts, the governor does nothing."""

    is_on: bool
    """Kept collecting, or kept from it."""
    until: float | None = None
    """By the monotonic clock; None: until it is taken back."""

    def lasts(self, now: float) -> bool:
        """Whether it is still to be respected."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known from one decision to the next."""

    changed_at: float
    """By the monotonic clock."""
    is_suspended: bool = False
    reason: Reason = Reason.NONE
    grounds: str = ""
    """The numbers behind the reason of a suspension."""
    calm: int = 0
    """How many decisions in a row have seen the host below the disable thresholds."""
    recovered: int = 0
    """How many of them, in a row, below the enable thresholds."""
    hold: Hold | None = None

    @property
    def name(self) -> str:
        """One of NAMES."""
        if self.hold is not None:
            return "kept_on" if self.hold.is_on else "kept_off"
        return "suspended" if self.is_suspended else "collecting"


NAMES = ("collecting", "suspended", "kept_on", "kept_off")


class Decision(NamedTuple):
    """What is to be done, and on what ground."""

    state: State
    """From now on."""
    action: Action | None
    reason: Reason
    means: Means
    acts: bool
    """Whether the action is to be carried out; in observe mode it is not."""


def decide(state: State, window: Sequence[Reading], rules: Rules, now: float) -> Decision:
    """Decide on the mean of a window of readings."""
    means = mean_of(window)
    state = released(state, now)
    if state.hold is not None:
        return Decision(state, None, Reason.OPERATOR, means, acts=False)
    pressure = pressure_on(rules.thresholds, means)
    if state.is_suspended:
        state = _count_calm(state, pressure, means, rules.thresholds)
        action, reason = Action.RESUME, _reason_to_resume(state, rules, now)
    else:
        action, reason = Action.SUSPEND, pressure
    if reason is None:
        return Decision(state, None, state.reason, means, acts=False)
    changed = State(
        changed_at=now,
        is_suspended=action is Action.SUSPEND,
        reason=reason,
        grounds=means.describe(reason),
    )
    return Decision(changed, action, reason, means, acts=rules.mode is Mode.ACT)


def released(state: State, now: float) -> State:
    """Forget an operator's word that has expired.

    What was kept off stays suspended until the host is seen to be fit, as if the governor had
    suspended it; what was kept on goes on.
    """
    if state.hold is None or state.hold.lasts(now):
        return state
    return State(changed_at=now, is_suspended=not state.hold.is_on, reason=Reason.OPERATOR)


def mean_of(window: Sequence[Reading]) -> Means:
    """Take the mean of what was read; samples that are missing are left out."""
    return Means(
        _mean(reading.cpu_percent for reading in window),
        _mean(reading.memory_percent for reading in window),
    )


def _mean(percents: Iterable[float | None]) -> float | None:
    known = [one for one in percents if one is not None]
    return math.fsum(known) / len(known) if known else None


def pressure_on(thresholds: ResourceThresholds, means: Means) -> Reason | None:
    """Say what is above its disable threshold; what is unknown is not."""
    is_cpu = _is_above(means.cpu_percent, thresholds.cpu_disable_percent)
    is_memory = _is_above(means.memory_percent, thresholds.memory_disable_percent)
    if is_cpu and is_memory:
        return Reason.CPU_AND_MEMORY
    return Reason.CPU if is_cpu else Reason.MEMORY if is_memory else None


def has_recovered(thresholds: ResourceThresholds, means: Means) -> bool:
    """Whether both are known, and below their enable thresholds."""
    return (
        means.cpu_percent is not None
        and means.memory_percent is not None
        and means.cpu_percent < thresholds.cpu_enable_percent
        and means.memory_percent < thresholds.memory_enable_percent
    )


def _is_above(percent: float | None, threshold: float) -> bool:
    return percent is not None and percent > threshold


def _count_calm(
    state: State, pressure: Reason | None, means: Means, thresholds: ResourceThresholds
) -> State:
    """Count this decision among those in a row; without data a row ends."""
    if pressure is not None or means.is_blind:
        return replace(state, calm=0, recovered=0)
    recovered = state.recovered + 1 if has_recovered(thresholds, means) else 0
    return replace(state, calm=state.calm + 1, recovered=recovered)


def _reason_to_resume(state: State, rules: Rules, now: float) -> Reason | None:
    dwell = rules.thresholds.dwell_decisions
    if state.recovered >= dwell:
        return Reason.RECOVERED
    longest = rules.max_suspension_seconds
    is_overdue = longest > 0 and now - state.changed_at > longest
    return Reason.PROBATION if is_overdue and state.calm >= dwell else None
