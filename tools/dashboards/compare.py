"""The dashboard that sets the time that is shown beside the same time earlier."""

from __future__ import annotations

import re
from typing import Any

from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards import variables
from tools.dashboards.compared import (
    OF_HOSTS,
    OF_IRIS,
    OF_METRIC,
    Compared,
)
from tools.dashboards.frame import page, row
from tools.dashboards.panels import Size, text, timeseries
from tools.dashboards.queries import Query
from tools.dashboards.resources import CPU_BUSY, MEMORY_USED
from tools.dashboards.tables import Column, table

OFFSETS = {"an hour": "1h", "a day": "1d", "a week": "7d", "four weeks": "28d"}

BOTH: Size = (15, 8)
BESIDE: Size = (9, 8)

EXPLANATION = """\
Solid lines are the time that is shown; dashed lines are the same time **$offset** earlier, and
beside them is the difference: above zero, it is more now.

**Earlier by** takes any time: choose one, or write `36h`, `3d12h`, `2w`. To compare any two ranges,
show the later one, and write how much earlier the other began. **Metric**, for the last row, is any
that the chosen hosts have.
"""

_SELECTOR = re.compile(r"\{[^}]*\}(?:\[[^]]*\])?")


def dashboard() -> dict[str, Any]:
    """The dashboard that compares with an earlier time."""
    return page(
        "compare",
        "The time that is shown beside the same time an hour, a day, a week or anything earlier.",
        [
            variables.data_source(),
            variables.job(),
            variables.instance(),
            variables.iris_instance(),
            variables.choice("offset", "Earlier by", OFFSETS, "Or write any other: 36h, 3d12h."),
            variables.metric(),
        ],
        row("How to compare", text("Explanation", EXPLANATION, size=(24, 5)), means()),
        row("Hosts", *panels(OF_HOSTS)),
        row("Instances of IRIS", *panels(OF_IRIS), collapsed=True),
        row("Any metric", *panels(OF_METRIC), collapsed=True),
        since="now-6h",
    )


def earlier(expression: str) -> str:
    """The same expression for the earlier time: every selector gets the offset."""
    return _SELECTOR.sub(r"\g<0> offset $offset", expression)


def panels(compared: list[Compared]) -> list[Panel]:
    """Two panels for each: both times, and the difference."""
    result = []
    for one in compared:
        now, before = one.expression, earlier(one.expression)
        result += [
            timeseries(
                one.title,
                one.description,
                Query(now, one.legend),
                marked(before, one.legend),
                unit=one.unit,
                size=BOTH,
                dashed="B",
                empty=one.empty,
            ),
            timeseries(
                f"{one.title}: difference",
                "Now less what was earlier.",
                Query(f"({now}) - ({before})", one.legend),
                unit=one.unit,
                size=BESIDE,
                low=None,
                empty=one.empty or "where Prometheus has nothing from the earlier time.",
            ),
        ]
    return result


def marked(before: str, legend: str) -> Query:
    """The query for the earlier time, whose series say so, also where they have no legend."""
    if legend:
        return Query(before, f"{legend}, $offset before")
    return Query(f'label_replace({before}, "when", "$offset before", "", "")', legend)


def means() -> Panel:
    """One number for each time."""
    columns = [
        Column(f"{title}{when}", f"max by (instance) ({shown})", unit)
        for title, expression, unit in (
            # The rate over all of it is its mean.
            ("CPU busy", CPU_BUSY.replace("$__rate_interval", "$__range"), "percentunit"),
            ("Memory used", f"avg_over_time(({MEMORY_USED})[$__range:5m])", "percentunit"),
            ("Load", "avg_over_time(node_load5{HOST}[$__range])", "short"),
        )
        for when, shown in (("", expression), (" before", earlier(expression)))
    ]
    return table(
        "Means of both times",
        "Of the whole time that is shown, and of the same time earlier. The columns of the earlier "
        "time stay empty as long as Prometheus has nothing from then.",
        {"instance": "Host"},
        *columns,
        size=(24, 6),
    )
