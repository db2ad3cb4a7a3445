"""True counters of ECP, the protocol between instances that share databases.

Source: SYS.Stats.ECPAppSvr and SYS.Stats.ECPDataSvr in %SYS. Counters of bytes may wrap at 32 bits,
which looks like a start of the instance. They are asked only where ECP is in use: a sample of
ECPAppSvr talks to the data servers.
"""

from __future__ import annotations

from exporter.iris.access.session import Session
from exporter.iris.metrics.rows import Column, Rows, counter

CLIENT_BYTES = counter(
    "iris_ecp_client_bytes_total",
    "Bytes exchanged with data servers; may wrap at 32 bits "
    "(SYS.Stats.ECPAppSvr: ByteRcvd, ByteSent).",
    "direction",
)
CLIENT_PURGES = counter(
    "iris_ecp_client_purged_blocks_total",
    "Blocks purged, by who wanted it (SYS.Stats.ECPAppSvr: BlockBuffPurge, BlockSvrPurge).",
    "cause",
)
CLIENT = (
    Column(
        "GloRef",
        counter(
            "iris_ecp_client_global_references_total",
            "References to globals on data servers (SYS.Stats.ECPAppSvr: GloRef).",
        ),
    ),
    Column("ByteRcvd", CLIENT_BYTES, ("received",)),
    Column("ByteSent", CLIENT_BYTES, ("sent",)),
    Column(
        "BlockAdd",
        counter(
            "iris_ecp_client_added_blocks_total",
            "Blocks got from data servers (SYS.Stats.ECPAppSvr: BlockAdd).",
        ),
    ),
    Column("BlockBuffPurge", CLIENT_PURGES, ("buffers",)),
    Column("BlockSvrPurge", CLIENT_PURGES, ("server",)),
)

SERVER_BYTES = counter(
    "iris_ecp_server_bytes_total",
    "Bytes exchanged with application servers; may wrap at 32 bits "
    "(SYS.Stats.ECPDataSvr: ByteRcvd, ByteSent).",
    "direction",
)
SERVER_LOCKS = counter(
    "iris_ecp_server_locks_total",
    "Locks asked for, by what became of it (SYS.Stats.ECPDataSvr: LockGrant, LockFail).",
    "result",
)
SERVER = (
    Column(
        "GloRef",
        counter(
            "iris_ecp_server_global_references_total",
            "References to globals by application servers (SYS.Stats.ECPDataSvr: GloRef).",
        ),
    ),
    Column(
        "ReqRcvd",
        counter(
            "iris_ecp_server_requests_total",
            "Requests of application servers (SYS.Stats.ECPDataSvr: ReqRcvd).",
        ),
    ),
    Column(
        "BlockSent",
        counter(
            "iris_ecp_server_sent_blocks_total",
            "Blocks sent to application servers (SYS.Stats.ECPDataSvr: BlockSent).",
        ),
    ),
    Column("ByteRcvd", SERVER_BYTES, ("received",)),
    Column("ByteSent", SERVER_BYTES, ("sent",)),
    Column("LockGrant", SERVER_LOCKS, ("granted",)),
    Column("LockFail", SERVER_LOCKS, ("failed",)),
)


def read_client(session: Session, rows: Rows) -> None:
    """What the instance does as an application server."""
    rows.read_sample(session, "SYS.Stats.ECPAppSvr", CLIENT)


def read_server(session: Session, rows: Rows) -> None:
    """What the instance does as a data server."""
    rows.read_sample(session, "SYS.Stats.ECPDataSvr", SERVER)
