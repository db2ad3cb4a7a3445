"""What the daemon keeps on disk, and the service that keeps it within bounds.

Below the directory: `reports` (^SystemPerformance reports that were fetched) and `spool` (what is
being written). Each is made, with mode 0700, by whoever writes there first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from exporter.settings import Settings, SettingsError
from monitoring.cleanup import CleanupRule, CleanupService
from monitoring.metrics import Family

FOLDERS = ("reports", "spool")
"""The folders below the directory."""

NAMES = ("perfwatch-*",)
"""The names that the daemon gives to its files: what has another name is somebody else's."""


class Storage:
    """The directory, if there is one. In a `with` block it is cleaned up."""

    def __init__(self, settings: Settings) -> None:
        """Make the directory. Raises SettingsError when that is impossible."""
        # systemd makes a directory and names it in the environment (StateDirectory=).
        state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        self.path = settings.storage.path or state
        if self.path:
            _make_directory(self.path)
        self.cleanup = _make_cleanup(self.path, settings) if self.path else None

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


def _make_cleanup(path: str, settings: Settings) -> CleanupService:
    of = settings.cleanup
    service = CleanupService(interval_seconds=of.interval, dry_run=of.dry_run)
    for name in FOLDERS:
        try:
            rule = CleanupRule(
                name,
                Path(path) / name,
                NAMES,
                max_age_seconds=of.max_age,
                max_files=of.max_files,
                max_bytes=of.max_bytes,
            )
        except ValueError as error:
            raise SettingsError(f"storage.path: {error}") from error
        service.add_folder(rule)
    return service
