"""The governor of one instance: readings go in, decisions come out, IRIS's own word counts.

What it has decided stays `pending` until whoever carries it out says that IRIS has it: a decision
that met a dropped link is carried out later. All is called in the instance's thread; `families`
alone may be called in any.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from exporter.families import Family
from exporter.iris.governor.decision import (
    Action,
    Decision,
    Hold,
    Mode,
    Reading,
    Reason,
    Rules,
    State,
    decide,
)
from exporter.iris.governor.families import Account, list_families
from exporter.iris.system_performance.marks import Mark
from exporter.iris.system_performance.policy import PerformanceMetrics
from monitoring.structured_logging import StructuredLogger

SAMPLE_SECONDS = 10.0
"""How often the host is read."""

DECISION_SECONDS = 60.0
"""How often there is a decision, and what it looks back on."""

NOT_YET_FIT = "kept off before, and not yet seen to be fit"
"""Grounds of a suspension that an operator has begun, and that is the governor's now."""

log = StructuredLogger("perfwatch.governor")


class Moment(NamedTuple):
    """The same moment on both clocks: durations by the one, dates by the other."""

    monotonic: float
    date: float

    def monotonic_of(self, date: float) -> float:
        """Place a date on the clock that nobody sets; one from the future is now."""
        return self.monotonic - max(0.0, self.date - date)

    def date_of(self, monotonic: float) -> float:
        """Give the date of a moment."""
        return self.date - (self.monotonic - monotonic)


class Governor:
    """Window, state and account of one instance."""

    def __init__(
        self,
        instance: str,
        rules: Rules,
        *,
        now: Callable[[], float] = time.monotonic,
        date: Callable[[], float] = time.time,  # noqa: TID251 -- marks in IRIS hold dates
    ) -> None:
        self.instance = instance
        self.rules = rules
        self.pending: Action | None = None
        """What is to be carried out in IRIS; set in act mode alone."""
        self._now = now
        self._date = date
        self._due_at = now() + DECISION_SECONDS
        self._window: list[Reading] = []
        self._noted: Mark | None = None
        self._state = State(changed_at=now())
        self._account = Account(self._state, date())

    @property
    def is_suspending(self) -> bool:
        """Whether the host is under pressure and it acts: nothing that can wait should run."""
        is_acting = self.rules.mode is Mode.ACT
        return is_acting and self._state.is_suspended and self._state.hold is None

    @property
    def grounds(self) -> str:
        """Why it suspends, in words for the mark in IRIS, which needs some."""
        return self._state.grounds or NOT_YET_FIT

    @property
    def word(self) -> str:
        """How it is, in one word: off, blind, or the name of its state."""
        if self.rules.mode is Mode.OFF:
            return str(Mode.OFF)
        return "blind" if self._account.is_blind else self._state.name

    def sample(self, metrics: PerformanceMetrics) -> None:
        """Take a reading of the host, for the decision to come."""
        if self.rules.mode is not Mode.OFF:
            reading = Reading(self._now(), metrics.cpu_percent, metrics.memory_percent)
            self._window.append(reading)

    def decide_if_due(self) -> Decision | None:
        """Decide when it is time; None when it is not, or when there is no governor."""
        now = self._now()
        if now < self._due_at or self.rules.mode is Mode.OFF:
            return None
        # In step with the samples, unless a call has kept the thread for long: then its old
        # readings are not used, and a whole window follows.
        is_late = now - self._due_at > SAMPLE_SECONDS
        self._due_at = (now if is_late else self._due_at) + DECISION_SECONDS
        window = [one for one in self._window if one.at >= now - DECISION_SECONDS]
        self._window.clear()
        decision = decide(self._state, window, self.rules, now)
        self._log_change(decision)
        if decision.acts:
            self.pending = decision.action
        self._account = self._account.with_decision(decision)
        self._become(decision.state)
        return decision

    def done(self) -> None:
        """Hear that what was pending is so in IRIS now."""
        self.pending = None
        self._noted = None

    def note(self, mark: Mark) -> None:
        """Hear what IRIS says, freshly observed: the mark of the schedule task.

        What was found before is no news: an operator's word is counted down from when it was first
        seen, whatever happens to the calendar meanwhile.
        """
        if mark == self._noted:
            return
        state = state_in_iris(mark, Moment(self._now(), self._date()))
        if state.hold is None and self._state.hold is None:
            if self.rules.mode is not Mode.ACT or self.pending is not None:
                return  # IRIS does not yet have, or is not to have, what was decided here
            if state.is_suspended == self._state.is_suspended:
                state = self._state
            else:
                log.info("governor follows iris", instance=self.instance, state=state.name)
        else:
            self.pending = None
        self._noted = mark
        self._become(state)

    def families(self) -> list[Family]:
        """Give what the page says of it."""
        return list_families(self.instance, self.rules, self._account, self._now())

    def _become(self, state: State) -> None:
        if state.hold != self._state.hold:
            event = "governor is overruled" if state.hold else "governor decides again"
            log.info(event, instance=self.instance, state=state.name)
        moment = Moment(self._now(), self._date())
        self._account = self._account.with_state(state, moment.monotonic, moment.date_of)
        self._state = state

    def _log_change(self, decision: Decision) -> None:
        """Say a transition, and whether it sees anything, each when it changes."""
        means, was_blind = decision.means, self._account.is_blind
        if means.is_blind and not was_blind:
            log.warning("governor is blind", instance=self.instance, state=decision.state.name)
        elif was_blind and not means.is_blind:
            log.info("governor sees again", instance=self.instance)
        if decision.action is None:
            return
        thresholds = self.rules.thresholds
        facts: dict[str, Any] = {
            "instance": self.instance,
            "mode": self.rules.mode.value,
            "reason": decision.reason.value,
            "cpu_percent": means.cpu_percent,
            "memory_percent": means.memory_percent,
            "thresholds": dataclasses.asdict(thresholds),
        }
        if decision.action is Action.SUSPEND:
            log.warning("governor suspends collection", **facts)
        else:
            log.info("governor resumes collection", **facts)


def state_in_iris(mark: Mark, moment: Moment) -> State:
    """Say which state a task's mark amounts to, as after a restart of the daemon.

    What an operator or administrator has suspended for good is held until they end it. What was
    kept off until a moment that is past is resumed like what the governor has suspended. What IRIS
    has suspended as it failed is tried again, and is nobody's decision.
    """
    until = None if mark.until is None else mark.until.timestamp()
    is_over = until is not None and until <= moment.date
    if mark.state == "on" or mark.by == "iris" or (mark.state == "kept_on" and is_over):
        return State(changed_at=moment.monotonic)
    since = until if is_over else None if mark.since is None else mark.since.timestamp()
    began = moment.monotonic if since is None else moment.monotonic_of(since)
    if mark.by == "governor":
        reason = reason_in(mark.reason)
        return State(changed_at=began, is_suspended=True, reason=reason, grounds=mark.reason)
    ends = None if until is None else moment.monotonic + until - moment.date
    return State(
        changed_at=began,
        is_suspended=not mark.is_on,
        reason=Reason.OPERATOR,
        hold=None if is_over else Hold(mark.is_on, ends),
    )


def reason_in(text: str) -> Reason:
    """Find in a mark's text why the governor has suspended."""
    if "cpu" in text and "memory" in text:
        return Reason.CPU_AND_MEMORY
    if "memory" in text:
        return Reason.MEMORY
    return Reason.CPU if "cpu" in text else Reason.OPERATOR
