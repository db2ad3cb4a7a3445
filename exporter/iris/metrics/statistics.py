"""True counters and states of an instance, beside its sensors: which parts there are, and when.

Each part is a class or a few of %SYS. One that is missing, or not permitted, is absent alone, and
asked for again only with the slow ones: its right may have been granted meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import NamedTuple

from exporter.families import Family
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.metrics import counters, databases, ecp, states
from exporter.iris.metrics.rows import Column, Head, Rows

SLOW_SECONDS = 600.0
"""Between two readings of what is costly, or hardly changes, or was refused."""

PATIENCE_SECONDS = 30.0
"""For all parts together: dozens of answers, each just in time, would keep the governor waiting."""

_REFUSED = frozenset({ErrorKind.ABSENT, ErrorKind.PRIVILEGE})

_TOO_LATE = IrisError(
    ErrorKind.TIMEOUT, "no time left to ask", "find out why the instance answers slowly"
)

PART = Head(
    "iris_statistics_success",
    "Whether a part of the statistics could be read when it was last asked for.",
    labels=("part",),
)


class Part(NamedTuple):
    """What is asked for together, and is absent together."""

    name: str
    read: Callable[[Session, Rows, Sequence[Family]], None]
    slow: bool = False
    wanted: Callable[[Sequence[Family]], bool] = lambda _: True
    """By the sensors."""


def _plain(read: Callable[[Session, Rows], None]) -> Callable[..., None]:
    def reading(session: Session, rows: Rows, _: Sequence[Family]) -> None:
        read(session, rows)

    return reading


def _read_databases(session: Session, rows: Rows, sensors: Sequence[Family]) -> None:
    databases.read_databases(session, rows, databases.find_databases(sensors))


def _above_zero(name: str) -> Callable[[Sequence[Family]], bool]:
    def wanted(sensors: Sequence[Family]) -> bool:
        found = [family for family in sensors if family.name == name]
        return any(float(value) > 0 for family in found for _, value in family.samples)  # type: ignore[arg-type]

    return wanted


def _has(name: str) -> Callable[[Sequence[Family]], bool]:
    return lambda sensors: any(family.name == name for family in sensors)


def _lacks(name: str) -> Callable[[Sequence[Family]], bool]:
    return lambda sensors: all(family.name != name for family in sensors)


PARTS = (
    Part("globals", _plain(counters.read_globals)),
    Part("routines", _plain(counters.read_routines)),
    Part("write_daemons", _plain(counters.read_write_daemons)),
    Part("dashboard", _plain(states.read_dashboard)),
    Part("health", _plain(states.read_health)),
    Part("journal", _plain(states.read_journal)),
    Part("mirror", _plain(states.read_mirror)),
    Part("locks", _plain(states.read_locks)),
    Part("ecp_client", _plain(ecp.read_client), wanted=_above_zero("iris_ecp_conn")),
    Part("ecp_server", _plain(ecp.read_server), wanted=_above_zero("iris_ecps_conn")),
    Part("buffers", _plain(counters.read_buffers), slow=True),
    Part("licence", _plain(states.read_licence), slow=True),
    Part("databases", _read_databases, slow=True, wanted=_has(databases.SENSOR)),
    # Dozens of round trips, and newer versions have them among the sensors.
    Part("resources", _plain(counters.read_resources), slow=True, wanted=_lacks("iris_res_seize")),
)


class Statistics:
    """Reads the parts of one instance again and again. For one thread."""

    def __init__(
        self,
        instance: str,
        *,
        parts: Sequence[Part] = PARTS,
        slow_seconds: float = SLOW_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.failures: dict[str, IrisError] = {}
        """Why a part is absent, by its name."""
        self._instance = instance
        self._parts = parts
        self._slow_seconds = slow_seconds
        self._clock = clock
        self._due: dict[str, float] = {}
        """When a part is to be read again; those that are always read are missing."""
        self._kept: dict[str, list[Family]] = {}
        """What the slow parts gave."""

    def collect(self, session: Session, sensors: Sequence[Family], now: float) -> list[Family]:
        """Read what is due. `now` is of the monotonic clock.

        Raises IrisError only where the connection is lost.
        """
        families: list[Family] = []
        ends = self._clock() + PATIENCE_SECONDS
        for part in self._parts:
            if not part.wanted(sensors):
                self._forget(part)
            elif now < self._due.get(part.name, now):
                families += self._kept.get(part.name, ())
            elif self._clock() > ends:
                self.failures[part.name] = _TOO_LATE
            else:
                families += self._read(part, session, sensors, now)
        successes = Rows(self._instance)
        for part in self._parts:
            if part.name in self.failures or part.wanted(sensors):
                successes.add(PART, int(part.name not in self.failures), part.name)
        return families + successes.families()

    def _read(
        self, part: Part, session: Session, sensors: Sequence[Family], now: float
    ) -> list[Family]:
        rows = Rows(self._instance)
        self.failures.pop(part.name, None)
        self._due.pop(part.name, None)
        try:
            part.read(session, rows, sensors)
        except IrisError as error:
            if error.connection_lost:
                raise
            self.failures[part.name] = error
        failure = self.failures.get(part.name)
        if part.slow or (failure is not None and failure.kind in _REFUSED):
            self._due[part.name] = now + self._slow_seconds
            self._kept[part.name] = rows.families()
        return rows.families()

    def _forget(self, part: Part) -> None:
        self.failures.pop(part.name, None)
        self._due.pop(part.name, None)
        self._kept.pop(part.name, None)


def heads() -> list[Head]:
    """List what the parts can give, for the documentation and to keep names apart."""
    modules = (counters, ecp, states, databases)
    found = {head: None for module in modules for head in _heads_in(vars(module).values())}
    return [*found, PART]


def _heads_in(values: Iterable[object]) -> Iterable[Head]:
    for value in values:
        if isinstance(value, Head):
            yield value
        elif isinstance(value, Column):
            yield value.head
        elif isinstance(value, tuple):
            yield from _heads_in(value)
        elif isinstance(value, dict):
            yield from _heads_in(value.values())
