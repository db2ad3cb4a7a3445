"""Rows of the dashboard of the stack: the programs around the exporter, about themselves."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.looks import YES_IS_GOOD
from tools.dashboards.panels import THIRD, state_timeline, timeseries
from tools.dashboards.queries import Query

PROMETHEUS = 'job="prometheus"'
ALERTMANAGER = 'job="alertmanager"'

WITHOUT_ALERTMANAGER = "where no Alertmanager is scraped."
WITHOUT_GRAFANA = "where no Grafana is scraped."
WITHOUT_LOGS = "where neither Loki nor Alloy runs (profile logs)."
WITHOUT_REMOTE = "where nothing is sent to another store (remote_write)."


def prometheus() -> list[Panel]:
    """What Prometheus holds and takes in."""
    return [
        timeseries(
            "Series in memory",
            "Those that got a sample within the last hours. Memory goes with them.",
            Query(f"prometheus_tsdb_head_series{{{PROMETHEUS}}}", "{{instance}}"),
            unit="short",
            size=THIRD,
        ),
        timeseries(
            "Samples taken in",
            "Per second, of all targets. It falls when targets are missing.",
            Query(
                "sum by (instance) (rate("
                f"prometheus_tsdb_head_samples_appended_total{{{PROMETHEUS}}}[$__rate_interval]))",
                "{{instance}}",
            ),
            unit="cps",
            size=THIRD,
        ),
        timeseries(
            "Size on disk",
            "Blocks, and the write-ahead log beside them. It stops growing when the limit of time "
            "or of size is reached.",
            Query(f"prometheus_tsdb_storage_blocks_bytes{{{PROMETHEUS}}}", "blocks, {{instance}}"),
            Query(
                f"prometheus_tsdb_wal_storage_size_bytes{{{PROMETHEUS}}}",
                "write-ahead log, {{instance}}",
            ),
            unit="bytes",
            size=THIRD,
        ),
        timeseries(
            "Trouble with the database",
            "Failed compactions, corruptions of the write-ahead log and samples out of order, "
            "within an hour. Normally none.",
            *(
                Query(f"increase({metric}{{{PROMETHEUS}}}[1h])", f"{word}, {{{{instance}}}}")
                for metric, word in (
                    ("prometheus_tsdb_compactions_failed_total", "failed compactions"),
                    ("prometheus_tsdb_wal_corruptions_total", "corruptions"),
                    ("prometheus_target_scrapes_sample_out_of_order_total", "out of order"),
                )
            ),
            unit="none",
            size=THIRD,
        ),
        timeseries(
            "Memory of the programs",
            "Resident memory of each program of the stack.",
            Query(
                'process_resident_memory_bytes{job=~"prometheus|alertmanager|grafana|loki|alloy"}',
                "{{job}} {{instance}}",
            ),
            unit="bytes",
            size=THIRD,
        ),
        timeseries(
            "Sent to another store",
            "Samples per second, and those that wait or have failed. Waiting ones that rise mean "
            "that the other store does not keep up.",
            Query(
                f"rate(prometheus_remote_storage_samples_total{{{PROMETHEUS}}}[$__rate_interval])",
                "sent to {{remote_name}}",
            ),
            Query(
                f"prometheus_remote_storage_samples_pending{{{PROMETHEUS}}}",
                "waiting for {{remote_name}}",
            ),
            Query(
                "rate("
                f"prometheus_remote_storage_samples_failed_total{{{PROMETHEUS}}}[$__rate_interval])",
                "failed for {{remote_name}}",
            ),
            unit="short",
            size=THIRD,
            empty=WITHOUT_REMOTE,
        ),
    ]


def rules() -> list[Panel]:
    """From numbers to alerts."""
    return [
        timeseries(
            "Time of rules",
            "How long the last evaluation of each group took, as a share of its interval. Above "
            "one, evaluations are left out.",
            Query(
                f"prometheus_rule_group_last_duration_seconds{{{PROMETHEUS}}} "
                f"/ prometheus_rule_group_interval_seconds{{{PROMETHEUS}}}",
                "{{rule_group}}",
            ),
            unit="percentunit",
            size=THIRD,
        ),
        timeseries(
            "Rules that fail",
            "Failed evaluations and missed rounds per second, by group. Normally none: an alert "
            "whose rule fails cannot fire.",
            Query(
                "sum by (instance, rule_group) (rate("
                f"prometheus_rule_evaluation_failures_total{{{PROMETHEUS}}}[$__rate_interval]))",
                "failed, {{rule_group}}",
            ),
            Query(
                "sum by (instance, rule_group) (rate("
                f"prometheus_rule_group_iterations_missed_total{{{PROMETHEUS}}}"
                "[$__rate_interval]))",
                "missed, {{rule_group}}",
            ),
            unit="ops",
            size=THIRD,
        ),
        timeseries(
            "Alerts on their way to Alertmanager",
            "Those that wait in Prometheus' queue, and those that were dropped per second. Both "
            "are normally none.",
            Query(
                f"prometheus_notifications_queue_length{{{PROMETHEUS}}}", "waiting, {{instance}}"
            ),
            Query(
                f"rate(prometheus_notifications_dropped_total{{{PROMETHEUS}}}[$__rate_interval])",
                "dropped, {{instance}}",
            ),
            Query(
                f"prometheus_notifications_alertmanagers_discovered{{{PROMETHEUS}}}",
                "Alertmanagers, {{instance}}",
            ),
            unit="none",
            size=THIRD,
        ),
        state_timeline(
            "Configuration of Prometheus accepted",
            "No: what stands on disk was refused at the last reload, and is not what runs.",
            Query(
                f"prometheus_config_last_reload_successful{{{PROMETHEUS}}}",
                "{{instance}}",
            ),
            states=YES_IS_GOOD,
            size=(24, 5),
        ),
    ]


def alertmanager() -> list[Panel]:
    """From alerts to people."""
    return [
        state_timeline(
            "Configuration of Alertmanager accepted",
            "No: what stands on disk was refused at the last reload, and is not what runs.",
            Query(f"alertmanager_config_last_reload_successful{{{ALERTMANAGER}}}", "{{instance}}"),
            states=YES_IS_GOOD,
            size=(24, 5),
            empty=WITHOUT_ALERTMANAGER,
        ),
        timeseries(
            "Alerts in Alertmanager",
            "By state; suppressed are those that are silenced or inhibited. The watchdog is always "
            "one of them.",
            Query(f"alertmanager_alerts{{{ALERTMANAGER}}}", "{{state}}, {{instance}}"),
            unit="none",
            size=THIRD,
            empty=WITHOUT_ALERTMANAGER,
        ),
        timeseries(
            "Notifications",
            "Sent within an hour, by integration (email, slack).",
            Query(
                "sum by (instance, integration) "
                f"(increase(alertmanager_notifications_total{{{ALERTMANAGER}}}[1h])) > 0",
                "{{integration}}, {{instance}}",
            ),
            unit="none",
            size=THIRD,
            empty="while nothing was sent within an hour.",
        ),
        timeseries(
            "Notifications that failed",
            "Within an hour, by integration and reason. A message that failed is tried again for a "
            "while; then nobody learns of the alert.",
            Query(
                "sum by (instance, integration, reason) "
                f"(increase(alertmanager_notifications_failed_total{{{ALERTMANAGER}}}[1h])) > 0",
                "{{integration}} {{reason}}, {{instance}}",
            ),
            unit="none",
            size=THIRD,
            empty="while none has failed within an hour.",
        ),
        timeseries(
            "Time of a notification",
            "95 of 100 took at most this long, by integration.",
            Query(
                "histogram_quantile(0.95, sum by (instance, integration, le) (rate("
                f"alertmanager_notification_latency_seconds_bucket{{{ALERTMANAGER}}}"
                "[$__rate_interval]))) >= 0",
                "{{integration}}, {{instance}}",
            ),
            unit="s",
            empty="while nothing is sent.",
        ),
        timeseries(
            "Silences",
            "By state. A silence without an end hides what it was made for, and what comes later.",
            Query(f"alertmanager_silences{{{ALERTMANAGER}}}", "{{state}}, {{instance}}"),
            unit="none",
            empty=WITHOUT_ALERTMANAGER,
        ),
    ]


def others() -> list[Panel]:
    """Those who show it."""
    return [
        timeseries(
            "Requests to Grafana",
            "Per second, by code. Codes of 500 and more are queries that fail or take too long.",
            Query(
                "sum by (instance, status_code) "
                '(rate(grafana_http_request_duration_seconds_count{job="grafana"}'
                "[$__rate_interval]))",
                "{{status_code}}, {{instance}}",
            ),
            unit="reqps",
            size=THIRD,
            empty=WITHOUT_GRAFANA,
        ),
        timeseries(
            "Requests to Loki",
            "Per second, by route and code. 429 means that its limits are too small for the log.",
            Query(
                "sum by (instance, route, status_code) "
                '(rate(loki_request_duration_seconds_count{job="loki"}[$__rate_interval]))',
                "{{status_code}} {{route}}",
            ),
            unit="reqps",
            size=THIRD,
            empty=WITHOUT_LOGS,
        ),
        timeseries(
            "Lines that Loki took in",
            "Per second. None while the exporter runs: its agent Alloy does not ship the log.",
            Query(
                "sum by (instance) "
                '(rate(loki_distributor_lines_received_total{job="loki"}[$__rate_interval]))',
                "{{instance}}",
            ),
            unit="ops",
            size=THIRD,
            empty=WITHOUT_LOGS,
        ),
        timeseries(
            "Loki and Alloy answer",
            "1 as long as Prometheus reaches them; what does not run is no target.",
            Query('up{job=~"loki|alloy"}', "{{job}} {{instance}}"),
            unit="none",
            high=1,
            empty=WITHOUT_LOGS,
        ),
        timeseries(
            "CPU of the programs",
            "Share of one CPU that each program of the stack uses.",
            Query(
                'rate(process_cpu_seconds_total{job=~"prometheus|alertmanager|grafana|loki|alloy"}'
                "[$__rate_interval])",
                "{{job}} {{instance}}",
            ),
            unit="percentunit",
        ),
    ]
