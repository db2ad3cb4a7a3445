"""How an instance is reached at the moment, in one word, and what the page says of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.families import Family, Number
from exporter.iris.access.errors import ErrorKind
from exporter.iris.metrics.sensors import INSTANCE


class State(StrEnum):
    """What `iris_state` tells; docs/iris.md has a line on each."""

    CONNECTING = "connecting"
    """Not tried yet."""
    UP = "up"
    DEGRADED = "degraded"
    """Sensors come over HTTP, as the superserver refuses; nothing can be controlled."""
    UNREACHABLE = "unreachable"
    ACCESS_DENIED = "access_denied"
    LICENCE = "licence"
    FAILED = "failed"
    """Something on our side: the driver, TLS, a worker that crashed."""
    STOPPED = "stopped"


STATE_AFTER: Mapping[ErrorKind, State] = {
    ErrorKind.UNREACHABLE: State.UNREACHABLE,
    ErrorKind.TIMEOUT: State.UNREACHABLE,
    ErrorKind.DROPPED: State.UNREACHABLE,
    ErrorKind.ACCESS_DENIED: State.ACCESS_DENIED,
    ErrorKind.LICENCE: State.LICENCE,
}
"""After any other error it is FAILED."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How it is, and why; whoever changes it makes another."""

    state: State = State.CONNECTING
    reason: str = ""
    """Why it is not up, in words."""
    version: str = ""
    """As the instance said at the last login."""

    @property
    def is_up(self) -> bool:
        """Whether it answers, by whatever way."""
        return self.state in {State.UP, State.DEGRADED}


@dataclass(frozen=True, slots=True)
class Worker:
    """The process that holds the connection."""

    starts: int = 0
    resident_bytes: int | None = None
    """None while there is none."""


def list_families(
    name: str, condition: Condition, worker: Worker, age_seconds: float | None
) -> list[Family]:
    """Give what the page says of it. The age is that of the newest sensors."""
    return list(_list(name, condition, worker, age_seconds))


def _list(
    name: str, condition: Condition, worker: Worker, age_seconds: float | None
) -> Iterator[Family]:
    def single(metric: str, text: str, number: Number, kind: str = "gauge") -> Family:
        return Family(metric, text, kind, (INSTANCE,), [((name,), number)])

    yield single("iris_up", "Whether the instance gives its metrics.", int(condition.is_up))
    yield Family(
        "iris_state",
        "How the instance is reached: 1 for the state that it is in.",
        "gauge",
        (INSTANCE, "state"),
        [((name, state), int(state is condition.state)) for state in State],
    )
    if condition.version:
        yield Family(
            "iris_info",
            "What the instance said of itself at the last login.",
            "gauge",
            (INSTANCE, "version"),
            [((name, condition.version), 1)],
        )
    if age_seconds is not None:
        yield single(
            "iris_sample_age_seconds", "How long ago the sensors shown were read.", age_seconds
        )
    yield single(
        "iris_worker_starts_total",
        "Times that a process was started to hold the connection.",
        worker.starts,
        "counter",
    )
    if worker.resident_bytes is not None:
        yield single(
            "iris_worker_resident_memory_bytes",
            "Resident memory of the process that holds the connection.",
            worker.resident_bytes,
        )
