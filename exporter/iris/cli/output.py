"""What `perfwatch iris` prints: aligned text for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from exporter.cli import on_one_line

UNKNOWN = "-"
"""Stands in a table for what is not known; JSON has null."""

_UNITS = ("B", "KiB", "MiB", "GiB")
_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def cell(value: object) -> str:
    """Write a value on one line; what a server calls its things cannot steer the terminal."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    return on_one_line(str(value))


def duration(seconds: float | None) -> str:
    """Write a time in its two largest units: 1 h 20 min."""
    if seconds is None:
        return UNKNOWN
    left = max(0, round(seconds))
    parts = []
    for size, unit in _STEPS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def size(count: float | None) -> str:
    """Write a number of bytes in a unit that suits it."""
    if count is None:
        return UNKNOWN
    left, unit = float(count), 0
    while left >= 1024 and unit < len(_UNITS) - 1:
        left, unit = left / 1024, unit + 1
    return f"{left:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} B"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align columns below their titles, with two spaces between them."""
    lines = [head, *([cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def listing(pairs: Mapping[str, object]) -> str:
    """Write names and what they are, one a line, aligned."""
    width = max(len(name) for name in pairs)
    return "\n".join(f"  {name.ljust(width)}  {cell(value)}" for name, value in pairs.items())


def as_json(document: Any) -> str:
    """Write a document; what JSON has no form for (a time, an enumeration) is its text."""
    return json.dumps(document, indent=2, default=str)


def new_file(text: str, option: str) -> Path:
    """Take the name of a file that will be written. Raises ValueError where it cannot be.

    That is told at once, and not after what takes long.
    """
    target = Path(text)
    if target.exists() or target.is_symlink():
        raise ValueError(f"{target} is there already: choose another by {option}")
    if not (target.parent.is_dir() and os.access(target.parent, os.W_OK | os.X_OK)):
        raise ValueError(
            f"{target.parent} is no directory that you may write to: choose another by {option}"
        )
    return target


class Progress:
    """Says on stderr what takes its time, when somebody looks: on a terminal, or asked to."""

    def __init__(self, *, verbose: bool, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._verbose = verbose
        self._terminal = self._stream.isatty()
        self._width = 0

    def __call__(self, text: str) -> None:
        """Show a line: in place of the one before on a terminal, below it elsewhere."""
        line = on_one_line(text)
        if self._verbose:
            print(line, file=self._stream, flush=True)
        elif self._terminal:
            self._stream.write(f"\r{line.ljust(self._width)}")
            self._stream.flush()
            self._width = len(line)

    def done(self) -> None:
        """Clear the line, so that the result stands alone."""
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._stream.flush()
            self._width = 0


Show = Callable[[str], None]
"""How a long task tells where it is."""
