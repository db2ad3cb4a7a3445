"""Tables: a row for each host, instance or thing, and a column for each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import table as table_panel

from tools.dashboards.looks import GOOD, Limits, State, thresholds, words
from tools.dashboards.panels import WHOLE, Size, named, panel
from tools.dashboards.queries import Query, newest, reference


class Column(NamedTuple):
    """A column of values. The query keeps just the labels that make a row."""

    title: str
    expression: str
    unit: str
    limits: Limits = ()
    first: str = GOOD
    """The colour below the first limit; without limits and states nothing is coloured."""
    states: Sequence[State] = ()
    width: int | None = None


def table(  # noqa: PLR0913 -- all but a few are given by name
    title: str,
    description: str,
    labels: Mapping[str, str],
    *columns: Column,
    empty: str = "",
    size: Size = WHOLE,
    links: Mapping[str, str] | None = None,
    sort: str = "",
) -> dashboard.Panel:
    """A table of the newest values.

    `labels` are the labels that make a row, each with the title of its column; the queries of all
    columns must have them alike. `links` has an address by the title of a column of labels;
    `sort` is the title of the column whose greatest values come first.
    """
    made = panel("table", title, description, size, empty=empty)
    made.targets = [
        newest(position, Query(column.expression, ""), table=True)
        for position, column in enumerate(columns)
    ]
    made.transformations = joined(labels, columns)
    made.options = table_panel.Options(
        show_header=True,
        cell_height=common.TableCellHeight.SM,
        sort_by=[common.TableSortByFieldState(display_name=sort, desc=True)] if sort else None,
    )
    made.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit="none",
            custom=table_panel.FieldConfig(
                filterable=True, inspect=False, cell_options=common.TableAutoCellOptions()
            ),
        ),
        overrides=[override_of(column) for column in columns]
        + [link(name, url) for name, url in (links or {}).items()],
    )
    return made


def joined(
    labels: Mapping[str, str], columns: Sequence[Column]
) -> list[dashboard.DataTransformerConfig]:
    """One table of all queries, with the columns that are wanted, in order and with titles."""
    names = dict(labels) | {
        value_name(position, len(columns)): column.title for position, column in enumerate(columns)
    }
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(
            id_val="filterFieldsByName", options={"include": {"names": list(names)}}
        ),
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={
                "indexByName": {name: position for position, name in enumerate(names)},
                "renameByName": names,
                "excludeByName": {},
            },
        ),
    ]


def value_name(position: int, queries: int) -> str:
    """The name that Grafana gives to the values of a query: short where there is but one."""
    return f"Value #{reference(position)}" if queries > 1 else "Value"


def override_of(column: Column) -> dashboard.DashboardFieldConfigSourceOverrides:
    """The look of a column's values."""
    looks: dict[str, object] = {"unit": column.unit}
    if column.width:
        looks["custom.width"] = column.width
    if column.states:
        looks["mappings"] = words(column.states)
    if column.limits or column.states:
        looks["thresholds"] = thresholds(column.limits, column.first)
        looks["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    return named(column.title, looks)


def link(title: str, url: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    """A link on each cell of a column."""
    return named(title, {"links": [{"title": "Show", "url": url, "targetBlank": False}]})
