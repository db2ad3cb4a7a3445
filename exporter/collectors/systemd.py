"""The units of systemd: their states, sockets, timers, tasks and restarts.

Source: the object org.freedesktop.systemd1 on the D-Bus system bus (systemd since 30; the state of
the system and the last trigger of a timer since 212, restarts since 235, refused connections since
239). Everybody may ask. Needs the library jeepney (the extra `systemd`). A scrape asks for the list
of units in one round trip, and for the properties of what it shows in a second one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from exporter.collectors._systemd_details import (
    RESTARTS,
    SOCKETS,
    START_TIMES,
    TASKS,
    TIMERS,
    Detail,
    Unit,
    describe_units,
)
from exporter.dbus import Answer, Asks, Bus, Question, property_of, system_bus, value_of
from exporter.families import Family, Filled, Layout, Series, gauge
from exporter.kernel import KernelTree
from exporter.options import option, parse_regexp
from exporter.parsing import shorten

SERVICE = "org.freedesktop.systemd1"
MANAGER = "/org/freedesktop/systemd1"

STATES = ("activating", "active", "deactivating", "failed", "inactive")

SECONDS_BETWEEN_TYPES = 300.0
"""How often the types of units are asked for: they change with a unit's file only."""

_VERSION = re.compile(r"[0-9]{3,}(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Options:
    """Which units are shown, and what of them."""

    unit_include: re.Pattern[str] | None = option(
        re.compile(".+"), "Regexp of the units to show, for the whole name.", parse=parse_regexp
    )
    unit_exclude: re.Pattern[str] | None = option(
        re.compile(r".+\.(automount|device|mount|scope|slice)"),
        "Regexp of units to leave out of these, for the whole name.",
        parse=parse_regexp,
    )
    enable_task_metrics: bool = option(False, "Show the tasks of services, and how many may be.")
    enable_restarts_metrics: bool = option(False, "Show how often services were restarted.")
    enable_start_time_metrics: bool = option(False, "Show when units were started.")
    private: bool = option(False, "Ask systemd without the bus, which only root may.")


def parse_units(answer: Answer) -> list[Unit]:
    """Take the answer of ListUnits. Raises ValueError when it is something else."""
    try:
        units = [Unit(one[0], one[2], one[3], one[6]) for one in (answer or ())[0]]
    except (IndexError, TypeError) as error:
        raise ValueError(f"not a list of units: {shorten(repr(answer).encode())}") from error
    if not all(isinstance(text, str) for unit in units for text in unit):
        raise ValueError("a unit whose names are no texts")
    return units


def parse_version(version: object) -> str | None:
    """Find the number in a version such as `252.38-1~deb12u1` or `v255`."""
    found = _VERSION.search(version) if isinstance(version, str) else None
    return found[0] if found else None


class SystemdCollector:
    """The state of systemd and of its units."""

    name = "systemd"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options,
        *,
        bus: Asks | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if bus is None and options.private:
            bus = Bus(kernel.on_host("/run/systemd/private"), private=True)
        self._bus = bus or system_bus(kernel)
        self._clock = clock
        self._include = options.unit_include
        self._exclude = options.unit_exclude
        self._details = (
            *SOCKETS,
            *TIMERS,
            *(TASKS if options.enable_task_metrics else ()),
            *(RESTARTS if options.enable_restarts_metrics else ()),
            *(START_TIMES if options.enable_start_time_metrics else ()),
        )
        self._types: dict[str, str] = {}
        self._ask_types_at = 0.0
        self._rows: Sequence[tuple[str, str]] = ()
        self._layout = Layout(())

    def collect(self) -> Iterator[Family | Filled]:
        """Yield what systemd says of itself, the states of its units, and details of some."""
        *about, answer = self._bus.ask(
            [
                *(self._property(name) for name in ("Version", "Virtualization", "SystemState")),
                Question(SERVICE, MANAGER, f"{SERVICE}.Manager", "ListUnits"),
            ]
        )
        if answer is None:
            raise PermissionError("systemd does not list its units: the bus's policy must allow it")
        units = parse_units(answer)
        yield from describe_system(*(value_of(one) for one in about))
        yield count_states(units)
        shown = [unit for unit in units if self._shows(unit)]
        wanted = [
            (detail, unit)
            for detail in self._details
            for unit in shown
            if unit.name.endswith(detail.kind) and (detail.kind or unit.active_state == "active")
        ]
        answers = self._ask_types_and(wanted, shown)
        yield self._states(shown)
        yield from describe_units(self._details, wanted, answers)

    def close(self) -> None:
        """Close the connection."""
        self._bus.close()

    def _property(self, name: str) -> Question:
        return property_of(SERVICE, MANAGER, f"{SERVICE}.Manager", name)

    def _shows(self, unit: Unit) -> bool:
        return (
            unit.load_state == "loaded"
            and (self._include is None or self._include.fullmatch(unit.name) is not None)
            and (self._exclude is None or self._exclude.fullmatch(unit.name) is None)
        )

    def _ask_types_and(
        self, wanted: Iterable[tuple[Detail, Unit]], shown: Iterable[Unit]
    ) -> list[Any]:
        """Ask for details, and in the same round trip for the types that are not known."""
        now = self._clock()
        if now >= self._ask_types_at:
            self._types.clear()
            self._ask_types_at = now + SECONDS_BETWEEN_TYPES
        interfaces = {".service": "Service", ".mount": "Mount"}
        untyped = [
            unit for unit in shown if unit.kind in interfaces and unit.path not in self._types
        ]
        questions = [
            property_of(SERVICE, unit.path, f"{SERVICE}.{interfaces[unit.kind]}", "Type")
            for unit in untyped
        ]
        questions += [
            property_of(SERVICE, unit.path, f"{SERVICE}.{detail.interface}", detail.property)
            for detail, unit in wanted
        ]
        answers = [value_of(answer) for answer in self._bus.ask(questions)] if questions else []
        for unit, kind in zip(untyped, answers, strict=False):
            if isinstance(kind, str):
                self._types[unit.path] = kind
        return answers[len(untyped) :]

    def _states(self, shown: Sequence[Unit]) -> Filled:
        rows = [(unit.name, self._types.get(unit.path, "")) for unit in shown]
        if rows != self._rows:
            labels = [(name, state, kind) for name, kind in rows for state in STATES]
            states = Series(
                "node_systemd_unit_state",
                "Whether the unit is in this state.",
                "gauge",
                ("name", "state", "type"),
                labels,
            )
            self._layout, self._rows = Layout([states]), rows
        return self._layout.fill(
            [b"1" if unit.active_state == state else b"0" for unit in shown for state in STATES]
        )


def describe_system(version: Any, virtualization: Any, state: Any) -> Iterator[Family]:
    """Give what systemd says of the system, where it says it."""
    if (number := parse_version(version)) is not None:
        yield Family(
            "node_systemd_version",
            "Version of systemd as a number, and in full as a label.",
            "gauge",
            ("version",),
            [((version,), number.encode())],
        )
    if isinstance(virtualization, str):
        yield Family(
            "node_systemd_virtualization_info",
            "What the system is virtualized by, as systemd sees it (none: nothing); always 1.",
            "gauge",
            ("virtualization_type",),
            [((virtualization or "none",), 1)],
        )
    if isinstance(state, str):
        yield gauge(
            "node_systemd_system_running",
            "Whether all is up and no unit has failed (systemctl is-system-running).",
            int(state == "running"),
        )


def count_states(units: Iterable[Unit]) -> Family:
    """Count all units by state, also those that are not shown."""
    counts = dict.fromkeys(STATES, 0)
    for unit in units:
        counts[unit.active_state] = counts.get(unit.active_state, 0) + 1
    return Family(
        "node_systemd_units",
        "Units that are in this state.",
        "gauge",
        ("state",),
        [((state,), number) for state, number in counts.items()],
    )
