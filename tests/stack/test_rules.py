"""The configuration of Prometheus and its alerts: what promtool says, and what it cannot know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.setting_groups import WebSettings
from tests.child import REPOSITORY
from tests.conftest import HOSTS, TESTS
from tests.prometheus import ALERT_RULES, CONFIG, RECORDING_RULES, promtool

CASES = sorted((TESTS / "stack" / "rules").glob("*.yml"))
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for path in ALERT_RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
}

METRIC = re.compile(r"\b(?:node|perf|iris|perfwatch)_\w+")
"""A metric of ours: by their prefix they differ from PromQL's words and from labels."""

PAGES = sorted(HOSTS.glob("*/expected.prom"))

LACKING = {"old-kernel": {"node_memory_MemAvailable_bytes"}}
"""What a captured host does not have; the rule has another way there."""

OF_THE_ENGINE = {"node_scrape_collector_success"}
"""What each scrape says of its collectors: not among what a captured host shows."""

OWN = "perfwatch_"
"""What the daemon says of itself: not among what a captured host shows."""

SEVERITIES = {"critical", "warning", "info", "{{ $labels.severity }}"}
"""The last one is taken from a counter whose own severity is one of the others."""


def test_promtool_accepts_the_configuration() -> None:
    """The file as it is shipped loads, and so do the files it names."""
    promtool("check", "config", "--lint=all", "--lint-fatal", CONFIG)


def test_every_file_of_rules_is_loaded() -> None:
    """The configuration names each file of rules that lies beside it."""
    patterns = yaml.safe_load(CONFIG.read_text())["rule_files"]
    named = {path for pattern in patterns for path in CONFIG.parent.glob(pattern)}
    assert named == set(CONFIG.parent.glob("*_rules*.yml"))


@pytest.mark.parametrize("rules", [*ALERT_RULES, *RECORDING_RULES], ids=lambda path: path.stem)
def test_promtool_accepts_the_rules(rules: Path) -> None:
    """The rules parse, none twice."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", rules)


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_rules_fire_and_stay_silent(cases: Path) -> None:
    """Each rule does what its cases say."""
    promtool("test", "rules", cases)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tested_both_ways(alert: str) -> None:
    """Each alert has a case in which it fires, and one in which it stays silent all along."""
    fires, silent = False, False
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            steps = case.get("alert_rule_test", [])
            steps = [step for step in steps if step["alertname"] == alert]
            fired = any(step["exp_alerts"] for step in steps)
            fires |= fired
            silent |= bool(steps) and not fired
    assert fires
    assert silent


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_tells_people_what_they_need(alert: str) -> None:
    """Each alert has a known severity, its texts, and a page that says what to do."""
    rule = ALERTS[alert]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert all(
        "$labels.instance" in rule["annotations"][text] for text in ("summary", "description")
    )
    page = REPOSITORY / rule["annotations"]["runbook_url"]
    assert page.read_text().startswith(f"# {alert}\n")
    assert rule["for"] in {"1m", "2m"}


def test_own_metrics_that_people_are_told_of_exist() -> None:
    """What rules and runbooks name of the daemon itself is named in its source."""
    pages = [page.read_text() for page in RUNBOOKS.glob("*.md")]
    told = {name for page in pages for name in METRIC.findall(page)} | named_in_rules()
    packages = (REPOSITORY / "exporter", REPOSITORY / "monitoring")
    source = "".join(path.read_text() for one in packages for path in one.rglob("*.py"))
    own = {name for name in told if name.startswith(OWN)}
    assert own
    assert {name for name in own if f'"{name}"' not in source} == set()


def test_every_runbook_belongs_to_an_alert() -> None:
    """No page is left of an alert that was renamed or removed."""
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == set(ALERTS)


def exported(page: Path) -> set[str]:
    """The names of the samples in an exposition."""
    families = text_string_to_metric_families(page.read_text())
    return {sample.name for family in families for sample in family.samples}


def named_in_rules() -> set[str]:
    """The metrics that the rules are about."""
    return {name for rule in ALERTS.values() for name in METRIC.findall(rule["expr"])}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.parent.name)
def test_hosts_have_the_metrics_of_the_rules(page: Path) -> None:
    """Every metric that a rule names is exported on each captured host, but for known ones."""
    named = {name for name in named_in_rules() if not name.startswith(OWN)}
    assert named - exported(page) == LACKING.get(page.parent.name, set())


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_names_metrics_that_exist(alert: str) -> None:
    """Every metric in what a runbook tells people to look at is exported on some captured host."""
    named = set(METRIC.findall((RUNBOOKS / f"{alert}.md").read_text()))
    assert named
    named = {name for name in named if not name.startswith(OWN)}
    assert named - OF_THE_ENGINE <= {name for page in PAGES for name in exported(page)}


def test_prometheus_scrapes_where_the_daemon_listens() -> None:
    """The target in the configuration is the daemon's default address."""
    (group,) = yaml.safe_load(CONFIG.with_name("targets").joinpath("perfwatch.yml").read_text())
    (address,) = WebSettings().listen_address
    assert group == {"targets": [str(address)]}
