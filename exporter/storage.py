"""What the daemon keeps on disk, and the service that keeps it within bounds.

Below the directory: `reports` (^SystemPerformance reports that were fetched) and `spool` (what is
being written). Each is made, with mode 0700, by whoever writes there first.

Where it is asked to, the service also removes what writers of text files have left half done.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from exporter.collectors.textfile import find_folders
from exporter.settings import Settings, SettingsError
from monitoring.cleanup import CleanupRule, CleanupService
from monitoring.metrics import Family

FOLDERS = ("reports", "spool")
"""The folders below the directory."""

NAMES = ("perfwatch-*",)
"""The names that the daemon gives to its files: what has another name is somebody else's."""

LEFTOVERS = ("*.prom.[0-9]", "*.prom.[0-9]*[0-9]", "*.prom.tmp")
"""What a writer of `x.prom` calls it until it is complete: `x.prom.$$`, and x.prom.PID.THREAD by
prometheus_client."""


class Storage:
    """The directory, if there is one. In a `with` block it is cleaned up."""

    def __init__(self, settings: Settings) -> None:
        """Make the directory. Raises SettingsError when that is impossible."""
        # systemd makes a directory and names it in the environment (StateDirectory=).
        state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        self.path = settings.storage.path or state
        if self.path:
            _make_directory(self.path)
        rules = [*_own_rules(self.path, settings), *_textfile_rules(settings)]
        self.cleanup = _make_cleanup(rules, settings) if rules else None

    def __enter__(self) -> Self:
        if self.cleanup is not None:
            self.cleanup.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.cleanup is not None:
            self.cleanup.stop()

    def describe(self) -> dict[str, Any]:
        """Tell what the cleanup has done, for JSON."""
        if self.cleanup is None:
            return {"enabled": False}
        return {"enabled": True, **self.cleanup.statistics()}

    def families(self) -> Iterable[Family]:
        """The cleanup's metrics."""
        return self.cleanup.families() if self.cleanup is not None else ()


def _make_directory(path: str) -> None:
    try:
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"storage.path: {path!r} cannot be made: {error.strerror}; name a directory that the "
            "daemon's user may write to"
        ) from error


def _make_cleanup(rules: Iterable[CleanupRule], settings: Settings) -> CleanupService:
    of = settings.cleanup
    service = CleanupService(interval_seconds=of.interval, dry_run=of.dry_run)
    for rule in rules:
        service.add_folder(rule)
    return service


def _own_rules(path: str, settings: Settings) -> Iterable[CleanupRule]:
    of = settings.cleanup
    for name in FOLDERS if path else ():
        try:
            yield CleanupRule(
                name,
                Path(path) / name,
                NAMES,
                max_age_seconds=of.max_age,
                max_files=of.max_files,
                max_bytes=of.max_bytes,
            )
        except ValueError as error:
            raise SettingsError(f"storage.path: {error}") from error


def _textfile_rules(settings: Settings) -> Iterable[CleanupRule]:
    """The directories of the textfile collector, as they are when the daemon starts."""
    textfile = settings.collectors.get("textfile")
    if textfile is None or not settings.cleanup.textfile_leftovers:
        return
    for number, folder in enumerate(dict.fromkeys(find_folders(textfile.directory)), 1):
        try:
            yield CleanupRule(
                f"textfile-{number}",
                Path(folder),
                LEFTOVERS,
                max_age_seconds=settings.cleanup.max_age,
            )
        except ValueError as error:
            raise SettingsError(f"collector.textfile.directory: {error}") from error
