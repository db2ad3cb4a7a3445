"""The dashboard to begin with: is anything wrong, and where."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import overview_signals, variables
from tools.dashboards.frame import page, row
from tools.dashboards.iris_looks import HEALTH as IRIS_HEALTH
from tools.dashboards.iris_looks import states_in
from tools.dashboards.links import OF_HOST, OF_INSTANCE, from_row
from tools.dashboards.looks import (
    CRITICAL,
    HEALTH,
    NOTICE,
    PLAIN,
    WARNING,
    YES_IS_BAD,
    YES_IS_GOOD,
    Limit,
    too_much,
)
from tools.dashboards.pages import TITLES, uid
from tools.dashboards.panels import stat, text
from tools.dashboards.queries import Query
from tools.dashboards.resources import (
    CPU_BUSY,
    CPU_LIMITS,
    FILE_SYSTEM_LIMITS,
    MEMORY_LIMITS,
    MEMORY_USED,
    SPACE,
)
from tools.dashboards.tables import Column, table

ANY_IS_BAD = (Limit(1, CRITICAL),)
NO_IRIS = "where no instance of IRIS is configured."

FIRING = 'alertstate="firing", alertname!="Watchdog"'
"""The Watchdog always fires."""

SEVERITIES = {"critical": CRITICAL, "warning": WARNING, "info": NOTICE}


def dashboard() -> dict[str, Any]:
    """The dashboard to begin with."""
    return page(
        "overview",
        "All hosts and instances of IRIS at once: what is wrong, and where to look.",
        [
            variables.data_source(),
            variables.job(),
            variables.instance(),
            variables.iris_instance(),
        ],
        row("State", *state()),
        row("Alerts", alerts()),
        row("Hosts", hosts()),
        row("Instances of IRIS", instances()),
        row("Golden signals of hosts", *overview_signals.of_hosts()),
        row("Golden signals of IRIS", *overview_signals.of_iris()),
        row("Where to look", text("Dashboards", links(), size=(24, 7))),
    )


def state() -> list[Panel]:
    """How many of each are well."""
    return [
        stat(
            "Hosts up",
            "Hosts whose PerfWatch answers.",
            Query("sum(up{HOST})", "hosts"),
            unit="short",
            first=PLAIN,
        ),
        stat(
            "Hosts down",
            "Hosts whose PerfWatch does not answer; nothing is known of them.",
            Query("sum(1 - up{HOST})", "hosts"),
            unit="short",
            limits=ANY_IS_BAD,
        ),
        *[
            stat(
                f"Alerts: {severity}",
                f"Alerts of severity {severity} that fire, of all jobs; without the Watchdog.",
                Query(
                    f'count(ALERTS{{{FIRING}, severity="{severity}"}}) or vector(0)',
                    "alerts",
                ),
                unit="short",
                limits=(Limit(1, colour),),
            )
            for severity, colour in SEVERITIES.items()
        ],
        stat(
            "IRIS down",
            "Instances of IRIS that give no metrics.",
            Query("sum(1 - iris_up{IRIS})", "instances"),
            unit="short",
            limits=ANY_IS_BAD,
            empty=NO_IRIS,
        ),
    ]


def alerts() -> Panel:
    """What fires, since when."""
    return table(
        "Firing alerts",
        "Each alert that fires, of all jobs, and since when its condition holds. The Watchdog, "
        "which always fires, is left out.",
        {
            "severity": "Severity",
            "alertname": "Alert",
            "instance": "Host",
            "iris_instance": "Instance",
            "job": "Job",
        },
        Column(
            "Since",
            f"ALERTS_FOR_STATE * 1000 and ignoring (alertstate) ALERTS{{{FIRING}}}",
            "dateTimeFromNow",
        ),
        empty="while nothing fires.",
        size=(24, 7),
        links={"Host": from_row("host", OF_HOST), "Instance": from_row("iris", OF_INSTANCE)},
    )


def hosts() -> Panel:
    """A row for each host."""
    by = "by (instance)"
    fullest = (
        f"1 - node_filesystem_avail_bytes{{HOST, {SPACE}}} "
        f"/ (node_filesystem_size_bytes{{HOST, {SPACE}}} > 0)"
    )
    pressure = "rate(node_pressure_{}_waiting_seconds_total{{HOST}}[$__rate_interval])"
    return table(
        "Each host",
        "The busiest hosts first. Thresholds of CPU and memory are the governor's. A click on a "
        "host shows it.",
        {"instance": "Host"},
        Column("Up", f"max {by} (up{{HOST}})", "none", states=YES_IS_GOOD),
        Column("CPU busy", f"max {by} ({CPU_BUSY})", "percentunit", limits=CPU_LIMITS),
        Column("Memory used", f"max {by} ({MEMORY_USED})", "percentunit", limits=MEMORY_LIMITS),
        Column(
            "Fullest file system",
            f"max {by} ({fullest})",
            "percentunit",
            limits=FILE_SYSTEM_LIMITS,
        ),
        *[
            Column(f"Waits for {what}", f"max {by} ({pressure.format(kind)})", "percentunit")
            for kind, what in {"cpu": "CPU", "memory": "memory", "io": "disks"}.items()
        ],
        Column(
            "Collectors failing",
            f"sum {by} (1 - node_scrape_collector_success{{HOST}})",
            "short",
            limits=(Limit(1, WARNING),),
        ),
        Column(
            "Health", f"max {by} (perfwatch_health_check_status{{HOST}})", "none", states=HEALTH
        ),
        Column(
            "Alerts",
            # Of hosts only: without `and`, each program with an alert would be a row.
            f"count {by} (ALERTS{{{FIRING}}}) and max {by} (up{{HOST}}) "
            f"or max {by} (up{{HOST}} * 0)",
            "short",
            limits=(Limit(1, WARNING),),
        ),
        links={"Host": from_row("host", OF_HOST)},
        sort="CPU busy",
        size=(24, 9),
    )


def instances() -> Panel:
    """A row for each instance of IRIS."""
    by = "by (iris_instance, instance)"
    return table(
        "Each instance",
        "What each instance of IRIS does. Collecting is whether runs of ^SystemPerformance are "
        "started. A click on an instance shows it.",
        {"iris_instance": "Instance", "instance": "Host"},
        Column("Up", f"max {by} (iris_up{{IRIS}})", "none", states=YES_IS_GOOD),
        Column("Health", states_in("iris_health_state", IRIS_HEALTH), "none", states=IRIS_HEALTH),
        Column(
            "Global references",
            f"sum {by} (rate(iris_global_references_total{{IRIS}}[$__rate_interval]))",
            "ops",
        ),
        Column(
            "Licence used",
            f"max {by} (iris_license_used{{IRIS}} / (iris_license_limit{{IRIS}} > 0))",
            "percentunit",
            limits=too_much(0.85, 0.9),
        ),
        Column(
            "Errors",
            f"sum {by} (rate(iris_errors_total{{IRIS}}[$__rate_interval]))",
            "ops",
        ),
        Column(
            "Collecting",
            f"max {by} (iris_systemperformance_collecting{{IRIS}})",
            "none",
            states=YES_IS_GOOD,
        ),
        Column(
            "Governor suspends",
            f'max {by} (perfwatch_governor_state{{IRIS, state="suspended"}})',
            "none",
            states=YES_IS_BAD,
        ),
        empty=NO_IRIS,
        links={"Instance": from_row("iris", OF_INSTANCE), "Host": from_row("host", OF_HOST)},
        size=(24, 6),
    )


def links() -> str:
    """All other dashboards, each with what it is for."""
    purposes = {
        "host": "one host: CPUs, memory, disks, network, pressure, programs",
        "perf": "hardware counters: instructions per cycle, caches, TLBs, branches",
        "iris": "an instance of IRIS: throughput, caches, write daemon, journal, licence, mirror",
        "governor": "^SystemPerformance, and when the governor suspends it",
        "business": "interoperability productions: messages, queues, errors",
        "compare": "now against an hour, a day, a week ago, or any other time",
        "stack": "PerfWatch itself, Prometheus, Alertmanager",
        "security": "security events, refused and failed requests",
        "history": "months: trends, capacity, when something will be full",
        "logs": "lines of the log, by correlation id",
    }
    lines = [
        f"- [{TITLES[name]}](/d/{uid(name)}?${{__url_time_range}}): {purpose}"
        for name, purpose in purposes.items()
    ]
    return "\n".join(lines)
