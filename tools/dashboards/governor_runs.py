"""Rows of the dashboard of the governor: what ^SystemPerformance does."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.iris_looks import BY, WHO, per_second
from tools.dashboards.looks import too_much
from tools.dashboards.panels import THIRD, stat, text, timeseries
from tools.dashboards.queries import Query

FIRST_RUN = "until the first run has ended."
NO_REPORT = "until there is a report."


def collection() -> list[Panel]:
    """Runs and reports."""
    return [
        *runs(),
        *reports(),
        timeseries(
            "Errors in controlling it",
            "By kind, per second. None is normal; privilege is a missing right, rejected is IRIS "
            "having understood and said no. docs/iris.md has each kind.",
            per_second("iris_systemperformance_errors_total", "kind"),
            unit="ops",
        ),
        timeseries(
            "Rights and profiles",
            "Rights without which something cannot be seen (perfwatch iris check names the "
            "grants), and the profiles of the instance, others' included.",
            Query("iris_systemperformance_missing_rights{IRIS}", f"missing rights, {WHO}"),
            Query("iris_systemperformance_profiles{IRIS}", f"profiles, {WHO}"),
            unit="none",
        ),
        text(
            "About ^SystemPerformance",
            "Runs of an hour follow each other, with up to five minutes between them. A suspended "
            "task starts none, and the active run is stopped with its data kept. By hand: "
            "`perfwatch iris status`, `perfwatch iris enable --for 2h`, `perfwatch iris disable "
            "--for 2h`.",
            (24, 3),
        ),
    ]


def runs() -> list[Panel]:
    """What collects."""
    return [
        timeseries(
            "Active runs",
            "One of ours is normal, and none for up to five minutes between two. Others are those "
            "that somebody has started by hand or by another schedule.",
            Query("iris_systemperformance_active_runs{IRIS}", f"{{{{owner}}}}, {WHO}"),
            unit="none",
            size=THIRD,
        ),
        timeseries(
            "Left of the active run",
            "Until its report is written. It falls to zero and begins again.",
            Query("iris_systemperformance_run_remaining_seconds{IRIS}", WHO),
            unit="s",
            size=THIRD,
            empty="while no run of ours is active.",
        ),
        timeseries(
            "Since the last run has ended",
            "With runs of an hour it rises to somewhat above an hour; more means that none follow.",
            Query(
                "time() - iris_systemperformance_last_run_end_timestamp_seconds{IRIS}",
                WHO,
            ),
            unit="s",
            size=THIRD,
            empty=FIRST_RUN,
        ),
    ]


def reports() -> list[Panel]:
    """What came of it."""
    return [
        timeseries(
            "Age of the last report",
            "When it was looked for. Ours are removed one retention after their run has ended.",
            Query("iris_systemperformance_last_report_age_seconds{IRIS}", WHO),
            unit="s",
            size=THIRD,
            empty=NO_REPORT,
        ),
        timeseries(
            "Size of the last report",
            "One that is much smaller than those before was cut short, or lacks the data of tools "
            "that the host does not have (sysstat).",
            Query("iris_systemperformance_last_report_bytes{IRIS}", WHO),
            unit="bytes",
            size=THIRD,
            empty=NO_REPORT,
        ),
        stat(
            "Reports overdue for removal",
            "Reports of ours that are older than the retention and that no task removes: they fill "
            "the disk of the instance. Normally none.",
            Query(f"max by ({BY}) (iris_systemperformance_expired_reports{{IRIS}})", WHO),
            unit="none",
            limits=too_much(1, 5),
            size=THIRD,
            empty="where the directory of reports cannot be seen.",
        ),
    ]
