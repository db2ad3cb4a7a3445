"""The vendor's driver, of which nothing else in the project knows: it asks, and gives plain values.

Only the worker imports it. Its `function` and `procedure` are not used: current servers refuse
them. Shared memory is never asked for: it is one more way to hang, and over TCP all the same.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import iris

from exporter.iris.access.errors import ErrorKind, IrisError

Plain = str | int | float | list[Any] | None
"""What JSON takes; a list is a $LIST."""

ROWS_AT_ONCE = 500


class Driver:
    """A connection. Its methods are the operations of exporter/iris/access/session.py."""

    def __init__(self, login: dict[str, Any], sslconfig: str) -> None:
        """Log in. The driver has a limit for each wait, but none for all: the daemon has that."""
        token = login["access_token"]
        secret = {"accessToken": token} if token else {"password": login["password"]}
        self._connection = iris.connect(
            hostname=login["host"],
            port=login["port"],
            namespace=login["namespace"],
            username="" if token else login["username"],
            timeout=max(1, math.ceil(login["timeout_seconds"])),
            sharedmemory=False,
            sslconfig=sslconfig or None,
            autoCommit=True,
            **secret,
        )
        self._iris = iris.createIRIS(self._connection)

    def close(self) -> None:
        """Log off, as far as there is still somebody to tell."""
        with contextlib.suppress(Exception):  # on a link that has ended, close() raises too
            self._connection.close()

    def version(self) -> Plain:
        """Give what the server is, by a class method."""
        return plain(self._iris.getServerVersion())

    def call(self, class_name: str, method: str, arguments: list[Plain]) -> Plain:
        """Call a class method."""
        return plain(self._iris.classMethodValue(class_name, method, *arguments))

    def call_with_outputs(
        self, class_name: str, method: str, arguments: list[Any]
    ) -> tuple[Plain, list[Plain]]:
        """Call a class method; an argument by reference is a list that holds its first value."""
        given = [iris.IRISReference(a[0]) if isinstance(a, list) else a for a in arguments]
        result = self._iris.classMethodValue(class_name, method, *given)
        outputs = [plain(a.getValue()) for a in given if isinstance(a, iris.IRISReference)]
        return plain(result), outputs

    def with_object(
        self, class_name: str, method: str, arguments: list[Plain], steps: list[list[Any]]
    ) -> list[Plain]:
        """Get an object from a class method, and do steps on it."""
        found = self._iris.classMethodValue(class_name, method, *arguments)
        if not isinstance(found, iris.IRISObject):
            remedy = "what it asks for is not there, or this user may not see it"
            raise IrisError(ErrorKind.ABSENT, "it gave no object", remedy)
        return [_step(found, *step) for step in steps]

    def get_global(self, name: str, subscripts: list[str | int]) -> Plain:
        """Read a node."""
        return plain(self._iris.get(name, *subscripts))

    def get_list(self, name: str, subscripts: list[str | int]) -> Plain:
        """Read a node that holds a $LIST."""
        return plain(self._iris.getIRISList(name, *subscripts))

    def subscripts(self, name: str, subscripts: list[str | int], limit: int) -> list[str]:
        """List the last subscripts below a node; from the end, because they may be many."""
        found: list[str] = []
        last: Any = ""
        while len(found) < limit:
            last = self._iris.nextSubscript(True, name, *subscripts, last)
            if last is None:
                break
            found.append(str(plain(last)))
        return found[::-1]

    def query(self, sql: str, parameters: list[Plain], limit: int) -> list[list[Plain]]:
        """Run a SELECT, and read it to its end: half a result has upset real servers."""
        cursor = self._connection.cursor()
        cursor.execute(sql, parameters)
        rows: list[list[Plain]] = []
        for row in _rows(cursor):
            if len(rows) < limit:
                rows.append([plain(value) for value in row])
        cursor.close()
        return rows

    def execute(self, sql: str, parameters: list[Plain]) -> None:
        """Run a statement without rows."""
        cursor = self._connection.cursor()
        cursor.execute(sql, parameters)
        cursor.close()


def _rows(cursor: Any) -> Iterator[Any]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows


def _step(found: Any, kind: str, name: str, value: Any = None) -> Plain:
    if kind == "get":
        return plain(found.get(name))
    if kind == "invoke":
        return plain(found.invoke(name, *value))
    found.set(name, _list(value) if isinstance(value, list) else value)
    return None


def _list(values: list[Plain]) -> Any:
    made = iris.IRISList()
    for value in values:
        made.add("" if value is None else value)  # None would be an element without a value
    return made


def plain(value: Any) -> Plain:
    """Turn a value of the driver's into one of JSON's; the empty text and no number are None."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    elif isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    elif isinstance(value, iris.IRISList):
        return [plain(value.get(position)) for position in range(1, value.count() + 1)]
    elif isinstance(value, iris.IRISObject):
        raise IrisError(ErrorKind.SERVER, "it gave an object where a value was expected")
    if value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)
