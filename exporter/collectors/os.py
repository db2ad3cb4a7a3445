"""The name and version of the host's distribution.

Source: /etc/os-release, or else /usr/lib/os-release, below the host's root directory. It is
described in os-release(5); every distribution with systemd has one, and most others. Read again
when it changes. Needs no rights, but in a container the host's root directory (--path.rootfs).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from exporter.families import Family, gauge
from exporter.kernel import KernelTree, NoData

FILES = ("/etc/os-release", "/usr/lib/os-release")

LABELS = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)
"""Those of node_os_info; in the file they are in capitals."""

_ASSIGNMENT = re.compile(r"""([A-Za-z0-9_]+)=(["']?)(.*)\2\s*\Z""")
_ESCAPED = re.compile(r"""\\([\\"'$`])""")
_MAJOR_MINOR = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def parse_os_release(text: bytes) -> dict[str, str]:
    """Parse lines such as `NAME="Debian GNU/Linux"`; what is no assignment is passed over.

    Raises ValueError when there is no assignment at all.
    """
    lines = text.decode("utf-8", "replace").split("\n")
    found = [match for line in lines if (match := _ASSIGNMENT.match(line.strip()))]
    if not found:
        raise ValueError("os-release: expected lines such as ID=debian")
    return {
        name: value if quote == "'" else _ESCAPED.sub(r"\1", value)
        for name, quote, value in (match.groups() for match in found)
    }


class OsCollector:
    """Which distribution the host runs."""

    name = "os"

    def __init__(self, kernel: KernelTree, *, files: Sequence[str] = ()) -> None:
        self._files = files or [kernel.on_host(file) for file in FILES]
        self._seen: tuple[str, int] | None = None
        self._families: list[Family] = []

    def collect(self) -> Iterator[Family]:
        """Yield node_os_info, and the version and the end of support where they are known."""
        seen = self._find()
        if seen != self._seen:
            self._families = list(_describe(parse_os_release(Path(seen[0]).read_bytes())))
            self._seen = seen
        yield from self._families

    def _find(self) -> tuple[str, int]:
        """Choose the file, and tell when it was last changed."""
        for path in self._files:
            try:
                return path, os.stat(path).st_mtime_ns  # noqa: PTH116 -- a tenth of the cost
            except (FileNotFoundError, NotADirectoryError):
                continue
        raise NoData("the host has no os-release file")


def _describe(names: Mapping[str, str]) -> Iterator[Family]:
    yield Family(
        "node_os_info",
        "The names of the distribution as its os-release file gives them; always 1.",
        "gauge",
        LABELS,
        [(tuple(names.get(label.upper(), "") for label in LABELS), 1)],
    )
    version = _MAJOR_MINOR.match(names.get("VERSION_ID", ""))
    if version and float(version[0]):
        yield Family(
            "node_os_version",
            "The first two numbers of the distribution's version, as major.minor.",
            "gauge",
            ("id", "id_like", "name"),
            [(tuple(names.get(name, "") for name in ("ID", "ID_LIKE", "NAME")), float(version[0]))],
        )
    end = _end_of_support(names.get("SUPPORT_END", ""))
    if end is not None:
        yield gauge(
            "node_os_support_end_timestamp_seconds",
            "When the distribution's support ends, in seconds since 1970.",
            end,
        )


def _end_of_support(date: str) -> int | None:
    """Turn `2029-05-31` into the moment at which that day begins; nothing else is known."""
    if not _DATE.match(date):
        return None
    try:
        return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())
    except ValueError:  # the 31st of February
        return None
