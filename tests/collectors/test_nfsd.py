"""The nfsd collector: /proc/net/rpc/nfsd."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._nfs_calls import parse_rpc_lines
from exporter.collectors.nfsd import NfsdCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost
from tests.collectors.test_nfs import count_up

GENERAL = """\
rc 3 5271 18622
fh 4 0 0 0 0
io 157286400 2048
th 8 1 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000
ra 32 9 8 7 6 5 4 3 2 1 0 77
net 18628 12 18616 6
rpc 18627 6 1 2 3
"""
NEW = (
    GENERAL
    + count_up("proc3", 22)
    + "proc4 2 5 5271\n"
    + count_up("proc4ops", 76)
    + "wdeleg_getattr 16\n"
)
OLD = GENERAL + count_up("proc2", 18) + count_up("proc3", 22) + count_up("proc4ops", 40)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_rpc_lines(text)


def test_server_is_shown(host: FakeHost) -> None:
    """Cache, traffic, threads and errors of the server as a whole."""
    host.write("proc/1/net/rpc/nfsd", NEW)
    samples = host.samples(NfsdCollector(host.kernel))
    whole = {name: value for name, value in samples.items() if "requests" not in name}
    assert whole == {
        "node_nfsd_reply_cache_hits_total": 3,
        "node_nfsd_reply_cache_misses_total": 5271,
        "node_nfsd_reply_cache_nocache_total": 18622,
        "node_nfsd_file_handles_stale_total": 4,
        "node_nfsd_disk_bytes_read_total": 157286400,
        "node_nfsd_disk_bytes_written_total": 2048,
        "node_nfsd_server_threads": 8,
        "node_nfsd_read_ahead_cache_size_blocks": 32,
        "node_nfsd_read_ahead_cache_not_found_total": 77,
        'node_nfsd_packets_total{proto="udp"}': 12,
        'node_nfsd_packets_total{proto="tcp"}': 18616,
        "node_nfsd_connections_total": 6,
        "node_nfsd_server_rpcs_total": 18627,
        'node_nfsd_rpc_errors_total{error="fmt"}': 1,
        'node_nfsd_rpc_errors_total{error="auth"}': 2,
        'node_nfsd_rpc_errors_total{error="cInt"}': 3,
    }


@pytest.mark.parametrize(
    ("version", "method", "position"),
    [
        ("3", "GetAttr", 1),
        ("3", "Commit", 21),
        ("4", "Access", 3),
        ("4", "PutFH", 22),
        ("4", "Read", 25),
        ("4", "RelLockOwner", 39),
        ("4", "WdelegGetattr", 16),
    ],
)
def test_procedures_have_their_numbers(
    host: FakeHost, version: str, method: str, position: int
) -> None:
    """Those of the standards; the null procedure and NFS 4.1 are left out."""
    host.write("proc/1/net/rpc/nfsd", NEW)
    samples = host.samples(NfsdCollector(host.kernel))
    assert samples[f'node_nfsd_requests_total{{method="{method}",proto="{version}"}}'] == position
    assert len([name for name in samples if 'proto="4"' in name]) == 36
    assert not [name for name in samples if "Null" in name or 'proto="2"' in name]


def test_old_kernels_have_nfs_2(host: FakeHost) -> None:
    """And no counter of recalled delegations, which is not 0 but absent."""
    host.write("proc/1/net/rpc/nfsd", OLD)
    samples = host.samples(NfsdCollector(host.kernel))
    assert samples['node_nfsd_requests_total{method="FsStat",proto="2"}'] == 17
    assert samples['node_nfsd_requests_total{method="RelLockOwner",proto="4"}'] == 39
    assert 'node_nfsd_requests_total{method="WdelegGetattr",proto="4"}' not in samples


def test_module_may_be_loaded_later(host: FakeHost) -> None:
    """Without it there is no data; then the host's file is found."""
    collector = NfsdCollector(host.kernel)
    with pytest.raises(NoData, match="NFS server"):
        list(collector.collect())
    host.write("proc/1/net/rpc/nfsd", NEW)
    assert host.samples(collector)["node_nfsd_server_threads"] == 8
