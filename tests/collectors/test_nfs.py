"""The nfs collector: /proc/net/rpc/nfs."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._nfs_calls import count_calls, parse_rpc_lines, pick
from exporter.collectors.nfs import NfsCollector, name_operations
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost


def count_up(word: str, count: int) -> str:
    """Make a line with as many numbers, of which each is its own position."""
    return f"{word} {count} {' '.join(map(str, range(count)))}\n"


NETWORK = "net 70 1 2 3\nrpc 1218785755 374636 1218815394\n"
NEW = NETWORK + count_up("proc3", 22) + count_up("proc4", 69)
OLD = NETWORK + count_up("proc2", 18) + count_up("proc3", 22) + count_up("proc4", 53)


def test_parse_splits_lines() -> None:
    """The numbers of each stay the kernel's digits; the histogram of `th` is left out."""
    assert parse_rpc_lines(b"net 70 1 2 3\nth 8 0 0.125 0.000\n") == {
        b"net": [b"70", b"1", b"2", b"3"],
        b"th": [b"8", b"0"],
    }


@pytest.mark.parametrize("text", [b"net\n", b"\n", b"net 1 two", b"net 1 -2", b"net 1.5"])
def test_parse_refuses_other_lines(text: bytes) -> None:
    """Those without numbers, and other words in their place."""
    with pytest.raises(ValueError, match=r"numbers|integers"):
        parse_rpc_lines(text)


def test_lines_that_are_too_short_are_refused() -> None:
    """Cut off, or of another length than they say."""
    with pytest.raises(ValueError, match="only 1 numbers"):
        pick({b"rpc": [b"1"]}, b"rpc", 0, 1)
    with pytest.raises(ValueError, match="not as long"):
        count_calls({b"proc3": [b"22", b"1"]}, b"proc3", "3", ())


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        lines = parse_rpc_lines(text)
        pick(lines, b"net", 1, 2, 3)
        count_calls(lines, b"proc4", "4", name_operations(lines.get(b"proc4", ())))


def test_calls_are_shown(host: FakeHost) -> None:
    """Those of the whole client, and those of each procedure."""
    host.write("proc/1/net/rpc/nfs", NEW)
    samples = host.samples(NfsCollector(host.kernel))
    assert samples['node_nfs_packets_total{protocol="udp"}'] == 1
    assert samples['node_nfs_packets_total{protocol="tcp"}'] == 2
    assert samples["node_nfs_connections_total"] == 3
    assert samples["node_nfs_rpcs_total"] == 1218785755
    assert samples["node_nfs_rpc_retransmissions_total"] == 374636
    assert samples["node_nfs_rpc_authentication_refreshes_total"] == 1218815394
    assert samples['node_nfs_requests_total{method="Null",proto="3"}'] == 0
    assert samples['node_nfs_requests_total{method="Commit",proto="3"}'] == 21


@pytest.mark.parametrize(
    ("method", "position"),
    [("Secinfo", 36), ("FsidPresent", 37), ("LayoutGet", 44), ("GetDeviceInfo", 45), ("Clone", 58)],
)
def test_operations_stand_where_linux_has_them(host: FakeHost, method: str, position: int) -> None:
    """The order is that of include/linux/nfs4.h; what is behind Clone is not shown."""
    host.write("proc/1/net/rpc/nfs", NEW)
    samples = host.samples(NfsCollector(host.kernel))
    assert samples[f'node_nfs_requests_total{{method="{method}",proto="4"}}'] == position
    assert len([name for name in samples if 'proto="4"' in name]) == 59


def test_old_kernels_have_fewer_operations(host: FakeHost) -> None:
    """What they lack is absent, and what lies behind it has its own number."""
    host.write("proc/1/net/rpc/nfs", OLD)
    samples = host.samples(NfsCollector(host.kernel))
    assert samples['node_nfs_requests_total{method="FsStat",proto="2"}'] == 17
    assert samples['node_nfs_requests_total{method="ExchangeID",proto="4"}'] == 37
    assert samples['node_nfs_requests_total{method="DestroyClientID",proto="4"}'] == 52
    assert 'node_nfs_requests_total{method="FsidPresent",proto="4"}' not in samples
    assert 'node_nfs_requests_total{method="Seek",proto="4"}' not in samples


def test_missing_lines_are_absent(host: FakeHost) -> None:
    """A kernel that was built without a protocol version has no zeros for it."""
    host.write("proc/1/net/rpc/nfs", "rpc 1 2 3\n")
    assert set(host.samples(NfsCollector(host.kernel))) == {
        "node_nfs_rpcs_total",
        "node_nfs_rpc_retransmissions_total",
        "node_nfs_rpc_authentication_refreshes_total",
    }


def test_module_may_be_loaded_later(host: FakeHost) -> None:
    """Without it there is no data; then the host's file is found."""
    collector = NfsCollector(host.kernel)
    with pytest.raises(NoData, match="NFS client"):
        list(collector.collect())
    host.write("proc/1/net/rpc/nfs", NEW)
    assert host.samples(collector)["node_nfs_connections_total"] == 3
