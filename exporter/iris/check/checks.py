"""What of an instance works for us, what is missing, and the exact grant: nothing is changed.

Each check asks for one thing that the daemon uses, in the way in which the daemon uses it; what
would change something (a task, a run, a function) is not tried: there IRIS is asked for the right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from exporter.iris.access.calls import Get
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.metrics import sensors
from exporter.iris.system_performance import tasks, wrapper
from exporter.iris.system_performance.policy import DEFAULT_POLICY, MonitoringPolicy
from exporter.iris.system_performance.runs import GLOBAL

SECURITY = "%SYSTEM.Security"
CLASS_METHODS = "class methods"
"""The check without which the others say little."""
MAX_NODES = 50
"""How many profiles and ended runs are looked at."""


class Outcome(StrEnum):
    """How a check has gone."""

    WORKS = "works"
    MISSING = "missing"
    """A right is missing: `grant` says which."""
    ABSENT = "absent"
    """This version, or this installation, does not have it."""
    FAILED = "failed"
    UNTRIED = "not tried"
    """There was no connection any more, or without class methods it cannot be asked."""


class Check(NamedTuple):
    """One thing that is used."""

    name: str
    purpose: str
    """What is lost without it."""
    ask: Callable[[Session], Any]
    grant: str
    optional: bool = False
    """Whether everything goes on without it."""


class Finding(NamedTuple):
    """What came of a check."""

    check: Check
    outcome: Outcome
    answer: Any = None
    error: IrisError | None = None

    @property
    def satisfied(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self.outcome is Outcome.WORKS or self.check.optional

    def document(self) -> dict[str, Any]:
        """Give it as plain data, without the answer."""
        return {
            "name": self.check.name,
            "outcome": self.outcome.value,
            "purpose": self.check.purpose,
            "optional": self.check.optional,
            "grant": self.check.grant if self.outcome is Outcome.MISSING else None,
            "error": str(self.error) if self.error else None,
        }


def right(
    name: str,
    purpose: str,
    resource: str,
    permission: str,
    optional: bool = False,  # noqa: FBT002 -- a column of the table below
) -> Check:
    """Ask IRIS whether we hold a privilege on a resource."""

    def ask(session: Session) -> object:
        held = session.call(SECURITY, "Check", resource, permission)
        if held != 1:
            raise IrisError(ErrorKind.PRIVILEGE, f"{resource}:{permission} is not held")
        return held

    return Check(name, purpose, ask, f"{resource}:{permission}", optional)


def read_profiles(session: Session) -> dict[str, Any]:
    """Read the definitions of profiles, by name."""
    names = session.subscripts(GLOBAL, "profile", limit=MAX_NODES)
    return {name: session.get_list(GLOBAL, "profile", name) for name in names}


def read_history(session: Session) -> dict[str, Any]:
    """Read what is known of ended runs, by runid."""
    runids = session.subscripts(GLOBAL, "history", limit=MAX_NODES)
    return {runid: session.get_global(GLOBAL, "history", runid) for runid in runids}


def look_for_directories(session: Session) -> list[Any]:
    """Ask whether the directories exist in which the newest reports are said to be."""
    values = map(str, read_history(session).values())
    directories = {value.partition("^")[2] for value in values} - {""}
    return [
        session.call("%Library.File", "DirectoryExists", directory)
        for directory in sorted(directories)[:3]
    ]


_TASK = ("Suspended", "Settings", "LastStarted", "LastFinished", "Status", "Error")


def read_our_task(policy: MonitoringPolicy, session: Session) -> dict[str, Any]:
    """Look for the task that starts the runs; give what IRIS says of it, nothing without one."""
    found = tasks.find_tasks(session, tasks.schedule_name(policy))
    if not found:
        return {}
    steps = [Get(name) for name in _TASK]
    values = session.with_object(tasks.CLASS, "%OpenId", (found[0],), steps)
    return dict(zip(_TASK, values, strict=True))


def ask_wrapper(session: Session) -> str:
    """Ask which wrapper is installed. Raises ABSENT where there is none."""
    version = wrapper.installed_version(session)
    if version is None:
        message = "the wrapper is not installed, or may not be used"
        raise IrisError(ErrorKind.ABSENT, message, "perfwatch iris install")
    return version


def _fetch(url: str, session: Session) -> dict[str, int]:
    return {"characters": len(session.fetch(url))}


def _ask_sensors(session: Session) -> dict[str, Any]:
    text = sensors.get_text(session)
    types = [line for line in text.splitlines() if line.startswith("# TYPE ")]
    names = {line.split(" ")[2] for line in types if line.count(" ") >= 3}
    return {"characters": len(text), "names": sorted(names)}


def _sample(name: str, *properties: str) -> Callable[[Session], Any]:
    """Take a sample of an object of statistics, and some of its properties."""

    def ask(session: Session) -> object:
        steps = [Get(each) for each in properties]
        values = session.with_object(f"SYS.Stats.{name}", "Sample", (), steps)
        return dict(zip(properties, values, strict=True))

    return ask


def _call(class_name: str, method: str, *arguments: str) -> Callable[[Session], Any]:
    return lambda session: session.call(class_name, method, *arguments)


CLASSES = "%Native_ClassExecution:USE"
GLOBALS = "%Native_GlobalAccess:USE and %DB_IRISSYS:READ"
OPERATE = "%Admin_Operate:USE"
SQL = f"%Service_SQL:USE, and {tasks.GRANT_SELECT}"

STATISTICS = (
    Check("sensors", "metrics of the instance", _ask_sensors, CLASSES),
    Check(
        "counters",
        "counters of global and routine use",
        _sample("Global", "RefLocal", "LogicalBlocks"),
        CLASSES,
    ),
    Check(
        "dashboard",
        "states of databases, locks and write daemon; licence units",
        _sample("Dashboard", "DatabaseSpace", "JournalSpace", "LockTable", "SystemUpTime"),
        CLASSES,
    ),
    Check("system state", "state of the system", _call("%SYSTEM.Monitor", "State"), CLASSES),
    Check("journal", "state of the journal", _call("%SYS.Journal.System", "GetState"), OPERATE),
    Check("mirror", "state of the mirror", _call("%SYSTEM.Mirror", "GetStatus"), CLASSES),
    Check("lock table", "its use", _call("SYS.Lock", "GetLockSpaceInfo"), OPERATE),
    Check(
        "licence key",
        "the day on which it expires",
        _call("%SYSTEM.License", "KeyExpirationDate"),
        CLASSES,
    ),
)


def make_checks(policy: MonitoringPolicy = DEFAULT_POLICY, metrics_url: str = "") -> list[Check]:
    """List what is to be checked of an instance, in the order in which it is needed."""
    checks = [
        Check(
            CLASS_METHODS, "everything", _call(SECURITY, "Check", "%DB_IRISSYS", "READ"), CLASSES
        ),
        Check("globals", "profiles, runs and reports", read_profiles, GLOBALS),
        *STATISTICS,
        Check("history", "ended runs", read_history, GLOBALS),
        Check(
            "directories",
            "reports, and their removal",
            look_for_directories,
            f"{CLASSES}, {GLOBALS}",
        ),
        Check("tasks", "finding our tasks", partial(read_our_task, policy), SQL),
        right("task control", "collecting at all", "%Admin_Task", "USE"),
        right("task code", "creating our tasks", "%Admin_Manage", "USE"),
        right("writing", "profiles and runs, which are stored there", "%DB_IRISSYS", "WRITE"),
        right("other users", "a task that runs as another user", "%Admin_Secure", "USE", True),
        right("installing", "perfwatch iris install", "%Development", "USE", True),
        Check("wrapper", "^SystemPerformance at once", ask_wrapper, "", True),
    ]
    if metrics_url:
        fetch = partial(_fetch, metrics_url)
        grant = "the web application /api/monitor for this user"
        checks.append(Check("endpoint", "metrics without superserver", fetch, grant, True))
    return checks


NO_CALLS = IrisError(
    ErrorKind.PRIVILEGE, "not permitted to call a class method", f"grant {CLASSES}"
)

OUTCOMES: Mapping[ErrorKind, Outcome] = {
    ErrorKind.PRIVILEGE: Outcome.MISSING,
    ErrorKind.ABSENT: Outcome.ABSENT,
}


def run_checks(
    session: Session, checks: Sequence[Check], show: Callable[[str], None] = lambda _: None
) -> list[Finding]:
    """Ask for everything, one after the other, until the connection ends."""
    findings: list[Finding] = []
    may_call = True
    for number, check in enumerate(checks, 1):
        show(f"{number}/{len(checks)} {check.name}")
        finding = _run(session, check) if session.is_open else Finding(check, Outcome.UNTRIED)
        if check.name == CLASS_METHODS:
            may_call = finding.outcome is not Outcome.MISSING
        elif not may_call and _is_masked(finding):
            finding = Finding(check, Outcome.UNTRIED, error=NO_CALLS)
        findings.append(finding)
    return findings


def _run(session: Session, check: Check) -> Finding:
    try:
        return Finding(check, Outcome.WORKS, check.ask(session))
    except IrisError as error:
        outcome = OUTCOMES.get(error.kind, Outcome.FAILED)
        return Finding(check, outcome, error=error)


def _is_masked(finding: Finding) -> bool:
    """Whether a refusal says nothing of the right itself, where class methods are refused."""
    return finding.outcome is Outcome.MISSING and finding.check.grant not in {CLASSES, GLOBALS}
