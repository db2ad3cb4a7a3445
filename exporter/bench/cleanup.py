"""What the cleanup costs: the removal of all of a folder's files, once chosen by age."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from monitoring.cleanup import CleanupRule, CleanupService

FILES = 10_000


class CleanupCost(NamedTuple):
    """For the removal of 10,000 files."""

    cpu_seconds: float
    wall_seconds: float


def measure_cleanup(folder: Path | None = None, files: int = FILES) -> CleanupCost:
    """Measure a run over so many expired files, in a new folder in this one (default: temporary).

    Raises OSError when it cannot write them.
    """
    with tempfile.TemporaryDirectory(prefix="perfwatch-bench-", dir=folder) as temporary:
        for number in range(files):
            path = Path(temporary, f"report-{number:05}.json")
            path.touch()
            os.utime(path, (number, number))
        service = CleanupService(max_removals=files)
        service.add_folder(
            CleanupRule(
                "reports",
                Path(temporary).resolve(),
                ("report-*.json",),
                max_age_seconds=86400,
                min_age_seconds=0,
            )
        )
        cpu, wall = time.process_time(), time.perf_counter()
        removed = service.run_once().removed
        cost = (time.process_time() - cpu, time.perf_counter() - wall)
    if removed != files:
        raise OSError(f"only {removed} of {files} files could be removed: is there room for them?")
    return CleanupCost(*(seconds * FILES / files for seconds in cost))
