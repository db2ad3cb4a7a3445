"""The committed dashboards as tests read them: panels, queries, and what is put into queries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser

from tools.dashboards.__main__ import DASHBOARDS
from tools.dashboards.pages import TITLES

FILES = [DASHBOARDS / f"{name}.json" for name in TITLES]
PAGES: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in FILES}

EMPTY = re.compile(r"(?:^|[.?!] )Empty ")
"""The beginning of the sentence in a panel's description that says when it has no data."""

TIMES = {"__rate_interval": "5m", "__interval": "1m", "__range": "3h", "__range_s": "10800"}
"""What Grafana puts in for the time that is shown."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


class Asked(NamedTuple):
    """A query of a panel."""

    page: str
    panel: dict[str, Any]
    target: dict[str, Any]

    @property
    def expression(self) -> str:
        """The query as it is written."""
        text: str = self.target["expr"]
        return text

    def __str__(self) -> str:
        return f"{self.page}: {self.panel['title']}: {self.target['refId']}: {self.expression}"


def panels(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All panels of a page that show something, those in collapsed rows too."""
    outer = page["panels"]
    inner = [panel for one in outer if one["type"] == "row" for panel in one["panels"]]
    return [one for one in outer if one["type"] != "row"] + inner


def queries(kind: str = "prometheus") -> Iterator[Asked]:
    """All queries of all panels for one kind of data source."""
    for name, page in PAGES.items():
        for panel in panels(page):
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == kind:
                    yield Asked(name, panel, target)


def marks() -> Iterator[tuple[str, str]]:
    """The queries of all marks, each with its page and name."""
    for name, page in PAGES.items():
        for one in page["annotations"]["list"]:
            yield f"{name}: {one['name']}", one["target"]["expr"]


def chosen_on(page: str) -> dict[str, str]:
    """The values of a page's variables when it is opened, as Grafana writes them in queries."""
    return TIMES | {
        one["name"]: in_query(one["current"]["value"], one.get("allValue", ""))
        for one in PAGES[page]["templating"]["list"]
    }


def in_query(value: str | list[str], all_of_them: str) -> str:
    """A value, or many, as an expression for =~."""
    if isinstance(value, str):
        return value
    return all_of_them if value == ["$__all"] else "|".join(value)


def substituted(expression: str, values: Mapping[str, str]) -> str:
    """A query with values in the place of variables, also of those within values."""
    while _VARIABLE.search(expression):
        expression = _VARIABLE.sub(lambda found: values[found[1] or found[2]], expression)
    return expression


class Selected(NamedTuple):
    """A selector in a query, and the functions that it stands in, outermost first."""

    name: str
    matchers: dict[str, str]
    within: tuple[str, ...]
    is_shifted: bool
    """Whether it has an offset."""
    seconds: float
    """Its range, or 0."""


def selected(expression: str) -> list[Selected]:
    """All selectors of a query whose variables are put in."""
    found: list[Selected] = []
    within: list[str] = []
    ranges = [0.0]

    def enter(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            within.append(node.func.name)
        if isinstance(node, promql_parser.VectorSelector):
            matchers = {one.name: one.value for one in node.matchers.matchers}
            name = node.name or matchers.get("__name__", "")
            shifted = node.offset is not None
            found.append(Selected(name, matchers, tuple(within), shifted, ranges[-1]))
        if isinstance(node, promql_parser.MatrixSelector):
            ranges.append(node.range.total_seconds())

    def leave(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            within.pop()
        if isinstance(node, promql_parser.MatrixSelector):
            ranges.pop()

    promql_parser.walk(promql_parser.parse(expression), enter, leave)
    return found
