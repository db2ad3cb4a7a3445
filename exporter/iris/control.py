"""The library API over ^SystemPerformance and its tasks: one call for each thing to be done.

Each takes a session that is open, and raises IrisError. What is done counts for the policy that is
given, whose name is the profile's: the default one where none is. Tasks that are not ours are
refused, whatever is asked of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.governor.decision import Means, has_recovered, pressure_on
from exporter.iris.metrics import sensors
from exporter.iris.system_performance import tasks
from exporter.iris.system_performance.daily_reports import set_daily_reports
from exporter.iris.system_performance.marks import (
    ON,
    Mark,
    kept_on_by_operator,
    off_by_governor,
    off_by_operator,
)
from exporter.iris.system_performance.observation import observe
from exporter.iris.system_performance.plan import Desired
from exporter.iris.system_performance.policy import (
    DEFAULT_POLICY,
    MonitoringPolicy,
    PerformanceMetrics,
    ResourceThresholds,
    TaskSchedule,
)
from exporter.iris.system_performance.reconcile import reconcile
from exporter.iris.system_performance.runs import server_time, to_horolog_day
from exporter.iris.system_performance.status_document import status_document, task_document
from exporter.iris.system_performance.steps import SWITCHING, StopRun

__all__ = [
    "auto_disable_monitoring",
    "auto_enable_monitoring",
    "check_resource_thresholds",
    "configure_monitoring",
    "create_task",
    "delete_task",
    "disable_monitoring",
    "enable_monitoring",
    "get_monitoring_status",
    "get_resource_metrics",
    "get_task_status",
    "list_monitoring_tasks",
    "resume_task",
    "set_daily_reports",
    "suspend_task",
]

OUR_TASKS = "`perfwatch iris tasks list` shows those that are ours"


def configure_monitoring(
    conn: Session,
    policy: MonitoringPolicy | None = None,
    force: bool = False,  # noqa: FBT002 -- the third argument of a call that is agreed on
) -> tuple[bool, str]:
    """Have ^SystemPerformance collect as a policy says; what is so already is left, or forced.

    Gives whether everything is so now, or is on its way, and what was done and what is missing,
    each on a line of its own.
    """
    desired = Desired(schedule=TaskSchedule(policy=policy or DEFAULT_POLICY), force=force)
    outcome = reconcile(conn, desired)
    parts = [str(step) for step in outcome.done]
    parts += [f"failed: {step}: {error}" for step, error in outcome.failed]
    parts += [f"cannot {what}: {grant}" for what, grant in outcome.missing]
    return outcome.is_complete, "\n".join(parts) or "everything is as it should be"


def get_monitoring_status(
    conn: Session, policy: MonitoringPolicy = DEFAULT_POLICY
) -> tuple[bool, dict[str, Any]]:
    """Say whether it collects, and everything that is known, as plain data.

    `state` is `on`, `off`, `kept_on`, `kept_off`, or `absent` where there is no schedule of ours,
    or we may not see it; `by` is who has decided so, `since`, `until` and `reason` go with it.
    `wrapper` and `version` are texts, `profile`, `task`, `last_run` and `last_report` documents,
    `active_runs` a list of them; None is what is not there, or could not be seen. `missing` lists
    what cannot be done, each with the `grant` that helps. Times of IRIS are its local ones.
    """
    observed = observe(conn, policy)
    document = status_document(observed)
    mark = observed.mark
    return mark is not None and mark.is_on, document


def disable_monitoring(
    conn: Session,
    *,
    until: datetime | None = None,
    reason: str = "",
    policy: MonitoringPolicy = DEFAULT_POLICY,
) -> int:
    """Suspend the schedule and stop what runs, for good or until a moment; how many tasks changed.

    The governor leaves it off. Logs are kept: the runs write their reports. The reason is for
    whoever looks, and short, as it stands in the task's description.
    """
    return _switch(conn, policy, off_by_operator(datetime.now(UTC), until, reason))


def enable_monitoring(
    conn: Session,
    *,
    until: datetime | None = None,
    policy: MonitoringPolicy = DEFAULT_POLICY,
) -> int:
    """Resume the schedule, whoever has suspended it; how many tasks were changed.

    With `until` the governor does not suspend it before that.
    """
    return _switch(conn, policy, ON if until is None else kept_on_by_operator(until))


def auto_disable_monitoring(
    conn: Session, reason: str, *, policy: MonitoringPolicy = DEFAULT_POLICY
) -> bool:
    """Suspend it as the governor does, unless somebody else has a say; whether that was done."""
    mark = off_by_governor(datetime.now(UTC), reason)
    return _switch(conn, policy, mark, "governor") > 0


def auto_enable_monitoring(conn: Session, *, policy: MonitoringPolicy = DEFAULT_POLICY) -> bool:
    """Resume what the governor has suspended, and nothing else; whether that was done."""
    return _switch(conn, policy, ON, "governor") > 0


def create_task(conn: Session, schedule: TaskSchedule) -> str:
    """Create the task that starts the runs, or have the one that is there do so; give its id."""
    found = tasks.find_tasks(conn, tasks.schedule_name(schedule.policy))
    today = to_horolog_day(server_time(conn))
    if not found:
        return tasks.create_schedule(conn, schedule, today)
    task = tasks.read_task(conn, found[0])
    if not task.does(schedule):
        tasks.update_schedule(conn, task, schedule, today)
    return task.id


def get_task_status(conn: Session, task_id: str) -> dict[str, Any]:
    """Say everything that is known of a task of ours, as plain data."""
    _check_ours(conn, task_id)
    return task_document(tasks.read_task(conn, task_id))


def suspend_task(conn: Session, task_id: str) -> bool:
    """Suspend a task of ours, in the name of an operator; true also where it was suspended."""
    if tasks.is_schedule(_check_ours(conn, task_id)):
        tasks.write_mark(conn, task_id, off_by_operator(datetime.now(UTC)))
    tasks.suspend(conn, task_id)
    return True


def resume_task(conn: Session, task_id: str) -> bool:
    """Resume a task of ours, whoever has suspended it; true also where it was not suspended."""
    name = _check_ours(conn, task_id)
    tasks.resume(conn, task_id)
    if tasks.is_schedule(name):
        tasks.write_mark(conn, task_id, ON)
    return True


def delete_task(conn: Session, task_id: str) -> bool:
    """Delete a task of ours; true also where it is not there any more."""
    if tasks.name_of(conn, task_id) is not None:
        _check_ours(conn, task_id)
        tasks.delete(conn, task_id)
    return True


def list_monitoring_tasks(conn: Session) -> list[dict[str, Any]]:
    """List the tasks of ours, of whatever policy, as `get_task_status` has them."""
    return [task_document(tasks.read_task(conn, task_id)) for task_id in tasks.list_tasks(conn)]


def get_resource_metrics(conn: Session) -> PerformanceMetrics:
    """Ask IRIS for CPU and memory of its host."""
    return sensors.performance_metrics(conn)


def check_resource_thresholds(
    conn: Session, thresholds: ResourceThresholds
) -> tuple[bool, bool, PerformanceMetrics]:
    """Say whether the host is under pressure now, whether it has recovered, and its metrics.

    What is unknown shows neither. The governor looks at the mean of a minute, and twice.
    """
    metrics = get_resource_metrics(conn)
    means = Means(metrics.cpu_percent, metrics.memory_percent)
    should_disable = pressure_on(thresholds, means) is not None
    should_enable = has_recovered(thresholds, means)
    return should_disable, should_enable, metrics


def _switch(
    conn: Session,
    policy: MonitoringPolicy,
    mark: Mark,
    by: Literal["governor", "operator"] = "operator",
) -> int:
    """Do what somebody wants; how many tasks were changed: without one, how many runs stopped.

    Raises the first error, and PRIVILEGE where nothing can be done.
    """
    schedule = TaskSchedule(policy=policy)
    outcome = reconcile(conn, Desired(schedule=schedule, mark=mark, by=by, only_switch=True))
    for _, error in outcome.failed:
        raise error
    if not outcome.observed.can_command:
        what, grant = outcome.missing[0]
        raise IrisError(ErrorKind.PRIVILEGE, f"not permitted to {what}", grant)
    kinds = SWITCHING if outcome.observed.task is not None else StopRun
    return sum(isinstance(step, kinds) for step in outcome.done)


def _check_ours(conn: Session, task_id: str) -> str:
    """Give the name of a task of ours; refuse one that is somebody else's."""
    name = tasks.name_of(conn, task_id)
    if name is None:
        raise IrisError(ErrorKind.ABSENT, f"there is no task {task_id}", OUR_TASKS)
    if not tasks.is_ours(name):
        raise IrisError(ErrorKind.REJECTED, f"task {task_id} is not one of PerfWatch's", OUR_TASKS)
    return name
