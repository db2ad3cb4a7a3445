"""tools/bench_iris.py: it measures what docs/performance.md has figures of; none is judged here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tools.bench_iris import Row, main, to_markdown

PAGE = "# HELP iris_cpu_usage CPU.\n# TYPE iris_cpu_usage gauge\niris_cpu_usage 1\n"

MEASURED = {
    "Starting a worker and logging in": "ms",
    "Configuring a new instance": "ms",
    "Configuring one where everything is as it should be": "ms",
    "Checking the thresholds": "ms",
    "Worker, resident memory": "MB",
    "Worker, its share of it (PSS)": "MB",
    "Daemon, resident memory added": "MB",
    "CPU of a poll, worker": "ms",
    "CPU of a poll, daemon": "ms",
    "CPU of all, a poll every 1 s": "% of a core",
    "CPU added to a scrape": "ms",
    "CPU added to a scrape, 2 instances": "ms",
    "2 workers, their share of memory (PSS)": "MB",
    "Daemon, resident memory added, 2 instances": "MB",
}


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_everything_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On real daemons and real workers, which have read the page that was given."""
    page = tmp_path / "page.txt"
    page.write_text(PAGE)
    words = ["--times=1", "--seconds=0", "--interval=1", "--scrapes=1", "--instances=2"]
    words.append(f"--sensors={page}")
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert {what: unit for what, unit, *_ in rows} == MEASURED
    measured = {what: float(median) for what, _, median, *_ in rows}
    assert all(map(math.isfinite, measured.values()))
    assert 0 < measured["Worker, its share of it (PSS)"] <= measured["Worker, resident memory"]
    assert measured["CPU of a poll, worker"] > 0


def test_the_table_has_the_median_and_the_worst() -> None:
    """And what it may be at most, where there is a goal."""
    rows = [Row("A", "ms", [1.0, 2.0, 9.0], 100), Row("B", "MB", [22.34])]
    assert to_markdown(rows).splitlines()[2:] == [
        "| A | ms | 2 | 9 | 100 |",
        "| B | MB | 22.3 |  |  |",
    ]
