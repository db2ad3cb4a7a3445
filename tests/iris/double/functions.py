"""SQL functions whose bodies are ObjectScript: made, called, given to others, removed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.iris.double.executed_code import World
from tests.iris.double.hooks import ServerError, SqlError
from tests.iris.double.objectscript import check_syntax
from tests.iris.double.privileges import not_privileged
from tests.iris.double.script_values import Value

SYNTAX, NO_FUNCTION, EXISTS, NOTHING_TO_DROP, FAILED = -1, -359, -361, -362, -149

_CREATE = re.compile(
    r"CREATE FUNCTION ([\w.]+) ?\((.*?)\) RETURNS \w+(?:\(\d+\))? "
    r"LANGUAGE OBJECTSCRIPT\s*\{([ \n].*)\}",
    re.DOTALL | re.IGNORECASE,
)
_DROP = re.compile(r"DROP FUNCTION ([\w.]+)", re.IGNORECASE)
_GRANT = re.compile(r"GRANT EXECUTE ON (?:FUNCTION )?([\w.]+) TO (\w+)", re.IGNORECASE)


@dataclass
class Function:
    """A function, and who may call it."""

    arguments: tuple[str, ...]
    body: str
    owner: str
    callers: set[str] = field(default_factory=set)


class Functions:
    """The functions by name; SQL does not tell capital letters from small ones."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.installed: dict[str, Function] = {}

    def change(self, username: str, text: str) -> bool:
        """Carry out CREATE FUNCTION, DROP FUNCTION or GRANT EXECUTE; tell whether it was one."""
        for form, act in ((_CREATE, self._create), (_DROP, self._drop), (_GRANT, self._grant)):
            if match := form.fullmatch(text.strip()):
                act(username, *match.groups())
                return True
        return False

    def call(self, username: str, name: str, arguments: list[Value]) -> Value:
        """Call a function, as a SELECT does."""
        function = self.installed.get(name.upper())
        if function is None:
            raise SqlError(
                NO_FUNCTION,
                f"[SQLCODE: <{NO_FUNCTION}>:<User defined SQL function not found>]\n"
                f"[%msg: < SQL Function {name} does not exist>]",
            )
        if username != function.owner and username not in function.callers:
            raise not_privileged(username)
        given = dict(zip(function.arguments, arguments, strict=True))
        try:
            return self._world.run(username, function.body, **given)
        except ServerError as error:
            raise SqlError(
                FAILED,
                f"[SQLCODE: <{FAILED}>:<SQL Function encountered an error>]\n[%msg: <{error}>]",
            ) from error

    def _create(self, username: str, name: str, arguments: str, body: str) -> None:
        accounts = self._world.accounts
        accounts.need_sql(username, "%CREATE_FUNCTION")
        if not accounts.may(username, "%Development:U"):
            raise not_privileged(username)
        if name.upper() in self.installed:
            raise SqlError(
                EXISTS, f"[SQLCODE: <{EXISTS}>:<Function already exists>]\n[%msg: <{name}>]"
            )
        code = body.strip()
        try:
            check_syntax(code)
        except ServerError as error:
            raise SqlError(
                SYNTAX, f"[SQLCODE: <{SYNTAX}>:<Invalid SQL>]\n[%msg: <{error}>]"
            ) from error
        names = tuple(one.split()[0] for one in arguments.split(",") if one.strip())
        self.installed[name.upper()] = Function(names, code, username)

    def _drop(self, username: str, name: str) -> None:
        self._world.accounts.need_sql(username, "%DROP_FUNCTION")
        if self.installed.pop(name.upper(), None) is None:
            raise SqlError(
                NOTHING_TO_DROP,
                f"[SQLCODE: <{NOTHING_TO_DROP}>:<Function not found>]\n[%msg: <{name}>]",
            )

    def _grant(self, username: str, name: str, grantee: str) -> None:
        function = self.installed.get(name.upper())
        if function is None or function.owner != username:
            raise not_privileged(username)
        function.callers.add(grantee)
