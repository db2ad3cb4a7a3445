"""Parity with node_exporter: the same collectors, side by side on this machine.

node_exporter is scraped before and after PerfWatch, so that a counter of ours must lie between its
two readings. What did not move in between must be equal.
"""

from __future__ import annotations

import pytest

from exporter import collectors
from tests.daemon import start_daemon
from tests.node_exporter import Key, is_compared, read_page, start_node_exporter

COLLECTORS = tuple(entry.name for entry in collectors.ALL if entry.enabled)

OPTIONS = ("--collector.cpu.info", "--collector.stat.softirq")

# Gauges that move with every request or allocation: equal within this share of the larger value,
# or this many units (sockets, processes, pages).
MOVING_SHARE = 0.1
MOVING_UNITS = 50.0

ROUNDING = 1e-12


SOCKETS = "node_sockstat_sockets_used"
"""Moved by the readings themselves: a connection that is over may be closed before or after."""


def lies_between(name: str, before: float, ours: float, after: float) -> bool:
    """Whether time explains a value: between the peer's two readings, or near a moving gauge."""
    # The peer multiplies the kernel's integers by 0.001, which rounds; ours are rounded once.
    low, high = sorted((before * (1 - ROUNDING), after * (1 + ROUNDING)))
    slack = max(abs(low), abs(high)) * MOVING_SHARE + MOVING_UNITS
    moved = before != after or name == SOCKETS
    return low <= ours <= high or (moved and low - slack <= ours <= high + slack)


@pytest.mark.slow
def test_our_series_are_node_exporters(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 99 % of the peer's series are ours, of the same type, with values that agree."""
    with start_node_exporter(COLLECTORS, *OPTIONS) as peer_url, start_daemon(*OPTIONS) as daemon:
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
                if is_compared(key[0]) and not lies_between(key[0], before[key], ours[key], after[key])
            }
            suspicious = wrong if suspicious is None else suspicious & wrong
    wanted = {key for key in before if is_compared(key[0])}
    missing = sorted(wanted - ours.keys())
    coverage = 1 - len(missing) / len(wanted)
    with capsys.disabled():
        print(
            f"\nparity: {coverage:.2%} of node_exporter's {len(wanted)} series; missing: {missing}"
        )
    assert coverage >= 0.99
    assert not suspicious
    assert {
        name: (kind, our_types[name])
        for name, kind in peer_types.items()
        if is_compared(name) and name in our_types and our_types[name] != kind
    } == {}
