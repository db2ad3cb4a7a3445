"""What an instance's thread publishes for scrapes: finished, and never changed afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.families import Family


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The families of one instance at one moment, each with `iris_instance` as first label."""

    families: tuple[Family, ...]
    taken_at: float
    """By the monotonic clock."""
