"""The dashboard of interoperability productions: what an application does for its users."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import variables
from tools.dashboards.frame import page, row
from tools.dashboards.looks import CRITICAL, Limit, too_much
from tools.dashboards.panels import HALF, THIRD, stat, text, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.tables import Column, table

CHOSEN = '{IRIS, production=~"$production"'
BY = "instance, iris_instance, id, production"
BY_HOST = f"{BY}, host"
WHO = "{{production}} in {{id}}, {{iris_instance}}"
HOST = "{{host}} of {{production}} in {{id}}, {{iris_instance}}"

NO_PRODUCTION = "without a production that runs and has its metrics enabled."
NO_ACTIVITY = "where activity monitoring of the production is off."

ABOUT = """\
IRIS gives no metrics of interoperability productions until they are enabled, once in each
namespace, in a terminal: `do ##class(Ens.Util.Statistics).EnableSAMForNamespace()`. A production
that does not run has none either: a graph that ends is one that was stopped. Times of processing
and queueing come only with activity monitoring (`EnableStatsForProduction`)."""


def dashboard() -> dict[str, Any]:
    """Interoperability productions."""
    hosts = (
        'iris_interop_hosts{job=~"$job", instance=~"$instance", iris_instance=~"$iris_instance"}'
    )
    return page(
        "business",
        "Interoperability productions of IRIS: messages, queues, errors, and hosts that do not "
        "work. Empty without a production.",
        [
            *variables.iris(),
            variables.label_values("production", "Production", hosts),
        ],
        row("Now", *now()),
        row("Messages", *messages()),
        row("What went wrong", *errors()),
        row("Waiting", *waiting()),
        row("About these numbers", text("How to enable them", ABOUT, (24, 4))),
    )


def now() -> list[Panel]:
    """What stands still."""
    not_ok = f'sum by ({BY}) (iris_interop_hosts{CHOSEN}, status!="OK"}})'
    all_hosts = f"sum by ({BY}) (iris_interop_hosts{CHOSEN}}})"
    return [
        stat(
            "Hosts not OK",
            "Services, processes and operations whose status is not OK, by production. An inactive "
            "one may just have had nothing to do for long; Error and Retry want somebody to look.",
            Query(f"{not_ok} or 0 * {all_hosts}", WHO),
            unit="none",
            limits=too_much(1, 3),
            size=THIRD,
            empty=NO_PRODUCTION,
        ),
        stat(
            "Messages queued",
            "Messages that wait, by production. IRIS counts those of hosts that have a limit set "
            "for their queue (Queue Count Alert).",
            Query(f"max by ({BY}) (iris_interop_queued{CHOSEN}}})", WHO),
            unit="none",
            limits=too_much(100, 1000),
            size=THIRD,
            empty=NO_PRODUCTION,
        ),
        stat(
            "Hosts with delayed messages",
            "Hosts whose messages have waited for longer than their Queue Wait Alert allows. "
            "Normally none.",
            Query(f"max by ({BY}) (iris_interop_alert_delay{CHOSEN}}})", WHO),
            unit="none",
            limits=too_much(1, 3),
            size=THIRD,
            empty=NO_PRODUCTION,
        ),
        table(
            "Hosts that are not OK",
            "Each service, process or operation with a status other than OK.",
            {
                "iris_instance": "Instance",
                "instance": "Host",
                "id": "Namespace",
                "production": "Production",
                "host": "Item",
                "status": "Status",
            },
            Column(
                "Items",
                f'sum by ({BY_HOST}, status) (iris_interop_hosts{CHOSEN}, status!="OK"}} > 0)',
                "none",
                (Limit(1, CRITICAL),),
            ),
            empty="while all are OK, and without a production.",
        ),
    ]


def messages() -> list[Panel]:
    """How much is done."""
    return [
        timeseries(
            "Messages",
            "Messages processed per second by each host. Compare with the same hour of another "
            "day: a source that has gone silent is the failure that nobody reports.",
            Query(
                f"sum by ({BY_HOST}) (rate(iris_interop_messages{CHOSEN}}}[$__rate_interval]))",
                HOST,
            ),
            unit="mps",
            empty=NO_PRODUCTION,
        ),
        timeseries(
            "Time since the last activity",
            "How long ago each host did something. What is normal depends on the host: a nightly "
            "job rises for a day. One that has done nothing since the production was started is "
            "missing.",
            Query(f"max by ({BY_HOST}) (iris_interop_last_activity{CHOSEN}}})", HOST),
            unit="s",
            empty=NO_PRODUCTION,
        ),
        timeseries(
            "Messages of the last hour",
            "How many messages each production has processed within an hour.",
            Query(f"sum by ({BY}) (increase(iris_interop_messages{CHOSEN}}}[1h]))", WHO),
            unit="none",
            size=(24, 7),
            empty=NO_PRODUCTION,
        ),
    ]


def errors() -> list[Panel]:
    """Messages that did not get through."""
    # IRIS calls these gauges: counts since the production was started, which a start sets to 0.
    kinds = ("errored", "suspended", "aborted", "discarded")
    return [
        timeseries(
            "Messages that failed within an hour",
            "By production: errored, suspended (they wait for somebody to decide), aborted and "
            "discarded. Counts since the production was started, taken as growth. IRIS may show "
            "errors only after the first one.",
            *(
                Query(
                    f"sum by ({BY}) (increase(iris_interop_messages_{kind}{CHOSEN}}}[1h]))",
                    f"{kind}, {WHO}",
                )
                for kind in kinds
            ),
            unit="none",
            size=HALF,
            empty=NO_PRODUCTION,
        ),
        timeseries(
            "Suspended messages",
            "Messages that were suspended since the production was started. They stay until "
            "somebody resends or discards them.",
            Query(f"max by ({BY}) (iris_interop_messages_suspended{CHOSEN}}})", WHO),
            unit="none",
            size=HALF,
            empty=NO_PRODUCTION,
        ),
        timeseries(
            "Hosts by status",
            "How many hosts are in each status: OK, Error, Retry, Inactive, Stopped, Disabled, "
            "Unconfigured.",
            Query(
                f"sum by ({BY}, status) (iris_interop_hosts{CHOSEN}}})",
                f"{{{{status}}}}, {WHO}",
            ),
            unit="none",
            size=(24, 7),
            stacked=True,
            empty=NO_PRODUCTION,
        ),
    ]


def waiting() -> list[Panel]:
    """Queues, and how long things take."""
    return [
        timeseries(
            "Queue",
            "Messages that wait, as IRIS counts them: of hosts with a limit set for their queue. "
            "It may rise for a burst; it should come back.",
            Query(f"max by ({BY}) (iris_interop_queued{CHOSEN}}})", WHO),
            unit="none",
            size=THIRD,
            empty=NO_PRODUCTION,
        ),
        timeseries(
            "Time in the queue",
            "Mean time that a message waited before its host took it, in IRIS's last sample.",
            Query(f"max by ({BY_HOST}) (iris_interop_avg_queueing_time{CHOSEN}}})", HOST),
            unit="s",
            size=THIRD,
            empty=NO_ACTIVITY,
        ),
        timeseries(
            "Time of processing",
            "Mean time that a host took for a message, in IRIS's last sample.",
            Query(f"max by ({BY_HOST}) (iris_interop_avg_processing_time{CHOSEN}}})", HOST),
            unit="s",
            size=THIRD,
            empty=NO_ACTIVITY,
        ),
    ]
