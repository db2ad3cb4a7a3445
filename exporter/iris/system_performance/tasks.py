"""Our two tasks of the Task Manager: one starts the runs, one carries out single commands.

Ours are known by their names, and no other task is ever touched. The Task Manager accepts several
tasks of one name, so we look before we create; of several the oldest counts.
"""

from __future__ import annotations

import re

from exporter.iris.access.calls import Get, Invoke, ListValue, Set, Step, Value
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance.marks import ON, Mark
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from exporter.iris.system_performance.runs import from_horolog
from exporter.iris.system_performance.statuses import check_status, status_text
from exporter.iris.system_performance.task import Task, schedule_code

CLASS = "%SYS.Task"
LEGACY_TASK = "%SYS.Task.RunLegacyTask"

_DAILY = 0
_ON_DEMAND = 5
_SEVERAL_TIMES = 1
_IN_MINUTES = 0

_PROPERTIES = (
    "Name",
    "Description",
    "Suspended",
    "Settings",
    "DailyIncrement",
    "DailyStartTime",
    "DailyEndTime",
    "RunAsUser",
    "LastStarted",
    "LastFinished",
    "Status",
    "Error",
    "DisplayNextScheduled",
)

_OURS = re.compile(r"PerfWatch \w+( command)?\Z", re.ASCII)

RESOURCES = ("%Admin_Task", "%Admin_Manage")
"""What creates a task, and one that executes code."""
GRANT_TASKS = "grant %Admin_Task:USE and %Admin_Manage:USE to the role of the user"
GRANT_SELECT = "GRANT SELECT ON %SYS.Task TO the role of the user"


def schedule_name(policy: MonitoringPolicy) -> str:
    """Name the task that starts the runs."""
    return f"PerfWatch {policy.name}"


def command_name(policy: MonitoringPolicy) -> str:
    """Name the task that carries out single commands."""
    return f"PerfWatch {policy.name} command"


def is_ours(name: str) -> bool:
    """Whether a task of this name is one of ours, of whatever policy."""
    return _OURS.match(name) is not None


def is_schedule(name: str) -> bool:
    """Whether a task of ours starts runs; the other one carries out single commands."""
    return not name.endswith(" command")


def list_tasks(session: Session) -> list[str]:
    """List the ids of all tasks that are ours."""
    rows = session.query(
        "SELECT ID, Name FROM %SYS.Task WHERE Name %STARTSWITH ? ORDER BY ID", "PerfWatch "
    )
    return [str(task_id) for task_id, name in rows if is_ours(str(name))]


def name_of(session: Session, task_id: str) -> str | None:
    """Say the name of a task; None where there is none."""
    rows = session.query("SELECT Name FROM %SYS.Task WHERE ID = ?", task_id)
    return str(rows[0][0]) if rows else None


def find_tasks(session: Session, name: str) -> list[str]:
    """Find the ids of the tasks of a name, the oldest first.

    SQL does not tell capital letters from small ones, and a profile of another name is another's.
    """
    rows = session.query("SELECT ID, Name FROM %SYS.Task WHERE Name = ? ORDER BY ID", name)
    return [str(task_id) for task_id, found in rows if found == name]


def read_task(session: Session, task_id: str) -> Task:
    """Read a task; ABSENT where there is none."""
    values = session.with_object(CLASS, "%OpenId", (task_id,), [Get(name) for name in _PROPERTIES])
    found = dict(zip(_PROPERTIES, values, strict=True))
    return Task(
        id=task_id,
        name=_text(found["Name"]),
        description=_text(found["Description"]),
        is_suspended=_text(found["Suspended"]) not in {"", "0"},
        settings=_text(found["Settings"]),
        every_minutes=_number(found["DailyIncrement"]),
        start_seconds=_number(found["DailyStartTime"]),
        end_seconds=_number(found["DailyEndTime"]),
        run_as_user=_text(found["RunAsUser"]),
        last_started=from_horolog(found["LastStarted"]),
        last_finished=from_horolog(found["LastFinished"]),
        error=_failure(found["Status"], found["Error"]),
        next_scheduled=_text(found["DisplayNextScheduled"]),
    )


def create_schedule(session: Session, schedule: TaskSchedule, today: int, mark: Mark = ON) -> str:
    """Create the task that starts the runs; give its id. `today` is the server's, as in $HOROLOG.

    It is executed once at once, unless it is to be off: then it is suspended at once. A task of
    that name must not exist.
    """
    steps: list[Step] = [
        Set("Name", schedule_name(schedule.policy)),
        Set("TimePeriod", _DAILY),
        Set("TimePeriodEvery", 1),
        Set("DailyFrequency", _SEVERAL_TIMES),
        Set("DailyFrequencyTime", _IN_MINUTES),
        Set("Description", str(mark)),
        *_what(schedule),
    ]
    try:
        task_id = _create(session, [*steps, Set("StartDate", today)])
    except IrisError as error:
        if error.kind is not ErrorKind.REJECTED:
            raise
        # Where the first start of today, which is over, counts as one in the past.
        task_id = _create(session, [*steps, Set("StartDate", today + 1)])
    if mark.is_on:
        run_now(session, task_id)
    else:
        suspend(session, task_id)
    return task_id


def update_schedule(session: Session, task: Task, schedule: TaskSchedule, today: int) -> None:
    """Have a task do what a schedule wants; another hour begins today."""
    begins = [] if task.start_seconds == schedule.start_seconds else [Set("StartDate", today)]
    _change(session, task.id, [*_what(schedule), *begins])


def create_command(session: Session, policy: MonitoringPolicy, code: str) -> str:
    """Create the task for single commands; give its id."""
    return _create(
        session,
        [
            Set("Name", command_name(policy)),
            Set("Description", "PerfWatch: carries out single commands"),
            Set("TimePeriod", _ON_DEMAND),
            Set("Settings", ListValue(("ExecuteCode", code))),
        ],
    )


def update_command(session: Session, task_id: str, code: str) -> None:
    """Have the task for single commands do another."""
    _change(session, task_id, [Set("Settings", ListValue(("ExecuteCode", code)))])


def write_mark(session: Session, task_id: str, mark: Mark) -> None:
    """Write who has decided what."""
    _change(session, task_id, [Set("Description", str(mark))])


def suspend(session: Session, task_id: str) -> None:
    """Suspend a task, also one that is suspended."""
    status = session.call(CLASS, "Suspend", task_id, 1)
    check_status(session, status, f"IRIS does not suspend task {task_id}", GRANT_TASKS)


def resume(session: Session, task_id: str) -> None:
    """Resume a task, also one that is not suspended."""
    status = session.call(CLASS, "Resume", task_id)
    check_status(session, status, f"IRIS does not resume task {task_id}", GRANT_TASKS)


def run_now(session: Session, task_id: str) -> None:
    """Have a task executed within a minute."""
    status = session.call(CLASS, "RunNow", task_id)
    check_status(session, status, f"IRIS does not run task {task_id}", GRANT_TASKS)


def delete(session: Session, task_id: str) -> None:
    """Delete a task."""
    status = session.call(CLASS, "%DeleteId", task_id)
    check_status(session, status, f"IRIS does not delete task {task_id}", GRANT_TASKS)


def _what(schedule: TaskSchedule) -> list[Step]:
    steps: list[Step] = [
        Set("Settings", ListValue(("ExecuteCode", schedule_code(schedule.policy)))),
        Set("DailyIncrement", schedule.every_minutes),
        Set("DailyStartTime", schedule.start_seconds),
        Set("DailyEndTime", schedule.end_seconds),
    ]
    if schedule.run_as_user:
        steps.append(Set("RunAsUser", schedule.run_as_user))
    return steps


def _create(session: Session, steps: list[Step]) -> str:
    results = session.with_object(
        CLASS,
        "%New",
        (),
        [
            Set("NameSpace", "%SYS"),
            Set("TaskClass", LEGACY_TASK),
            *_on_any_member(session),
            Set("SuspendOnError", 0),  # one failure must not end the collecting,
            Set("SuspendTerminated", 0),  # nor a restart in the middle of it
            *steps,
            Invoke("%Save"),
            Invoke("%Id"),
        ],
    )
    check_status(session, results[-2], "IRIS does not create our task", GRANT_TASKS)
    return _text(results[-1])


def _on_any_member(session: Session) -> list[Step]:
    """Have a task executed on each member of a mirror: left open, it is executed on none."""
    try:
        status = session.call(CLASS, "MirrorStatusDisplayToLogical", "Any")
    except IrisError as error:
        if error.connection_lost:
            raise
        return []
    return [] if status in {None, ""} else [Set("MirrorStatus", status)]


def _change(session: Session, task_id: str, steps: list[Step]) -> None:
    results = session.with_object(CLASS, "%OpenId", (task_id,), [*steps, Invoke("%Save")])
    check_status(session, results[-1], f"IRIS does not change task {task_id}", GRANT_TASKS)


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _number(value: Value) -> int | None:
    try:
        return int(float(_text(value)))
    except ValueError:
        return None


def _failure(status: Value, error: Value) -> str:
    """What went wrong; "" where nothing did, and where it has not been executed yet."""
    if _text(error) not in {"", "Success"}:
        return _text(error)
    return "" if _text(status) in {"", "0", "1"} else status_text(status)
