"""What we take for granted of a real server, which nobody here has tried, and how it is tested.

`perfwatch iris check --record` says of each whether a server confirms or refutes it, as far as
that shows without changing anything. docs/iris.md has the same table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from exporter.iris.check.checks import Finding, Outcome
from exporter.iris.system_performance.runs import from_horolog, parse_runid

Findings = Mapping[str, Finding]


class Verdict(StrEnum):
    """What a server says of an assumption."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    OPEN = "not testable"
    """Here, now, without changing anything."""


Judge = Callable[[Findings], bool | None]


class Assumption(NamedTuple):
    """One of them."""

    id: str
    text: str
    evidence: str
    """DOC: documentation of InterSystems; REF: its class reference; SRC: somebody's public source;
    MEAS: somebody has measured and published it; INF: we conclude it."""
    judge: Judge = lambda _: None


def judge_all(findings: Iterable[Finding]) -> dict[str, Verdict]:
    """Give the verdict on each assumption."""
    by_name = {finding.check.name: finding for finding in findings}
    words = {True: Verdict.CONFIRMED, False: Verdict.REFUTED, None: Verdict.OPEN}
    return {one.id: words[one.judge(by_name)] for one in ASSUMPTIONS}


def _answer(name: str, holds: Callable[[Any], bool | None]) -> Judge:
    """Judge by the answer to a check; that there is no such thing refutes."""

    def judge(findings: Findings) -> bool | None:
        finding = findings.get(name)
        if finding is None:
            return None
        if finding.outcome is Outcome.WORKS:
            return holds(finding.answer)
        return False if finding.outcome is Outcome.ABSENT else None

    return judge


def _works(name: str) -> Judge:
    """Judge by whether it works; that it is not there says nothing."""
    return lambda findings: (
        True if name in findings and findings[name].outcome is Outcome.WORKS else None
    )


def _each(holds: Callable[[Any], bool]) -> Callable[[Any], bool | None]:
    """Ask it of all of several; of none it cannot be told."""
    return lambda items: all(map(holds, items)) if items else None


def _is_profile(fields: Any) -> bool:
    numbers = fields[1:3]
    return len(numbers) == 2 and all(str(number).isdigit() for number in numbers)


def _is_history(value: Any) -> bool:
    ended, _, directory = str(value).partition("^")
    return from_horolog(ended) is not None and bool(directory)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _are_states(answer: Any) -> bool:
    words = {"normal", "warning", "troubled"}
    states = [answer[name] for name in ("DatabaseSpace", "JournalSpace", "LockTable")]
    return all(str(state).lower() in words for state in states)


def _is_protect(findings: Findings) -> bool | None:
    texts = [
        finding.error.message
        for finding in findings.values()
        if finding.outcome is Outcome.MISSING
        and finding.error
        and " is not held" not in str(finding.error)
    ]
    return all(re.search(r"<PROTECT>|-99\b", text) for text in texts) if texts else None


def _is_task_time(task: Any) -> bool | None:
    if not task:
        return None
    return task["LastStarted"] in (None, 0, "0") or from_horolog(task["LastStarted"]) is not None


ASSUMPTIONS = (
    Assumption(
        "sensors",
        "`SYS.Monitor.SAM.Sensors.PrometheusMetrics()` answers over the native protocol with the "
        "text of `/api/monitor/metrics`",
        "SRC",
        _answer("sensors", lambda answer: "iris_system_state" in answer["names"]),
    ),
    Assumption(
        "cpu-and-memory",
        "that text has `iris_cpu_usage` and `iris_phys_mem_percent_used`, by which the governor "
        "judges",
        "MEAS",
        _answer(
            "sensors",
            lambda answer: {"iris_cpu_usage", "iris_phys_mem_percent_used"} <= set(answer["names"]),
        ),
    ),
    Assumption(
        "profile-layout",
        '`^IRIS.SystemPerformance("profile",name)` is a $LIST of description, interval and count',
        "MEAS",
        _answer("globals", lambda answer: _each(_is_profile)(list(answer.values()))),
    ),
    Assumption(
        "history-layout",
        '`^IRIS.SystemPerformance("history",runid)` is `<$HOROLOG of the end>^<directory>`',
        "MEAS",
        _answer("history", lambda answer: _each(_is_history)(list(answer.values()))),
    ),
    Assumption(
        "runid",
        "a run's id is `YYYYMMDD_HHMM_profile` or `YYYYMMDD_HHMMSS_profile`",
        "DOC",
        _answer(
            "history", lambda answer: _each(lambda one: parse_runid(one) is not None)(list(answer))
        ),
    ),
    Assumption(
        "report-directory",
        "the directory in the history exists, and the instance may look into it",
        "INF",
        _answer("directories", _each(lambda one: one == 1)),
    ),
    Assumption(
        "tasks-by-sql",
        "tasks are found with `SELECT ID FROM %SYS.Task WHERE Name = ?`; who has %Admin_Task but "
        "no SELECT on the table gets SQLCODE -99",
        "MEAS",
        _answer("tasks", lambda _: True),
    ),
    Assumption(
        "task-settings",
        "a task's `Settings` takes and gives a $LIST of names and values: `ExecuteCode`, and the "
        "code",
        "SRC",
        _answer("tasks", lambda task: "ExecuteCode" in str(task["Settings"]) if task else None),
    ),
    Assumption(
        "task-times",
        '`LastStarted` of a task is a $HOROLOG, and "0" or "" when it was never started',
        "MEAS",
        _answer("tasks", _is_task_time),
    ),
    Assumption(
        "security-check",
        "`%SYSTEM.Security.Check(resource, permission)` says 1 or 0",
        "REF",
        _answer("class methods", lambda held: held in (0, 1)),
    ),
    Assumption(
        "refusals",
        "what is not permitted is refused with `<PROTECT>`, by SQL with SQLCODE -99",
        "INF",
        _is_protect,
    ),
    Assumption(
        "system-state",
        "`%SYSTEM.Monitor.State()` is -1 (hung), 0, 1 (warning) or 2 (alert)",
        "REF",
        _answer("system state", lambda state: state in (-1, 0, 1, 2)),
    ),
    Assumption(
        "journal-state",
        "`%SYS.Journal.System.GetState()` is from 0 (enabled) to 4 (paused)",
        "REF",
        _answer("journal", lambda state: state in range(5)),
    ),
    Assumption(
        "mirror-status",
        "`%SYSTEM.Mirror.GetStatus()` is NOTINIT where there is no mirror, and a word in any case",
        "REF",
        _answer("mirror", lambda status: isinstance(status, str) and status.isalpha()),
    ),
    Assumption(
        "lock-table",
        "`SYS.Lock.GetLockSpaceInfo()` is three numbers with commas between them",
        "REF",
        _answer("lock table", lambda text: bool(re.fullmatch(r"\d+,\d+,\d+", str(text)))),
    ),
    Assumption(
        "licence-expiry",
        "`%SYSTEM.License.KeyExpirationDate()` begins with a day of $HOROLOG",
        "REF",
        _answer("licence key", lambda day: bool(re.match(r"\d{5}(?!\d)", str(day)))),
    ),
    Assumption(
        "counters",
        "`SYS.Stats.Global.Sample()` gives an object over the native protocol, whose properties "
        "are numbers",
        "REF",
        _answer("counters", lambda answer: all(map(_is_number, answer.values()))),
    ),
    Assumption(
        "dashboard",
        "the states of `SYS.Stats.Dashboard` are the English words of the class reference",
        "REF",
        _answer("dashboard", _are_states),
    ),
    Assumption(
        "wrapper",
        "functions made by `CREATE FUNCTION ... LANGUAGE OBJECTSCRIPT`, or class methods with "
        "`SqlProc` and `SqlName`, answer to `SELECT ZPerfWatch.WrapperVersion()`",
        "DOC",
        _works("wrapper"),
    ),
    Assumption(
        "run-from-task",
        "`$$run^SystemPerformance(profile)` works in the code of a legacy task, and may leave "
        "another device as the current one",
        "MEAS",
    ),
    Assumption(
        "task-rights",
        "a task with code can be created with %Admin_Task:USE and %Admin_Manage:USE; its "
        "description has at most 100 characters",
        "MEAS",
    ),
    Assumption(
        "run-now",
        "`RunNow` has a task executed within a minute, and resumes a suspended one",
        "MEAS",
    ),
    Assumption(
        "suspend",
        "`Suspend(id,1)` and `Resume(id)` can be repeated and say 1; a suspended task keeps its "
        "next time",
        "MEAS",
    ),
    Assumption(
        "mirror-tasks",
        "a member of a mirror executes a task only if `MirrorStatus` says so; "
        '`MirrorStatusDisplayToLogical("Any")` of `%SYS.Task` gives the value for all members',
        "DOC",
    ),
    Assumption(
        "run-at-once",
        '`$$run` has written `^IRIS.SystemPerformance("run",runid)` when it returns, so that '
        "whoever looks next sees the run",
        "INF",
    ),
    Assumption(
        "add-profile",
        "`$$addprofile^SystemPerformance(name,text,interval,count)` says 1, or `0^reason`",
        "MEAS",
    ),
    Assumption(
        "stop",
        "`$$Stop^SystemPerformance(runid,0)` writes the report of what there is; without the 0 "
        "the logs are deleted and there is none",
        "DOC",
    ),
    Assumption(
        "report-name",
        "a report is the file `<host>_<instance>_<runid>.html` in that directory",
        "MEAS",
    ),
    Assumption(
        "routines-refused",
        "current servers refuse `function` and `procedure` of the driver, so neither is called",
        "DOC",
    ),
)
