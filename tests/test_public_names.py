"""The names that public alerts, rules and dashboards use are ones that we export."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.goldens import GOLDENS

NAMES = Path(__file__).parent / "names"

THE_SCRAPE = "of each scrape, not of a collector: tests/test_ledger.py"

IMPOSSIBLE: dict[str, str] = {
    "node_netstat_Tcp_MaxConn": (
        "not among the fields that node_exporter shows by default either, only with "
        "--collector.netstat.fields: tests/collectors/test_netstat.py"
    ),
    "node_network_transmit_multicast_total": "Linux does not count these; the BSDs and macOS do",
    "node_reboot_required": "written by a script for the textfile collector",
    "node_scrape_collector_duration_seconds": THE_SCRAPE,
    "node_scrape_collector_success": THE_SCRAPE,
    "node_systemd_service_restart_total": (
        "only with --collector.systemd.enable-restarts-metrics: tests/collectors/test_systemd.py"
    ),
}
"""What no captured host can show, and why."""


def exported() -> set[str]:
    """Every family that some captured host gives."""
    return {family.name for golden in GOLDENS for family in golden.families()}


@pytest.mark.parametrize("path", sorted(NAMES.glob("*.txt")), ids=lambda path: path.stem)
def test_names_in_public_use_are_exported(path: Path) -> None:
    """Whoever has those alerts and dashboards keeps them, or is told why not."""
    wanted = {line for line in path.read_text().splitlines() if not line.startswith("#")}
    assert wanted
    assert sorted(wanted - exported() - IMPOSSIBLE.keys()) == []


def test_what_is_called_impossible_is() -> None:
    """An excuse that is not needed any more goes."""
    assert sorted(IMPOSSIBLE.keys() & exported()) == []
