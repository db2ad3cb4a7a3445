"""Files to clean up, in a folder of the tests' own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitoring.cleanup import CleanupRule, CleanupRun, CleanupService

NOW = float(int(time.time()) + 86400)
"""The date for the cleanup: a day ahead, because a file's change time cannot be set back."""


def put(folder: Path, name: str, age: float = 3600.0, size: int = 0) -> Path:
    """Write a file that was last modified so many seconds before NOW."""
    path = folder / name
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - age, NOW - age))
    return path


def rule_for(folder: Path, **changes: Any) -> CleanupRule:
    """Give a rule for the folder: all reports go."""
    given: dict[str, Any] = {"name": "reports", "patterns": ("report-*",), "max_files": 0}
    return CleanupRule(**{**given, "folder": folder, **changes})


def clean(*rules: CleanupRule, **settings: Any) -> CleanupRun:
    """Run once, at NOW."""
    service = CleanupService(**{"now": lambda: NOW, **settings})
    for rule in rules:
        service.add_folder(rule)
    return service.run_once()


def names(folder: Path) -> set[str]:
    """What is in the folder."""
    return {path.name for path in folder.iterdir()}


class ActingClock:
    """A clock that advances by a second with each look at it, and does something at one of them."""

    def __init__(self, moment: int = -1, act: Callable[[], object] = lambda: None) -> None:
        self._moment = moment
        self._act = act
        self.looks = 0

    def __call__(self) -> float:
        """Tell the time."""
        self.looks += 1
        if self.looks == self._moment:
            self._act()
        return float(self.looks)
