"""What the page says of a governor: plain data of an account that is never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from exporter.families import Family, Number
from exporter.iris.governor.decision import (
    NAMES,
    Action,
    Decision,
    Means,
    Mode,
    Reason,
    Rules,
    State,
)
from exporter.iris.metrics.sensors import INSTANCE

OFF = "off"
"""The state where there is no governor."""


@dataclass(frozen=True, slots=True)
class Account:
    """What has happened so far; whoever changes something makes another."""

    state: State
    since: float
    """When that state began, in Unix time."""
    until: float | None = None
    """When an operator's word expires, in Unix time."""
    means: Means | None = None
    """Those of the last decision."""
    decisions: int = 0
    suspensions: int = 0
    resumptions: int = 0
    suspended_seconds: float = 0.0
    """Without the suspension that lasts."""
    suspended_at: float | None = None
    """Since when the one that lasts is counted, by the monotonic clock."""

    @property
    def is_blind(self) -> bool:
        """Whether the last decision lacked data."""
        return self.means is not None and self.means.is_blind

    def with_decision(self, decision: Decision) -> Account:
        """Count a decision; its state comes by `with_state`."""
        return replace(
            self,
            means=decision.means,
            decisions=self.decisions + 1,
            suspensions=self.suspensions + (decision.action is Action.SUSPEND),
            resumptions=self.resumptions + (decision.action is Action.RESUME),
        )

    def with_state(self, state: State, now: float, date_of: Callable[[float], float]) -> Account:
        """Take over a state; dates stay as long as what they are the dates of."""
        before = self.state
        is_new = (state.changed_at, state.name) != (before.changed_at, before.name)
        until = None
        if state.hold is not None and state.hold.until is not None:
            until = self.until if state.hold == before.hold else date_of(state.hold.until)
        is_counted = state.is_suspended and state.hold is None
        return replace(
            self,
            state=state,
            since=date_of(state.changed_at) if is_new else self.since,
            until=until,
            suspended_seconds=self.total_seconds(now),
            suspended_at=now if is_counted else None,
        )

    def total_seconds(self, now: float) -> float:
        """How long the governor has kept it suspended, in all."""
        lasting = 0.0 if self.suspended_at is None else max(0.0, now - self.suspended_at)
        return self.suspended_seconds + lasting


def list_families(instance: str, rules: Rules, account: Account, now: float) -> list[Family]:
    """Give everything that is known; `iris_instance` is the first label of each."""
    return [
        Family(
            f"perfwatch_governor_{name}",
            text,
            "counter" if name.endswith("_total") else "gauge",
            (INSTANCE, *labels),
            [((instance, *values), number) for values, number in samples],
        )
        for name, text, labels, samples in _list_rows(rules, account, now)
        if samples
    ]


_Samples = list[tuple[tuple[str, ...], Number]]
_Row = tuple[str, str, tuple[str, ...], _Samples]


def _list_rows(rules: Rules, account: Account, now: float) -> Iterator[_Row]:
    is_off = rules.mode is Mode.OFF
    state = OFF if is_off else account.state.name
    yield (
        "mode",
        "What the governor may do: act, observe (say what it would do), or off.",
        ("mode",),
        _one_of(Mode, rules.mode),
    )
    yield (
        "state",
        "The governor's state; in observe mode the one that it would have brought about.",
        ("state",),
        _one_of((*NAMES, OFF), state),
    )
    if not is_off:
        yield from _list_state_rows(account, now)
        yield from _list_readings(rules, account)


def _list_state_rows(account: Account, now: float) -> Iterator[_Row]:
    yield (
        "reason",
        "Why the governor is in its state.",
        ("reason",),
        _one_of(Reason, account.state.reason),
    )
    yield _single(
        "state_since_timestamp_seconds",
        "When the governor's state began, in Unix time.",
        account.since,
    )
    yield _single(
        "override_until_timestamp_seconds",
        "When the operator's word expires that holds the governor, in Unix time.",
        account.until,
    )
    yield _single(
        "decisions_total", "Decisions made, those without an action included.", account.decisions
    )
    yield (
        "transitions_total",
        "Suspensions and resumptions decided on; in observe mode they were not carried out.",
        ("action",),
        [((Action.SUSPEND,), account.suspensions), ((Action.RESUME,), account.resumptions)],
    )
    yield _single(
        "suspended_seconds_total",
        "Seconds spent suspended by the governor; those by an operator are not counted.",
        account.total_seconds(now),
    )


def _list_readings(rules: Rules, account: Account) -> Iterator[_Row]:
    means, limits = account.means, rules.thresholds
    yield _single(
        "blind",
        "Whether the last decision lacked readings of CPU or memory; then nothing is resumed.",
        None if means is None else int(means.is_blind),
    )
    read = (means.cpu_percent, means.memory_percent) if means else (None, None)
    yield (
        "reading_ratio",
        "Mean share in use over the window of the last decision.",
        ("resource",),
        [
            ((resource,), percent / 100)
            for resource, percent in zip(("cpu", "memory"), read, strict=True)
            if percent is not None
        ],
    )
    yield (
        "threshold_ratio",
        "Share in use above which to suspend (disable); the host has recovered below enable.",
        ("resource", "action"),
        [
            (("cpu", "disable"), limits.cpu_disable_percent / 100),
            (("cpu", "enable"), limits.cpu_enable_percent / 100),
            (("memory", "disable"), limits.memory_disable_percent / 100),
            (("memory", "enable"), limits.memory_enable_percent / 100),
        ],
    )


def _one_of(names: tuple[str, ...] | type[Mode | Reason], current: str) -> _Samples:
    return [((str(name),), int(name == current)) for name in names]


def _single(name: str, text: str, number: Number | None) -> _Row:
    return name, text, (), [] if number is None else [((), number)]
