"""An instance whose answers are functions that the test gives: for tests of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.iris.double.hooks import Rows, ServerError, SqlError, User


@dataclass(eq=False)
class Scripted:
    """Everybody may do everything; `methods` are by class and method, `select` by table."""

    methods: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    nodes: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    """By global and subscripts."""
    select: dict[str, Rows] = field(default_factory=dict)
    executed: list[tuple[User, str, list[Any]]] = field(default_factory=list)
    """The statements without rows that came."""

    username = "watcher"
    password = "pässwörd 密"
    access_token = "token.of.somebody"
    version = "IRIS for UNIX (a test double) 2026.1 (Build 1U) Mon Jan 5 2026 00:00:00 EST"

    def check_login(self, username: str, password: str, token: str, namespace: str) -> str | None:
        """Let the one user in, and who has the token."""
        if namespace not in {"%SYS", "USER"}:
            return f"Namespace {namespace} does not exist"
        known = (username, password) == (self.username, self.password)
        return None if known or token == self.access_token else "Access Denied"

    def class_method(self, user: User, class_name: str, method: str, arguments: list[Any]) -> Any:
        """Call the test's function."""
        if (class_name, method) not in self.methods:
            raise ServerError(f"<CLASS DOES NOT EXIST> *{class_name}")
        return self.methods[class_name, method](user, *arguments)

    def object_method(self, user: User, target: Any, method: str, arguments: list[Any]) -> Any:
        """Call what stands among the object's properties."""
        if not callable(target.get(method)):
            raise ServerError(f"<METHOD DOES NOT EXIST> *{method}")
        return target[method](user, *arguments)

    def property_get(self, _user: User, target: Any, name: str) -> Any:
        """Read an item of a dict."""
        if name not in target:
            raise ServerError(f"<PROPERTY DOES NOT EXIST> *{name}")
        return target[name]

    def property_set(self, _user: User, target: Any, name: str, value: Any) -> None:
        """Write it."""
        target[name] = value

    def global_get(self, _user: User, name: str, subscripts: list[Any]) -> Any:
        """Read a node."""
        return self.nodes.get((name, *subscripts))

    def global_set(self, _user: User, name: str, subscripts: list[Any], value: Any) -> None:
        """Write a node."""
        self.nodes[name, *subscripts] = value

    def global_kill(self, _user: User, name: str, subscripts: list[Any]) -> None:
        """Remove a node and all below."""
        for key in self._below(name, subscripts):
            del self.nodes[key]
        self.nodes.pop((name, *subscripts), None)

    def global_data(self, _user: User, name: str, subscripts: list[Any]) -> int:
        """Say whether there is a node, and whether there are some below."""
        below = 10 if self._below(name, subscripts) else 0
        return below + ((name, *subscripts) in self.nodes)

    def global_order(
        self, _user: User, name: str, subscripts: list[Any], direction: int
    ) -> tuple[Any, Any] | None:
        """Find the next among the subscripts, in the order of their text."""
        *above, last = subscripts
        depth = len(subscripts)
        names = sorted({str(key[depth]) for key in self._below(name, above)})[::direction]
        after = [n for n in names if last is None or (n > str(last)) == (direction > 0)]
        after = [n for n in after if n != str(last)]
        return (after[0], self.nodes.get((name, *above, after[0]))) if after else None

    def _below(self, name: str, subscripts: list[Any]) -> list[tuple[Any, ...]]:
        start = (name, *subscripts)
        return [k for k in self.nodes if k[: len(start)] == start and len(k) > len(start)]

    def columns(self, _user: User, text: str) -> Any:
        """Give the columns of a SELECT."""
        return self._rows(text).columns if text.startswith("SELECT") else None

    def sql(self, user: User, text: str, parameters: list[Any]) -> Rows | int:
        """Give the rows of a SELECT; everything else is recorded."""
        if text.startswith("SELECT"):
            return self._rows(text)
        self.executed.append((user, text, parameters))
        return 1

    def _rows(self, text: str) -> Rows:
        table = text.partition(" FROM ")[2].partition(" ")[0]
        if table not in self.select:
            raise SqlError(-30, f"Table '{table}' not found")
        return self.select[table]
