"""Which files a cleanup is about, and how many of them may stay."""

from __future__ import annotations

import fnmatch
import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from monitoring.owned_folder import OwnedFile

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_WILDCARDS = re.compile(r"\[!?]?[^]]*]|[*?]")

_LITERAL = re.compile(r"[^\W_]")

PREFIX_LENGTH = 3

NANO = 1_000_000_000


@dataclass(frozen=True)
class CleanupRule:
    """The files of a folder that match a pattern, and the limits beyond which the oldest go.

    Patterns are shell patterns for file names, in which letter case counts, a wildcard does not
    match a leading dot, and something is fixed: `report-*.json`, never `*`. In a folder that
    others may write to as well, such as `/tmp`, they must begin with three fixed characters.
    Subfolders are left alone.

    A file goes when it is older than `max_age_seconds`, or when there are more files than
    `max_files` or more bytes in them (as `ls` shows them) than `max_bytes`. A file that was
    written or put there less than `min_age_seconds` ago, or in the future by this machine's clock,
    counts but never goes: somebody may be writing it.

    Raises ValueError for a rule that makes no sense or would be dangerous.
    """

    name: str
    """The value of the label `rule` in metrics."""
    folder: Path
    patterns: Sequence[str]
    max_age_seconds: float | None = None
    max_files: int | None = None
    max_bytes: int | None = None
    min_age_seconds: float = 60.0
    _matcher: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"cleanup rule {self.name!r}: a name has 1 to 64 letters, digits, `_`, `.` or `-`"
            )
        patterns = () if isinstance(self.patterns, str) else tuple(self.patterns)
        for reason in (
            *_faults_of_folder(self.folder),
            *_faults_of_patterns(patterns),
            *self._faults_of_limits(),
        ):
            raise ValueError(f"cleanup rule {self.name!r}: {reason}")
        object.__setattr__(self, "folder", Path(self.folder))
        object.__setattr__(self, "patterns", patterns)
        object.__setattr__(self, "_matcher", _compile(patterns))

    def matches(self, name: str) -> bool:
        """Whether this rule is about a file of this name."""
        return self._matcher.match(name) is not None

    def has_own_prefixes(self) -> bool:
        """Whether all patterns begin so that they match nobody else's files by accident."""
        return all(
            len(_WILDCARDS.split(pattern, maxsplit=1)[0]) >= PREFIX_LENGTH
            for pattern in self.patterns
        )

    def is_young(self, file: OwnedFile, now: float) -> bool:
        """Whether a file may still be in use by whoever writes it."""
        return int(now * NANO) - file.touched_ns < self.min_age_seconds * NANO

    def excess(
        self, oldest: Iterable[OwnedFile], files: int, size: int, now: float
    ) -> list[OwnedFile]:
        """Choose what must go from the oldest files, where there are so many files and bytes."""
        oldest_allowed = math.inf if self.max_age_seconds is None else self.max_age_seconds * NANO

        def is_excess(file: OwnedFile) -> bool:
            nonlocal files, size
            expired = int(now * NANO) - file.modified_ns > oldest_allowed
            too_many = self.max_files is not None and files > self.max_files
            too_big = self.max_bytes is not None and size > self.max_bytes
            files -= 1
            size -= file.size
            return expired or too_many or too_big

        return list(takewhile(is_excess, oldest))

    def _faults_of_limits(self) -> Iterable[str]:
        limits = {
            "max_age_seconds": self.max_age_seconds,
            "max_files": self.max_files,
            "max_bytes": self.max_bytes,
        }
        if all(limit is None for limit in limits.values()):
            yield f"give at least one of {', '.join(limits)}"
        for key, limit in (*limits.items(), ("min_age_seconds", self.min_age_seconds)):
            if limit is not None and not 0 <= limit < math.inf:
                yield f"{key} must be 0 or more, got {limit!r}"
        if self.max_age_seconds is not None and self.max_age_seconds < self.min_age_seconds:
            yield (
                f"max_age_seconds ({self.max_age_seconds:g}) must not be less than "
                f"min_age_seconds ({self.min_age_seconds:g}), before which no file goes"
            )


def _faults_of_folder(folder: Path) -> Iterable[str]:
    text = os.fspath(folder)
    path = Path(text)
    if not path.is_absolute() or ".." in path.parts or "\0" in text:
        yield f"the folder must be an absolute path without `..`, got {text!r}"
    if len(path.parts) == 1:
        yield "the folder must not be `/`"


def _faults_of_patterns(patterns: tuple[str, ...]) -> Iterable[str]:
    if not patterns:
        yield "patterns must be a sequence of at least one, such as ('report-*.json',)"
    for pattern in patterns:
        if "/" in pattern or "\0" in pattern:
            yield f"a pattern is for names in the folder, without `/`, got {pattern!r}"
        if not _LITERAL.search(_WILDCARDS.sub("", pattern)):
            yield (
                f"the pattern {pattern!r} matches whatever is there: it must have a fixed letter "
                "or digit, such as '*.json'"
            )


def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Make one expression of them; as in a shell, only a dot matches a leading dot."""
    return re.compile(
        "|".join(
            fnmatch.translate(pattern)
            if pattern[0] == "."
            else rf"(?!\.){fnmatch.translate(pattern)}"
            for pattern in patterns
        )
    )
