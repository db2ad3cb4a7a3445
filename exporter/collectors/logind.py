"""Sessions of users, by seat, type and class.

Source: the object org.freedesktop.login1 on the D-Bus system bus (systemd-logind since 30, and
elogind). Everybody may ask. Needs the library jeepney (the extra `systemd`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from exporter.dbus import Answer, Asks, Question, property_of, system_bus, value_of
from exporter.families import Family
from exporter.kernel import KernelTree
from exporter.parsing import shorten

SERVICE = "org.freedesktop.login1"
MANAGER = "/org/freedesktop/login1"

REMOTE = ("true", "false")
OTHER = "other"
TYPES = (OTHER, "unspecified", "tty", "x11", "wayland", "mir", "web")
CLASSES = (OTHER, "user", "greeter", "lock-screen", "background")

NO_SEAT = ""
"""Where sessions from elsewhere sit."""


def parse_pairs(answer: Answer, first: int, second: int) -> list[tuple[str, str]]:
    """Take two fields of each line of a list. Raises ValueError when it is something else."""
    try:
        pairs = [(one[first], one[second]) for one in (answer or ())[0]]
    except (IndexError, TypeError) as error:
        raise ValueError(f"not a list of logind: {shorten(repr(answer).encode())}") from error
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise ValueError("a name in a list of logind that is no text")
    return pairs


class LogindCollector:
    """How many sessions there are of each kind."""

    name = "logind"

    def __init__(self, kernel: KernelTree, *, bus: Asks | None = None) -> None:
        self._bus = bus or system_bus(kernel)

    def collect(self) -> Iterator[Family]:
        """Yield the number of sessions by seat, whether they are remote, type and class."""
        seats_answer, sessions_answer = self._bus.ask(
            Question(SERVICE, MANAGER, f"{SERVICE}.Manager", method)
            for method in ("ListSeats", "ListSessions")
        )
        if seats_answer is None or sessions_answer is None:
            raise PermissionError("logind does not list sessions: the bus's policy must allow it")
        seats = [seat for seat, _ in parse_pairs(seats_answer, 0, 1)]
        sessions = parse_pairs(sessions_answer, 3, 4)
        names = ("Remote", "Type", "Class")
        answers = self._bus.ask(
            property_of(SERVICE, path, f"{SERVICE}.Session", name)
            for _, path in sessions
            for name in names
        )
        values = iter(value_of(answer) for answer in answers)
        counts = Counter(
            kind
            for (seat, _), remote, type_, class_ in zip(
                sessions, values, values, values, strict=True
            )
            if (kind := classify(seat, remote, type_, class_)) is not None
        )
        kinds = product([*seats, NO_SEAT], REMOTE, TYPES, CLASSES)
        yield Family(
            "node_logind_sessions",
            "Sessions that logind knows.",
            "gauge",
            ("seat", "remote", "type", "class"),
            [(kind, counts[kind]) for kind in kinds],
        )

    def close(self) -> None:
        """Close the connection."""
        self._bus.close()


def classify(seat: str, remote: Any, type_: Any, class_: Any) -> tuple[str, str, str, str] | None:
    """Give the kind of a session; none of one that has ended while it was asked about."""
    if not isinstance(remote, bool) or not isinstance(type_, str) or not isinstance(class_, str):
        return None
    return (
        seat,
        "true" if remote else "false",
        type_ if type_ in TYPES else OTHER,
        class_ if class_ in CLASSES else OTHER,
    )
