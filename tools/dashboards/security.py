"""The dashboard of security: what was refused, and what failed."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import variables
from tools.dashboards.frame import page, row
from tools.dashboards.growth import growth
from tools.dashboards.links import with_logs
from tools.dashboards.looks import HEALTH, NOTICE, YES_IS_BAD, YES_IS_GOOD, Limit, too_much
from tools.dashboards.panels import HALF, THIRD, stat, state_timeline, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

DENIED = 'kind=~"access_denied|privilege|licence|tls"'
EVENTS = growth("perfwatch_security_events_total{HOST}", "1h")
ALERTS = growth("perfwatch_log_alerts_total{HOST}", "1h")
REFUSED = growth('perfwatch_http_requests_total{HOST, code=~"4.."}', "1h")
FAILED = growth('perfwatch_http_requests_total{HOST, code=~"5.."}', "1h")
NOTHING_YET = "as long as nothing of the kind has happened since the daemon was started."
WITHOUT_IRIS = "on hosts without IRIS."


def dashboard() -> dict[str, Any]:
    """Security."""
    return page(
        "security",
        "What was refused to whoever asked the exporter, what the exporter was refused by IRIS, "
        "and what its health checks and log say.",
        variables.hosts(),
        row("Now", *now()),
        row("Asked of the exporter", *requests()),
        row("Asked of IRIS", *iris()),
        row("Configuration, health and log", *state()),
        since="now-24h",
    )


def now() -> list[Panel]:
    """Whether there is anything to look at."""
    events = growth("perfwatch_security_events_total{HOST}", "$__range")
    refused = growth('perfwatch_http_requests_total{HOST, code=~"4.."}', "$__range")
    failed = growth('perfwatch_http_requests_total{HOST, code=~"5.."}', "$__range")
    return [
        stat(
            "Security events",
            "In the time shown, on all chosen hosts. Prometheus and probes cause none: each is a "
            "mistake in a configuration, or somebody who looks for a way in.",
            Query(f"sum({events}) or vector(0)", "events"),
            unit="none",
            limits=too_much(1, 10),
            size=(6, 5),
            decimals=0,
        ),
        stat(
            "Refused requests",
            "Answers with a code of 400 to 499 in the time shown: paths that do not exist, methods "
            "that are not allowed, requests that are none.",
            Query(f"sum({refused}) or vector(0)", "requests"),
            unit="none",
            limits=(Limit(1, NOTICE),),
            size=(6, 5),
            decimals=0,
        ),
        stat(
            "Failed requests",
            "Answers with a code of 500 or more in the time shown: a mistake of the daemon's own, "
            "or more scrapes at once than it takes (503).",
            Query(f"sum({failed}) or vector(0)", "requests"),
            unit="none",
            limits=too_much(1, 10),
            size=(6, 5),
            decimals=0,
        ),
        stat(
            "Instances that deny access",
            "Instances of IRIS that refuse user, password or token of the exporter. Each attempt "
            "counts towards the lock of that account, so it is tried slowly.",
            Query(
                'sum(iris_state{HOST, state="access_denied"}) or vector(0)',
                "instances",
            ),
            unit="none",
            limits=too_much(1, 2),
            size=(6, 5),
        ),
    ]


def requests() -> list[Panel]:
    """Who asked for what is not given."""
    return [
        with_logs(
            timeseries(
                "Security events by kind",
                "Events within an hour; the log has the address of the client. See the runbook "
                "PerfwatchSecurityEvent for each kind.",
                Query(
                    f"sum by (instance, kind) ({EVENTS})",
                    "{{kind}}, {{instance}}",
                ),
                unit="none",
                empty=NOTHING_YET,
            ),
            "Log of security",
            {"search": "security event"},
        ),
        timeseries(
            "Refused requests by path",
            "Requests within an hour that were answered with 400 to 499. What the daemon does not "
            "know is all under other: many of them are somebody who tries paths.",
            Query(
                f"sum by (instance, handler, code) ({REFUSED})",
                "{{code}} {{handler}}, {{instance}}",
            ),
            unit="none",
            empty=NOTHING_YET,
        ),
        timeseries(
            "Failed requests by path",
            "Requests within an hour that were answered with 500 or more.",
            Query(
                f"sum by (instance, handler, code) ({FAILED})",
                "{{code}} {{handler}}, {{instance}}",
            ),
            unit="none",
            size=THIRD,
            empty=NOTHING_YET,
        ),
        timeseries(
            "Rejected scrapes",
            "Scrapes per second beyond those that may run at once: somebody scrapes much too "
            "often, or keeps scrapes open.",
            Query(
                "sum by (instance) "
                "(rate(perfwatch_scrapes_rejected_total{HOST}[$__rate_interval]))",
                "{{instance}}",
            ),
            unit="reqps",
            size=THIRD,
        ),
        timeseries(
            "Requests by method",
            "Requests per second. GET is normal; POST and PUT only reload the configuration.",
            Query(
                "sum by (instance, method) "
                "(rate(perfwatch_http_requests_total{HOST}[$__rate_interval]))",
                "{{method}}, {{instance}}",
            ),
            unit="reqps",
            size=THIRD,
        ),
    ]


def iris() -> list[Panel]:
    """What instances refuse to the exporter."""
    return [
        state_timeline(
            "Access to IRIS denied",
            "Yes: user, password or token are wrong, or the account is disabled or must change its "
            "password. Nothing of the instance is seen until it is mended.",
            Query('iris_state{HOST, state="access_denied"}', "{{iris_instance}} on {{instance}}"),
            states=YES_IS_BAD,
            size=THIRD,
            empty=WITHOUT_IRIS,
        ),
        with_logs(
            timeseries(
                "Refusals by IRIS",
                "Within an hour, by kind: access denied, a missing right (privilege), no licence "
                "unit, or no agreement on TLS. None is normal.",
                Query(
                    "sum by (instance, iris_instance, kind) "
                    f"(increase(iris_errors_total{{HOST, {DENIED}}}[1h]))",
                    "{{kind}}, {{iris_instance}} on {{instance}}",
                ),
                unit="none",
                size=THIRD,
                empty=WITHOUT_IRIS,
            ),
            "Log about instances",
            {"search": "instance"},
        ),
        stat(
            "Missing rights",
            "Rights that the user of the exporter lacks in IRIS. perfwatch iris check names the "
            "grants; the rest works without them.",
            Query(
                "max by (instance, iris_instance) (iris_systemperformance_missing_rights{HOST})",
                "{{iris_instance}} on {{instance}}",
            ),
            unit="none",
            limits=(Limit(1, NOTICE),),
            size=THIRD,
            empty=WITHOUT_IRIS,
        ),
    ]


def state() -> list[Panel]:
    """What the daemon says of itself."""
    return [
        table(
            "Health checks",
            "Each check of the daemon, run every 30 seconds.",
            {"instance": "Host", "check": "Check"},
            Column(
                "Result",
                "max by (instance, check) (perfwatch_health_check_status{HOST})",
                "none",
                states=HEALTH,
            ),
            size=(8, 10),
            sort="Result",
        ),
        state_timeline(
            "Last reload accepted",
            "No: the configuration on disk was refused, and is not what runs. The log says why.",
            Query("perfwatch_config_last_reload_successful{HOST}", "{{instance}}"),
            states=YES_IS_GOOD,
            size=(8, 10),
        ),
        with_logs(
            timeseries(
                "Alerts of the log",
                "Alerts that the program itself has raised within an hour, by name. See the "
                "runbook PerfwatchLogAlert.",
                Query(
                    f"sum by (instance, name, severity) ({ALERTS})",
                    "{{severity}}: {{name}}, {{instance}}",
                ),
                unit="none",
                size=(8, 10),
                empty=NOTHING_YET,
            ),
            "Warnings and errors in the log",
            {"level": "warn.*|error|critical|fatal"},
        ),
        with_logs(
            timeseries(
                "Lines of the log that were lost",
                "Per second, by reason: the log could not be written, or a message came too often. "
                "What happened meanwhile may be missing from the log.",
                Query(
                    "sum by (instance, logger, reason) "
                    "(rate(perfwatch_log_records_dropped_total{HOST}[$__rate_interval]))",
                    "{{reason}} {{logger}}, {{instance}}",
                ),
                unit="ops",
                size=HALF,
                empty=NOTHING_YET,
            ),
            "Log of the same time",
        ),
        timeseries(
            "Starts of the exporter",
            "How often it was started within an hour. Starts that nobody has ordered want a "
            "reason.",
            Query("changes(process_start_time_seconds{HOST}[1h])", "{{instance}}"),
            unit="none",
            size=HALF,
        ),
    ]
