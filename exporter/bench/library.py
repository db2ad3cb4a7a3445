"""What the parts of `monitoring` cost that a request or a host feels."""

from __future__ import annotations

from exporter.bench.cleanup import measure_cleanup
from exporter.bench.measures import MILLI, Figure
from exporter.bench.middleware import measure_middleware


def measure_library() -> list[Figure]:
    """Measure each once, in this process. Raises OSError when no files can be written."""
    return [
        Figure("middleware", "Timing a request (CPU)", "us", ([measure_middleware()],)),
        Figure(
            "cleanup",
            "Removing 10,000 files that are too old",
            "ms",
            ([measure_cleanup().wall_seconds * MILLI],),
        ),
    ]
