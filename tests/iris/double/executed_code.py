"""What ObjectScript code can reach here: it runs as a user, and the routine is called in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.iris.double.clock import Clock
from tests.iris.double.expressions import PRINCIPAL, Frame
from tests.iris.double.files import Files
from tests.iris.double.globals import Globals
from tests.iris.double.hooks import ServerError, User
from tests.iris.double.objects import call
from tests.iris.double.objectscript import execute
from tests.iris.double.performance_runs import SystemPerformance
from tests.iris.double.privileges import Accounts
from tests.iris.double.script_values import Value, number, text

ROUTINE = "SystemPerformance"
READING = {"version", "waittime", "getlogdir"}


@dataclass(frozen=True, slots=True)
class World:
    """The parts of the instance that code can reach."""

    clock: Clock
    globals: Globals
    files: Files
    performance: SystemPerformance
    accounts: Accounts
    class_methods: Callable[[], Mapping[tuple[str, str], Callable[..., Any]]]

    def run(self, username: str, code: str, **variables: Value) -> Value:
        """Execute a code; it must leave the device that it was given, and no lock."""
        frame = Frame(CodeHost(self, username), dict(variables))
        result = execute(code, frame)
        if frame.device != PRINCIPAL:
            message = f"<NOTOPEN> *the code has left the device {frame.device} current"
            raise ServerError(message)
        if frame.locks:
            message = f"<LOCK> *the code has left {frame.locks} locks"
            raise ServerError(message)
        return result


class CodeHost:
    """The instance as the code of one user sees it."""

    def __init__(self, world: World, username: str) -> None:
        self._world = world
        self._user = User(username, "%SYS")
        self._files_found: list[str] = []
        self.globals = world.globals

    def horolog(self) -> str:
        """Do as $HOROLOG."""
        return self._world.clock.horolog

    def find_file(self, pattern: str) -> str:
        """Do as $ZSEARCH: the first file, and with "" the next ones."""
        if pattern:
            directory, _, name = pattern.rpartition("/")
            self._files_found = [path for path, _ in self._world.files.listing(directory, name)]
        return self._files_found.pop(0) if self._files_found else ""

    def call_class(self, class_name: str, method: str, arguments: list[Any]) -> Any:
        """Call a class method; the rights of the Native API do not matter here."""
        found = self._world.class_methods().get((class_name, method))
        if found is None:
            message = f"<CLASS DOES NOT EXIST> *{class_name}"
            raise ServerError(message)
        return call(found, self._user, arguments)

    def call_routine(self, label: str, routine: str, arguments: list[Any]) -> Any:
        """Call an entry point of ^SystemPerformance, which writes into %SYS."""
        if routine != ROUTINE:
            message = f"<NOROUTINE> *{routine}"
            raise ServerError(message)
        if label not in READING:
            self._world.accounts.need(self._user.name, "%DB_IRISSYS:W", f"^{ROUTINE}")
        found = entry_points(self._world.performance).get(label)
        if found is None:
            message = f"<NOLINE> *{label}^{ROUTINE}"
            raise ServerError(message)
        return call(found, self._user, arguments)


def entry_points(performance: SystemPerformance) -> Mapping[str, Callable[..., Any]]:
    """What can be called in the routine; names are case-sensitive."""
    return {
        "version": lambda _: performance.version(),
        "addprofile": lambda _, name, description, interval, count, *__: performance.addprofile(
            text(name), text(description), _whole(interval), _whole(count)
        ),
        "editprofile": lambda _, name, description="", interval=0, count=0, *__: (
            performance.editprofile(text(name), text(description), _whole(interval), _whole(count))
        ),
        "delprofile": lambda _, name: performance.delprofile(text(name)),
        "run": lambda _, profile: performance.run(text(profile)),
        "literun": lambda _, profile: performance.literun(text(profile)),
        "Collect": lambda _, runid: performance.collect(text(runid)),
        "Preview": lambda _, runid: performance.preview(text(runid)),
        "Stop": lambda _, runid, delete_logs=1: performance.stop(
            text(runid), keep_logs=not number(delete_logs)
        ),
        "waittime": lambda _, runid: performance.waittime(text(runid)),
        "getlogdir": lambda _: performance.getlogdir(),
        "setlogdir": lambda _, directory: performance.setlogdir(text(directory)),
        "clrlogdir": lambda _: performance.clrlogdir(),
    }


def _whole(value: Value) -> int:
    return int(number(value))
