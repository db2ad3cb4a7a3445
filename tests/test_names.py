"""What promtool says of our names: only those of node_exporter and of perf may displease it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.daemon import start_daemon
from tests.goldens import GOLDENS
from tests.peers import find_peer

INHERITED = Path(__file__).parent / "inherited_names.txt"

INHERITED_COMPLAINT = re.compile(
    r"(node_(memory|netstat)_\w+|perf_[di]TLB_load\w+) metric names should be written in "
    r"'snake_case' not 'camelCase'"
    r'|node_(entropy|wifi)_\w+ use base unit "bytes" instead of "bits"'
)
"""Names of which a part is the kernel's, or perf's. Why: docs/decisions/0002-own-renderer.md."""


def complaints(page: str) -> set[str]:
    """What `promtool check metrics` says of a page, line by line."""
    done = subprocess.run(
        [find_peer("promtool"), "check", "metrics"],
        input=page,
        capture_output=True,
        text=True,
        check=False,
    )
    # 1 is a page it cannot read, 3 one that it would have otherwise.
    assert done.returncode in {0, 3}, done.stderr
    return set(done.stderr.splitlines())


def test_promtool_finds_only_inherited_names() -> None:
    """On the captured hosts these are listed one by one, so that a new one is seen in review."""
    listed = INHERITED.read_text().splitlines()
    assert listed == sorted(listed)
    assert sorted(set().union(*(complaints(one.path.read_text()) for one in GOLDENS))) == listed
    assert [line for line in listed if not INHERITED_COMPLAINT.fullmatch(line)] == []


def test_promtool_finds_only_inherited_names_on_the_daemon_s_page() -> None:
    """A whole page of this machine, with all that the daemon tells of itself."""
    with start_daemon() as daemon:
        daemon.get("/metrics")  # what is counted by request is on the page of the next one
        page = daemon.get("/metrics").text
    for own in ("perfwatch_", "process_", "python_", "node_scrape_", "node_cpu_"):
        assert f"\n# TYPE {own}" in page
    found = complaints(page)
    assert [line for line in found if not INHERITED_COMPLAINT.fullmatch(line)] == []
    # This one every kernel has: promtool did judge.
    assert any(line.startswith("node_memory_MemTotal_bytes ") for line in found)
