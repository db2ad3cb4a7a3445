"""One connection to an instance, in a worker process that can be ended whatever it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from time import monotonic
from typing import Any, NamedTuple, Self

from exporter.iris.access.calls import Get, Invoke, Out, Set, Step, Value
from exporter.iris.access.classify import ADDRESS, SUPERSERVER, one_line
from exporter.iris.access.connection import Connection, without_secrets
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.messages import BrokenFrameError
from exporter.iris.access.worker_process import WorkerGoneError, WorkerProcess

Observe = Callable[[str, float, str], None]
"""Told of each call: its name, the seconds that it took, and the kind of its error, or ""."""

START_SECONDS = 30.0
"""For Python and the driver to be loaded: that depends on this host alone, and is not the
instance's time."""

LOGIN_GRACE_SECONDS = 1.0
"""Where nobody answers, the driver gives up by itself, and says more than we can."""

CLOSE_SECONDS = 0.8

MAX_LAST_WORDS = 1000
"""Characters of what a worker said before it ended."""

STEPS = {Get: "get", Set: "set", Invoke: "invoke"}

AGAIN = "the next attempt starts another; see docs/iris.md if it goes on"


class Server(NamedTuple):
    """What the instance says of itself at the login."""

    version: str
    """As `$ZVERSION` has it; empty where class methods are not permitted."""


class Session:
    """The few operations that the rest needs, each with a deadline. For one thread at a time.

    All raise IrisError. After one whose `connection_lost` is true the worker has ended, and `open`
    starts another.
    """

    def __init__(self, connection: Connection, *, observe: Observe = lambda *_: None) -> None:
        self.connection = connection
        self._observe = observe
        self._worker: WorkerProcess | None = None
        self._is_logged_in = False
        self._is_aborted = False
        self.worker_starts = 0
        """How many workers it has had."""

    def open(self) -> Server:
        """Start a worker and log in."""
        if self._is_logged_in:
            self.close()
        version = self._observed("open", self._log_in)
        self._is_logged_in = True
        return Server(one_line(version or ""))

    def close(self) -> None:
        """Log off and end the worker; kill it where it does not end within a second."""
        self._end(CLOSE_SECONDS)

    def abort(self) -> None:
        """Kill the worker, whatever it does, and have no other. Any thread may call this.

        A call under way fails at once, and so does every later one. It is closed all the same.
        """
        self._is_aborted = True
        if (worker := self._worker) is not None:
            worker.kill()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a worker that is logged in."""
        return self._is_logged_in

    @property
    def pid(self) -> int | None:
        """The worker's process number."""
        return None if self._worker is None else self._worker.pid

    def call(
        self, class_name: str, method: str, *arguments: Value, seconds: float | None = None
    ) -> Value:
        """Call a class method; give what it returns."""
        what = f"{class_name}.{method}"
        result: Value = self._ask(what, seconds, "call", class_name, method, arguments)
        return result

    def call_with_outputs(
        self, class_name: str, method: str, *arguments: Value | Out, seconds: float | None = None
    ) -> tuple[Value, list[Value]]:
        """Call a class method that also gives values by reference, one for each Out."""
        what = f"{class_name}.{method}"
        request = ("call_with_outputs", class_name, method, arguments)
        result, outputs = self._ask(what, seconds, *request)
        return result, outputs

    def with_object(
        self,
        class_name: str,
        method: str,
        arguments: Sequence[Value],
        steps: Sequence[Step],
        *,
        seconds: float | None = None,
    ) -> list[Value]:
        """Get an object from a class method, do steps on it in one go; give a result for each.

        The result of Set is None. Raises ABSENT where the method gives no object.
        """
        plain = [(STEPS[type(step)], *step) for step in steps]
        request = ("with_object", class_name, method, arguments, plain)
        results: list[Value] = self._ask(f"{class_name}.{method}", seconds, *request)
        return results

    def get_global(self, name: str, *subscripts: str | int, seconds: float | None = None) -> Value:
        """Read a node (the name without the caret); None where there is none."""
        result: Value = self._ask(f"^{name}", seconds, "get_global", name, subscripts)
        return result

    def get_list(
        self, name: str, *subscripts: str | int, seconds: float | None = None
    ) -> tuple[Value, ...]:
        """Read a node that holds a $LIST; empty where there is none."""
        return tuple(self._ask(f"^{name}", seconds, "get_list", name, subscripts) or ())

    def subscripts(
        self, name: str, *subscripts: str | int, limit: int = 10_000, seconds: float | None = None
    ) -> list[str]:
        """List the subscripts below a node in their order, at most so many (the last ones)."""
        request = ("subscripts", name, subscripts, limit)
        found: list[str] = self._ask(f"^{name}", seconds, *request)
        return found

    def query(
        self, sql: str, *parameters: Value, limit: int = 10_000, seconds: float | None = None
    ) -> list[tuple[Value, ...]]:
        """Run a SELECT; give its rows, and of more than so many the first ones."""
        rows = self._ask("SQL", seconds, "query", sql, parameters, limit)
        return [tuple(row) for row in rows]

    def execute(self, sql: str, *parameters: Value, seconds: float | None = None) -> None:
        """Run a statement without rows: DDL, GRANT."""
        self._ask("SQL", seconds, "execute", sql, parameters)

    def fetch(self, url: str, *, seconds: float | None = None) -> str:
        """Fetch a text over HTTP(S) with the connection's user; needs a worker, but no login."""
        limit = self.connection.timeout_seconds if seconds is None else seconds

        def fetched() -> Any:
            worker = self._worker or self._start()
            return self._exchange(worker, ("fetch", url), limit, what="HTTP")

        text: str = self._observed("fetch", fetched)
        return text

    def _ask(self, what: str, seconds: float | None, name: str, *arguments: Any) -> Any:
        """Have the worker do something on its connection."""
        limit = self.connection.timeout_seconds if seconds is None else seconds
        worker = self._worker
        if worker is None or not self._is_logged_in:
            raise self._error(ErrorKind.DROPPED, what, "not connected", "open the session first")
        return self._observed(
            name, lambda: self._exchange(worker, (name, *arguments), limit, what=what)
        )

    def _observed(self, name: str, act: Callable[[], Any]) -> Any:
        """Do something, tell of it, and leave no worker behind that is of no more use."""
        began = monotonic()
        kind = ""
        try:
            return act()
        except IrisError as error:
            kind = error.kind.value
            if error.connection_lost or (name == "open"):
                self._end()
            raise
        except BaseException:  # Ctrl-C, before the answer came
            self._end()
            raise
        finally:
            self._observe(name, monotonic() - began, kind)

    def _log_in(self) -> Any:
        worker = self._worker or self._start()
        self._exchange(worker, ("load",), START_SECONDS, what="the worker")
        seconds = self.connection.timeout_seconds + LOGIN_GRACE_SECONDS
        return self._exchange(worker, ("login",), seconds, what="login", late=ErrorKind.UNREACHABLE)

    def _start(self) -> WorkerProcess:
        """Start a worker, and tell it who and where."""
        try:
            worker = self._worker = WorkerProcess()
        except OSError as error:
            message = f"cannot be started: {error.strerror}"
            remedy = "look at this host's limits of processes, memory and open files"
            raise self._error(ErrorKind.CRASHED, "the worker", message, remedy) from error
        self.worker_starts += 1
        if self._is_aborted:  # looked at only now, as `abort` has seen no worker to be killed
            raise self._error(ErrorKind.DROPPED, "the worker", "aborted", "make another session")
        login = asdict(self.connection)
        for secret in ("password", "access_token"):
            login[secret] = getattr(self.connection, secret).reveal()
        self._exchange(worker, ("begin", login), START_SECONDS, what="the worker")
        return worker

    def _exchange(
        self,
        worker: WorkerProcess,
        request: Sequence[Any],
        seconds: float,
        *,
        what: str,
        late: ErrorKind = ErrorKind.TIMEOUT,
    ) -> Any:
        """Ask the worker."""
        try:
            answer = worker.ask(request, seconds)
        except TimeoutError as error:
            message = f"no answer within {seconds:g} s"
            where = SUPERSERVER if self.connection.tls else ADDRESS
            remedy = where if late is ErrorKind.UNREACHABLE else AGAIN
            raise self._error(late, what, message, remedy) from error
        except WorkerGoneError as error:
            login = self.connection
            secrets = (login.password.reveal(), login.access_token.reveal())
            ending = one_line(without_secrets(self._end(), *secrets), MAX_LAST_WORDS)
            raise self._error(ErrorKind.CRASHED, what, f"the worker has {ending}", AGAIN) from error
        except BrokenFrameError as error:
            message = f"the worker has sent {error}"
            raise self._error(ErrorKind.PROTOCOL, what, message, AGAIN) from error
        if "error" in answer:
            kind, message, remedy = answer["error"]
            raise self._error(ErrorKind(kind), what, message, remedy)
        return answer["result"]

    def _error(self, kind: ErrorKind, what: str, message: str, remedy: str) -> IrisError:
        place = f"{self.connection.host}:{self.connection.port}"
        return IrisError(kind, f"IRIS at {place}: {what}: {message}", remedy)

    def _end(self, patience_seconds: float = 0.0) -> str:
        """End the worker, if there is one; say how it ended."""
        worker, self._worker, self._is_logged_in = self._worker, None, False
        return "" if worker is None else worker.end(patience_seconds)
