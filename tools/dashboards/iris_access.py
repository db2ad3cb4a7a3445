"""Rows of the dashboard of IRIS: who uses the instance, and how it answers."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.iris_looks import BY, WHO, per_second
from tools.dashboards.links import with_logs
from tools.dashboards.looks import NOTICE, WARNING, YES_IS_GOOD, Limit, too_little, too_much
from tools.dashboards.panels import THIRD, stat, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

WITHOUT_GATEWAY = "where no web gateway is connected."


def contention() -> list[Panel]:
    """What somebody may have to wait for."""
    first, limits = too_little(30, 7)
    used = f"max by ({BY}) (iris_license_used{{IRIS}})"
    limit = f"max by ({BY}) (iris_license_limit{{IRIS}})"
    return [
        timeseries(
            "Licence units in use",
            "Share of the key's units. When none is left, logins are refused: those of users "
            "first, and a new connection of this exporter too.",
            Query(f"{used} / ({limit} > 0)", WHO),
            unit="percentunit",
            high=1,
            limits=too_much(0.85, 0.9),
            size=(9, 8),
        ),
        stat(
            "Days until the licence expires",
            "By the day that the key has. IRIS warns a week before; order a new one earlier.",
            Query("(iris_license_expiration_timestamp_seconds{IRIS} - time()) / 86400", WHO),
            unit="d",
            limits=limits,
            first=first,
            decimals=0,
            size=(3, 8),
            empty="with a key that never expires.",
        ),
        timeseries(
            "Lock table in use",
            "Share of the memory for locks. IRIS warns above 85 % and speaks of trouble above 95 "
            "%; full, no more locks can be had. It fills when an application forgets to unlock.",
            Query(
                "iris_lock_table_used_bytes{IRIS} / (iris_lock_table_used_bytes{IRIS} + "
                "iris_lock_table_usable_bytes{IRIS} > 0)",
                WHO,
            ),
            unit="percentunit",
            high=1,
            limits=too_much(0.85, 0.95),
        ),
        timeseries(
            "Longest open transaction",
            "Seconds since it began. IRIS warns after ten minutes: the journal that it needs "
            "cannot be purged, and its locks stay.",
            Query("iris_trans_open_secs_max{IRIS}", WHO),
            unit="s",
            limits=(Limit(600, NOTICE), Limit(1200, WARNING)),
            size=THIRD,
        ),
        timeseries(
            "Open transactions",
            "How many transactions are open now.",
            Query("iris_trans_open_count{IRIS}", WHO),
            unit="none",
            size=THIRD,
        ),
        timeseries(
            "Seizes that had to sleep",
            "How often per second a process had to sleep for an internal resource of IRIS. Some "
            "are normal; many, with a CPU that is not busy, mean contention. By the sensors, or by "
            "the statistics of older versions, which have no such sensor.",
            per_second("iris_res_n_seize", "id"),
            per_second("iris_resource_nseizes_total", "resource"),
            unit="ops",
            size=THIRD,
            empty="where the collection of resource statistics is off in IRIS.",
        ),
    ]


def processes() -> list[Panel]:
    """Who is there, and in which memory."""
    return [
        timeseries(
            "Processes and web sessions",
            "Processes of the instance, its own included, and sessions of web applications. Steps "
            "up that do not come down are clients that never end.",
            Query("iris_process_count{IRIS}", f"processes, {WHO}"),
            Query("iris_csp_sessions{IRIS}", f"web sessions, {WHO}"),
            unit="none",
            size=THIRD,
        ),
        timeseries(
            "Shared memory heap",
            "Share of the shared memory heap (gmheap) in use, by purpose where it is above a "
            "tenth. Full, new things cannot be allocated, such as locks and mappings.",
            Query("iris_smh_total_percent_full{IRIS}", f"all, {WHO}"),
            Query("iris_smh_percent_full{IRIS} > 10", f"{{{{id}}}}, {WHO}"),
            unit="percent",
            high=100,
            limits=too_much(85, 95),
            size=THIRD,
        ),
        timeseries(
            "CPU of IRIS's own daemons",
            "By kind of process: write daemon (WRTDMN), journal daemon (JRNDMN) and others. These "
            "are the housekeeping alone, not the work of applications.",
            Query("iris_cpu_pct{IRIS}", f"{{{{id}}}}, {WHO}"),
            unit="percent",
            size=THIRD,
        ),
    ]


def services() -> list[Panel]:
    """Ways in: statements, pages, and work that is divided."""
    return [
        timeseries(
            "SQL statements",
            "Statements per second by namespace, averaged by IRIS itself; all stands for the "
            "whole.",
            Query("iris_sql_queries_per_second{IRIS}", f"{{{{id}}}}, {WHO}"),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Mean time of an SQL statement",
            "As IRIS computes it. A mean hides the slow ones: see how it moves, not how high it "
            "is.",
            Query("iris_sql_queries_avg_runtime{IRIS}", f"{{{{id}}}}, {WHO}"),
            unit="s",
            size=THIRD,
        ),
        timeseries(
            "SQL statements that run now",
            "How many run, and how long the slowest hundredth of them has been running.",
            Query('iris_sql_active_queries{IRIS, id="all"}', f"running, {WHO}"),
            Query('iris_sql_active_queries_99_percentile{IRIS, id="all"}', f"seconds, {WHO}"),
            unit="none",
            size=THIRD,
            empty="on versions without these sensors, and while nothing runs.",
        ),
        timeseries(
            "Web gateway: connections",
            "Connections of the web gateway to the instance, and those of them that serve a "
            "request.",
            Query("iris_csp_actual_connections{IRIS}", f"all {{{{id}}}}, {WHO}"),
            Query("iris_csp_in_use_connections{IRIS}", f"in use {{{{id}}}}, {WHO}"),
            unit="none",
            size=THIRD,
            empty=WITHOUT_GATEWAY,
        ),
        timeseries(
            "Web gateway: latency",
            "How long the gateway took to answer IRIS when it was asked for its numbers.",
            Query("iris_csp_gateway_latency{IRIS}", f"{{{{id}}}}, {WHO}"),
            unit="ms",
            size=THIRD,
            empty=WITHOUT_GATEWAY,
        ),
        timeseries(
            "Work queues",
            "Workers that work and the most entries that have waited. A deep queue with few "
            "workers means that work is divided among too few.",
            Query("iris_wqm_active_worker_jobs{IRIS}", f"active {{{{id}}}}, {WHO}"),
            Query("iris_wqm_max_work_queue_depth{IRIS}", f"waiting {{{{id}}}}, {WHO}"),
            unit="none",
            size=THIRD,
            empty="while no work queue is in use.",
        ),
    ]


def calls() -> list[Panel]:
    """How the daemon and the instance talk."""
    buckets = (
        f"sum by ({BY}, call, le) "
        "(rate(iris_call_duration_seconds_bucket{IRIS}[$__rate_interval]))"
    )
    return [
        timeseries(
            "Latency of calls",
            "95 of 100 calls of a kind took at most this long; open is the login. Milliseconds are "
            "normal. Rising latency is often the first sign of an instance in trouble.",
            Query(f"histogram_quantile(0.95, {buckets})", f"{{{{call}}}}, {WHO}"),
            unit="s",
            empty="for kinds of calls that were not made in the time shown.",
        ),
        with_logs(
            timeseries(
                "Errors by kind",
                "Errors of the instance and of the way to it, per second. None is normal; "
                "docs/iris.md says of each kind what helps.",
                Query(
                    f"sum by ({BY}, kind) (rate(iris_errors_total{{IRIS}}[$__rate_interval]))",
                    f"{{{{kind}}}}, {WHO}",
                ),
                unit="ops",
            ),
            "Log about instances",
            {"search": "instance"},
        ),
        table(
            "Parts of the statistics",
            "Whether each part could be read when it was last asked for. No is mostly a missing "
            "right: perfwatch iris check names the grant.",
            {"iris_instance": "Instance", "instance": "Host", "part": "Part"},
            Column(
                "Read",
                f"max by ({BY}, part) (iris_statistics_success{{IRIS}})",
                "none",
                states=YES_IS_GOOD,
            ),
            size=(8, 10),
        ),
        timeseries(
            "Sensors left out",
            "Lines that were not understood and series that were left out, per second: beyond the "
            "limit of an instance, of processes, or under a name that is not the instance's to "
            "give.",
            per_second("iris_dropped_series_total", "reason"),
            per_second("iris_unparsed_lines_total", name="unparsed lines"),
            unit="ops",
            size=(8, 10),
        ),
        timeseries(
            "Worker processes started",
            "Processes that hold the connection, started within the last hour. One after a restart "
            "of the daemon; more means that they are ended or crash.",
            Query("increase(iris_worker_starts_total{IRIS}[1h])", f"started, {WHO}"),
            unit="none",
            size=(8, 10),
        ),
    ]
