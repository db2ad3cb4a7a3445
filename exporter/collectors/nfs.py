"""The calls that this machine makes as an NFS client.

Source: /proc/net/rpc/nfs (Linux net/sunrpc/stats.c), there while the module nfs is loaded, of one
network namespace. The line of a protocol version that the kernel was built without is absent. Needs
no rights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exporter.collectors._nfs_calls import (
    PROCEDURES_2,
    PROCEDURES_3,
    RpcFile,
    count_calls,
    pick,
)
from exporter.families import Filled
from exporter.kernel import KernelTree
from exporter.table import Column, Table

_BEFORE_FSID = """
Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew
SetClientID SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link
Symlink Create Pathconf StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations
ReleaseLockowner Secinfo
"""
_BEHIND_FSID = """
ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete LayoutGet
GetDeviceInfo LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList
BindConnToSession DestroyClientID Seek Allocate DeAllocate LayoutStats Clone
"""
OPERATIONS_4 = (*_BEFORE_FSID.split(), "FsidPresent", *_BEHIND_FSID.split())
"""In the order of Linux include/linux/nfs4.h. All kernels since 4.4 have these; what came later is
not shown, as in node_exporter."""

OPERATIONS_4_BEFORE_3_13 = (*_BEFORE_FSID.split(), *_BEHIND_FSID.split())
"""Linux 3.13 put FsidPresent amid the others, of which there were at most 53 before."""

MOST_BEFORE_3_13 = 53

NETWORK = (
    Column(
        "node_nfs_connections_total",
        "TCP connections, which Linux counts for servers only.",
        "counter",
    ),
    Column("node_nfs_rpcs_total", "Calls made.", "counter"),
    Column("node_nfs_rpc_retransmissions_total", "Calls that were sent once more.", "counter"),
    Column(
        "node_nfs_rpc_authentication_refreshes_total",
        "How often credentials were renewed for calls.",
        "counter",
    ),
)
PACKETS = (
    Column("node_nfs_packets_total", "Packets, which Linux counts for servers only.", "counter"),
)
REQUESTS = (
    Column("node_nfs_requests_total", "Calls by protocol version and procedure.", "counter"),
)


def name_operations(numbers: Sequence[bytes]) -> Sequence[str]:
    """Name the operations of NFS 4 behind the first number of the line `proc4`."""
    return OPERATIONS_4 if len(numbers) - 1 > MOST_BEFORE_3_13 else OPERATIONS_4_BEFORE_3_13


class NfsCollector:
    """Calls of the NFS client."""

    name = "nfs"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = RpcFile(kernel, "nfs", "the NFS client is not in use")
        self._network = Table(NETWORK, ())
        self._packets = Table(PACKETS, ("protocol",))
        self._requests = Table(REQUESTS, ("proto", "method"))

    def collect(self) -> Iterator[Filled]:
        """Yield packets, calls, and calls by procedure."""
        lines = self._file.read()
        udp, tcp, connections = pick(lines, b"net", 1, 2, 3)
        yield self._packets.fill({("udp",): (udp,), ("tcp",): (tcp,)})
        yield self._network.fill({(): (connections, *pick(lines, b"rpc", 0, 1, 2))})
        yield self._requests.fill(
            {
                **count_calls(lines, b"proc2", "2", PROCEDURES_2),
                **count_calls(lines, b"proc3", "3", PROCEDURES_3),
                **count_calls(lines, b"proc4", "4", name_operations(lines.get(b"proc4", ()))),
            }
        )
