"""The wrapper: what lets ^SystemPerformance be called directly, where somebody has consented.

Servers do not let a client call routines. The Task Manager does it for us, up to a minute later
and without an answer; with these few SQL functions it happens at once. They take names and numbers
only, and execute nothing else. Installed by SQL or loaded as a class, they are the same functions.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance import objectscript

SCHEMA = "ZPerfWatch"
CLASS = "ZPerfWatch.Control"
OURS = "PerfWatch wrapper "
VERSION = f"{OURS}1"

GRANT_INSTALL = (
    "grant %Development:USE, and by SQL %CREATE_FUNCTION and %DROP_FUNCTION, to the user that "
    "installs; or have an administrator load what `perfwatch iris install --print` prints"
)

RESOURCES = (
    "%DB_IRISSYS:RW",
    "%Native_ClassExecution:U",
    "%Native_GlobalAccess:U",
    "%Service_SQL:U",
    "%Admin_Manage:U",
    "%Admin_Operate:U",
    "%Admin_Task:U",
)
"""What our role needs of an instance."""

_TEXT = ("VARCHAR(255)", "%String")
_NUMBER = ("INTEGER", "%Integer")


class Function(NamedTuple):
    """One function: its arguments with their types in SQL and in a class, and its body."""

    name: str
    arguments: tuple[tuple[str, tuple[str, str]], ...]
    body: str


_PROFILE = (
    ("pProfile", _TEXT),
    ("pText", _TEXT),
    ("pInterval", _NUMBER),
    ("pCount", _NUMBER),
)
_PROFILE_NAMES = ("pProfile", "pText", "pInterval", "pCount")

_NAME_ONLY = objectscript.refuse_unless_name("pProfile")
_RUNID_ONLY = objectscript.refuse_unless_runid("pRunid")

FUNCTIONS = (
    Function("WrapperVersion", (), f'quit "{VERSION}"'),
    Function("Version", (), "quit $$version^SystemPerformance()"),
    Function(
        "AddProfile", _PROFILE, f"{_NAME_ONLY} quit {objectscript.add_profile(*_PROFILE_NAMES)}"
    ),
    Function(
        "EditProfile", _PROFILE, f"{_NAME_ONLY} quit {objectscript.edit_profile(*_PROFILE_NAMES)}"
    ),
    Function(
        "Run",
        (("pProfile", _TEXT), ("pOsData", _NUMBER), ("pSeconds", _NUMBER)),
        f"{_NAME_ONLY} {objectscript.start_run('pProfile', 'pOsData', 'pSeconds')} quit active",
    ),
    Function(
        "Stop",
        (("pRunid", _TEXT), ("pKeep", _NUMBER)),
        f"{_RUNID_ONLY} quit {objectscript.stop_run('pRunid', 'pKeep')}",
    ),
    Function(
        "Wait",
        (("pRunid", _TEXT),),
        f"{_RUNID_ONLY} quit $$waittime^SystemPerformance(pRunid)",
    ),
)
"""The first one says that the others are ours, so it comes first and goes last."""


def create_statement(function: Function) -> str:
    """Write the SQL that installs a function; lines of code must be indented."""
    arguments = ", ".join(f"{name} {types[0]}" for name, types in function.arguments)
    return (
        f"CREATE FUNCTION {SCHEMA}.{function.name}({arguments}) "
        f"RETURNS VARCHAR(255) LANGUAGE OBJECTSCRIPT\n{{\n    {function.body}\n}}"
    )


def class_text() -> str:
    """Write the class that an administrator loads instead: the same functions."""
    lines = [
        "/// Lets PerfWatch call ^SystemPerformance. Made by `perfwatch iris install --print`.",
        f"Class {CLASS}",
        "{",
    ]
    for function in FUNCTIONS:
        arguments = ", ".join(f"{name} As {types[1]}" for name, types in function.arguments)
        projected = f"SqlName = {function.name}, SqlProc"
        lines += [
            "",
            f"ClassMethod {function.name}({arguments}) As %String [ {projected} ]",
            "{",
            f"    {function.body}",
            "}",
        ]
    return "\n".join([*lines, "", "}", ""])


def installed_version(session: Session) -> str | None:
    """Say which wrapper is there; None where there is none, or where we may not use it."""
    try:
        rows = session.query(f"SELECT {SCHEMA}.WrapperVersion()")
    except IrisError as error:
        if error.kind in {ErrorKind.ABSENT, ErrorKind.PRIVILEGE}:
            return None
        raise
    return str(rows[0][0]) if rows else None


def install(session: Session) -> None:
    """Install the functions, in place of older ones of ours; what is not ours stays as it is.

    It asks nobody: whoever calls it has the consent.
    """
    version = installed_version(session)
    if version is not None:
        _refuse_foreign(version)
        _drop(session)
    created: list[Function] = []
    try:
        for function in FUNCTIONS:
            session.execute(create_statement(function))
            created.append(function)
    except IrisError as error:
        for function in reversed(created):
            with contextlib.suppress(IrisError):
                session.execute(f"DROP FUNCTION {SCHEMA}.{function.name}")
        name = f"{SCHEMA}.{FUNCTIONS[len(created)].name}"
        if error.kind is ErrorKind.PRIVILEGE or error.connection_lost:
            remedy = GRANT_INSTALL if error.kind is ErrorKind.PRIVILEGE else error.remedy
            raise IrisError(error.kind, error.message, remedy) from error
        raise IrisError(
            error.kind,
            f"the function {name} could not be created: {error.message}",
            f"if there is a function of that name which is not PerfWatch's, the wrapper cannot be "
            f"installed; see INFORMATION_SCHEMA.ROUTINES where ROUTINE_SCHEMA = '{SCHEMA}'",
        ) from error


def uninstall(session: Session) -> bool:
    """Remove the functions; whether there were any."""
    version = installed_version(session)
    if version is None:
        return False
    _refuse_foreign(version)
    _drop(session)
    return True


def role_script(role: str = "PerfWatch", *, with_wrapper: bool = False) -> str:
    """Write what an administrator runs in a terminal, in %SYS, for a role that has what we need.

    Each line is complete in itself. With the wrapper, no task has to be created for single calls,
    but the schedule is a task all the same.
    """
    resources = ",".join(RESOURCES)
    grants = [f"GRANT SELECT ON %SYS.Task TO {role}"]
    if with_wrapper:
        grants += [f"GRANT EXECUTE ON {SCHEMA}.{function.name} TO {role}" for function in FUNCTIONS]
    lines = [
        'set $namespace="%SYS"',
        f'write ##class(Security.Roles).Create("{role}","PerfWatch","{resources}")',
        *(f'write ##class(%SQL.Statement).%ExecDirect(,"{grant}").%SQLCODE' for grant in grants),
    ]
    return "\n".join(lines) + "\n"


def _refuse_foreign(version: str) -> None:
    if not version.startswith(OURS):
        raise IrisError(
            ErrorKind.REJECTED,
            f"there is a function {SCHEMA}.WrapperVersion that is not PerfWatch's",
            f"rename the schema {SCHEMA} of whoever has made it, or go without the wrapper",
        )


def _drop(session: Session) -> None:
    """Remove our functions, also where some are missing; the one that says whose last."""
    for function in reversed(FUNCTIONS):
        try:
            session.execute(f"DROP FUNCTION {SCHEMA}.{function.name}")
        except IrisError as error:
            if error.connection_lost or error.kind is ErrorKind.PRIVILEGE:
                remedy = GRANT_INSTALL if error.kind is ErrorKind.PRIVILEGE else error.remedy
                raise IrisError(error.kind, error.message, remedy) from error
