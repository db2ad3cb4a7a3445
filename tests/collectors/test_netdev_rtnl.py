"""The netdev collector where it asks the kernel."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._netdev_rtnl import COUNTERS, parse_statistics, sum_up
from exporter.collectors.netdev import DETAILED_HELP, HELP, NetdevCollector, Options
from exporter.kernel import KernelTree
from exporter.netlink import Netlink, attribute
from tests.isolated_network import UP, Network, run_in_network
from tests.samples import read_samples

ROW = struct.Struct("=BxxxII")


def statistics(ifindex: int, counters: bytes, kind: int = 1) -> bytes:
    """Write a RTM_NEWSTATS."""
    return ROW.pack(0, ifindex, 1) + attribute(kind, counters)


COUNTED = struct.pack(f"={COUNTERS}Q", *range(1, COUNTERS + 1))


def test_statistics_are_taken_in_the_kernels_order() -> None:
    """The first 24 counters count; what newer kernels have behind them is left out."""
    row = parse_statistics(statistics(7, COUNTED + bytes(16)))
    assert row[0] == 7
    assert list(row[3:]) == list(range(1, COUNTERS + 1))
    assert len(DETAILED_HELP) == COUNTERS


def test_sums_are_those_of_the_file() -> None:
    """Linux net/core/net-procfs.c adds up missed, frame and carrier errors."""
    sums = dict(zip(HELP, sum_up(parse_statistics(statistics(7, COUNTED))), strict=True))
    counters = dict(zip(DETAILED_HELP, range(1, COUNTERS + 1), strict=True))
    assert sums == {
        "receive_bytes": counters["receive_bytes"],
        "receive_packets": counters["receive_packets"],
        "receive_errs": counters["receive_errors"],
        "receive_drop": counters["receive_dropped"] + counters["receive_missed_errors"],
        "receive_fifo": counters["receive_fifo_errors"],
        "receive_frame": sum(
            counters[f"receive_{kind}_errors"] for kind in ("frame", "length", "over", "crc")
        ),
        "receive_compressed": counters["receive_compressed"],
        "receive_multicast": counters["multicast"],
        "transmit_bytes": counters["transmit_bytes"],
        "transmit_packets": counters["transmit_packets"],
        "transmit_errs": counters["transmit_errors"],
        "transmit_drop": counters["transmit_dropped"],
        "transmit_fifo": counters["transmit_fifo_errors"],
        "transmit_colls": counters["collisions"],
        "transmit_carrier": sum(
            counters[f"transmit_{kind}_errors"]
            for kind in ("carrier", "aborted", "window", "heartbeat")
        ),
        "transmit_compressed": counters["transmit_compressed"],
        "receive_nohandler": counters["receive_nohandler"],
    }


@pytest.mark.parametrize(
    "message", [b"", statistics(7, COUNTED[:-1]), statistics(7, COUNTED, kind=2)]
)
def test_other_statistics_are_refused(message: bytes) -> None:
    """A short message, and one of another kind, are errors."""
    with pytest.raises(ValueError, match="rtnetlink"):
        parse_statistics(message)


@given(st.binary(max_size=240))
def test_statistics_raise_nothing_but_value_error(message: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_statistics(message)


def count_traffic() -> Any:
    """Send frames over a cable; give what each source says of it."""
    network = Network()
    network.add_pair("left", "right")
    for name in ("left", "right"):
        network.set(name, "flags", UP)
    kernel = KernelTree()
    collectors = [
        NetdevCollector(kernel),
        NetdevCollector(kernel, Options(netlink=False)),
        NetdevCollector(kernel, Options(enable_detailed_metrics=True)),
    ]
    before = [read_samples(collector.collect()) for collector in collectors]
    size = network.send_frames("left", 3)
    return {
        "size": size,
        "before": before,
        "after": [read_samples(collector.collect()) for collector in collectors],
    }


def test_netlink_counts_what_the_file_counts() -> None:
    """In a real network, both sources give the same series with the same values."""
    result = run_in_network(count_traffic)
    (netlink, file, detailed), size = result["after"], result["size"]
    assert netlink == file
    assert len(netlink) == 3 * len(HELP)
    for direction, device in (("transmit", "left"), ("receive", "right")):
        for what, more in (("packets", 3), ("bytes", 3 * size)):
            name = f'node_network_{direction}_{what}_total{{device="{device}"}}'
            assert netlink[name] - result["before"][0][name] == more
            assert detailed[name] == netlink[name]
    assert len(detailed) == 3 * len(DETAILED_HELP)
    assert detailed['node_network_receive_crc_errors_total{device="left"}'] == 0


def follow_changes() -> Any:
    """Add, rename and remove interfaces; give the labels after each step."""
    network = Network()
    network.add_pair("left", "right")
    options = Options(device_exclude=re.compile("^lo$"), label_ifalias=True)
    collectors = [NetdevCollector(KernelTree(), options), NetdevCollector(KernelTree())]

    def look() -> list[list[str]]:
        pages = [read_samples(collector.collect()) for collector in collectors]
        return [[key for key in page if "receive_bytes" in key] for page in pages]

    steps = [look(), look()]
    network.set("left", "ifalias", "uplink")
    network.rename("right", "moved")
    network.add_pair("new", "newer")
    steps.append(look())
    network.remove("left")
    steps.append(look())
    return [[re.findall('"(.*?)"', " ".join(keys)) for keys in step] for step in steps]


def test_netlink_follows_the_interfaces() -> None:
    """What comes, goes, or is renamed is shown as it is at the next scrape."""
    first, same, changed, last = run_in_network(follow_changes)
    assert same == first
    assert sorted(first[0]) == ["left", "right"]
    assert sorted(changed[0]) == ["left", "moved", "new", "newer", "uplink"]
    assert changed[0].index("uplink") == changed[0].index("left") + 1
    assert sorted(last[0]) == ["new", "newer"]
    assert sorted(last[1]) == ["lo", "new", "newer"]


def test_the_file_is_read_where_netlink_is_refused() -> None:
    """A kernel without the protocol, or a sandbox: the same series come from the file, for good."""
    collector = NetdevCollector(KernelTree())
    collector._source._route = Netlink(31)  # type: ignore[union-attr]
    samples = read_samples(collector.collect())
    assert {name.partition("{")[0].split("_", 2)[2] for name in samples} >= {"receive_bytes_total"}
    assert read_samples(collector.collect()).keys() == samples.keys()


def test_other_failures_of_netlink_are_shown() -> None:
    """A connection that breaks is no reason to go without netlink ever after."""
    collector = NetdevCollector(KernelTree())
    assert read_samples(collector.collect())
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    kernels.close()
    collector._source._route.close()  # type: ignore[union-attr]
    collector._source._route._socket = ours  # type: ignore[union-attr]
    with pytest.raises(ConnectionRefusedError):
        list(collector.collect())
    assert read_samples(collector.collect())


def test_after_a_failure_the_interfaces_are_asked_for_again() -> None:
    """Their change was announced once: else all of them would be missing for a minute."""
    collector = NetdevCollector(KernelTree())
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    kernels.close()
    collector._source._route._socket = ours  # type: ignore[union-attr]
    with pytest.raises(ConnectionRefusedError):
        list(collector.collect())
    assert 'node_network_receive_bytes_total{device="lo"}' in read_samples(collector.collect())
