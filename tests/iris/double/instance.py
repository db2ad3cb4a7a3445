"""The modelled instance: what the double asks, and what tests set and move.

instance = Instance()
with Double(instance) as double: ...
instance.cpu = 97.0
instance.advance(300)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.iris.double import hooks
from tests.iris.double.clock import Clock
from tests.iris.double.executed_code import World
from tests.iris.double.files import Files
from tests.iris.double.functions import Functions
from tests.iris.double.globals import Globals
from tests.iris.double.hooks import Column, Rows, ServerError, User
from tests.iris.double.licence import FULL, Licence
from tests.iris.double.objects import ModelObject, call
from tests.iris.double.performance_runs import SystemPerformance
from tests.iris.double.privileges import MONITOR_RESOURCES, MONITOR_SQL, Accounts
from tests.iris.double.sensors_text import sensors_text
from tests.iris.double.startup import Startup
from tests.iris.double.statements import SqlEngine
from tests.iris.double.statistics import Statistics
from tests.iris.double.status import status_text
from tests.iris.double.tasks import POLL_SECONDS, TaskManager

USERNAME = "perfwatch"
NAMESPACES = ("%SYS", "USER")
NEEDS_OPERATE = ("%SYS.DatabaseQuery", "SYS.Database", "SYS.Lock")
"""Classes whose methods ask for %Admin_Operate."""


class Instance(hooks.Instance):
    """An instance, its host's files, and its users. Everything may be set between two calls."""

    username = USERNAME
    password = "correct horse"
    access_token = "token.of.tests"
    version = (
        "IRIS for UNIX (Ubuntu Server LTS for x86-64 Containers) 2026.1 (Build 234U) "
        "Fri Mar 27 2026 10:12:34 EDT"
    )

    def __init__(self, clock: Clock | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.cpu = 20.0
        self.memory = 50.0
        self.cpu_per_run = 0.0
        """What each run that collects adds to the use of the CPU."""
        self.processes = 3
        self.ecp_connections = 0
        """In both directions: to data servers, and of application servers."""
        self.accounts = Accounts()
        account = self.accounts.add(self.username, self.password)
        account.resources.update(MONITOR_RESOURCES)
        account.sql.update(MONITOR_SQL)
        self.globals = Globals()
        self.files = Files(self.clock)
        self.licence = Licence(self.clock)
        self.performance = SystemPerformance(self.clock, self.globals, self.files)
        self.statistics = Statistics(self.clock, self.licence)
        self.world = World(
            self.clock,
            self.globals,
            self.files,
            self.performance,
            self.accounts,
            lambda: self._class_methods,
        )
        self.tasks = TaskManager(self.clock, self.accounts, self.world.run)
        self.functions = Functions(self.world)
        self.startup = Startup(self.accounts)
        self._statements = SqlEngine(self.accounts, self.tasks, self.files, self.functions)
        self._class_methods: Mapping[tuple[str, str], Callable[..., Any]] = {
            **self.files.class_methods(),
            **self.licence.class_methods(),
            **self.statistics.class_methods(),
            **self.tasks.class_methods(),
            **self.startup.class_methods(),
            **self._own_class_methods(),
        }

    def advance(self, seconds: float) -> None:
        """Let time pass: runs end, and tasks run at each full minute."""
        with self.lock:
            until = self.clock.now + timedelta(seconds=seconds)
            while (moment := self._next_event(until)) is not None:
                self.clock.now = moment
                self.performance.end_due_runs()
                if not moment.second and not moment.microsecond:
                    self.tasks.poll()
            self.clock.now = until

    def restart(self, drop_connections: Callable[[], None] = lambda: None) -> None:
        """Restart IRIS: pass `double.drop_connections`. Globals, tasks and files stay."""
        with self.lock:
            self.performance.interrupt()
            self.statistics.restart()
            self.licence.users.clear()
        drop_connections()

    def grant(self, *privileges: str, username: str = USERNAME) -> None:
        """Give a user resources (`%Admin_Task:U`) or SQL privileges (`SELECT %SYS.Task`)."""
        account = self.accounts[username]
        for privilege in privileges:
            (account.resources if ":" in privilege else account.sql).add(_spelt(privilege))

    def revoke(self, *privileges: str, username: str = USERNAME) -> None:
        """Take away what `grant` gives; it must have been there."""
        account = self.accounts[username]
        for privilege in privileges:
            (account.resources if ":" in privilege else account.sql).remove(_spelt(privilege))

    def check_login(self, username: str, password: str, token: str, namespace: str) -> str | None:
        """Judge password or token, the namespace, and the licence."""
        with self.lock:
            name = username or self.username
            if token:
                refusal = None if token == self.access_token else "Access Denied"
            else:
                refusal = self.accounts.refusal(username, password)
            if refusal is None and not self._may_enter(name, namespace):
                refusal = "Access Denied"
            if refusal is None and not self.licence.admits(name):
                refusal = FULL
            return refusal

    def class_method(self, user: User, class_name: str, method: str, arguments: list[Any]) -> Any:
        """Call a class method."""
        with self.lock:
            user = self._who(user)
            self.accounts.need(user.name, "%Native_ClassExecution:U", class_name)
            if class_name in NEEDS_OPERATE:
                self.accounts.need(user.name, "%Admin_Operate:U", class_name)
            found = self._class_methods.get((class_name, method))
            if found is None:
                raise self._unknown(class_name, method)
            return call(found, user, arguments)

    def object_method(self, user: User, target: Any, method: str, arguments: list[Any]) -> Any:
        """Call a method of an object."""
        with self.lock:
            model: ModelObject = target
            return model.invoke(self._who(user), method, arguments)

    def property_get(self, user: User, target: Any, name: str) -> Any:
        """Read a property."""
        with self.lock:
            model: ModelObject = target
            return model.get(self._who(user), name)

    def property_set(self, user: User, target: Any, name: str, value: Any) -> None:
        """Change a property."""
        with self.lock:
            model: ModelObject = target
            model.set(self._who(user), name, value)

    def global_get(self, user: User, name: str, subscripts: list[Any]) -> Any:
        """Read a node."""
        with self.lock:
            self._may_touch(user, name, "R")
            return self.globals.get(name, *subscripts)

    def global_set(self, user: User, name: str, subscripts: list[Any], value: Any) -> None:
        """Write a node."""
        with self.lock:
            self._may_touch(user, name, "W")
            self.globals.set(name, *subscripts, value=value)

    def global_kill(self, user: User, name: str, subscripts: list[Any]) -> None:
        """Remove a node and what is below it."""
        with self.lock:
            self._may_touch(user, name, "W")
            self.globals.kill(name, *subscripts)

    def global_data(self, user: User, name: str, subscripts: list[Any]) -> int:
        """Do as $DATA."""
        with self.lock:
            self._may_touch(user, name, "R")
            return self.globals.data(name, *subscripts)

    def global_order(
        self, user: User, name: str, subscripts: list[Any], direction: int
    ) -> tuple[Any, Any] | None:
        """Do as $ORDER."""
        with self.lock:
            self._may_touch(user, name, "R")
            found = self.globals.order(name, subscripts, direction)
            if found is None:
                return None
            return found, self.globals.get(name, *subscripts[:-1], found)

    def columns(self, user: User, text: str) -> list[Column] | None:
        """Give the columns of a statement."""
        with self.lock:
            return self._statements.columns(self._who(user).name, text)

    def sql(self, user: User, text: str, parameters: list[Any]) -> Rows | int:
        """Run a statement."""
        with self.lock:
            return self._statements.run(self._who(user).name, text, parameters)

    def _next_event(self, until: Any) -> Any:
        """Find what happens next: a poll of the Task Manager, or the end of a run."""
        now = self.clock.now
        poll = now.replace(second=0, microsecond=0) + timedelta(seconds=POLL_SECONDS)
        end = self.performance.next_end
        moment = min(poll, end) if end is not None and end > now else poll
        return moment if moment <= until else None

    def _may_enter(self, username: str, namespace: str) -> bool:
        may_read = namespace != "%SYS" or self.accounts.may(username, "%DB_IRISSYS:R")
        return namespace in NAMESPACES and may_read

    def _may_touch(self, user: User, name: str, letter: str) -> None:
        username = self._who(user).name
        self.accounts.need(username, "%Native_GlobalAccess:U", f"^{name}")
        self.accounts.need(username, f"%DB_IRISSYS:{letter}", f"^{name}")

    def _who(self, user: User) -> User:
        """A token is the default user's."""
        return user if user.name else user._replace(name=self.username)

    def _unknown(self, class_name: str, method: str) -> ServerError:
        if any(known == class_name for known, _ in self._class_methods):
            return ServerError(f"<METHOD DOES NOT EXIST> *{method},{class_name}")
        return ServerError(f"<CLASS DOES NOT EXIST> *{class_name}")

    def _own_class_methods(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        performance = self.performance
        return {
            ("SYS.Monitor.SAM.Sensors", "PrometheusMetrics"): lambda _: self.sensors(),
            ("%SYS.System", "GetInstanceName"): lambda _: performance.instance_name,
            ("%SYS.System", "GetNodeName"): lambda _: performance.host,
            ("%SYS.System", "GetUniqueInstanceName"): lambda _: (
                f"{performance.host}:{performance.instance_name}"
            ),
            ("%SYSTEM.Version", "GetVersion"): lambda _: self.version,
            ("%SYSTEM.Version", "GetNumber"): lambda _: "2026.1",
            ("%SYSTEM.Status", "GetErrorText"): lambda _, status, *__: status_text(status),
            ("%SYSTEM.Security", "Check"): self._check_resource,
            ("%SYSTEM.SYS", "Horolog"): lambda _: self.clock.horolog,
            ("%SYSTEM.SYS", "TimeZone"): lambda _: -self.clock.utc_offset_minutes,
            ("%Library.UTC", "NowUTC"): lambda _: f"{self.clock.utc:%Y-%m-%d %H:%M:%S}.000",
            ("%Library.UTC", "NowLocal"): lambda _: f"{self.clock.now:%Y-%m-%d %H:%M:%S}.000",
        }

    def _check_resource(self, user: User, resource: str, permissions: str) -> int:
        letters = [word.strip()[:1].upper() for word in permissions.split(",")]
        return int(all(self.accounts.may(user.name, f"{resource}:{one}") for one in letters))

    def sensors(self) -> str:
        """Write the page of the sensors."""
        busy = self.cpu + self.cpu_per_run * len(self.performance.running)
        return sensors_text(
            cpu=min(busy, 100.0),
            memory=self.memory,
            licences=self.licence.limit - self.licence.used,
            processes=self.processes,
            limit=self.licence.limit,
            state=self.statistics.system_state,
            ecp=self.ecp_connections,
            mirror=self.statistics.mirror_status,
        )


def _spelt(privilege: str) -> str:
    """SQL has no small letters."""
    return privilege if ":" in privilege else privilege.upper()
