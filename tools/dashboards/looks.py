"""What a value looks like: colours, thresholds, and the words for states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.models import dashboard

GOOD = "green"
NOTICE = "yellow"
WARNING = "orange"
CRITICAL = "red"
HELD = "purple"
"""Held back on purpose: suspended, disabled by somebody."""
UNKNOWN = "gray"
PLAIN = "blue"
"""Neither good nor bad."""


class State(NamedTuple):
    """A state, as a number in the query and as a word and a colour on the screen."""

    number: int
    word: str
    colour: str


YES_IS_GOOD = (State(0, "no", CRITICAL), State(1, "yes", GOOD))
YES_IS_BAD = (State(0, "no", GOOD), State(1, "yes", CRITICAL))
YES_IS_NEWS = (State(0, "no", UNKNOWN), State(1, "yes", PLAIN))
HEALTH = (State(0, "healthy", GOOD), State(1, "warning", WARNING), State(2, "critical", CRITICAL))


class Limit(NamedTuple):
    """From which value on another colour holds."""

    value: float
    colour: str


Limits = Sequence[Limit]


def too_much(warning: float, critical: float) -> Limits:
    """Good below, then orange, then red."""
    return (Limit(warning, WARNING), Limit(critical, CRITICAL))


def too_little(warning: float, critical: float) -> tuple[str, Limits]:
    """Red below `critical`, orange below `warning`, else good: the first colour, and the limits."""
    return CRITICAL, (Limit(critical, WARNING), Limit(warning, GOOD))


def thresholds(limits: Limits, first: str = GOOD) -> dashboard.ThresholdsConfig:
    """The limits as Grafana has them: the first step has no value, it holds from the beginning."""
    steps = [dashboard.Threshold(value=None, color=first)]
    steps += [dashboard.Threshold(value=limit.value, color=limit.colour) for limit in limits]
    return dashboard.ThresholdsConfig(mode=dashboard.ThresholdsMode.ABSOLUTE, steps=steps)


def words(states: Sequence[State]) -> list[dashboard.ValueMapping]:
    """States as Grafana maps them."""
    options = {
        str(state.number): dashboard.ValueMappingResult(
            text=state.word, color=state.colour, index=position
        )
        for position, state in enumerate(states)
    }
    return [dashboard.ValueMap(options=options)] if options else []
