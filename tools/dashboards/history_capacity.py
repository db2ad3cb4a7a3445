"""Panels on what will be full, what watching costs, and what is kept."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.looks import Limits, too_little, too_much
from tools.dashboards.panels import HALF, THIRD, Size, stat, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import FILE_SYSTEM_LIMITS, MEMORY_LIMITS, SPACE
from tools.dashboards.tables import Column, table

DAY = 86_400
MONTH = 30 * DAY
QUARTER: Size = (6, 5)

HOST = "{{instance}}"
STEP = "5m"
"""Between two points at least: the rules write every two minutes, from windows of five."""

IN_A_MONTH = "In a month"


def rooms() -> list[Panel]:
    """What fills up, by the trend of six hours and by that of the time that is shown."""
    return [*file_systems(), *other_rooms()]


def file_systems() -> list[Panel]:
    """Room on file systems."""
    mount = "by (instance, mountpoint, device)"
    used = f"instance_mountpoint:node_filesystem_used:ratio_avg5m{{HOST, {SPACE}}}"
    growth = f"instance_mountpoint:node_filesystem_used_bytes:deriv6h{{HOST, {SPACE}}}"
    left = f"node_filesystem_avail_bytes{{HOST, {SPACE}}}"
    first, limits = too_little(7 * DAY, DAY)
    return [
        table(
            "File systems",
            "Growth is that of the last six hours, and Full in is how long the room lasts at that "
            "pace: centuries where it does not grow. In a month is where the trend of the whole "
            "time that is shown leads: above 100 % it will be full.",
            {"instance": "Host", "mountpoint": "Mounted on", "device": "Device"},
            Column("Used", f"max {mount} ({used})", "percentunit", limits=FILE_SYSTEM_LIMITS),
            Column("Left", f"min {mount} ({left})", "bytes"),
            Column("Growth", f"max {mount} ({growth})", "binBps"),
            Column(
                "Full in",
                f"min {mount} ({left}) / clamp_min(max {mount} ({growth}), 1)",
                "s",
                limits=limits,
                first=first,
            ),
            Column(
                IN_A_MONTH,
                f"max {mount} (predict_linear({used}[$__range], {MONTH}))",
                "percentunit",
                limits=too_much(0.9, 1),
            ),
            sort="Used",
            size=(24, 8),
        ),
    ]


def other_rooms() -> list[Panel]:
    """Memory, licences, databases."""
    return [
        table(
            "Memory in a month",
            "The highest use in five minutes, and where its trend in the time that is shown leads. "
            "A trend of a day says little about a month.",
            {"instance": "Host"},
            *now_and_in_a_month(
                "by (instance)", "instance:node_memory_used:ratio_max5m{HOST}", MEMORY_LIMITS
            ),
            sort=IN_A_MONTH,
            size=THIRD,
        ),
        table(
            "Licences in a month",
            "The highest use in five minutes, and where its trend in the time that is shown leads.",
            {"iris_instance": "Instance", "instance": "Host"},
            *now_and_in_a_month(
                "by (iris_instance, instance)",
                "iris_instance:iris_license_used:ratio_max5m{IRIS}",
                too_much(0.85, 0.9),
            ),
            sort=IN_A_MONTH,
            size=THIRD,
            empty="where no instance of IRIS is configured.",
        ),
        timeseries(
            "Databases",
            "Size of each database of IRIS.",
            Query("iris_database_size_bytes{IRIS}", "{{iris_instance}} {{dir}}"),
            unit="bytes",
            size=THIRD,
            empty="where no instance of IRIS is configured.",
        ),
    ]


def now_and_in_a_month(by: str, recorded: str, limits: Limits) -> list[Column]:
    """Two columns about a recorded share: a trend over time would be read anew for each point."""
    return [
        Column("Now", f"max {by} ({recorded})", "percentunit", limits=limits),
        Column(
            IN_A_MONTH,
            f"max {by} (predict_linear({recorded}[$__range], {MONTH}))",
            "percentunit",
            limits=limits,
        ),
    ]


def costs() -> list[Panel]:
    """What the daemon takes, and gives to be stored."""
    return [
        timeseries(
            "Scrapes",
            "Highest time that a scrape took.",
            Query("max_over_time(instance:scrape_duration_seconds:max5m{HOST}[$__interval])", HOST),
            unit="s",
            size=(6, 8),
            step=STEP,
        ),
        timeseries(
            "Samples of a scrape",
            "What Prometheus has to store each time.",
            Query("max_over_time(instance:scrape_samples_scraped:max5m{HOST}[$__interval])", HOST),
            unit="short",
            size=(6, 8),
            step=STEP,
        ),
        timeseries(
            "CPU of PerfWatch",
            "CPUs that the daemon uses.",
            Query("avg_over_time(instance:process_cpu_seconds:rate5m{HOST}[$__interval])", HOST),
            unit="percentunit",
            size=(6, 8),
            step=STEP,
        ),
        timeseries(
            "Memory of PerfWatch",
            "Resident memory of the daemon.",
            Query(
                "max_over_time(instance:process_resident_memory_bytes:max5m{HOST}[$__interval])",
                HOST,
            ),
            unit="bytes",
            size=(6, 8),
            step=STEP,
        ),
    ]


def own(metric: str) -> str:
    """PromQL for a metric of Prometheus itself."""
    return f'{metric}{{job="prometheus"}}'


def retention() -> list[Panel]:
    """What Prometheus keeps, and for how long."""
    return [*limits(), *storage()]


def limits() -> list[Panel]:
    """How long it is kept."""
    return [
        stat(
            "Oldest sample",
            "How far back anything is known.",
            Query(f"time() - {own('prometheus_tsdb_lowest_timestamp_seconds')}", "{{instance}}"),
            unit="s",
            size=QUARTER,
        ),
        stat(
            "Kept for",
            "The limit by time (`--storage.tsdb.retention.time`); 0 is none.",
            Query(own("prometheus_tsdb_retention_limit_seconds"), "{{instance}}"),
            unit="s",
            size=QUARTER,
        ),
        stat(
            "Size limit",
            "The limit by size (`--storage.tsdb.retention.size`); 0 is none, and then a disk can "
            "fill up.",
            Query(own("prometheus_tsdb_retention_limit_bytes"), "{{instance}}"),
            unit="bytes",
            size=QUARTER,
        ),
        stat(
            "Series",
            "Series that get samples now.",
            Query(own("prometheus_tsdb_head_series"), "{{instance}}"),
            unit="short",
            size=QUARTER,
        ),
    ]


def storage() -> list[Panel]:
    """What it takes."""
    return [
        timeseries(
            "Storage",
            "What lies on the disk of Prometheus: blocks, and the log of what is not yet in one.",
            Query(own("prometheus_tsdb_storage_blocks_bytes"), "{{instance}} blocks"),
            Query(own("prometheus_tsdb_wal_storage_size_bytes"), "{{instance}} log"),
            unit="bytes",
            size=HALF,
        ),
        timeseries(
            "Samples stored",
            "Per second.",
            Query(
                "rate(prometheus_tsdb_head_samples_appended_total"
                '{job="prometheus"}[$__rate_interval])',
                "{{instance}} {{type}}",
            ),
            unit="ops",
            size=HALF,
        ),
    ]
