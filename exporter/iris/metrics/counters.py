"""True counters of an instance: what it has counted since its start.

Source: the classes SYS.Stats.* in %SYS (class reference, "System Statistics"), each by its method
Sample() in one round trip. SYS.Stats.Disk is left out: it is deprecated, and gives zeros.
"""

from __future__ import annotations

from exporter.iris.access.calls import Get
from exporter.iris.access.session import Session
from exporter.iris.metrics.rows import Column, Head, Rows, counter, to_number

MAX_WRITE_DAEMONS = 32
MAX_RESOURCES = 256
BUFFER_SIZES = (8192, 16384, 32768, 65536)

REFERENCES = counter(
    "iris_global_references_total",
    "References to globals (SYS.Stats.Global: RefLocal, RefPrivate, RefRemote).",
    "scope",
)
UPDATES = counter(
    "iris_global_updates_total",
    "References that set or kill (SYS.Stats.Global: RefUpdateLocal, RefUpdatePrivate, "
    "RefUpdateRemote); also among the references.",
    "scope",
)
GLOBALS = (
    Column("RefLocal", REFERENCES, ("local",)),
    Column("RefPrivate", REFERENCES, ("private",)),
    Column("RefRemote", REFERENCES, ("remote",)),
    Column("RefUpdateLocal", UPDATES, ("local",)),
    Column("RefUpdatePrivate", UPDATES, ("private",)),
    Column("RefUpdateRemote", UPDATES, ("remote",)),
    Column(
        "LogicalBlocks",
        counter(
            "iris_database_logical_block_reads_total",
            "Database blocks asked for, from memory or disk (SYS.Stats.Global: LogicalBlocks).",
        ),
    ),
    Column(
        "PhysBlockReads",
        counter(
            "iris_database_physical_block_reads_total",
            "Database blocks read from disk (SYS.Stats.Global: PhysBlockReads).",
        ),
    ),
    Column(
        "PhysBlockWrites",
        counter(
            "iris_database_physical_block_writes_total",
            "Database blocks written to disk (SYS.Stats.Global: PhysBlockWrites).",
        ),
    ),
    Column(
        "WIJWrites",
        counter(
            "iris_wij_writes_total",
            "Writes to the write image journal (SYS.Stats.Global: WIJWrites).",
        ),
    ),
    Column(
        "ThrottleCnt",
        counter(
            "iris_global_throttle_waits_total",
            "Times that a job had to wait for the throttle (SYS.Stats.Global: ThrottleCnt).",
        ),
    ),
    Column(
        "ThrottleCur",
        Head(
            "iris_global_throttle_jobs",
            "Jobs that the throttle counts as using globals (SYS.Stats.Global: ThrottleCur).",
        ),
    ),
    Column(
        "ThrottleMax",
        Head(
            "iris_global_throttle_max_jobs",
            "Jobs that the throttle lets use globals at once (SYS.Stats.Global: ThrottleMax).",
        ),
    ),
    Column(
        "JrnEntries",
        counter(
            "iris_journal_entries_total",
            "Records written to the journal (SYS.Stats.Global: JrnEntries).",
        ),
    ),
    Column(
        "JrnBlocks",
        counter(
            "iris_journal_blocks_total",
            "Blocks of 64 KiB written to the journal (SYS.Stats.Global: JrnBlocks).",
        ),
    ),
    Column(
        "WDQueueSize",
        Head(
            "iris_write_daemon_queued_blocks",
            "Blocks that wait for the write daemon (SYS.Stats.Global: WDQueueSize).",
        ),
    ),
)

CALLS = counter(
    "iris_routine_calls_total",
    "Calls of routines (SYS.Stats.Routine: RtnCallsLocal, RtnCallsRemote).",
    "scope",
)
FETCHES = counter(
    "iris_routine_fetches_total",
    "Routines loaded or saved (SYS.Stats.Routine: RtnFetchLocal, RtnFetchRemote).",
    "scope",
)
ROUTINES = (
    Column(
        "RtnCommands",
        counter(
            "iris_routine_commands_total",
            "ObjectScript commands executed (SYS.Stats.Routine: RtnCommands).",
        ),
    ),
    Column("RtnCallsLocal", CALLS, ("local",)),
    Column("RtnCallsRemote", CALLS, ("remote",)),
    Column("RtnFetchLocal", FETCHES, ("local",)),
    Column("RtnFetchRemote", FETCHES, ("remote",)),
    Column(
        "RtnNotCached",
        counter(
            "iris_routine_cache_misses_total",
            "Routines not found in memory (SYS.Stats.Routine: RtnNotCached).",
        ),
    ),
)

WRITE_DAEMON = (
    Column(
        "TotBlk",
        counter(
            "iris_write_daemon_blocks_total",
            "Blocks that a write daemon has written (SYS.Stats.WriteDaemon: TotBlk).",
            "daemon",
        ),
    ),
    Column(
        "Cycles",
        counter(
            "iris_write_daemon_cycles_total",
            "Cycles in which a write daemon had work (SYS.Stats.WriteDaemon: Cycles).",
            "daemon",
        ),
    ),
)

BUFFERS = Head(
    "iris_buffers",
    "Buffers for blocks of a size (SYS.Stats.Buffer: NumSize).",
    labels=("block_size",),
)
AVAILABLE_BUFFERS = Head(
    "iris_buffers_available",
    "Buffers that can be used again; few are normal, as a full cache is (SYS.Stats.Buffer: Avail).",
    labels=("block_size",),
)

RESOURCE = {
    "Seize": counter(
        "iris_resource_seizes_total",
        "Seizes of a system resource (SYS.Stats.Resource: Seize).",
        "resource",
    ),
    "Nseize": counter(
        "iris_resource_nseizes_total",
        "Seizes that had to hibernate (SYS.Stats.Resource: Nseize).",
        "resource",
    ),
    "Aseize": counter(
        "iris_resource_aseizes_total",
        "Seizes satisfied after a busy wait (SYS.Stats.Resource: Aseize).",
        "resource",
    ),
}


def read_globals(session: Session, rows: Rows) -> None:
    """References, blocks and the journal's records."""
    rows.read_sample(session, "SYS.Stats.Global", GLOBALS)


def read_routines(session: Session, rows: Rows) -> None:
    """Commands, calls and loads."""
    rows.read_sample(session, "SYS.Stats.Routine", ROUTINES)


def read_write_daemons(session: Session, rows: Rows) -> None:
    """What each write daemon has written; behind the last one the index is 0."""
    steps = [Get("Index"), *(Get(column.property) for column in WRITE_DAEMON)]
    for daemon in range(1, MAX_WRITE_DAEMONS + 1):
        index, *values = session.with_object("SYS.Stats.WriteDaemon", "Sample", [daemon], steps)
        if not to_number(index):
            return
        for column, value in zip(WRITE_DAEMON, values, strict=True):
            rows.add(column.head, value, str(daemon))


def read_buffers(session: Session, rows: Rows) -> None:
    """The buffers of each size that the instance has."""
    for size in BUFFER_SIZES:
        count, available = session.with_object(
            "SYS.Stats.Buffer", "Sample", [size], [Get("NumSize"), Get("Avail")]
        )
        if to_number(count):
            rows.add(BUFFERS, count, str(size))
            rows.add(AVAILABLE_BUFFERS, available, str(size))


def read_resources(session: Session, rows: Rows) -> None:
    """Seizes of each resource; behind the last one the name is empty."""
    steps = [Get("Name"), *map(Get, RESOURCE)]
    for position in range(1, MAX_RESOURCES + 1):
        name, *values = session.with_object("SYS.Stats.Resource", "Sample", [position], steps)
        if name is None:
            return
        for head, value in zip(RESOURCE.values(), values, strict=True):
            rows.add(head, value, str(name))
