"""What this machine does as an NFS server.

Source: /proc/net/rpc/nfsd (Linux fs/nfsd/stats.c), there while the module nfsd is loaded, of one
network namespace. The file is per server, not per client or export. The line of a protocol version
that the kernel was built without is absent, and `ra` is all zeros since 5.4. Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exporter.collectors._nfs_calls import (
    PROCEDURES_2,
    PROCEDURES_3,
    Lines,
    RpcFile,
    count_calls,
    pick,
)
from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree
from exporter.table import Column, Table

_OPERATIONS_4 = """
- - - Access Close Commit Create DelegPurge DelegReturn GetAttr GetFH Link Lock Lockt Locku Lookup
LookupRoot Nverify Open OpenAttr OpenConfirm OpenDgrd PutFH - - Read ReadDir ReadLink Remove Rename
Renew RestoreFH SaveFH SecInfo SetAttr SetClientID SetClientIDConfirm Verify Write RelLockOwner
"""
OPERATIONS_4 = tuple(None if name == "-" else name for name in _OPERATIONS_4.split())
"""The operations of RFC 7530 by their number. Those of NFS 4.1 and 4.2 have numbers from 40 on;
node_exporter shows neither them nor the two that set the public and the root file handle."""

SERVER = (
    Column(
        "node_nfsd_reply_cache_hits_total",
        "Calls answered from the reply cache, because the client had lost the first answer.",
        "counter",
    ),
    Column(
        "node_nfsd_reply_cache_misses_total",
        "Calls whose answers were kept in the reply cache.",
        "counter",
    ),
    Column(
        "node_nfsd_reply_cache_nocache_total",
        "Calls that can be repeated without harm, whose answers are not kept.",
        "counter",
    ),
    Column(
        "node_nfsd_file_handles_stale_total", "Calls for files that are there no more.", "counter"
    ),
    Column("node_nfsd_disk_bytes_read_total", "Bytes that clients have read.", "counter"),
    Column("node_nfsd_disk_bytes_written_total", "Bytes that clients have written.", "counter"),
    Column("node_nfsd_server_threads", "Threads that serve calls.", "gauge"),
    Column(
        "node_nfsd_read_ahead_cache_size_blocks",
        "Size of the read-ahead cache, which went away in Linux 5.4.",
        "gauge",
    ),
    Column(
        "node_nfsd_read_ahead_cache_not_found_total",
        "Lookups in the read-ahead cache that found nothing; it went away in Linux 5.4.",
        "counter",
    ),
    Column("node_nfsd_connections_total", "TCP connections accepted.", "counter"),
    Column("node_nfsd_server_rpcs_total", "Calls received.", "counter"),
)
PACKETS = (Column("node_nfsd_packets_total", "Packets received by transport.", "counter"),)
ERRORS = (
    Column(
        "node_nfsd_rpc_errors_total",
        "Calls refused for their format (fmt), their credentials (auth) or their client (cInt).",
        "counter",
    ),
)
REQUESTS = (
    Column("node_nfsd_requests_total", "Calls by protocol version and procedure.", "counter"),
)


class NfsdCollector:
    """Calls, traffic and threads of the NFS server."""

    name = "nfsd"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = RpcFile(kernel, "nfsd", "the NFS server is not in use")
        self._server = Table(SERVER, ())
        self._packets = Table(PACKETS, ("proto",))
        self._errors = Table(ERRORS, ("error",))
        self._requests = Table(REQUESTS, ("proto", "method"))

    def collect(self) -> Iterator[Filled]:
        """Yield what there is of the server as a whole, then calls by procedure."""
        lines = self._file.read()
        udp, tcp, connections = pick(lines, b"net", 1, 2, 3)
        calls, malformed, unauthorized, unknown = pick(lines, b"rpc", 0, 2, 3, 4)
        server = (
            *pick(lines, b"rc", 0, 1, 2),
            *pick(lines, b"fh", 0),
            *pick(lines, b"io", 0, 1),
            *pick(lines, b"th", 0),
            *pick(lines, b"ra", 0, 11),
            connections,
            calls,
        )
        yield self._server.fill({(): server})
        yield self._packets.fill({("udp",): (udp,), ("tcp",): (tcp,)})
        yield self._errors.fill(
            {("fmt",): (malformed,), ("auth",): (unauthorized,), ("cInt",): (unknown,)}
        )
        yield self._requests.fill(_count_requests(lines))


def _count_requests(lines: Lines) -> dict[LabelValues, Sequence[Digits | None]]:
    recalled = pick(lines, b"wdeleg_getattr", 0)
    return {
        **count_calls(lines, b"proc2", "2", (None, *PROCEDURES_2[1:])),
        **count_calls(lines, b"proc3", "3", (None, *PROCEDURES_3[1:])),
        **count_calls(lines, b"proc4ops", "4", OPERATIONS_4),
        ("4", "WdelegGetattr"): recalled,
    }
