"""The rooms of exporter/iris: each knows those below it alone, and none knows the daemon."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.child import REPOSITORY

IRIS = REPOSITORY / "exporter" / "iris"

BELOW = {
    "access": set(),
    "system_performance": {"access"},
    "metrics": {"access", "system_performance"},
    "governor": {"metrics", "system_performance"},
    "check": {"access", "metrics", "system_performance"},
}
"""CONTRIBUTING.md has the same table."""


def imported(room: str) -> Iterator[str]:
    """What of exporter.iris the files of a room import: the first name behind it."""
    for file in (IRIS / room).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                parts = [name.split(".") for name in names]
                yield from (part[2] for part in parts if part[:2] == ["exporter", "iris"])


def test_every_room_is_named() -> None:
    """The command line is above all of them, and may use what it likes."""
    rooms = {file.parent.name for file in IRIS.glob("*/__init__.py")}
    assert rooms == {*BELOW, "cli"}


@pytest.mark.parametrize("room", BELOW)
def test_a_room_knows_those_below_it(room: str) -> None:
    """So each can be read, and tried, without what stands on it."""
    found = set(imported(room))
    assert room in found
    assert found <= {room, *BELOW[room]}
