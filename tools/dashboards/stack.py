"""The dashboard of the exporter itself, and of the programs around it."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import stack_programs, variables
from tools.dashboards.frame import page, row
from tools.dashboards.growth import growth
from tools.dashboards.links import with_logs
from tools.dashboards.looks import CRITICAL, WARNING, YES_IS_GOOD, Limit
from tools.dashboards.panels import HALF, THIRD, state_timeline, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

STRIP = (12, 7)


def dashboard() -> dict[str, Any]:
    """The exporter and the stack."""
    return page(
        "stack",
        "What the exporter costs and whether it is well; and Prometheus, Alertmanager, Grafana and "
        "the log store about themselves.",
        variables.hosts(),
        row("Now", *now()),
        row("Exporter: scrapes", *scrapes()),
        row("Exporter: process", *process()),
        row("Exporter: HTTP and log", *http(), collapsed=True),
        row("Prometheus", *stack_programs.prometheus(), collapsed=True),
        row("Rules and alerts", *stack_programs.rules(), collapsed=True),
        row("Alertmanager", *stack_programs.alertmanager(), collapsed=True),
        row("Grafana, Loki and Alloy", *stack_programs.others(), collapsed=True),
    )


def now() -> list[Panel]:
    """Who answers."""
    return [
        table(
            "Targets",
            "Everything that Prometheus scrapes, of all jobs. No: it does not answer, or not in "
            "time, and no alert about it can fire but the one that it is down.",
            {"job": "Job", "instance": "Target"},
            Column("Up", 'max by (job, instance) (up{job=~".+"})', "none", states=YES_IS_GOOD),
            Column(
                "Scrape takes",
                'max by (job, instance) (scrape_duration_seconds{job=~".+"})',
                "s",
                (Limit(5, WARNING), Limit(9, CRITICAL)),
            ),
            Column(
                "Samples",
                'max by (job, instance) (scrape_samples_scraped{job=~".+"})',
                "short",
            ),
            Column(
                "New series",
                'max by (job, instance) (scrape_series_added{job=~".+"})',
                "short",
            ),
            size=(14, 9),
        ),
        table(
            "Versions of the exporter",
            "What runs on which host, and since when.",
            {"instance": "Host", "version": "Version", "python": "Python"},
            Column(
                "Running for",
                "max by (instance, version, python) (perfwatch_build_info{HOST} * on (job, "
                "instance) group_left () (time() - process_start_time_seconds{HOST}))",
                "dtdurations",
            ),
            size=(10, 9),
        ),
    ]


def scrapes() -> list[Panel]:
    """What a scrape takes, and what is missing from it."""
    cost = "node_scrape_collector_duration_seconds{HOST}"
    return [
        timeseries(
            "Duration of a scrape",
            "As Prometheus measures it, network included. Tens of milliseconds are normal; towards "
            "the timeout of 10 seconds collectors are left out.",
            Query("scrape_duration_seconds{HOST}", "{{instance}}"),
            unit="s",
            size=THIRD,
        ),
        timeseries(
            "Slowest collectors",
            "The ten that took longest. What takes more than 5 ms is read in a thread of its own, "
            "so that nobody waits for it.",
            Query(f"topk(10, {cost})", "{{collector}} on {{instance}}"),
            unit="s",
            size=THIRD,
        ),
        timeseries(
            "Samples of a scrape",
            "How many series a host gives. Steps are devices or instances that come and go; a "
            "steady rise is a label with too many values.",
            Query("scrape_samples_scraped{HOST}", "{{instance}}"),
            unit="short",
            size=THIRD,
        ),
        with_logs(
            state_timeline(
                "Collectors that fail",
                "Those that failed, hang, or were not finished in time, at some point of the time "
                "shown. What a host lacks is no failure.",
                # `@ end()`: once for the whole time, not anew for each point of it.
                Query(
                    "node_scrape_collector_success{HOST} and "
                    "min_over_time(node_scrape_collector_success{HOST}[$__range] @ end()) == 0",
                    "{{collector}} on {{instance}}",
                ),
                states=YES_IS_GOOD,
                size=STRIP,
                empty="while no collector fails.",
            ),
            "Log of collectors",
            {"search": "collector"},
        ),
        timeseries(
            "Left out",
            "Series above the limit of a collector and calls that did not return in time, per "
            "second; and how many collectors hang now. All are normally none.",
            Query(
                "sum by (instance) "
                "(rate(perfwatch_collector_dropped_series_total{HOST}[$__rate_interval]))",
                "dropped series, {{instance}}",
            ),
            Query(
                "sum by (instance) "
                "(rate(perfwatch_collector_timeouts_total{HOST}[$__rate_interval]))",
                "timeouts, {{instance}}",
            ),
            Query("perfwatch_collectors_quarantined{HOST}", "hanging, {{instance}}"),
            Query(
                "sum by (instance) "
                "(rate(perfwatch_scrapes_rejected_total{HOST}[$__rate_interval]))",
                "rejected scrapes, {{instance}}",
            ),
            unit="none",
            size=STRIP,
        ),
        table(
            "Collectors without data",
            "What a host lacks, with the reason: hardware, a driver, or a right. Look when you "
            "know that it is there.",
            {"instance": "Host", "collector": "Collector", "reason": "Reason"},
            Column(
                "Collectors",
                "sum by (instance, collector, reason) (perfwatch_collector_available{HOST} == bool "
                "0) > 0",
                "none",
            ),
            empty="on a host that has everything.",
            size=(24, 8),
        ),
    ]


def process() -> list[Panel]:
    """What the daemon costs."""
    return [
        timeseries(
            "CPU of the exporter",
            "Share of one CPU, worker processes of IRIS not included. About a hundredth is normal.",
            Query("rate(process_cpu_seconds_total{HOST}[$__rate_interval])", "{{instance}}"),
            unit="percentunit",
            size=THIRD,
        ),
        timeseries(
            "Memory of the exporter",
            "Resident memory of the daemon, and of the processes that hold connections to IRIS. "
            "The health check warns above 192 MiB; a rise over days is a leak.",
            Query("process_resident_memory_bytes{HOST}", "daemon, {{instance}}"),
            Query(
                "iris_worker_resident_memory_bytes{HOST}",
                "worker of {{iris_instance}}, {{instance}}",
            ),
            unit="bytes",
            size=THIRD,
            limits=(Limit(192 * 2**20, WARNING), Limit(240 * 2**20, CRITICAL)),
        ),
        timeseries(
            "File descriptors of the exporter",
            "Share of those that it may have.",
            Query("process_open_fds{HOST} / process_max_fds{HOST}", "{{instance}}"),
            unit="percentunit",
            high=1,
            limits=(Limit(0.8, WARNING),),
            size=THIRD,
        ),
        timeseries(
            "Restarts and reloads",
            "Starts of the daemon and accepted reloads of its configuration within an hour. Starts "
            "that repeat are a loop: the log says why it ended.",
            Query("changes(process_start_time_seconds{HOST}[1h])", "starts, {{instance}}"),
            Query(
                "changes(perfwatch_config_last_reload_success_timestamp_seconds{HOST}[1h])",
                "reloads, {{instance}}",
            ),
            unit="none",
            size=HALF,
        ),
        timeseries(
            "Age of slow data",
            "How old the data is of collectors whose source answers slowly. After five minutes "
            "without an answer the collector fails.",
            Query(
                "perfwatch_collector_snapshot_age_seconds{HOST}", "{{collector}} on {{instance}}"
            ),
            unit="s",
            limits=(Limit(300, CRITICAL),),
            size=HALF,
            empty="where every source is quick.",
        ),
    ]


def http() -> list[Panel]:
    """Requests, and what the log lost."""
    buckets = (
        "sum by (instance, handler, le) "
        "(rate(perfwatch_http_request_duration_seconds_bucket{HOST}[$__rate_interval]))"
    )
    return [
        timeseries(
            "Requests by path and code",
            "Answers per second. 200 of the metrics' path is Prometheus; the dashboard Security "
            "has what was refused.",
            Query(
                "sum by (instance, handler, code) "
                "(rate(perfwatch_http_requests_total{HOST}[$__rate_interval]))",
                "{{code}} {{handler}}, {{instance}}",
            ),
            unit="reqps",
        ),
        timeseries(
            "Time of a request",
            "95 of 100 requests of a path took at most this long.",
            Query(f"histogram_quantile(0.95, {buckets}) >= 0", "{{handler}}, {{instance}}"),
            unit="s",
            empty="for paths that nobody asked for in the time shown.",
        ),
        timeseries(
            "Requests in flight",
            "Requests and scrapes that are being answered now.",
            Query(
                "sum by (instance) (perfwatch_http_requests_in_flight{HOST})",
                "requests, {{instance}}",
            ),
            Query("perfwatch_scrapes_in_flight{HOST}", "scrapes, {{instance}}"),
            unit="none",
            size=THIRD,
        ),
        timeseries(
            "Health checks",
            "The worst result of all checks: 0 healthy, 1 warning, 2 critical. The dashboard "
            "Security has each check.",
            Query("max by (instance) (perfwatch_health_check_status{HOST})", "{{instance}}"),
            unit="none",
            high=2,
            size=THIRD,
        ),
        with_logs(
            timeseries(
                "Lost lines of the log",
                "Within an hour, by reason. When the log cannot be written the daemon goes on "
                "without it.",
                Query(
                    "sum by (instance, reason) "
                    f"({growth('perfwatch_log_records_dropped_total{HOST}', '1h')})",
                    "{{reason}}, {{instance}}",
                ),
                unit="none",
                size=THIRD,
                empty="as long as none was lost since the daemon was started.",
            ),
            "Log of the same time",
        ),
    ]
