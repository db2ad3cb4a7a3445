"""The dashboard of hardware counters, and of what the kernel counts beside them."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import variables
from tools.dashboards.frame import page, row
from tools.dashboards.looks import CRITICAL, WARNING, YES_IS_BAD, YES_IS_GOOD, Limit, too_little
from tools.dashboards.panels import HALF, THIRD, stat, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

NO_HARDWARE = "where the CPU or the hypervisor has no such counters, as on most virtual machines."
NO_PERF = "where the collector perf is off (`--collector.perf`)."

PLACE = "{{instance}} {{cpu}}{{core}}{{socket}}{{node}} {{pmu}}"
"""Where a counter counts: empty but for the host unless `--collector.perf.aggregation` says so."""

LEAST_CONFIDENCE = 0.2
"""Of the recorded ratios: below it there is none."""


def dashboard() -> dict[str, Any]:
    """The dashboard of hardware counters."""
    return page(
        "perf",
        "What CPUs and the kernel count, and how far that can be trusted.",
        [
            variables.data_source(),
            variables.job("perf_up"),
            variables.instance("perf_up"),
        ],
        row("State", *state()),
        row("Instructions and branches", *core()),
        row("Caches", *caches()),
        row("TLBs", *tlbs()),
        row("What the kernel counts", *software()),
        row("Confidence", *confidence()),
    )


def ratio(name: str) -> str:
    """A recorded ratio: it is there where both of its counters can be trusted."""
    return f"instance:perf_{name}:ratio_rate5m{{HOST}}"


def rate(*events: str) -> list[Query]:
    """How often events happened per second."""
    return [
        Query(
            f"rate(perf_{event}_total{{HOST}}[$__rate_interval])",
            f"{PLACE} {event.replace('_', ' ')}",
        )
        for event in events
    ]


def state() -> list[Panel]:
    """Whether there is something to look at."""
    return [*counting(), *outcome()]


def counting() -> list[Panel]:
    """Whether events are counted."""
    return [
        stat(
            "Counting",
            "Whether events are being counted at all. The log of PerfWatch says why not.",
            Query("perf_up{HOST}", "{{instance}}"),
            unit="none",
            states=YES_IS_GOOD,
            empty=NO_PERF,
        ),
        stat(
            "Suspended",
            "Whether counting is suspended, as while a host is under pressure.",
            Query("perf_suspended{HOST}", "{{instance}}"),
            unit="none",
            states=YES_IS_BAD,
            empty=NO_PERF,
        ),
        stat(
            "Age of the newest sample",
            "Numbers older than a few intervals are those of a process that hangs.",
            Query("perf_sample_age_seconds{HOST}", "{{instance}}"),
            unit="s",
            limits=(Limit(10, WARNING), Limit(60, CRITICAL)),
            empty=NO_PERF,
        ),
    ]


def outcome() -> list[Panel]:
    """What comes of it."""
    return [
        stat(
            "Restarts in an hour",
            "How often perf had to be started again.",
            Query("increase(perf_child_restarts_total{HOST}[1h])", "{{instance}}"),
            unit="short",
            decimals=0,
            limits=(Limit(3, WARNING),),
            empty=NO_PERF,
        ),
        stat(
            "Events that count",
            "How many of the chosen events can be counted here.",
            Query("sum by (instance) (perf_event_available{HOST})", "{{instance}}"),
            unit="short",
            empty=NO_PERF,
        ),
        stat(
            "Instructions per cycle",
            "Of the last five minutes. Below 1 a CPU mostly waits for memory; compare a host with "
            "its own past, not with another model.",
            Query(ratio("instructions_per_cycle"), PLACE),
            unit="short",
            decimals=2,
            empty=NO_HARDWARE,
        ),
    ]


def core() -> list[Panel]:
    """What the CPUs do."""
    return [
        timeseries(
            "Instructions per cycle over time",
            "Recorded each interval from five minutes, where both counters can be trusted.",
            Query(ratio("instructions_per_cycle"), PLACE),
            unit="short",
            size=THIRD,
            empty=NO_HARDWARE,
        ),
        timeseries(
            "Cycles and instructions",
            "Per second, of all CPUs together unless they are told apart.",
            *rate("cycles", "instructions"),
            unit="ops",
            size=THIRD,
            empty=NO_HARDWARE,
        ),
        timeseries(
            "Mispredicted branches",
            "Share of branches that the CPU predicted wrongly, of the last five minutes.",
            Query(ratio("branch_misses_per_branch"), PLACE),
            unit="percentunit",
            size=THIRD,
            empty=NO_HARDWARE,
        ),
    ]


def caches() -> list[Panel]:
    """How often caches could not help."""
    return [
        timeseries(
            "Cache misses by cache",
            "Share of accesses that a cache could not serve, of the last five minutes. Which cache "
            "`references` means, the maker of the CPU has chosen.",
            Query(ratio("L1_dcache_load_misses_per_load"), f"{PLACE} first level, data"),
            Query(ratio("LLC_load_misses_per_load"), f"{PLACE} last level"),
            Query(ratio("cache_misses_per_reference"), f"{PLACE} references"),
            unit="percentunit",
            empty=NO_HARDWARE,
        ),
        timeseries(
            "Cache misses per second",
            "Each miss of the last level is a wait for memory.",
            *rate("cache_misses", "LLC_load_misses", "L1_dcache_load_misses"),
            unit="ops",
            empty=NO_HARDWARE,
        ),
    ]


def tlbs() -> list[Panel]:
    """How often addresses had to be looked up in memory."""
    return [
        timeseries(
            "TLB misses by TLB",
            "Share of lookups that no TLB could answer, of the last five minutes. That of "
            "instructions may be above 1: makers count different things.",
            Query(ratio("dTLB_load_misses_per_load"), f"{PLACE} data"),
            Query(ratio("iTLB_load_misses_per_load"), f"{PLACE} instructions"),
            unit="percentunit",
            empty=NO_HARDWARE,
        ),
        timeseries(
            "TLB misses per second",
            "Many of data, with much memory in use: huge pages may help.",
            *rate("dTLB_load_misses", "iTLB_load_misses"),
            unit="ops",
            empty=NO_HARDWARE,
        ),
    ]


def software() -> list[Panel]:
    """What virtual machines count too."""
    return [
        timeseries(
            "Context switches",
            "Switches from one task to another per second.",
            *rate("context_switches"),
            unit="ops",
            size=THIRD,
            empty=NO_PERF,
        ),
        timeseries(
            "Migrations",
            "Moves of tasks to another CPU per second; each leaves warm caches behind.",
            *rate("cpu_migrations"),
            unit="ops",
            size=THIRD,
            empty=NO_PERF,
        ),
        timeseries(
            "Page faults",
            "Major ones waited for a disk.",
            *rate("minor_faults", "major_faults"),
            unit="ops",
            size=THIRD,
            empty=NO_PERF,
        ),
    ]


def confidence() -> list[Panel]:
    """How far the numbers can be trusted."""
    return [*shares(), *odd()]


def shares() -> list[Panel]:
    """How long events were counted."""
    by = "by (instance, event, reason)"
    return [
        timeseries(
            "Share of the time in which an event was counted",
            "Events share the few counters of a CPU. Below 1 a number is an estimate; below the "
            "line no ratio is recorded.",
            Query(
                "instance:perf_event_running_per_enabled:ratio_rate5m{HOST}",
                f"{PLACE} {{{{event}}}}",
            ),
            unit="percentunit",
            high=1,
            limits=(Limit(LEAST_CONFIDENCE, WARNING),),
            size=HALF,
            empty=NO_PERF,
        ),
        table(
            "Events that cannot be counted",
            "Each event that is not available, and the reason.",
            {"instance": "Host", "event": "Event", "reason": "Reason"},
            Column("Hosts and PMUs", f"count {by} (perf_event_available{{HOST}} == 0)", "short"),
            size=HALF,
            empty="where all events can be counted, or the collector perf is off.",
        ),
    ]


def odd() -> list[Panel]:
    """What one needs to know of numbers that look odd."""
    first, limits = too_little(0.9, LEAST_CONFIDENCE)
    return [
        table(
            "Confidence now",
            "The part of the newest interval in which each event was counted.",
            {"instance": "Host", "event": "Event"},
            Column(
                "Counted",
                "min by (instance, event) (perf_event_running_ratio{HOST})",
                "percentunit",
                limits=limits,
                first=first,
            ),
            size=HALF,
            empty=NO_PERF,
        ),
        timeseries(
            "Lines that were not understood",
            "What perf printed and PerfWatch could not read: a new form of it, to be reported.",
            Query("rate(perf_unparsed_lines_total{HOST}[$__rate_interval])", "{{instance}}"),
            unit="ops",
            size=HALF,
            empty=NO_PERF,
        ),
    ]
