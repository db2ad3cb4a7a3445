"""Queries, as panels hold them.

In PromQL, `{HOST` stands for the choice of hosts at the top of the page, and `{IRIS` for that of
instances of IRIS: `node_load1{HOST}`, `node_cpu_seconds_total{HOST, mode="idle"}`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from grafana_foundation_sdk.models import common, loki, prometheus

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
LOKI = common.DataSourceRef(type_val="loki", uid="${loki}")

CHOICES = {
    "HOST": 'job=~"$job", instance=~"$instance"',
    "IRIS": 'job=~"$job", instance=~"$instance", iris_instance=~"$iris_instance"',
}
_CHOICE = re.compile(r"\{(HOST|IRIS)\b")


class Query(NamedTuple):
    """A query in PromQL, and how its series are called: `{{label}}` stands for a label's value."""

    expression: str
    legend: str


def written_out(expression: str) -> str:
    """PromQL with the choices written out, on one line."""
    expression = " ".join(expression.split())
    return _CHOICE.sub(lambda found: "{" + CHOICES[found[1]], expression)


def reference(position: int) -> str:
    """The name of a query within its panel: A, B, ..."""
    return chr(ord("A") + position)


def ranged(position: int, query: Query) -> prometheus.Dataquery:
    """The query for the time that the page shows."""
    return prometheus.Dataquery(
        datasource=PROMETHEUS,
        expr=written_out(query.expression),
        legend_format=query.legend,
        ref_id=reference(position),
        range_val=True,
        instant=False,
        editor_mode=prometheus.QueryEditorMode.CODE,
    )


def newest(position: int, query: Query, *, table: bool = False) -> prometheus.Dataquery:
    """The query for the end of the time that the page shows."""
    target = ranged(position, query)
    target.range_val, target.instant = False, True
    if table:
        target.format_val = prometheus.PromQueryFormat.TABLE
    return target


def log_query(position: int, expression: str) -> loki.Dataquery:
    """A query in LogQL."""
    return loki.Dataquery(
        datasource=LOKI,
        expr=" ".join(expression.split()),
        ref_id=reference(position),
        query_type="range",
    )
