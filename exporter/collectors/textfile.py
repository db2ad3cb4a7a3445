"""Metrics that other programs leave in files, as cron jobs and scripts do.

Source: files `*.prom` in the text format, in directories that are named by an option. No file of
the kernel, and no rights but to read them. A file is read when it has changed; otherwise it costs
a stat(2). What is wrong with one file costs that file alone.
"""

from __future__ import annotations

import glob
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.collectors._textfile_file import STALE, UNREADABLE, Failure, TextFile
from exporter.collectors._textfile_joined import JoinedFiles
from exporter.families import Family, Filled, LabelValues, Number, gauge
from exporter.kernel import KernelTree
from exporter.options import option, parse_age, parse_text
from exporter.table import Column, Table
from monitoring.structured_logging import StructuredLogger

SECONDS_BETWEEN_LOOKS = 60.0
"""How often the names on the daemon's page are looked through for those of the files."""

_HEAD = re.compile(rb"\n# TYPE (\S+) (\S+)")

_ERROR_HELP = "Whether a directory could not be read or a file is not shown for an error."
_NO_ERROR = gauge("node_textfile_scrape_error", _ERROR_HELP, 0)
_ERROR = gauge("node_textfile_scrape_error", _ERROR_HELP, 1)

log = StructuredLogger("perfwatch.textfile")


def parse_directories(raw: Any) -> tuple[str, ...]:
    """Take one directory or a list of them; an empty name is none, as with node_exporter."""
    names = raw if isinstance(raw, list) else [raw]
    return tuple(name for name in map(parse_text, names) if name)


@dataclass(frozen=True, slots=True)
class Options:
    """Where the files are, and how old they may be."""

    directory: tuple[str, ...] = option(
        (),
        "Directory with *.prom files, which may have wildcards (* ? []); may be repeated.",
        parse=parse_directories,
    )
    max_age: float = option(
        0.0,
        "Age after which a file is not shown any more, in seconds or as 12h, 30d; 0: no limit.",
        parse=parse_age,
    )


def find_folders(directories: Iterable[str]) -> Iterator[str]:
    """Give the directories that these names and patterns mean now."""
    for pattern in directories:
        found = []
        if glob.has_magic(pattern):
            # Go writes [^a] for what is [!a] here, and a wildcard matches a leading dot there.
            go_like = pattern.replace("[^", "[!")
            found = sorted(glob.glob(go_like, include_hidden=True))  # noqa: PTH207 -- absolute
        yield from map(os.path.normpath, found or [pattern])


class HasBody(Protocol):
    """What a collector gave, as it stands on the page."""

    @property
    def body(self) -> bytes:
        """Its families, rendered."""
        ...


class TextfileCollector:
    """The metrics of all readable files, and what became of the others."""

    name = "textfile"

    def __init__(
        self,
        _: KernelTree,
        options: Options,
        *,
        now: Callable[[], float] = time.time,  # noqa: TID251 -- compared with dates of files
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directories = options.directory
        self._max_age = options.max_age
        self._now = now
        self._clock = clock
        self._files: dict[str, TextFile] = {}
        self._joined = JoinedFiles()
        self._times = Table(
            [
                Column(
                    "node_textfile_mtime_seconds",
                    "When the file was last written, in Unix time; only of files that are read.",
                    "gauge",
                )
            ],
            ("file",),
        )
        self._seen: object = None
        self._items: list[Family | Filled] = [_NO_ERROR]
        self._taken: frozenset[str] = frozenset()
        self._look_at: dict[str, float] = {}
        self._failures: dict[str, Failure] = {}

    def collect(self) -> Iterable[Family | Filled]:
        """Give what the files say: the same objects again while nothing has changed."""
        if not self._directories:
            return self._items
        failures = self._find_files()
        now = self._now()
        stale = {
            path
            for path, file in self._files.items()
            if self._max_age and now - file.modified_ns / 1e9 > self._max_age
        }
        taken = self._taken
        signatures = [(path, file.signature) for path, file in self._files.items()]
        details = {path: failure.detail for path, failure in failures.items()}
        seen = (signatures, details, stale, taken)
        if seen != self._seen:
            self._items = self._join(failures, stale, taken)
            self._seen = seen
            self._look_at.clear()
        return self._items

    def heed(self, outcomes: Mapping[str, HasBody]) -> None:
        """Learn which families other collectors give; a file that has one of them is left out.

        Told by the scrape engine of what is on the page, which may be of some collectors only.
        Each is looked at once a minute and after each change.
        """
        if not self._files:
            return
        now = self._clock()
        bodies = {
            name: outcome.body
            for name, outcome in outcomes.items()
            if name != self.name and now >= self._look_at.get(name, now)
        }
        # One that gave nothing, for want of its source, is looked at once it gives something.
        given = {name: body for name, body in bodies.items() if body}
        self._look_at.update(dict.fromkeys(given, now + SECONDS_BETWEEN_LOOKS))
        heads = (head for body in given.values() for head in _HEAD.findall(body))
        # OpenMetrics names the family of a counter without `_total`.
        names = {
            name.decode()
            for head, kind in heads
            for name in ((head, head + b"_total") if kind == b"counter" else (head,))
        }
        if not names <= self._taken:
            self._taken |= names

    def _find_files(self) -> dict[str, Failure]:
        """Bring the files up to date, in the order in which they count."""
        failures: dict[str, Failure] = {}
        files = {}
        for folder in find_folders(self._directories):
            try:
                names = sorted(os.listdir(folder))  # noqa: PTH208 -- a tenth of its cost
            except OSError as error:
                failures[folder] = Failure(UNREADABLE, error.strerror or repr(error))
                continue
            for name in names:
                if not name.endswith(".prom"):
                    continue
                path = os.path.join(folder, name)  # noqa: PTH118 -- at each collection
                file = self._files.get(path) or TextFile(path)
                if file.refresh():
                    files[path] = file
        self._files = files
        return failures

    def _join(
        self, failures: dict[str, Failure], stale: set[str], taken: frozenset[str]
    ) -> list[Family | Filled]:
        files = self._files.values()
        failures |= {file.path: file.failure for file in files if file.failure}
        good = [file for file in files if file.path not in failures and file.path not in stale]
        families, contradicting = self._joined.join(good, taken)
        failures |= contradicting
        times: dict[LabelValues, Sequence[Number]] = {
            (file.path,): (file.modified_ns // 10**9,)
            for file in files
            if file.path not in failures
        }
        self._tell(failures)
        reasons = {path: failure.reason for path, failure in failures.items()}
        reasons |= dict.fromkeys(stale - failures.keys(), STALE)
        return [
            *families,
            self._times.fill(times),
            _ERROR if failures else _NO_ERROR,
            Family(
                "perfwatch_textfile_file_error",
                "Why a file is not shown, or a directory not read; always 1.",
                "gauge",
                ("file", "reason"),
                [(item, 1) for item in sorted(reasons.items())],
            ),
        ]

    def _tell(self, failures: dict[str, Failure]) -> None:
        """Log what has changed: where in the file the error is stands nowhere else."""
        for path, failure in failures.items():
            before = self._failures.get(path)
            if before is None or before.detail != failure.detail:
                log.warning(
                    "text file left out", file=path, reason=failure.reason, detail=failure.detail
                )
        for path in (self._failures.keys() - failures.keys()) & self._files.keys():
            log.info("text file shown again", file=path)
        self._failures = failures
