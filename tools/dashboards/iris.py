"""The dashboard of instances of IRIS: what they do, and what they are short of."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import iris_access, iris_storage, variables
from tools.dashboards.frame import page, row
from tools.dashboards.iris_looks import BY, HEALTH, REACHED, WHO, per_second, states_in
from tools.dashboards.links import OF_HOST, OF_INSTANCE, from_row, with_logs
from tools.dashboards.looks import CRITICAL, YES_IS_GOOD, Limit, too_much
from tools.dashboards.panels import THIRD, state_timeline, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import CPU_LIMITS, MEMORY_LIMITS
from tools.dashboards.tables import Column, table

CPU_PERCENT = [Limit(100 * limit.value, limit.colour) for limit in CPU_LIMITS]
MEMORY_PERCENT = [Limit(100 * limit.value, limit.colour) for limit in MEMORY_LIMITS]


def dashboard() -> dict[str, Any]:
    """Instances of IRIS."""
    return page(
        "iris",
        "Instances of InterSystems IRIS: whether they are reached, what they do, and which "
        "resource runs short.",
        variables.iris(),
        row("Now", *now()),
        row("Throughput", *throughput()),
        row("Caches", *caches()),
        row("Write daemon and WIJ", *iris_storage.write_daemon()),
        row("Journal", *iris_storage.journal()),
        row("Databases", *iris_storage.databases()),
        row("Licence, locks and transactions", *iris_access.contention()),
        row("Processes and memory", *iris_access.processes(), collapsed=True),
        row("SQL, web gateway and work queues", *iris_access.services(), collapsed=True),
        row("ECP", *iris_storage.ecp(), collapsed=True),
        row("Mirror", *iris_storage.mirror(), collapsed=True),
        row("Calls to the instance", *iris_access.calls(), collapsed=True),
    )


def now() -> list[Panel]:
    """Who is there, and how well."""
    return [
        table(
            "Instances",
            "Up is whether metrics come. Age is that of IRIS's own sensors: some seconds are "
            "normal, more than a minute means that the instance does not answer and its last "
            "values are shown. CPU and memory are those of the whole host of the instance, as IRIS "
            "sees it.",
            {"iris_instance": "Instance", "instance": "Host"},
            Column("Up", f"max by ({BY}) (iris_up{{IRIS}})", "none", states=YES_IS_GOOD),
            Column("Reached", states_in("iris_state", REACHED), "none", states=REACHED),
            Column("Health", states_in("iris_health_state", HEALTH), "none", states=HEALTH),
            Column(
                "Age of the sample",
                f"max by ({BY}) (iris_sample_age_seconds{{IRIS}})",
                "s",
                too_much(60, 180),
            ),
            Column("Running for", f"max by ({BY}) (iris_uptime_seconds{{IRIS}})", "dtdurations"),
            Column("CPU", f"max by ({BY}) (iris_cpu_usage{{IRIS}})", "percent", CPU_PERCENT),
            Column(
                "Memory",
                f"max by ({BY}) (iris_phys_mem_percent_used{{IRIS}})",
                "percent",
                MEMORY_PERCENT,
            ),
            links={
                "Host": from_row("host", OF_HOST),
                "Instance": from_row("governor", OF_INSTANCE),
            },
        ),
        with_logs(
            state_timeline(
                "How it is reached",
                "Up is normal. Degraded: the superserver refuses and the sensors come over HTTP, "
                "so nothing can be controlled. After access denied the next attempt is five "
                "minutes away at least, so that the account is not locked.",
                Query(states_in("iris_state", REACHED), WHO),
                states=REACHED,
                size=(12, 6),
            ),
            "Log of connections",
            {"search": "instance is"},
        ),
        state_timeline(
            "Health",
            "What the instance thinks of itself (%SYSTEM.Monitor): it follows the alerts in its "
            "messages.log. Warning and alert say: read that file. Hung means that it does not get "
            "on.",
            Query(states_in("iris_health_state", HEALTH), WHO),
            states=HEALTH,
            size=(12, 6),
        ),
        timeseries(
            "Alerts and application errors",
            "Alerts that the instance has posted since it was started (or since they were cleared) "
            "and errors of applications in its error log. Steps are news; a level is history.",
            Query("iris_serious_alerts{IRIS}", f"serious alerts, {WHO}"),
            Query("iris_system_alerts{IRIS}", f"alerts, {WHO}"),
            Query("iris_application_errors{IRIS}", f"application errors, {WHO}"),
            unit="none",
        ),
        timeseries(
            "CPU and memory of the host",
            "As IRIS sees its host, all programs included; the governor judges by these where the "
            "instance runs elsewhere. Above 90 % CPU or 95 % memory collecting is suspended.",
            Query("iris_cpu_usage{IRIS}", f"CPU, {WHO}"),
            Query("iris_phys_mem_percent_used{IRIS}", f"memory, {WHO}"),
            Query("iris_page_space_percent_used{IRIS}", f"page file, {WHO}"),
            unit="percent",
            high=100,
            limits=(Limit(90, CRITICAL),),
        ),
    ]


def throughput() -> list[Panel]:
    """How much is done, by counters that Prometheus makes rates of."""
    return [
        timeseries(
            "Global references",
            "Accesses to globals per second: the measure of how much an instance does. Remote ones "
            "go to data servers by ECP. Compare with the same hour of other days; there is no "
            "limit.",
            per_second("iris_global_references_total", "scope"),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Global updates",
            "Of these accesses those that set or kill. They are what journal and write daemon have "
            "to keep up with.",
            per_second("iris_global_updates_total", "scope"),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Routine commands",
            "ObjectScript commands executed per second. Many commands with few references are "
            "computing; many references with few commands are loops over data.",
            per_second("iris_routine_commands_total"),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Block reads",
            "Database blocks asked for (logical), and those that had to come from disk (physical). "
            "Physical reads should be a small part.",
            per_second("iris_database_logical_block_reads_total", name="logical"),
            per_second("iris_database_physical_block_reads_total", name="physical"),
            unit="ops",
        ),
    ]


def caches() -> list[Panel]:
    """Whether memory is enough."""
    misses = (
        f"sum by ({BY}) (rate(iris_database_physical_block_reads_total{{IRIS}}[$__rate_interval]))"
    )
    asked = (
        f"sum by ({BY}) (rate(iris_database_logical_block_reads_total{{IRIS}}[$__rate_interval]))"
    )
    return [
        timeseries(
            "Reads that went to disk",
            "Share of the blocks asked for that were not in the global buffers. A few per cent at "
            "most; a lasting rise means that the working set no longer fits.",
            Query(f"{misses} / {asked}", WHO),
            unit="percentunit",
            size=THIRD,
        ),
        timeseries(
            "Cache efficiency as IRIS has it",
            "Global references for each physical read or write, averaged by IRIS itself. Not a "
            "percentage, in spite of its documentation: it has no upper end, and high is good.",
            Query("iris_cache_efficiency{IRIS}", WHO),
            unit="short",
            size=THIRD,
        ),
        timeseries(
            "Buffers that can be used again",
            "By block size. A full cache is normal, so few are normal too; what counts is whether "
            "reads go to disk. Asked for every ten minutes.",
            Query("iris_buffers_available{IRIS}", f"{{{{block_size}}}} B, {WHO}"),
            unit="none",
            size=THIRD,
        ),
        timeseries(
            "Routines loaded or not in memory",
            "Routines loaded or saved per second, and calls of routines that were not in the "
            "routine buffers. Both are high after a start and a compilation, and low otherwise.",
            per_second("iris_routine_fetches_total", "scope", name="fetched"),
            per_second("iris_routine_cache_misses_total", name="not cached"),
            unit="ops",
        ),
    ]
