"""The dashboard of months: what grew, what will be full, and how far back anything is known."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import history_capacity, variables
from tools.dashboards.frame import page, row
from tools.dashboards.looks import Limits, too_much
from tools.dashboards.panels import THIRD, Size, text, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import CPU_LIMITS, MEMORY_LIMITS

EXPLANATION = """\
These panels read what recording rules write every two minutes, so that months are shown from few
series. Means hide what hurts for a minute: the maximum stands beside them. How far back it
goes is what Prometheus keeps, which the last row says.
"""

NO_IRIS = "where no instance of IRIS is configured."


def dashboard() -> dict[str, Any]:
    """The dashboard of months."""
    return page(
        "history",
        "Weeks and months of hosts and instances of IRIS, where they lead, and what is kept.",
        [
            variables.data_source(),
            variables.job(),
            variables.instance(),
            variables.iris_instance(),
        ],
        row("Load", text("About", EXPLANATION, size=(24, 3)), *load()),
        row("Disks and network", *devices()),
        row("What will be full", *history_capacity.rooms()),
        row("IRIS", *iris()),
        row("What watching costs", *history_capacity.costs()),
        row("Retention", *history_capacity.retention()),
        since="now-30d",
        refresh="15m",
    )


def over_time(function: str, name: str, choice: str = "HOST") -> str:
    """PromQL that makes one point of all recorded values since the point before."""
    return f"{function}_over_time({name}{{{choice}}}[$__interval])"


def trend(  # noqa: PLR0913 -- those of timeseries, and the size that most have here
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    empty: str = "",
    size: Size = THIRD,
    limits: Limits = (),
) -> Panel:
    """Recorded values over a long time."""
    return timeseries(
        title,
        description,
        *queries,
        unit=unit,
        empty=empty,
        size=size,
        limits=limits,
        step=history_capacity.STEP,
    )


def load() -> list[Panel]:
    """CPUs, memory and pressure."""
    busy, used = "instance:node_cpu_busy:ratio", "instance:node_memory_used:ratio"
    return [
        trend(
            "CPU busy",
            "Mean, and the highest two minutes, with the governor's default thresholds.",
            Query(over_time("avg", f"{busy}_rate5m"), "{{instance}} mean"),
            Query(over_time("max", f"{busy}_max5m"), "{{instance}} highest"),
            unit="percentunit",
            limits=CPU_LIMITS,
        ),
        trend(
            "Memory used",
            "Mean and highest, with the governor's default thresholds.",
            Query(over_time("avg", f"{used}_avg5m"), "{{instance}} mean"),
            Query(over_time("max", f"{used}_max5m"), "{{instance}} highest"),
            unit="percentunit",
            limits=MEMORY_LIMITS,
        ),
        trend(
            "Pressure",
            "Mean share of time in which some task waited for a CPU, for memory or for a disk.",
            *[
                Query(
                    over_time("avg", f"instance:node_pressure_{kind}_waiting_seconds:rate5m"),
                    f"{{{{instance}}}} {called}",
                )
                for kind, called in {"cpu": "CPU", "memory": "memory", "io": "disks"}.items()
            ],
            unit="percentunit",
            empty="on kernels without PSI (before Linux 4.20, or not enabled).",
        ),
    ]


def devices() -> list[Panel]:
    """Disks and interfaces."""
    legend = "{{instance}} {{device}}"
    return [
        trend(
            "Disk throughput",
            "Mean of bytes read and written per second.",
            *[
                Query(
                    over_time("avg", f"instance_device:node_disk_{way}_bytes:rate5m"),
                    f"{legend} {way}",
                )
                for way in ("read", "written")
            ],
            unit="Bps",
        ),
        trend(
            "Disk utilisation",
            "Highest share of five minutes in which a request was under way.",
            Query(over_time("max", "instance_device:node_disk_io_time_seconds:rate5m"), legend),
            unit="percentunit",
        ),
        trend(
            "Network traffic",
            "Mean of bytes received and sent per second.",
            *[
                Query(
                    over_time("avg", f"instance_device:node_network_{way}_bytes:rate5m"),
                    f"{legend} {way}",
                )
                for way in ("receive", "transmit")
            ],
            unit="Bps",
        ),
    ]


def iris() -> list[Panel]:
    """Instances of IRIS."""
    legend = "{{iris_instance}} on {{instance}}"
    return [
        trend(
            "Licence used",
            "Highest share of the licence's units in use.",
            Query(over_time("max", "iris_instance:iris_license_used:ratio_max5m", "IRIS"), legend),
            unit="percentunit",
            limits=too_much(0.85, 0.9),
            empty=NO_IRIS,
        ),
        trend(
            "Global references",
            "Mean per second.",
            Query(over_time("avg", "iris_instance:iris_global_references:rate5m", "IRIS"), legend),
            unit="ops",
            empty=NO_IRIS,
        ),
        trend(
            "Suspended by the governor",
            "Share of the time in which the governor held ^SystemPerformance back.",
            Query(
                over_time("avg", "iris_instance:perfwatch_governor_suspended:ratio_rate5m", "IRIS"),
                legend,
            ),
            unit="percentunit",
            empty=NO_IRIS,
        ),
    ]
