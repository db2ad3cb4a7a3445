"""The queries of the dashboards: they parse, they name what is exported, and they ask rightly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.exported_names import PAGES as EXPORTED
from tests.exported_names import unknown
from tests.prometheus import promtool
from tests.stack.dashboards import (
    PAGES,
    Asked,
    Selected,
    chosen_on,
    marks,
    queries,
    selected,
    substituted,
)
from tools.dashboards.pages import TITLES

ASKED = list(queries())

OF_ALERTS = {"ALERTS", "ALERTS_FOR_STATE"}
"""Series of Prometheus itself; an alert on something that is missing has neither job nor host."""

COUNTERS = {
    name + ending
    for page in EXPORTED
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", page.read_text(), re.MULTILINE)
    for ending in {"counter": [""], "histogram": ["_bucket", "_count", "_sum"]}.get(kind, [])
}
"""What the daemon says are counters. Other programs' counters are known by their ends."""

ENDS = ("_total", "_bucket", "_count", "_sum")
OF_DAEMONS = ("node_", "iris_", "perf_")

OVER_TIME = {"rate", "irate", "increase", "changes", "resets"}
"""What makes something of a counter; its value says only for how long it has counted."""

RATES = {("rate",), ("irate",)}

PER_SECOND = {"ops", "iops", "reqps", "cps", "pps", "mps", "Bps", "binBps"}

every_page = pytest.mark.parametrize("page", TITLES)


def of_page(page: str) -> list[Asked]:
    """The queries of a page."""
    return [asked for asked in ASKED if asked.page == page]


def expressions_of(page: str) -> list[str]:
    """The queries of a page's panels and marks, as they are written."""
    of_marks = [text for name, text in marks() if name.startswith(f"{page}:")]
    return [asked.expression for asked in of_page(page)] + of_marks


def with_choices(asked: Asked) -> str:
    """The query with everything chosen."""
    return substituted(asked.expression, chosen_on(asked.page))


def test_promtool_understands_every_query(tmp_path: Path) -> None:
    """As expressions of rules: with everything chosen, Prometheus can evaluate them."""
    expressions = [with_choices(asked) for asked in ASKED]
    for name, expression in marks():
        expressions.append(substituted(expression, chosen_on(name.partition(":")[0])))
    rules = [
        {"record": f"query_{number}", "expr": expression}
        for number, expression in enumerate(expressions)
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    promtool("check", "rules", path)


@every_page
def test_every_metric_is_exported(page: str) -> None:
    """What a page asks for is on a golden page, a recording rule, or given by a known program."""
    expressions = expressions_of(page)
    expressions += [
        re.sub(r"^label_values\((.+), \w+\)$", r"\1", one["query"]["query"])
        for one in PAGES[page]["templating"]["list"]
        if one["type"] == "query"
    ]
    values = chosen_on(page)
    named = {one.name for text in expressions for one in selected(substituted(text, values))}
    assert unknown(named - OF_ALERTS - {""}) == set()


def is_chosen(one: Selected) -> bool:
    """Whether a selector goes by what is chosen, or by the job of a program of the stack."""
    chosen = {"job": "$job", "instance": "$instance"}
    return chosen.items() <= one.matchers.items() or one.matchers.get("job", "$")[0] != "$"


@every_page
def test_queries_go_by_what_is_chosen(page: str) -> None:
    """Every selector has the job and the host that are chosen, or names a job of the stack."""
    own = chosen_on(page) | {"job": "#job", "instance": "#instance"}
    for asked in of_page(page):
        for one in selected(substituted(asked.expression, own)):
            matchers = {key: value.replace("#", "$") for key, value in one.matchers.items()}
            named = one._replace(matchers=matchers)
            assert one.name in OF_ALERTS or is_chosen(named), f"{asked}: {one.name}"


@every_page
def test_rates_fit_the_time_that_is_shown(page: str) -> None:
    """Rate and irate have the range that Grafana makes of the interval of scrapes and of points.

    Or all of the time that is shown, for a mean of it.
    """
    values = chosen_on(page) | {"__rate_interval": "7m", "__range": "11m"}
    for expression in expressions_of(page):
        for one in selected(substituted(expression, values)):
            assert one.within[-1:] not in RATES or one.seconds in {7 * 60, 11 * 60}, expression


@every_page
def test_what_is_shown_per_second_is_a_rate(page: str) -> None:
    """A unit per second stands at a rate; growth within a time is a number."""
    for asked in of_page(page):
        unit = asked.panel["fieldConfig"]["defaults"].get("unit")
        is_rate = re.search(r"\brate\(|:rate|_per_second", asked.expression)
        assert unit not in PER_SECOND or is_rate, f"{asked}: {unit}"


@every_page
def test_counters_are_asked_for_their_growth(page: str) -> None:
    """A counter's own value tells only for how long something has been counting."""
    for asked in of_page(page):
        found = selected(with_choices(asked))
        # Beside its own value from before, it says what has come since.
        compared = {one.name for one in found if one.is_shifted}
        for one in found:
            of_others = one.name.endswith(ENDS) and not one.name.startswith(OF_DAEMONS)
            counts = ":" not in one.name and (one.name in COUNTERS or of_others)
            counts = counts and one.name not in compared
            assert not counts or OVER_TIME & set(one.within), f"{asked}: {one.name}"
