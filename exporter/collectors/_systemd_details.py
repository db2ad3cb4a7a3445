"""Details of systemd's units: which properties are shown as what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from exporter.families import Filled, Layout, Number, Series

NO_NUMBER = 2**64 - 1
"""How systemd says that there is no number, or no limit."""


class Unit(NamedTuple):
    """What is used of a line of `systemctl list-units --all`."""

    name: str
    load_state: str
    active_state: str
    path: str

    @property
    def kind(self) -> str:
        """What follows the last dot of the name, with the dot."""
        return "." + self.name.rpartition(".")[2]


class Detail(NamedTuple):
    """A property of units of one kind, and the family it is."""

    kind: str
    interface: str
    property: str
    family: str
    help: str
    type: str = "gauge"
    exponent: int = 0
    """-6 for times, which are in microseconds; 0 is no time."""


SOCKETS = (
    Detail(
        ".socket",
        "Socket",
        "NAccepted",
        "node_systemd_socket_accepted_connections_total",
        "Connections that the socket has accepted.",
        "counter",
    ),
    Detail(
        ".socket",
        "Socket",
        "NConnections",
        "node_systemd_socket_current_connections",
        "Connections of the socket that are open.",
    ),
    Detail(
        ".socket",
        "Socket",
        "NRefused",
        "node_systemd_socket_refused_connections_total",
        "Connections that the socket has refused.",
        "counter",
    ),
)
TIMERS = (
    Detail(
        ".timer",
        "Timer",
        "LastTriggerUSec",
        "node_systemd_timer_last_trigger_seconds",
        "When the timer was last triggered, in Unix time.",
        exponent=-6,
    ),
)
TASKS = (
    Detail(
        ".service",
        "Service",
        "TasksCurrent",
        "node_systemd_unit_tasks_current",
        "Tasks that the unit has.",
    ),
    Detail(
        ".service",
        "Service",
        "TasksMax",
        "node_systemd_unit_tasks_max",
        "Tasks that the unit may have.",
    ),
)
RESTARTS = (
    Detail(
        ".service",
        "Service",
        "NRestarts",
        "node_systemd_service_restart_total",
        "Times the service was restarted by systemd.",
        "counter",
    ),
)
START_TIMES = (
    Detail(
        "",
        "Unit",
        "ActiveEnterTimestamp",
        "node_systemd_unit_start_time_seconds",
        "When the unit was started, in Unix time.",
        exponent=-6,
    ),
)


def describe_units(
    details: Iterable[Detail], wanted: Iterable[tuple[Detail, Unit]], answers: Iterable[Any]
) -> Iterator[Filled]:
    """Give a family for each detail, with the units that have it."""
    found: dict[Detail, list[tuple[str, Number]]] = {detail: [] for detail in details}
    for (detail, unit), number in zip(wanted, answers, strict=True):
        # A time of 0 has not been yet.
        if isinstance(number, int) and number != NO_NUMBER and (number or not detail.exponent):
            found[detail].append((unit.name, number))
    for detail, rows in found.items():
        names = [(name,) for name, _ in rows]
        series = Series(detail.family, detail.help, detail.type, ("name",), names, detail.exponent)
        yield Layout([series]).fill([number for _, number in rows])
