"""Processes in groups: how a group is called, and which groups are shown.

Ranking by the moment alone would let series come and go at each scrape. So CPU time counts half
when it is five minutes old, and a group that was once among the first stays for some minutes more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from exporter.collectors._process_parsers import Process
from exporter.options import parse_regexp, shown

OTHER = "other"
"""The group of all processes that are in none of those shown."""

MAX_NAME = 64

COMMAND_BYTES = 4096
"""So much of a command line's beginning, and of its end: a class path can be longer than both."""

HALF_LIFE_SECONDS = 300.0

MAX_SHOWN = 4
"""How many times the groups that are asked for are shown at most."""


def name_group(process: Process) -> str:
    """Name the group of a process: its command.

    Kernel threads stand in brackets, as in ps(1), without what tells one from another:
    kworker/0:1 and jbd2/sda1-8 are [kworker] and [jbd2]. What cannot be printed becomes a question
    mark.
    """
    name = process.name.decode("utf-8", "replace")
    if process.is_kernel_thread:
        name = f"[{name.partition('/')[0]}]"
    printable = "".join(char if char.isprintable() else "?" for char in name[:MAX_NAME])
    return _tell_from_sum(printable.strip()) or "?"


def _tell_from_sum(name: str) -> str:
    return "other (command)" if name == OTHER else name


def parse_command_groups(raw: Any) -> re.Pattern[str] | None:
    """Take a regular expression with named groups, without which it would name nothing."""
    pattern = parse_regexp(raw)
    if pattern is not None and not pattern.groupindex:
        raise ValueError(
            "expected a regular expression with named groups such as "
            f"(?P<kafka>kafka[.]Kafka), got {shown(pattern.pattern)}"
        )
    return pattern


def match_group(pattern: re.Pattern[str], command: bytes) -> str | None:
    """Name the group of a command line by the named group of a pattern that matches in it."""
    if len(command) > 2 * COMMAND_BYTES:
        command = command[:COMMAND_BYTES] + b"\0" + command[-COMMAND_BYTES:]
    found = pattern.search(command.replace(b"\0", b" ").decode("utf-8", "replace"))
    named = found.groupdict() if found else {}
    return next((_tell_from_sum(name) for name, text in named.items() if text is not None), None)


class Ranking:
    """Chooses the groups with the most CPU time and those with the most memory."""

    def __init__(self, groups: int, keep_seconds: float) -> None:
        self._groups = groups
        self._keep_seconds = keep_seconds
        self._used: dict[str, float] = {}
        self._in_front: dict[str, float] = {}
        self._looked_at: float | None = None

    def choose(
        self,
        now: float,
        ticks: Mapping[str, int],
        lifetime: Mapping[str, int],
        pages: Mapping[str, int],
    ) -> frozenset[str]:
        """Choose at a moment by the CPU time since the last one, and by the memory now.

        At the first one, when nothing is known yet, the CPU time of their whole life counts.
        """
        if self._looked_at is None:
            used: Mapping[str, float] = lifetime
        else:
            left = 0.5 ** ((now - self._looked_at) / HALF_LIFE_SECONDS)
            decayed = {name: past * left for name, past in self._used.items() if past * left > 0.1}
            used = self._used = {
                name: decayed.get(name, 0.0) + ticks.get(name, 0) for name in decayed.keys() | ticks
            }
        self._looked_at = now
        for name in self._first(used) + self._first(pages):
            self._in_front[name] = now
        latest = sorted(self._in_front, key=lambda name: (-self._in_front[name], name))
        self._in_front = {
            name: self._in_front[name]
            for name in latest[: MAX_SHOWN * self._groups]
            if now - self._in_front[name] <= self._keep_seconds
        }
        return frozenset(self._in_front)

    def _first(self, amounts: Mapping[str, float]) -> list[str]:
        ranked = sorted((-amount, name) for name, amount in amounts.items() if amount > 0)
        return [name for _, name in ranked[: self._groups]]


def add_up(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up numbers by name."""
    sums: dict[str, int] = {}
    for name, number in pairs:
        sums[name] = sums.get(name, 0) + number
    return sums


def sum_ticks(counters: Mapping[str, int]) -> int:
    """Add up the CPU time of a process in both modes."""
    return counters.get("user", 0) + counters.get("system", 0)
