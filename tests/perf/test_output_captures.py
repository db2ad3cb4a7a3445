"""What perf 6.1 printed on a virtual machine without counters, where those captures are at hand."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest

from exporter.perf.output import COUNTED, NOT_COUNTED, NOT_SUPPORTED, Row, parse_line
from tests.child import REPOSITORY

CAPTURES = REPOSITORY.parent / "shared" / "perf" / "captures"

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captures here")


class Expected(NamedTuple):
    """What is in a capture: rows by state, the sum of values, lines without and of no sense."""

    counted: int = 0
    not_supported: int = 0
    total: float = 0
    silent: int = 0
    senseless: int = 0
    not_counted: int = 0
    aggregation: str = "none"
    separator: str | None = ","


def as_json(**expected: float | str) -> Expected:
    """The same with -j."""
    return Expected(separator=None, **expected)  # type: ignore[arg-type]


EXPECTED = {
    "cgroup_csv.stderr": Expected(senseless=1),
    "csv_I1000_A.stderr": Expected(8, 8, 5145.38, aggregation="cpu"),
    "csv_I1000_a.stderr": Expected(27, 39, 18589944368.66),
    "csv_badevent.stderr": Expected(silent=2, senseless=5),
    "csv_d.stderr": Expected(4, 16, 38557.17),
    "csv_event_with_comma.txt": Expected(2, 0, 2092349036),
    "csv_interval_count.stderr": Expected(6, 0, 1827.0),
    "csv_metriconly.stderr": Expected(silent=3),
    "csv_nobig_default.stderr": Expected(4, 4, 16725.49),
    "csv_outfile.txt": Expected(4, 0, 2471.02, silent=2, separator=";"),
    "csv_percore.stderr": Expected(4, 2, 2636.98, aggregation="core"),
    "csv_pernode.stderr": Expected(1, 1, 2005.62, aggregation="node"),
    "csv_persocket.stderr": Expected(2, 1, 2579.55, aggregation="socket"),
    "csv_perthread.stderr": Expected(senseless=2),
    "csv_r3.stderr": Expected(2, 2, 0.62),
    "csv_semicolon.stderr": Expected(1, 1, 2008.59, separator=";"),
    "csv_summary.stderr": Expected(2, 2, 2013.97, silent=2),
    "csv_topdown.stderr": Expected(senseless=1),
    "csv_tracepoint.stderr": Expected(4, 0, 1682),
    "denied_nobody_systemwide.txt": Expected(senseless=16),
    "group_csv.stderr": Expected(2, 0, 7109.42),
    "json_A.stderr": as_json(counted=4, not_supported=2, total=3066.243901, aggregation="cpu"),
    "json_I1000_a.stderr": as_json(counted=27, not_supported=39, total=18590475554.89858),
    "json_default.stderr": as_json(counted=4, not_supported=4, total=4861.244144),
    "json_metriconly.stderr": as_json(silent=4),
    "json_percore.stderr": as_json(
        counted=2, not_supported=2, total=2003.936338, aggregation="core"
    ),
    "json_persocket.stderr": as_json(
        counted=2, not_supported=1, total=3077.555631, aggregation="socket"
    ),
    "json_perthread.stderr": as_json(senseless=2),
    "json_r3.stderr": as_json(counted=2, not_supported=1, total=0.465672),
    "text_I1000.stderr": Expected(silent=1, senseless=44),
    "text_default.stderr": Expected(silent=4, senseless=10),
    "user_only_suffix_u.txt": Expected(3, 1, 73.82, senseless=1),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_has_as_many_rows_as_perf_counted(name: str) -> None:
    """Each count is a row, each value is whole, and nothing else becomes one."""
    expected = EXPECTED[name]
    rows: list[Row] = []
    lines: Counter[str] = Counter()
    for line in (CAPTURES / f"local61_{name}").read_text().splitlines():
        try:
            found = parse_line(line, separator=expected.separator, aggregation=expected.aggregation)
        except ValueError:
            lines["senseless"] += 1
            continue
        rows += found
        lines["silent"] += not found
    states = Counter(row.state for row in rows)
    assert sum(row.value or 0 for row in rows) == pytest.approx(expected.total, rel=1e-12)
    assert expected == expected._replace(
        counted=states[COUNTED],
        not_supported=states[NOT_SUPPORTED],
        not_counted=states[NOT_COUNTED],
        silent=lines["silent"],
        senseless=lines["senseless"],
    )


def test_every_capture_is_looked_at() -> None:
    """A capture that is added has to be listed here."""
    files = {path.name.removeprefix("local61_") for path in CAPTURES.iterdir()}
    assert {name for name in files if not name.endswith(".cmd")} == EXPECTED.keys()


def test_a_capture_of_an_interval_has_its_time() -> None:
    """-I prints when it was, padded with spaces."""
    first = (CAPTURES / "local61_csv_I1000_A.stderr").read_text().splitlines()[0]
    assert parse_line(first, separator=",", aggregation="cpu") == [
        Row("cpu-clock", COUNTED, 1001.40, "msec", "CPU0", 1001405667, 100.0, 1.001136740)
    ]
