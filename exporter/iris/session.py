"""One connection to an instance, in a worker process that can be ended whatever it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from exporter.iris.calls import Out, Step, Value
from exporter.iris.connection import Connection

Observe = Callable[[str, float, str], None]
"""Told of each call: its name, the seconds that it took, and the kind of its error, or ""."""


class Server(NamedTuple):
    """What the instance says of itself at the login."""

    version: str
    """As `$ZVERSION` has it."""


class Session:
    """The few operations that the rest needs, each with a deadline. For one thread at a time.

    All raise IrisError. After one whose `connection_lost` is true the worker has ended, and `open`
    starts another.
    """

    def __init__(self, connection: Connection, *, observe: Observe = lambda *_: None) -> None:
        self.connection = connection
        self._observe = observe

    def open(self) -> Server:
        """Start a worker and log in."""
        raise NotImplementedError

    def close(self) -> None:
        """Log off and end the worker; kill it where it does not end within a second."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a worker that is logged in."""
        raise NotImplementedError

    @property
    def pid(self) -> int | None:
        """The worker's process number."""
        raise NotImplementedError

    def call(
        self, class_name: str, method: str, *arguments: Value, seconds: float | None = None
    ) -> Value:
        """Call a class method; give what it returns."""
        raise NotImplementedError

    def call_with_outputs(
        self, class_name: str, method: str, *arguments: Value | Out, seconds: float | None = None
    ) -> tuple[Value, list[Value]]:
        """Call a class method that also gives values by reference, one for each Out."""
        raise NotImplementedError

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
        raise NotImplementedError

    def get_global(self, name: str, *subscripts: str | int, seconds: float | None = None) -> Value:
        """Read a node (the name without the caret); None where there is none."""
        raise NotImplementedError

    def get_list(
        self, name: str, *subscripts: str | int, seconds: float | None = None
    ) -> tuple[Value, ...]:
        """Read a node that holds a $LIST; empty where there is none."""
        raise NotImplementedError

    def subscripts(
        self, name: str, *subscripts: str | int, limit: int = 10_000, seconds: float | None = None
    ) -> list[str]:
        """List the subscripts below a node in their order, at most so many (the last ones)."""
        raise NotImplementedError

    def query(
        self, sql: str, *parameters: Value, limit: int = 10_000, seconds: float | None = None
    ) -> list[tuple[Value, ...]]:
        """Run a SELECT; give its rows."""
        raise NotImplementedError

    def execute(self, sql: str, *parameters: Value, seconds: float | None = None) -> None:
        """Run a statement without rows: DDL, GRANT."""
        raise NotImplementedError

    def fetch(self, url: str, *, seconds: float | None = None) -> str:
        """Fetch a text over HTTP(S) with the connection's user; needs a worker, but no login."""
        raise NotImplementedError
