"""The dashboards as files: what is committed is what is made, and whole.

Much of it are the rules of Grafana's dashboard-linter, which is a Go program; those on queries are
in test_dashboards_queries.py.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from grafana_foundation_sdk.models import units

from tests.stack.dashboards import EMPTY, FILES, PAGES, panels
from tools.dashboards.__main__ import DASHBOARDS, as_text
from tools.dashboards.pages import TITLES, build

UNITS = {value for name, value in vars(units).items() if name[0].isupper()}
MOST_OPEN_PANELS = 32
"""On a page that was just opened: each asks Prometheus, again and again."""

PARAGRAPHS = {"text"}
"""Kinds of panels that ask nothing."""

every_page = pytest.mark.parametrize("page", TITLES)


def variables(page: str) -> dict[str, dict[str, Any]]:
    """The variables of a page by name."""
    return {one["name"]: one for one in PAGES[page]["templating"]["list"]}


@every_page
def test_what_is_committed_is_what_is_made(page: str) -> None:
    """`make dashboards` would change nothing."""
    committed = (DASHBOARDS / f"{page}.json").read_text()
    assert committed == as_text(build(page)), "run make dashboards"


def test_no_file_is_left_over() -> None:
    """There is no file of a dashboard that was renamed or removed."""
    assert sorted(DASHBOARDS.glob("*.json")) == sorted(FILES)


@every_page
def test_a_page_says_what_it_is(page: str) -> None:
    """Its identity stays, it has words, and nobody changes it by hand."""
    made = PAGES[page]
    assert made["uid"] == f"perfwatch-{page}"
    assert made["title"] == TITLES[page]
    assert made["description"].endswith(".")
    assert made["editable"] is False
    assert "__inputs" not in made
    assert made["tags"] == ["perfwatch"]
    for mark in made["annotations"]["list"]:
        assert mark["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    (menu,) = made["links"]
    assert menu["type"] == "dashboards"
    assert menu["tags"] == made["tags"]


@every_page
def test_numbers_and_titles_are_unique(page: str) -> None:
    """No two panels or headings have one number, and no two panels one title."""
    made = PAGES[page]
    rows = [one for one in made["panels"] if one["type"] == "row"]
    shown = panels(made)
    numbers = [one["id"] for one in (*rows, *shown)]
    assert len(set(numbers)) == len(numbers)
    titles = [one["title"] for one in shown]
    assert len(set(titles)) == len(titles)
    open_ones = [one for one in made["panels"] if one["type"] != "row"]
    assert len(open_ones) <= MOST_OPEN_PANELS
    for panel in shown:
        references = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(references)) == len(references)


@every_page
def test_panels_do_not_overlap(page: str) -> None:
    """Each panel has its own place on the grid, open or collapsed rows apart."""
    made = PAGES[page]
    rooms = [made["panels"]] + [one["panels"] for one in made["panels"] if one["type"] == "row"]
    for room in rooms:
        taken: set[tuple[int, int]] = set()
        for panel in room:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells


@every_page
def test_the_variables_are_those_that_all_pages_have(page: str) -> None:
    """A data source, and lists of jobs, hosts and instances that follow the time that is shown."""
    given = variables(page)
    assert given["datasource"]["type"] == "datasource"
    assert given["datasource"]["current"]["value"] == "perfwatch-prometheus"
    assert {"job", "instance"} <= given.keys()
    for one in given.values():
        assert one["label"]
        if one["type"] == "query":
            assert one["refresh"] == 2, "on a change of the time range"
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert re.fullmatch(r"label_values\(.+, \w+\)", one["query"]["query"])
        if one["name"] in {"job", "instance", "iris_instance"}:
            assert one["query"]["query"].endswith(f", {one['name']})")
            assert one["multi"]
            assert one["includeAll"]
            assert one["allValue"] == ".+"


@every_page
def test_every_panel_explains_itself(page: str) -> None:
    """It has a title, sentences and something to show, from the chosen data source."""
    for panel in panels(PAGES[page]):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        said = EMPTY.split(panel["description"])
        assert len(said) <= 2, panel["title"]
        assert bool(panel.get("targets")) is (panel["type"] not in PARAGRAPHS), panel["title"]
        for target in panel.get("targets", []):
            source = target["datasource"]
            assert source == panel["datasource"]
            assert source["uid"].strip("${}") in variables(page), panel["title"]


def units_of(panel: dict[str, Any]) -> list[str]:
    """The units of a panel: of its values, or of the columns of a table."""
    config = panel.get("fieldConfig", {})
    overrides = [one["properties"] for one in config.get("overrides", [])]
    chosen = [one["value"] for many in overrides for one in many if one["id"] == "unit"]
    default = config.get("defaults", {}).get("unit")
    return [default, *chosen] if default else chosen


@every_page
def test_units_are_those_that_grafana_knows(page: str) -> None:
    """Grafana shows a unit that it does not know as it is written."""
    for panel in panels(PAGES[page]):
        used = units_of(panel)
        assert used or panel["type"] in {*PARAGRAPHS, "logs"}, panel["title"]
        assert set(used) <= UNITS, panel["title"]


@every_page
def test_links_lead_to_pages_that_exist(page: str) -> None:
    """A link in a table or a text leads to one of our dashboards, or into the web."""
    text = as_text(PAGES[page])
    assert set(re.findall(r"/d/([^?\")]*)", text)) <= {f"perfwatch-{name}" for name in TITLES}


@every_page
def test_links_choose_by_what_is_there(page: str) -> None:
    """By a column of the table, or by a label that each series of the panel has."""
    for panel in panels(PAGES[page]):
        links = as_text(panel["fieldConfig"]) if "fieldConfig" in panel else ""
        columns = as_text({"all": panel.get("transformations", [])})
        for title in re.findall(r"\$\{__data\.fields\.(\w+)\}", links):
            assert f': "{title}"' in columns, panel["title"]
        for label in re.findall(r"\$\{__field\.labels\.(\w+)\}", links):
            for target in panel["targets"]:
                assert f"{{{{{label}}}}}" in target["legendFormat"], panel["title"]
