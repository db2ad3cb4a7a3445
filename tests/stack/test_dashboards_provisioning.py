"""The files that Grafana reads when it starts: known keys, and what the dashboards refer to."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.prometheus import CONFIG
from tests.stack.dashboards import PAGES
from tools.dashboards.__main__ import DASHBOARDS

PROVISIONING = CONFIG.parent / "grafana" / "provisioning"
SOURCES = sorted((PROVISIONING / "datasources").glob("*.yml"))

KEYS = {"name", "uid", "type", "access", "url", "isDefault", "editable", "jsonData"}
JSON_KEYS = {
    "prometheus": {"timeInterval", "httpMethod", "manageAlerts", "alertmanagerUid"},
    "alertmanager": {"implementation", "handleGrafanaManagedAlerts"},
    "loki": {"maxLines", "derivedFields"},
}
FIELD_KEYS = {"name", "matcherType", "matcherRegex", "datasourceUid", "url", "urlDisplayLabel"}
"""Grafana reads a wrong key as nothing, so it is compared with the keys of its documentation."""


def read(path: Any) -> dict[str, Any]:
    """A file as Grafana has it: version and content."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    assert content.pop("apiVersion") == 1
    return content


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_data_source_has_keys_that_grafana_knows(path: Any) -> None:
    """One in each file, with a uid that stays and nothing that Grafana would leave out."""
    content = read(path)
    (source,) = content.pop("datasources")
    assert content == {}
    assert source.keys() <= KEYS
    assert source["uid"] == f"perfwatch-{source['type']}" == f"perfwatch-{path.stem}"
    assert source["editable"] is False
    assert source["access"] == "proxy"
    assert source["jsonData"].keys() == JSON_KEYS[source["type"]]
    for field in source["jsonData"].get("derivedFields", []):
        assert field.keys() == FIELD_KEYS


def test_the_sources_are_those_of_the_pages() -> None:
    """What a page offers first is provisioned under that uid and name."""
    given = {one["uid"]: one["name"] for path in SOURCES for one in read(path)["datasources"]}
    for page in PAGES.values():
        for one in page["templating"]["list"]:
            if one["type"] == "datasource":
                assert given[one["current"]["value"]] == one["current"]["text"]


def test_the_interval_is_that_of_the_scrapes() -> None:
    """Grafana makes the range of rates from it: a shorter one would leave holes."""
    prometheus = read(PROVISIONING / "datasources" / "prometheus.yml")["datasources"][0]
    scraped = yaml.safe_load(CONFIG.read_text())["global"]["scrape_interval"]
    assert prometheus["jsonData"]["timeInterval"] == scraped


def test_lines_are_found_by_their_correlation() -> None:
    """The patterns find in a line of the daemon's log what all lines of a run share."""
    line = '{"level": "info", "correlation_id": "1985ac44", "request_id": "abc-1", "data": {}}'
    fields = read(PROVISIONING / "datasources" / "loki.yml")["datasources"][0]["jsonData"]
    found = {
        field["name"]: re.search(field["matcherRegex"], line)[1]  # type: ignore[index]
        for field in fields["derivedFields"]
    }
    assert found == {"correlation_id": "1985ac44", "request_id": "abc-1"}
    assert all("$${__value.raw}" in field["url"] for field in fields["derivedFields"])


def test_the_dashboards_are_found_and_kept() -> None:
    """One provider, whose pages are read-only, in a folder of their own."""
    (path,) = (PROVISIONING / "dashboards").glob("*.yml")
    (provider,) = read(path)["providers"]
    options = provider.pop("options")
    assert options == {"path": "/etc/grafana/dashboards"}
    assert provider == {
        "name": "perfwatch",
        "type": "file",
        "folder": "PerfWatch",
        "folderUid": "perfwatch",
        "allowUiUpdates": False,
        "disableDeletion": True,
        "updateIntervalSeconds": 60,
    }
    assert DASHBOARDS.is_dir()
