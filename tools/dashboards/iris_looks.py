"""What the dashboards about IRIS have in common: legends, and the words for its states."""

from __future__ import annotations

from collections.abc import Sequence

from tools.dashboards.looks import CRITICAL, GOOD, HELD, NOTICE, PLAIN, UNKNOWN, WARNING, State
from tools.dashboards.queries import Query

WHO = "{{iris_instance}} on {{instance}}"
"""Both: instances on many hosts have the same name where nobody has given them another."""

BY = "instance, iris_instance"

REACHED = (
    State(0, "connecting", UNKNOWN),
    State(1, "up", GOOD),
    State(2, "degraded", WARNING),
    State(3, "unreachable", CRITICAL),
    State(4, "access denied", CRITICAL),
    State(5, "licence", CRITICAL),
    State(6, "failed", CRITICAL),
    State(7, "stopped", UNKNOWN),
)
"""`iris_state`."""

HEALTH = (
    State(0, "ok", GOOD),
    State(1, "warning", WARNING),
    State(2, "alert", CRITICAL),
    State(3, "hung", CRITICAL),
    State(4, "other", UNKNOWN),
)
"""`iris_health_state`."""

DASHBOARD = (
    State(0, "normal", GOOD),
    State(1, "warning", WARNING),
    State(2, "troubled", CRITICAL),
    State(3, "other", UNKNOWN),
)
"""Those that the System Dashboard of the Management Portal has."""

JOURNAL = (
    State(0, "normal", GOOD),
    State(1, "disabled", CRITICAL),
    State(2, "suspended", CRITICAL),
    State(3, "frozen", CRITICAL),
    State(4, "paused", WARNING),
    State(5, "other", UNKNOWN),
)

MIRROR = (
    State(0, "notinit", UNKNOWN),
    State(1, "primary", GOOD),
    State(2, "backup", GOOD),
    State(3, "connected", GOOD),
    State(4, "transition", NOTICE),
    State(5, "synchronizing", NOTICE),
    State(6, "waiting", WARNING),
    State(7, "stopped", CRITICAL),
    State(8, "crashed", CRITICAL),
    State(9, "other", UNKNOWN),
)

GOVERNOR = (
    State(0, "collecting", GOOD),
    State(1, "suspended", HELD),
    State(2, "kept on", PLAIN),
    State(3, "kept off", HELD),
    State(4, "off", UNKNOWN),
)

REASON = (
    State(0, "none", UNKNOWN),
    State(1, "cpu", WARNING),
    State(2, "memory", WARNING),
    State(3, "cpu and memory", CRITICAL),
    State(4, "recovered", GOOD),
    State(5, "probation", NOTICE),
    State(6, "operator", PLAIN),
)

MODE = (State(0, "act", GOOD), State(1, "observe", NOTICE), State(2, "off", UNKNOWN))


def states_in(metric: str, states: Sequence[State], label: str = "state") -> str:
    """PromQL that gives the number of the state in which an instance is."""
    parts = [
        f'{state.number} * {metric}{{IRIS, {label}="{state.word.replace(" ", "_")}"}}'
        for state in states
    ]
    return f"sum by ({BY}) ({' or '.join(parts)})"


def per_second(metric: str, label: str = "", *, name: str = "") -> Query:
    """The rate of a counter of each instance, by a label of it."""
    by = f"{BY}, {label}" if label else BY
    legend = " ".join(part for part in (name, f"{{{{{label}}}}}" if label else "") if part)
    return Query(
        f"sum by ({by}) (rate({metric}{{IRIS}}[$__rate_interval]))",
        f"{legend}, {WHO}" if legend else WHO,
    )
