"""The dashboard of the log, from Loki: where that runs (profile `logs` of the compose file)."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import variables
from tools.dashboards.frame import page, row
from tools.dashboards.panels import HALF, WHOLE, logs, text, timeseries
from tools.dashboards.queries import LOKI, log_query

STREAMS = '{job=~"$job", instance=~"$instance", level=~"$level"}'
# The ids and the logger are structured metadata, which lines of other programs do not have: a
# pattern that begins as the field does and may be empty leaves those lines in.
CHOSEN = (
    f"{STREAMS} |~ `(?i)$search` "
    '| correlation_id=~"$correlation_id.*" | logger=~"$logger.*" | request_id=~"$request_id.*"'
)
BAD = '{job=~"$job", instance=~"$instance", level=~"warn.*|error|critical|fatal"}'

WITHOUT_LOKI = "where no Loki gets the log."

LEVELS = {
    "all": ".*",
    "warnings and errors": "warn.*|error|critical|fatal",
    "errors": "error|critical|fatal",
    "debug": "debug",
}

ABOUT = """\
Every line of a scrape, a request or a background run has the same `correlation_id`: open a line,
copy it, and put it in the field at the top (its beginning is enough). `search` is a regular
expression on the whole line, in which case does not matter. Without Loki:
`journalctl -u perfwatch -o cat | jq 'select(.correlation_id == "...")'`."""


def dashboard() -> dict[str, Any]:
    """The log."""
    return page(
        "logs",
        "The log of the exporter and of the stack: lines by level, errors, and all lines of one "
        "scrape, request or run by their correlation id. Empty where no Loki gets the log.",
        [
            variables.data_source(),
            variables.data_source("loki", "Logs", "loki"),
            variables.label_values("job", "Program", "up"),
            variables.label_values("instance", "Host", "perfwatch_build_info"),
            variables.choice("level", "Level", LEVELS, "Which lines to show."),
            variables.free_text("search", "Search", "", "A regular expression on the line."),
            variables.free_text(
                "correlation_id", "Correlation id", "", "That of a scrape, request or run."
            ),
            variables.free_text("request_id", "Request id", "", "That of an HTTP request."),
            variables.free_text("logger", "Logger", "", "The part of the exporter that wrote it."),
        ],
        row("How much", *how_much()),
        row("Lines", *lines()),
        since="now-1h",
        refresh="",
        annotations=False,
    )


def how_much() -> list[Panel]:
    """Lines by level and program."""
    return [
        counted(
            "Lines by level",
            "Chosen lines in each interval. Errors are rare in a healthy stack, and a change of "
            "state is logged once: a wall of one message is a fault in itself.",
            f"sum by (level) (count_over_time({CHOSEN} [$__auto]))",
            "{{level}}",
        ),
        counted(
            "Lines by program",
            "Chosen lines in each interval, by who wrote them.",
            f"sum by (job) (count_over_time({CHOSEN} [$__auto]))",
            "{{job}}",
        ),
        counted(
            "Warnings and errors by part",
            "Lines of the level warning and worse in each interval, by program, and by the part of "
            "the exporter (logger). What is searched for does not matter here.",
            f"sum by (job, logger) (count_over_time({BAD} [$__auto]))",
            "{{job}} {{logger}}",
            size=WHOLE,
        ),
    ]


def counted(
    title: str, description: str, expression: str, legend: str, size: tuple[int, int] = HALF
) -> Panel:
    """Numbers of lines over time."""
    made = timeseries(title, description, unit="none", size=size, stacked=True, empty=WITHOUT_LOKI)
    query = log_query(0, expression)
    query.legend_format = legend
    made.datasource, made.targets = LOKI, [query]
    return made


def lines() -> list[Panel]:
    """The lines themselves."""
    return [
        logs(
            "Chosen lines",
            "Newest first. A line of the exporter is JSON: message is one of a few fixed phrases, "
            "docs/operations.md explains each, and data has what varies.",
            CHOSEN,
            empty=WITHOUT_LOKI,
            size=(24, 16),
        ),
        logs(
            "Warnings and errors",
            "Of the chosen programs and hosts, whatever is searched for.",
            BAD,
            empty=WITHOUT_LOKI,
        ),
        text("How to search", ABOUT, (24, 4)),
    ]
