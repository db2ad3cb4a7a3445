"""The steps of a plan: each says what it does, and does it. Each may be repeated without harm."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from exporter.iris.access.session import Session
from exporter.iris.system_performance import reports, tasks
from exporter.iris.system_performance.commands import Commands
from exporter.iris.system_performance.marks import Mark
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from exporter.iris.system_performance.reports import Host, Report
from exporter.iris.system_performance.task import Task


class Hands(NamedTuple):
    """What steps are done with."""

    session: Session
    commands: Commands
    host: Host
    today: int
    """The server's day, as in $HOROLOG."""


class AddProfile(NamedTuple):
    """Make our profile."""

    policy: MonitoringPolicy

    def __str__(self) -> str:
        return f"make the profile {self.policy.name}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        hands.commands.add_profile(self.policy)


class EditProfile(NamedTuple):
    """Change our profile."""

    policy: MonitoringPolicy

    def __str__(self) -> str:
        return f"change the profile {self.policy.name}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        hands.commands.edit_profile(self.policy)


class CreateSchedule(NamedTuple):
    """Create the task that starts the runs."""

    schedule: TaskSchedule
    mark: Mark

    def __str__(self) -> str:
        return f"create the task {tasks.schedule_name(self.schedule.policy)}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        tasks.create_schedule(hands.session, self.schedule, hands.today, self.mark)


class UpdateSchedule(NamedTuple):
    """Have our task do what is wanted."""

    task: Task
    schedule: TaskSchedule

    def __str__(self) -> str:
        return f"change task {self.task.id}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        tasks.update_schedule(hands.session, self.task, self.schedule, hands.today)


class DeleteTask(NamedTuple):
    """Delete a second task of ours of the same name."""

    task_id: str

    def __str__(self) -> str:
        return f"delete task {self.task_id}, as there is an older one of its name"

    def do(self, hands: Hands) -> None:
        """Do it."""
        tasks.delete(hands.session, self.task_id)


class SuspendTask(NamedTuple):
    """Suspend our task. The mark comes first: without it, it would be an administrator's doing."""

    task_id: str
    mark: Mark

    def __str__(self) -> str:
        return f"suspend task {self.task_id}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        tasks.write_mark(hands.session, self.task_id, self.mark)
        tasks.suspend(hands.session, self.task_id)


class ResumeTask(NamedTuple):
    """Resume our task. The mark comes last: until then, it says why the task was suspended."""

    task_id: str
    mark: Mark

    def __str__(self) -> str:
        return f"resume task {self.task_id}"

    def do(self, hands: Hands) -> None:
        """Do it; the next run begins at once."""
        tasks.resume(hands.session, self.task_id)
        tasks.write_mark(hands.session, self.task_id, self.mark)
        tasks.run_now(hands.session, self.task_id)


class WriteMark(NamedTuple):
    """Write the mark alone."""

    task_id: str
    mark: Mark

    def __str__(self) -> str:
        return f"write into task {self.task_id}: {self.mark}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        tasks.write_mark(hands.session, self.task_id, self.mark)


class StopRun(NamedTuple):
    """Stop a run of ours; its logs are kept, and its report is written."""

    runid: str

    def __str__(self) -> str:
        return f"stop the run {self.runid}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        hands.commands.stop_run(self.runid, keep_logs=True)


class StartRun(NamedTuple):
    """Start a run, as there can be no schedule."""

    policy: MonitoringPolicy

    def __str__(self) -> str:
        return f"start a run of {self.policy.name}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        hands.commands.start_run(self.policy)


class RemoveReport(NamedTuple):
    """Remove a report of ours that is older than the retention."""

    report: Report

    def __str__(self) -> str:
        return f"remove the report {self.report.path}"

    def do(self, hands: Hands) -> None:
        """Do it."""
        reports.remove(hands.session, hands.host, self.report)


Step: TypeAlias = (
    AddProfile
    | EditProfile
    | CreateSchedule
    | UpdateSchedule
    | DeleteTask
    | SuspendTask
    | ResumeTask
    | WriteMark
    | StopRun
    | StartRun
    | RemoveReport
)

COMMANDED = (AddProfile, EditProfile, StopRun, StartRun)
"""The steps that the commands do, and so perhaps the task for single commands."""

SWITCHING = (SuspendTask, ResumeTask, WriteMark)
"""The steps that change whether the schedule is on, or until when."""
