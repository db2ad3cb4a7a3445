"""The calls of ^SystemPerformance: directly by the wrapper, or by our task for single commands."""

from __future__ import annotations

from typing import Protocol

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance import objectscript, tasks, wrapper
from exporter.iris.system_performance.policy import MonitoringPolicy, is_name
from exporter.iris.system_performance.runs import parse_runid
from exporter.iris.system_performance.statuses import check_answer

_LOOK = "see `perfwatch iris status`, and messages.log of the instance"


class Commands(Protocol):
    """What changes ^SystemPerformance. Each may be repeated without harm."""

    def add_profile(self, policy: MonitoringPolicy) -> None:
        """Make the profile."""
        ...

    def edit_profile(self, policy: MonitoringPolicy) -> None:
        """Change the profile."""
        ...

    def start_run(self, policy: MonitoringPolicy) -> None:
        """Start a run unless one of ours is active."""
        ...

    def stop_run(self, runid: str, *, keep_logs: bool) -> None:
        """End a run; with its logs kept, its report is written."""
        ...

    def finish(self) -> None:
        """Have done what has only been collected so far."""
        ...


class WrapperCommands:
    """By the installed functions: done when they return."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_profile(self, policy: MonitoringPolicy) -> None:
        """Make the profile."""
        self._do("AddProfile", f"IRIS does not make the profile {policy.name}", *_values(policy))

    def edit_profile(self, policy: MonitoringPolicy) -> None:
        """Change the profile."""
        self._do("EditProfile", f"IRIS does not change the profile {policy.name}", *_values(policy))

    def start_run(self, policy: MonitoringPolicy) -> None:
        """Start a run unless one of ours is active."""
        self._do(
            "Run",
            f"IRIS does not start a run of {policy.name}",
            policy.name,
            int(policy.os_data),
            policy.duration_seconds,
        )

    def stop_run(self, runid: str, *, keep_logs: bool) -> None:
        """End a run; one that has ended meanwhile is no error."""
        _check_runid(runid)
        try:
            self._do("Stop", f"IRIS does not stop the run {runid}", runid, int(keep_logs))
        except IrisError as error:
            if "no such runid" not in error.message:
                raise

    def finish(self) -> None:
        """Nothing is left to be done."""

    def version(self) -> str:
        """Say which version of ^SystemPerformance it is."""
        return str(self._answer("Version"))

    def wait(self, runid: str) -> str:
        """Say how long a run still needs, in words."""
        _check_runid(runid)
        return str(self._answer("Wait", runid))

    def _do(self, name: str, doing: str, *arguments: str | int) -> None:
        check_answer(self._answer(name, *arguments), doing, _LOOK)

    def _answer(self, name: str, *arguments: str | int) -> object:
        marks = ", ".join("?" for _ in arguments)
        return self._session.query(f"SELECT {wrapper.SCHEMA}.{name}({marks})", *arguments)[0][0]


class TaskCommands:
    """By a task that the Task Manager executes within a minute, once they are all collected.

    There is no answer: what became of it is seen the next time somebody looks.
    """

    def __init__(self, session: Session, policy: MonitoringPolicy) -> None:
        self._session = session
        self._policy = policy
        self._statements: list[str] = []

    def add_profile(self, policy: MonitoringPolicy) -> None:
        """Make the profile."""
        self._statements.append(policy.make_profile())

    def edit_profile(self, policy: MonitoringPolicy) -> None:
        """Change the profile."""
        self._statements.append(policy.change_profile())

    def start_run(self, policy: MonitoringPolicy) -> None:
        """Start a run unless one of ours is active."""
        self._statements.append(policy.start_run())

    def stop_run(self, runid: str, *, keep_logs: bool) -> None:
        """End a run; with its logs kept, its report is written."""
        _check_runid(runid)
        stop = objectscript.stop_run(objectscript.literal(runid), str(int(keep_logs)))
        self._statements.append(f"set result={stop}")

    def finish(self) -> None:
        """Have the task do it all, in this order."""
        if not self._statements:
            return
        code = " ".join(self._statements)
        found = tasks.find_tasks(self._session, tasks.command_name(self._policy))
        if found:
            task_id = found[0]
            tasks.update_command(self._session, task_id, code)
        else:
            task_id = tasks.create_command(self._session, self._policy, code)
        tasks.run_now(self._session, task_id)
        self._statements.clear()


def _values(policy: MonitoringPolicy) -> tuple[str, str, int, int]:
    return policy.name, policy.description, policy.interval_seconds, policy.count


def _check_runid(runid: str) -> None:
    """Only what is a runid gets into a statement."""
    run = parse_runid(runid)
    if run is None or not is_name(run.profile):
        raise IrisError(
            ErrorKind.REJECTED, f"{runid!r} is not a runid", "see `perfwatch iris runs`"
        )
