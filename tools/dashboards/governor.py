"""The dashboard of ^SystemPerformance and of the governor that suspends it."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import governor_runs, variables
from tools.dashboards.frame import page, row
from tools.dashboards.iris_looks import (
    BY,
    GOVERNOR,
    MODE,
    REASON,
    WHO,
    per_second,
    states_in,
)
from tools.dashboards.links import OF_HOST, OF_INSTANCE, from_row, with_logs
from tools.dashboards.looks import (
    CRITICAL,
    GOOD,
    HELD,
    WARNING,
    YES_IS_BAD,
    YES_IS_GOOD,
    State,
    too_much,
)
from tools.dashboards.panels import THIRD, state_timeline, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

STATE = states_in("perfwatch_governor_state", GOVERNOR)
LOG = {"search": "governor"}

SUSPENDED_BY = (
    State(0, "nobody", GOOD),
    State(1, "governor", HELD),
    State(2, "operator", HELD),
    State(3, "administrator", WARNING),
    State(4, "iris", CRITICAL),
)
"""`iris_systemperformance_suspended_by`: all 0 where nobody did."""


def dashboard() -> dict[str, Any]:
    """^SystemPerformance and the governor."""
    return page(
        "governor",
        "Whether ^SystemPerformance collects, who suspended it, and how far the host is from the "
        "thresholds at which the governor suspends and resumes.",
        variables.iris(),
        row("Now", *now()),
        row("Over time", *over_time()),
        row("Thresholds against load", *thresholds()),
        row("Decisions", *decisions()),
        row("^SystemPerformance", *governor_runs.collection()),
        since="now-12h",
    )


def suspended_by() -> str:
    """PromQL for the number of who has suspended."""
    metric = "iris_systemperformance_suspended_by"
    parts = " or ".join(
        f'{one.number} * {metric}{{IRIS, by="{one.word}"}}' for one in SUSPENDED_BY[1:]
    )
    return f"sum by ({BY}) ({parts})"


def now() -> list[Panel]:
    """What holds at the moment."""
    return [
        table(
            "Instances",
            "Suspended is no fault of the exporter: the host is under pressure, and collecting "
            "rests until both CPU and memory are below the enable thresholds in two decisions. In "
            "observe mode the state is the one that would have been brought about. Blind: readings "
            "are missing, and nothing is resumed.",
            {"iris_instance": "Instance", "instance": "Host"},
            Column("State", STATE, "none", states=GOVERNOR),
            Column(
                "Reason",
                states_in("perfwatch_governor_reason", REASON, "reason"),
                "none",
                states=REASON,
            ),
            Column("Mode", states_in("perfwatch_governor_mode", MODE, "mode"), "none", states=MODE),
            Column(
                "Collecting",
                f"max by ({BY}) (iris_systemperformance_collecting{{IRIS}})",
                "none",
                states=YES_IS_GOOD,
            ),
            Column("Suspended by", suspended_by(), "none", states=SUSPENDED_BY),
            Column(
                "Blind",
                f"max by ({BY}) (perfwatch_governor_blind{{IRIS}})",
                "none",
                states=YES_IS_BAD,
            ),
            Column(
                "In this state for",
                f"time() - max by ({BY}) "
                "(perfwatch_governor_state_since_timestamp_seconds{IRIS})",
                "dtdurations",
            ),
            Column(
                "Missing rights",
                f"max by ({BY}) (iris_systemperformance_missing_rights{{IRIS}})",
                "none",
                too_much(1, 3),
            ),
            links={
                "Host": from_row("host", OF_HOST),
                "Instance": from_row("iris", OF_INSTANCE),
            },
        ),
    ]


def over_time() -> list[Panel]:
    """When something changed."""
    return [
        with_logs(
            state_timeline(
                "State of the governor",
                "Collecting is normal. Suspended: a threshold was crossed. Kept on and kept off: "
                "an operator's word holds until it expires. Off: by the settings.",
                Query(STATE, WHO),
                states=GOVERNOR,
                size=(24, 5),
            ),
            "Log of the governor",
            LOG,
        ),
        state_timeline(
            "Reason",
            "Why it is in its state. Probation: it was suspended for six hours below the disable "
            "thresholds without reaching the enable ones, and was resumed on trial.",
            Query(states_in("perfwatch_governor_reason", REASON, "reason"), WHO),
            states=REASON,
            size=(12, 5),
        ),
        state_timeline(
            "Mode",
            "Act is normal. In observe mode it only says what it would do; off is off.",
            Query(states_in("perfwatch_governor_mode", MODE, "mode"), WHO),
            states=MODE,
            size=(12, 5),
        ),
        state_timeline(
            "Collecting",
            "Whether runs are started: our task is there and not suspended.",
            Query("iris_systemperformance_collecting{IRIS}", WHO),
            states=YES_IS_GOOD,
            size=THIRD,
            empty="where the task is not there yet, or cannot be seen for want of a right.",
        ),
        state_timeline(
            "Suspended by",
            "Who did. What an operator or an administrator has suspended is not resumed by the "
            "governor; IRIS suspends a task whose code has failed.",
            Query(suspended_by(), WHO),
            states=SUSPENDED_BY,
            size=THIRD,
            empty="where the task is not there yet, or cannot be seen for want of a right.",
        ),
        state_timeline(
            "Blind",
            "Yes: CPU or memory of the host could not be read at the last decision. Nothing is "
            "resumed meanwhile; what is known and too high suspends all the same.",
            Query("perfwatch_governor_blind{IRIS}", WHO),
            states=YES_IS_BAD,
            size=THIRD,
            empty="until the first decision, a minute after a start.",
        ),
    ]


def thresholds() -> list[Panel]:
    """Readings, and the lines that they are judged by."""
    panels = []
    for resource, word in (("cpu", "CPU"), ("memory", "Memory")):
        lines = [
            Query(
                f'perfwatch_governor_threshold_ratio{{IRIS, resource="{resource}", '
                f'action="{action}"}}',
                f"{action} at, {WHO}",
            )
            for action in ("disable", "enable")
        ]
        panels.append(
            timeseries(
                f"{word} against its thresholds",
                "The mean of the window that was decided on, beside the lines of that instance: "
                "above the upper one collecting is suspended; both CPU and memory must be below "
                "their lower ones for it to be resumed.",
                Query(
                    f'perfwatch_governor_reading_ratio{{IRIS, resource="{resource}"}}',
                    f"reading, {WHO}",
                ),
                *lines,
                unit="percentunit",
                high=1,
                size=(12, 10),
            )
        )
    return panels


def decisions() -> list[Panel]:
    """What the governor did."""
    return [
        timeseries(
            "Decisions per minute",
            "One a minute is normal, those without an action included. None: the daemon does not "
            "reach the instance, or the governor is off.",
            Query(
                f"60 * sum by ({BY}) "
                "(rate(perfwatch_governor_decisions_total{IRIS}[$__rate_interval]))",
                WHO,
            ),
            unit="none",
            size=THIRD,
        ),
        with_logs(
            timeseries(
                "Transitions within an hour",
                "Suspensions and resumptions. Several an hour mean that the host sways around a "
                "threshold: raise --iris.governor.dwell, or move the enable thresholds down.",
                Query(
                    f"sum by ({BY}, action) "
                    "(increase(perfwatch_governor_transitions_total{IRIS}[1h]))",
                    f"{{{{action}}}}, {WHO}",
                ),
                unit="none",
                size=THIRD,
            ),
            "Log of the governor",
            LOG,
        ),
        timeseries(
            "Share of time suspended",
            "Of the time between two points, by the governor; that by an operator is not counted. "
            "A host that is suspended for most of the day wants other thresholds, or more "
            "capacity.",
            per_second("perfwatch_governor_suspended_seconds_total"),
            unit="percentunit",
            high=1,
            size=THIRD,
        ),
    ]
