"""The SQL that is understood: SELECT from a few tables, functions, and one UPDATE."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.iris.double.clock import horolog
from tests.iris.double.files import Files
from tests.iris.double.functions import Functions
from tests.iris.double.hooks import Column, Rows, SqlError
from tests.iris.double.privileges import Accounts, not_privileged
from tests.iris.double.tasks import TaskManager

INTEGER, VARCHAR = 4, 12
NO_TABLE, NO_FIELD, INVALID = -30, -29, -1

FILE_COLUMNS = ("Name", "Type", "Size", "DateCreated", "DateModified", "ItemName")
NUMBERS = {"ID", "SUSPENDED", "SIZE", "TASK", "LOGDATE", "LOGTIME", "TIMEPERIOD"}

_SELECT = re.compile(
    r"SELECT (?:TOP (?P<top>\S+) )?(?P<fields>.+?) "
    r"FROM (?P<table>[%\w.]+)(?:\s?\((?P<given>.*?)\))?"
    r"(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>\w+)(?P<descending> DESC)?)?",
    re.IGNORECASE | re.DOTALL,
)
_CALL = re.compile(r"SELECT (?P<name>\w+\.\w+)\s?\((?P<given>.*)\)(?: AS \w+)?", re.IGNORECASE)
_UPDATE = re.compile(
    r"UPDATE %SYS\.Task SET Suspended ?= ?(?P<value>\S+) WHERE ID ?= ?(?P<id>\S+)", re.IGNORECASE
)
_CONDITION = re.compile(r"(\w+) ?(=|<>|%STARTSWITH) ?(\S+|'(?:[^']|'')*')", re.IGNORECASE)

COMPARE: dict[str, Callable[[str, str], bool]] = {
    "=": lambda found, wanted: found.upper() == wanted.upper(),
    "<>": lambda found, wanted: found.upper() != wanted.upper(),
    "%STARTSWITH": lambda found, wanted: found.upper().startswith(wanted.upper()),
}
"""Texts collate as SQLUPPER does, by which capital letters and small ones are equal."""


class Parameters:
    """The values of the `?` of a statement, in their order; literals stand for themselves."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = list(values)

    def value(self, word: str) -> Any:
        """Give what a word of the statement stands for."""
        if word == "?":
            return self._values.pop(0)
        return word[1:-1].replace("''", "'") if word.startswith("'") else word

    def values(self, words: str | None) -> list[Any]:
        """Give what a list of words stands for."""
        return [self.value(word.strip()) for word in (words or "").split(",") if word.strip()]


class SqlEngine:
    """Runs statements as a user."""

    def __init__(
        self, accounts: Accounts, tasks: TaskManager, files: Files, functions: Functions
    ) -> None:
        self._accounts = accounts
        self._tasks = tasks
        self._files = files
        self._functions = functions

    def columns(self, username: str, text: str) -> list[Column] | None:
        """Describe what a SELECT gives, once its user may see it."""
        if _CALL.fullmatch(text):
            return [Column("Expression_1", VARCHAR)]
        match = _SELECT.fullmatch(text)
        if match is None:
            return None
        known = self._known_fields(username, match["table"])
        return [
            Column(name, INTEGER if name.upper() in NUMBERS else VARCHAR)
            for name in _fields(match["fields"], known)
        ]

    def run(self, username: str, text: str, parameters: Sequence[Any]) -> Rows | int:
        """Run a statement."""
        given = Parameters(parameters)
        if match := _CALL.fullmatch(text):
            values = ["" if value is None else value for value in given.values(match["given"])]
            result = self._functions.call(username, match["name"], values)
            return Rows([Column("Expression_1", VARCHAR)], [[result]])
        if match := _SELECT.fullmatch(text):
            return self._select(username, text, match, given)
        if match := _UPDATE.fullmatch(text):
            return self._update(username, match, given)
        if self._functions.change(username, text):
            return 0
        raise SqlError(INVALID, f"[SQLCODE: <{INVALID}>:<Invalid SQL statement>]\n[%msg: <{text}>]")

    def _select(self, username: str, text: str, match: re.Match[str], given: Parameters) -> Rows:
        known = self._known_fields(username, match["table"])
        top = given.value(match["top"]) if match["top"] else None
        rows = self._rows(match["table"], given.values(match["given"]))
        for field, operator, word in _CONDITION.findall(match["where"] or ""):
            (name,) = _fields(field, known)
            wanted, compare = str(given.value(word)), COMPARE[operator.upper()]
            rows = [row for row in rows if compare(str(row[name]), wanted)]
        if match["order"]:
            (name,) = _fields(match["order"], known)
            rows.sort(key=lambda row: row[name], reverse=bool(match["descending"]))
        names = _fields(match["fields"], known)
        found = [[row[name] for name in names] for row in rows]
        columns = self.columns(username, text) or []
        return Rows(columns, found if top is None else found[: int(top)])

    def _known_fields(self, username: str, table: str) -> list[str]:
        """Name the fields of a table to who may see it."""
        match table.upper():
            case "%SYS.TASK" | "%SYS_TASK.HISTORY" as name:
                self._accounts.need_sql(username, f"SELECT {name}")
                return list(
                    self._tasks.task_fields if name == "%SYS.TASK" else self._tasks.history_fields
                )
            case "%LIBRARY.FILE_FILESET":
                if not self._accounts.may(username, "%Development:U"):
                    raise not_privileged(username)
                return list(FILE_COLUMNS)
        raise SqlError(
            NO_TABLE, f"[SQLCODE: <{NO_TABLE}>:<Table or view not found>]\n[%msg: <{table}>]"
        )

    def _rows(self, table: str, given: list[Any]) -> list[Mapping[str, Any]]:
        match table.upper():
            case "%SYS.TASK":
                return [{"ID": number, **task} for number, task in self._tasks.tasks.items()]
            case "%SYS_TASK.HISTORY":
                return list(self._tasks.history)
        directory, wildcards = given[0], given[1] if len(given) > 1 else "*"
        return [
            {
                "Name": path,
                "Type": "F",
                "Size": len(file.content),
                "DateCreated": horolog(file.modified),
                "DateModified": f"{file.modified:%Y-%m-%d %H:%M:%S}",
                "ItemName": path.rpartition("/")[2],
            }
            for path, file in self._files.listing(directory, wildcards)
        ]

    def _update(self, username: str, match: re.Match[str], given: Parameters) -> int:
        self._accounts.need_sql(username, "UPDATE %SYS.TASK")
        suspended, task_id = given.value(match["value"]), given.value(match["id"])
        task = self._tasks.tasks.get(int(task_id))
        if task is None:
            return 0
        task["Suspended"] = int(suspended)
        return 1


def _fields(text: str, known: Sequence[str]) -> list[str]:
    """Find fields by their names, whatever the case."""
    if text.strip() == "*":
        return list(known)
    by_name = {name.upper(): name for name in known}
    found = []
    for word in text.split(","):
        name = by_name.get(word.strip().upper())
        if name is None:
            raise SqlError(
                NO_FIELD, f"[SQLCODE: <{NO_FIELD}>:<Field not found>]\n[%msg: <{word.strip()}>]"
            )
        found.append(name)
    return found
