"""Rows of the dashboard of IRIS: what is written to disk, and to other instances."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.iris_looks import (
    BY,
    DASHBOARD,
    JOURNAL,
    MIRROR,
    WHO,
    per_second,
    states_in,
)
from tools.dashboards.looks import WARNING, YES_IS_BAD, YES_IS_GOOD, Limit, too_little, too_much
from tools.dashboards.panels import HALF, THIRD, stat, state_timeline, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

STRIP = (12, 6)

WITHOUT_ECP = "on instances that have no connection by ECP."
WITHOUT_MIRROR = "on instances that are in no mirror."


def write_daemon() -> list[Panel]:
    """From memory to the databases, by way of the write image journal."""
    return [
        timeseries(
            "Cycle of the write daemon",
            "How long its last cycle took, and how much of that went into the write image journal "
            "(WIJ) and into the databases. It begins one every 80 seconds at the latest: IRIS "
            "warns when one is 10 seconds late, so cycles of many seconds mean a disk that is too "
            "slow.",
            Query("iris_wd_cycle_time{IRIS}", f"whole, {WHO}"),
            Query("iris_wdwij_time{IRIS}", f"WIJ, {WHO}"),
            Query("iris_wd_write_time{IRIS}", f"databases, {WHO}"),
            unit="ms",
            limits=(Limit(10_000, WARNING),),
        ),
        timeseries(
            "Blocks written",
            "Blocks that the write daemons have written per second, and writes to the WIJ. Each "
            "changed block goes through the WIJ first.",
            per_second("iris_write_daemon_blocks_total", "daemon", name="daemon"),
            per_second("iris_wij_writes_total", name="WIJ"),
            unit="ops",
        ),
        state_timeline(
            "State of the write daemon",
            "Troubled means that it does not get on: look at the disks of WIJ and databases.",
            Query(states_in("iris_write_daemon_state", DASHBOARD), WHO),
            states=DASHBOARD,
            size=(8, 6),
        ),
        timeseries(
            "Blocks that wait to be written",
            "It rises between two cycles and falls with each. One that rises over several cycles "
            "means that more is changed than can be written.",
            Query("iris_write_daemon_queued_blocks{IRIS}", WHO),
            unit="none",
            size=(8, 6),
            empty="where the instance does not say.",
        ),
        state_timeline(
            "Updates held up",
            "Whether the write daemon is suspended, as for an external backup, and whether sets "
            "and kills may be blocked. Neither should last for minutes.",
            Query("iris_wd_suspended{IRIS} > bool 0", f"suspended, {WHO}"),
            Query("iris_wd_condition{IRIS} > bool 0", f"blocked, {WHO}"),
            states=YES_IS_BAD,
            size=(8, 6),
        ),
    ]


def journal() -> list[Panel]:
    """What would be lost without it."""
    first, limits = too_little(1024, 250)
    return [
        state_timeline(
            "State of the journal",
            "Frozen or suspended: no updates, or updates that a crash loses. Disabled is a choice "
            "that somebody has made.",
            Query(states_in("iris_journal_state", JOURNAL), WHO),
            states=JOURNAL,
            size=HALF,
        ),
        timeseries(
            "Journal written",
            "Bytes per second, from whole blocks of 64 KiB. It follows the global updates.",
            Query(
                f"sum by ({BY}) (rate(iris_journal_blocks_total{{IRIS}}[$__rate_interval]))"
                " * 65536",
                WHO,
            ),
            unit="Bps",
            size=HALF,
        ),
        stat(
            "Least room for the journal",
            "The smallest of the places for journal files and WIJ. Below 250 MB IRIS warns, below "
            "50 MB it speaks of trouble; full, it freezes or goes on without a journal.",
            Query(f"min by ({BY}) (iris_jrn_free_space{{IRIS}})", WHO),
            unit="mbytes",
            limits=limits,
            first=first,
            size=(6, 8),
        ),
        timeseries(
            "Room for the journal",
            "Free space where the journal files and the WIJ lie, as IRIS's sensors have it.",
            Query("iris_jrn_free_space{IRIS}", f"{{{{id}}}} {{{{dir}}}}, {WHO}"),
            unit="mbytes",
            size=(9, 8),
        ),
        timeseries(
            "Size of the journal files",
            "All files that are kept. It falls when old ones are purged, which IRIS does after "
            "some days or backups; one that only rises fills the disk.",
            Query("iris_jrn_size{IRIS}", f"{{{{id}}}}, {WHO}"),
            unit="mbytes",
            size=(9, 8),
        ),
    ]


def databases() -> list[Panel]:
    """How full they are, and how fast."""
    by = f"{BY}, id, dir"
    free = f"max by ({by}) (iris_database_free_bytes{{IRIS}})"
    size = f"max by ({by}) (iris_database_size_bytes{{IRIS}})"
    return [
        table(
            "Databases",
            "Size and free room as the databases say, at most ten minutes old: IRIS's own sensor "
            "of the free room is refreshed once a day only. A database that is full of data is "
            "normal as long as it may grow and its volume has room.",
            {"iris_instance": "Instance", "instance": "Host", "id": "Database", "dir": "Directory"},
            Column("Size", size, "bytes"),
            Column("Free in it", free, "bytes"),
            Column("Used", f"1 - {free} / ({size} > 0)", "percentunit"),
            Column(
                "Mounted",
                f"max by ({by}) (iris_database_mounted{{IRIS}})",
                "none",
                states=YES_IS_GOOD,
            ),
            Column(
                "Volume in use",
                f"max by ({by}) (iris_disk_percent_full{{IRIS}})",
                "percent",
                too_much(85, 95),
            ),
            Column("Free on the volume", f"min by ({by}) (iris_directory_space{{IRIS}})", "mbytes"),
            sort="Volume in use",
            size=(24, 9),
        ),
        timeseries(
            "Latency of databases",
            "How long a random read of a database takes, as IRIS measures it. Under a millisecond "
            "on flash; some milliseconds on discs; a jump means that the storage has a problem.",
            Query("iris_db_latency{IRIS}", f"{{{{id}}}}, {WHO}"),
            unit="ms",
        ),
        timeseries(
            "Growth of databases",
            "How much larger each database is than an hour before. They grow in steps, and never "
            "shrink by themselves.",
            Query("delta(iris_database_size_bytes{IRIS}[1h])", f"{{{{id}}}}, {WHO}"),
            unit="bytes",
            low=None,
        ),
    ]


def ecp() -> list[Panel]:
    """Other instances that hold the data, or ask for it."""
    return [
        state_timeline(
            "State of ECP",
            "All connections together, to data servers and of application servers. Normal is also "
            "where there are none.",
            Query(states_in("iris_ecp_client_state", DASHBOARD), f"to data servers, {WHO}"),
            Query(states_in("iris_ecp_server_state", DASHBOARD), f"of clients, {WHO}"),
            states=DASHBOARD,
            size=STRIP,
        ),
        timeseries(
            "Connections by ECP",
            "How many there are. One that is lost for longer than the recovery time makes open "
            "transactions roll back.",
            Query("iris_ecp_conn{IRIS}", f"to data servers, {WHO}"),
            Query("iris_ecps_conn{IRIS}", f"of application servers, {WHO}"),
            unit="none",
            size=STRIP,
        ),
        timeseries(
            "Bytes to and from data servers",
            "The counter of IRIS may wrap at 32 bits, which costs one point in the graph.",
            per_second("iris_ecp_client_bytes_total", "direction"),
            unit="Bps",
            size=THIRD,
            empty=WITHOUT_ECP,
        ),
        timeseries(
            "Bytes to and from application servers",
            "The counter of IRIS may wrap at 32 bits, which costs one point in the graph.",
            per_second("iris_ecp_server_bytes_total", "direction"),
            unit="Bps",
            size=THIRD,
            empty=WITHOUT_ECP,
        ),
        timeseries(
            "Requests and locks of application servers",
            "Requests per second, and locks by what became of them. Locks that fail are those that "
            "another process holds.",
            per_second("iris_ecp_server_requests_total", name="requests"),
            per_second("iris_ecp_server_locks_total", "result", name="locks"),
            unit="ops",
            size=THIRD,
            empty=WITHOUT_ECP,
        ),
    ]


def mirror() -> list[Panel]:
    """Who is primary, and who could be."""
    return [
        state_timeline(
            "State of the mirror member",
            "One member is primary and the others are backup or connected. Notinit is no member at "
            "all. Waiting, stopped and crashed members do not get the journal.",
            Query(states_in("iris_mirror_state", MIRROR), WHO),
            states=MIRROR,
            size=HALF,
        ),
        state_timeline(
            "Ready for failover",
            "Whether this member could take over. No means that a failure of the primary stops the "
            "service.",
            Query("iris_mirror_failover_ready{IRIS}", WHO),
            states=YES_IS_GOOD,
            size=(6, 8),
            empty=WITHOUT_MIRROR,
        ),
        stat(
            "Databases missing here",
            "Databases in the journal of the mirror that this member does not have: it could not "
            "give their data after a failover.",
            Query("iris_mirror_missing_databases{IRIS}", WHO),
            unit="none",
            limits=too_much(1, 2),
            size=(6, 8),
            empty=WITHOUT_MIRROR,
        ),
    ]
