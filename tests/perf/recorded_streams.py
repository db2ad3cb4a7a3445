"""The streams below streams/: what perf prints, by version.

`recorded/` is what real programs printed, on a virtual machine without counters of the CPU:
VERSION-csv.txt (-x ';') and VERSION-json.txt, the first interval of each command; and
VERSION-messages.txt, what they say where they refuse. `written/` is what others print, after their
source. Above each part stands a comment: the aggregation, sometimes a name, and the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from exporter.perf.output import Row, parse_line

STREAMS = Path(__file__).parent / "streams"
_ALL = sorted(path.stem for path in STREAMS.glob("recorded/*.txt"))
MESSAGES = [stem for stem in _ALL if stem.endswith("-messages")]
RECORDED = [stem for stem in _ALL if stem not in MESSAGES]
WRITTEN = sorted(path.stem for path in STREAMS.glob("written/*.txt"))

_TITLE = re.compile(r"# (none|cpu|core|socket|node)(?: ([\w-]+))?: ")


class Line(NamedTuple):
    """A line that perf printed, and how it was asked for."""

    stem: str
    text: str
    separator: str | None
    aggregation: str
    part: str
    """Aggregation and name."""

    def parse(self) -> list[Row]:
        """Parse it."""
        return parse_line(self.text, separator=self.separator, aggregation=self.aggregation)

    def parse_other(self, text: str) -> list[Row]:
        """Parse another text as if it stood in its place."""
        return parse_line(text, separator=self.separator, aggregation=self.aggregation)


def read_stream(folder: str, stem: str) -> Iterator[Line]:
    """Give the lines of a stream, without the comments."""
    separator = None if stem.endswith("json") else ";"
    aggregation = part = ""
    for text in (STREAMS / folder / f"{stem}.txt").read_text().splitlines():
        if title := _TITLE.match(text):
            aggregation, part = title[1], " ".join(filter(None, title.groups()))
        else:
            yield Line(stem, text, separator, aggregation, part)


def all_lines() -> list[Line]:
    """Give the lines of all streams."""
    stems = [("recorded", stem) for stem in RECORDED] + [("written", stem) for stem in WRITTEN]
    return [line for folder, stem in stems for line in read_stream(folder, stem)]


def good_lines() -> list[Line]:
    """Give the lines that are data."""
    found = []
    for line in all_lines():
        try:
            found += [line] if line.parse() else []
        except ValueError:
            continue
    return found
