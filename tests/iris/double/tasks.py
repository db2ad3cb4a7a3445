"""The Task Manager: %SYS.Task, its history, and tasks that run when they are due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.iris.double import wire
from tests.iris.double.clock import Clock, horolog_day, moment, seconds_of_day
from tests.iris.double.hooks import Reference, ServerError, User
from tests.iris.double.objects import ModelObject
from tests.iris.double.privileges import Accounts
from tests.iris.double.status import OK, error_status
from tests.iris.double.task_schedule import next_run
from tests.iris.double.task_values import DEFAULTS, WRITABLE, refusal

POLL_SECONDS = 60
LEGACY = "%SYS.Task.RunLegacyTask"
MAX_HISTORY = 1000
MIRROR_STATUSES = {"Primary": "0", "Non-Primary": "1", "Any": "2"}
"""As displayed, and as stored: which numbers these are is a guess."""
HISTORY_FIELDS = (
    "ID",
    "LogDate",
    "LogTime",
    "Task",
    "ExecuteCode",
    "Routine",
    "Username",
    "Name",
    "NameSpace",
    "RunningJobNumber",
    "LastStarted",
    "LastFinished",
    "Status",
    "Error",
    "ER",
)

Execute = Callable[[str, str], object]
"""Run a code as a user; raises ServerError."""


class TaskManager:
    """The tasks by number, what became of them, and the job that looks every minute."""

    def __init__(self, clock: Clock, accounts: Accounts, execute: Execute) -> None:
        self._clock = clock
        self._accounts = accounts
        self._execute = execute
        self._last_id = 999
        self._last_history_id = 0
        self._requested: set[int] = set()
        self.tasks: dict[int, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []
        self.is_running = True
        self.is_mirror_member = False
        self.refuses_today = False
        """Whether a start earlier today is in the past; a public script shows that it is not."""

    def class_methods(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        """What can be called by name."""
        methods: dict[str, Callable[..., Any]] = {
            "%New": lambda _: Reference(Task(self, dict(DEFAULTS), None), "%SYS.Task"),
            "%OpenId": self._open,
            "%ExistsId": lambda _, task_id: int(_number(task_id) in self.tasks),
            "%DeleteId": self._delete,
            "Suspend": self._suspend,
            "Resume": self._resume,
            "RunNow": self._run_now,
            "MirrorStatusDisplayToLogical": lambda _, shown: MIRROR_STATUSES.get(shown, ""),
        }
        return {("%SYS.Task", name): method for name, method in methods.items()}

    @property
    def task_fields(self) -> tuple[str, ...]:
        """The columns of table %SYS.Task."""
        return ("ID", *DEFAULTS)

    @property
    def history_fields(self) -> tuple[str, ...]:
        """The columns of table %SYS_Task.History."""
        return HISTORY_FIELDS

    def named(self, name: str) -> dict[str, Any]:
        """Find the only task with this name, for tests."""
        (found,) = [task for task in self.tasks.values() if task["Name"] == name]
        return found

    def save(self, user: User, values: dict[str, Any], task_id: int | None) -> tuple[Any, Any]:
        """Store a task unless something is wrong with it: the status, and its number."""
        before = None if task_id is None else self.tasks.get(task_id)
        status = refusal(
            values,
            before,
            user=user.name,
            accounts=self._accounts,
            clock=self._clock,
            refuses_today=self.refuses_today,
        )
        if status != OK:
            return status, task_id
        if task_id is None:
            self._last_id += 1
            task_id = self._last_id
        values["RunAsUser"] = values["RunAsUser"] or user.name
        self.tasks[task_id] = stored = {**(before or DEFAULTS), **values}
        if before is None or any(before[name] != stored[name] for name in WRITABLE["schedule"]):
            self._schedule(stored, next_run(stored, self._clock.now))
        return OK, task_id

    def poll(self) -> None:
        """Run what is due; the Task Manager does so at each full minute."""
        for task_id, task in list(self.tasks.items()):
            due = _due(task)
            fits = not self.is_mirror_member or task["MirrorStatus"] == MIRROR_STATUSES["Any"]
            if not (self.is_running and fits) or task["Suspended"]:
                continue
            if due and due <= self._clock.now:
                self._run(task_id, task)

    def _run(self, task_id: int, task: dict[str, Any]) -> None:
        code = _setting(task, "ExecuteCode")
        started = self._clock.horolog
        task.update(LastStarted=started, LastSchedule=started, RunningJobNumber="")
        try:
            self._execute(task["RunAsUser"], code)
        except ServerError as error:
            outcome = {"Status": error_status(5001, str(error)), "Error": "", "ER": "1"}
            task["Suspended"] = 1
        else:
            outcome = {"Status": "1", "Error": "Success", "ER": ""}
        task.update(outcome, LastFinished=self._clock.horolog)
        self._requested.discard(task_id)
        self._schedule(task, next_run(task, self._clock.now))
        self._note(task_id, task, code, "", **outcome)

    def _schedule(self, task: dict[str, Any], due: datetime | None) -> None:
        task["DayNextScheduled"] = "" if due is None else horolog_day(due)
        task["TimeNextScheduled"] = "" if due is None else seconds_of_day(due)

    def _note(
        self, task_id: int, task: dict[str, Any], code: str, routine: str, **outcome: str
    ) -> None:
        self._last_history_id += 1
        self.history.append(
            {
                "ID": self._last_history_id,
                "LogDate": self._clock.today,
                "LogTime": seconds_of_day(self._clock.now),
                "Task": task_id,
                "ExecuteCode": code,
                "Routine": routine,
                "Username": task["RunAsUser"],
                **{name: task[name] for name in ("Name", "NameSpace", "RunningJobNumber")},
                **{name: task[name] for name in ("LastStarted", "LastFinished")},
                **outcome,
            }
        )
        del self.history[:-MAX_HISTORY]

    def _open(self, _: User, task_id: Any, *__: Any) -> Reference | None:
        number = _number(task_id)
        task = self.tasks.get(number)
        return None if task is None else Reference(Task(self, dict(task), number), "%SYS.Task")

    def _delete(self, user: User, task_id: Any) -> Any:
        status, task = self._managed(user, task_id)
        if task is not None:
            del self.tasks[_number(task_id)]
            self._note(
                _number(task_id), task, "", "TASKMGR", Status="1", Error="Task deleted", ER=""
            )
        return status

    def _suspend(self, user: User, task_id: Any, leave: Any = 1) -> Any:
        """Keep a task from running; its next time stays (1), or is found anew later (2)."""
        status, task = self._managed(user, task_id)
        if task is not None:
            task["Suspended"] = int(leave or 1)
            self._note(
                _number(task_id), task, "", "TASKMGR", Status="1", Error="Task suspended", ER=""
            )
        return status

    def _resume(self, user: User, task_id: Any) -> Any:
        status, task = self._managed(user, task_id)
        if task is not None:
            if int(task["Suspended"] or 0) > 1:
                self._schedule(task, next_run(task, self._clock.now))
            task["Suspended"] = 0
            self._note(
                _number(task_id), task, "", "TASKMGR", Status="1", Error="Task resumed", ER=""
            )
        return status

    def _run_now(self, user: User, task_id: Any, *_: Any) -> Any:
        """Make a task due at the next poll. It resumes a suspended task: measured, and a trap."""
        status, task = self._managed(user, task_id)
        if task is not None:
            task["Suspended"] = 0
            self._schedule(task, self._clock.now)
        return status

    def _managed(self, user: User, task_id: Any) -> tuple[Any, dict[str, Any] | None]:
        """Give a task to who may manage it, or the status that says why not."""
        if not self._accounts.may(user.name, "%Admin_Task:U"):
            return error_status(921, "%Admin_Task:USE"), None
        task = self.tasks.get(_number(task_id))
        if task is None:
            return error_status(5809, str(task_id)), None
        return OK, task


class Task(ModelObject):
    """An opened task: changes are its own until they are saved."""

    def __init__(self, manager: TaskManager, values: dict[str, Any], task_id: int | None) -> None:
        super().__init__(values, writable=True)
        self._manager = manager
        self._id = task_id
        self.methods = {
            "%Save": self._save,
            "%Id": lambda _: "" if self._id is None else str(self._id),
            "%Reload": self._reload,
        }

    def get(self, user: User, name: str) -> Any:
        """Read a property; one of them is made from two others."""
        if name != "DisplayNextScheduled":
            return super().get(user, name)
        due = _due(self.properties)
        return "" if due is None else f"{due:%Y-%m-%d %H:%M:%S}"

    def _save(self, user: User, *_: Any) -> Any:
        status, self._id = self._manager.save(user, dict(self.properties), self._id)
        return status

    def _reload(self, _: User) -> Any:
        if self._id is None or self._id not in self._manager.tasks:
            return error_status(5809, str(self._id or ""))
        self.properties = dict(self._manager.tasks[self._id])
        return OK


def _number(task_id: Any) -> int:
    text = str(task_id)
    return int(text) if text.isdigit() else -1


def _due(task: Mapping[str, Any]) -> datetime | None:
    day = task["DayNextScheduled"]
    return moment(int(day), int(task["TimeNextScheduled"])) if day else None


def _setting(task: Mapping[str, Any], name: str) -> str:
    """Read one of a task's settings: a $LIST of names and values in turn."""
    settings = task["Settings"]
    pairs = settings if isinstance(settings, tuple) else wire.read_list(settings)
    found = dict(zip(pairs[::2], pairs[1::2], strict=False))
    return str(found.get(name) or "")
