"""The measurement of what the cleanup costs."""

from __future__ import annotations

from pathlib import Path

from exporter.bench.cleanup import measure_cleanup
from tests.leftovers import names


def test_the_cost_is_for_ten_thousand_files(tmp_path: Path) -> None:
    """However many are measured; nothing is left behind."""
    cpu, wall = measure_cleanup(tmp_path, files=20)
    assert cpu > 0
    assert wall > 0
    assert names(tmp_path) == set()
