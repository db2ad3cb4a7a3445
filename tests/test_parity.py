"""Parity with node_exporter: the same collectors, side by side on this machine.

node_exporter is scraped before and after PerfWatch, so that a counter of ours must lie between its
two readings. What did not move in between must be equal. Parity on other kinds of machines:
test_parity_captured.py.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from exporter.collectors import ALL
from tests.daemon import start_daemon
from tests.isolated_network import UP, Network, run_in_network
from tests.node_exporter import (
    OTHER_NAMES,
    OURS_ALONE,
    Key,
    is_compared,
    read_page,
    start_node_exporter,
)
from tests.peers import find_peer

TEXTFILES = Path(__file__).parent / "textfiles"
DEFAULTS = tuple(entry.name for entry in ALL if entry.enabled)
EVERYTHING = tuple(entry.name for entry in ALL if entry.name not in OURS_ALONE | OTHER_NAMES)

OPTIONS = (
    "--collector.cpu.info",
    "--collector.stat.softirq",
    "--collector.sysctl.include=vm.swappiness",
    f"--collector.textfile.directory={TEXTFILES}",  # Debian's package has one by default
)

MOVING_SHARE = 0.1
MOVING_UNITS = 50.0
"""Gauges that move with every request or allocation: equal within this share of the larger value,
or this many units (sockets, processes, pages)."""

ROUNDING = 1e-12

UNKNOWN_THERE = re.compile(
    r"node_disk_info|node_network_speed_bytes|node_pcidevice_(current_link|max_link|sriov|d3cold)"
)
"""What the peer gives as -1 or 0 where the kernel does not know: test_parity_captured.py."""

OTHERWISE_THERE = re.compile(r"\('node_tcp_connection_states'.*queued_bytes")
"""The peer takes a listening socket's limit for bytes that wait."""

MOVED_BY_READING = (
    "node_filefd_allocated",
    "node_sockstat_",  # a connection that is over may be closed before or after
    "node_tcp_connection_states",
    "node_processes_",
    "node_udp_queues",
)


def lies_between(name: str, before: float, ours: float, after: float) -> bool:
    """Whether time explains a value: between the peer's two readings, or near a moving gauge."""
    # The peer multiplies the kernel's integers by 0.001, which rounds; ours are rounded once.
    low, high = sorted((before, after))
    low, high = low - abs(low) * ROUNDING, high + abs(high) * ROUNDING
    slack = max(abs(low), abs(high)) * MOVING_SHARE + MOVING_UNITS
    moved = before != after or name.startswith(MOVED_BY_READING)
    return low <= ours <= high or (moved and low - slack <= ours <= high + slack)


def compare(collectors: Iterable[str]) -> dict[str, Any]:
    """Run both with these collectors; say how many series there are, and what differs."""
    names = [f"--collector.{name}" for name in collectors]
    flags = (*OPTIONS, "--collector.disable-defaults", *names)
    with start_node_exporter(collectors, *OPTIONS) as peer_url, start_daemon(*flags) as daemon:
        our_url = f"{daemon.url}/metrics"
        read_page(peer_url)
        read_page(our_url)
        suspicious: set[Key] | None = None
        # A gauge may move and come back between the peer's readings: what is wrong is wrong always.
        for _ in range(5):
            before, peer_types = read_page(peer_url)
            ours, our_types = read_page(our_url)
            after, _ = read_page(peer_url)
            wrong = {
                key
                for key in before.keys() & after.keys() & ours.keys()
                if is_compared(key[0])
                and not OTHERWISE_THERE.match(str(key))
                and not lies_between(key[0], before[key], ours[key], after[key])
            }
            suspicious = wrong if suspicious is None else suspicious & wrong
    wanted = {
        key
        for key in before.keys() & after.keys()
        if is_compared(key[0]) and (key in ours or not UNKNOWN_THERE.match(key[0]))
    }
    return {
        "wanted": len(wanted),
        "families": len({name for name, _ in wanted}),
        "missing": sorted(map(str, wanted - ours.keys())),
        "suspicious": sorted(map(str, suspicious or ())),
        "types": [
            (name, kind, our_types[name])
            for name, kind in peer_types.items()
            if is_compared(name) and our_types.get(name, kind) != kind
        ],
    }


def compare_everything() -> dict[str, Any]:
    """Compare all collectors, in a network where there is something to show."""
    network = Network()
    network.add_pair("left", "right")
    for name in ("lo", "left", "right"):
        network.set(name, "flags", UP)
    network.set("left", "ifalias", "the left one")
    network.add_neighbour("left", "192.0.2.7", 0x80)
    network.add_neighbour("left", "192.0.2.8", 0x40)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        client.sendall(b"what nobody reads")
        return compare(EVERYTHING)


def check(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """At least 99 % of the peer's series are ours, of the same type, with values that agree."""
    coverage = 1 - len(found["missing"]) / found["wanted"]
    with capsys.disabled():
        print(
            f"\nparity: {coverage:.2%} of node_exporter's {found['wanted']} series "
            f"in {found['families']} families; missing: {found['missing']}"
        )
    assert coverage >= 0.99
    assert found["suspicious"] == []
    assert found["types"] == []


@pytest.mark.slow
def test_default_series_are_node_exporters(capsys: pytest.CaptureFixture[str]) -> None:
    """What both collect by default, on this machine as it is."""
    check(compare(DEFAULTS), capsys)


@pytest.mark.slow
def test_all_series_are_node_exporters(capsys: pytest.CaptureFixture[str]) -> None:
    """What both can collect, in a network with interfaces, neighbours and connections."""
    find_peer("node_exporter")
    check(run_in_network(compare_everything), capsys)
