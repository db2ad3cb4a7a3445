"""The numbers of an NFS mount in /proc/<pid>/mountstats: their order, and what they count.

Source: Linux include/linux/nfs_iostat.h (bytes, events), net/sunrpc/stats.c (operations), and
`print_stats` of net/sunrpc/xprtsock.c and xprtrdma/transport.c (transports).
"""

from __future__ import annotations

from exporter.table import Column

_PREFIX = "node_mountstats_nfs"


def _count(name: str, text: str) -> Column:
    return Column(f"{_PREFIX}_{name}_total", text, "counter")


def _seconds(name: str, text: str) -> Column:
    return Column(f"{_PREFIX}_{name}_seconds_total", text, "counter", exponent=-3)


MOUNT = (_count("age_seconds", "Seconds since the export was mounted."),)

BYTES = (
    _count("read_bytes", "Bytes that programs have read with read()."),
    _count("write_bytes", "Bytes that programs have written with write()."),
    _count("direct_read_bytes", "Bytes that programs have read with O_DIRECT."),
    _count("direct_write_bytes", "Bytes that programs have written with O_DIRECT."),
    _count("total_read_bytes", "Bytes read from the server."),
    _count("total_write_bytes", "Bytes written to the server."),
    _count("read_pages", "Pages read from the server, for mapped files too."),
    _count("write_pages", "Pages written to the server, for mapped files too."),
)

_CONGESTION_WAIT = 18
"""An event that kernels do not count any more."""

EVENTS = (
    _count("event_inode_revalidate", "Checks of cached attributes against the server."),
    _count("event_dnode_revalidate", "Checks of cached names against the server."),
    _count("event_data_invalidate", "Times the cached data of a file were thrown away."),
    _count("event_attribute_invalidate", "Times the cached attributes of a file were expired."),
    _count("event_vfs_open", "Files and directories opened."),
    _count("event_vfs_lookup", "Names looked up in directories."),
    _count("event_vfs_access", "Checks of access rights."),
    _count("event_vfs_update_page", "Pages changed, and perhaps to be written."),
    _count("event_vfs_read_page", "Pages read one at a time."),
    _count("event_vfs_read_pages", "Groups of pages read."),
    _count("event_vfs_write_page", "Pages written one at a time."),
    _count("event_vfs_write_pages", "Groups of pages written."),
    _count("event_vfs_getdents", "Readings of directories."),
    _count("event_vfs_setattr", "Changes of attributes."),
    _count("event_vfs_flush", "Flushes, mostly because a file was closed."),
    _count("event_vfs_fsync", "Calls of fsync() on files and directories."),
    _count("event_vfs_lock", "Attempts to lock a file."),
    _count("event_vfs_file_release", "Files closed for good."),
    _count("event_truncation", "Files cut short."),
    _count("event_write_extension", "Files made longer by writing behind their end."),
    _count("event_silly_rename", "Files removed while open, and therefore renamed at first."),
    _count("event_short_read", "Reads for which the server gave less than was asked for."),
    _count("event_short_write", "Writes of which the server took less than was offered."),
    _count("event_jukebox_delay", "Times the server asked to try later (EJUKEBOX)."),
    _count("event_pnfs_read", "Reads from the data servers of pNFS."),
    _count("event_pnfs_write", "Writes to the data servers of pNFS."),
)
EVENT_POSITIONS = [position for position in range(len(EVENTS) + 1) if position != _CONGESTION_WAIT]

TRANSPORTS = (
    _count("transport_bind", "Times the transport was set up from nothing."),
    _count("transport_connect", "Connections made to the server."),
    Column(
        f"{_PREFIX}_transport_idle_time_seconds", "Seconds since the last call or answer.", "gauge"
    ),
    _count("transport_sends", "Calls sent."),
    _count("transport_receives", "Answers received."),
    _count("transport_bad_transaction_ids", "Answers received to no call of ours."),
    _count("transport_backlog_queue", "Calls waiting for a slot, summed up at each call."),
    Column(
        f"{_PREFIX}_transport_maximum_rpc_slots", "Most calls that were ever under way.", "gauge"
    ),
    _count("transport_sending_queue", "Calls waiting to be sent, summed up at each call."),
    _count("transport_pending_queue", "Calls waiting for an answer, summed up at each call."),
)
TRANSPORT_POSITIONS: dict[bytes, list[int | None]] = {
    b"tcp": [1, 2, 4, 5, 6, 7, 9, 10, 11, 12],
    b"udp": [1, None, None, 2, 3, 4, 6, 7, 8, 9],  # has no connections, and no idle time
    b"rdma": [1, 2, 4, 5, 6, 7, 9, None, None, None],  # has other numbers behind the tenth
}
"""Where a transport has each column's number; old kernels lack the last three."""

OPERATIONS = (
    _count("operations_requests", "Calls by operation."),
    _count("operations_transmissions", "Transmissions of calls, repeated ones too."),
    _count("operations_major_timeouts", "Calls that ran out of time for good."),
    _count("operations_sent_bytes", "Bytes sent with calls, headers and data."),
    _count("operations_received_bytes", "Bytes received with answers, headers and data."),
    _seconds("operations_queue_time", "Seconds that calls waited to be sent."),
    _seconds("operations_response_time", "Seconds from sending calls to their answers."),
    _seconds("operations_request_time", "Seconds from making calls to being done with them."),
)
