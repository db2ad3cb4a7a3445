"""The configuration of Prometheus and its alerts: what promtool says, and what it cannot know."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from exporter.setting_groups import WebSettings
from tests.alert_rules import ALERTS, CASES, read_cases
from tests.child import REPOSITORY
from tests.conftest import HOSTS
from tests.exported_names import metrics_in, samples, unknown
from tests.prometheus import ALERT_RULES, CONFIG, RECORDING_RULES, promtool
from tests.promql import metrics, ranges, selectors

RUNBOOKS = REPOSITORY / "docs" / "runbooks"

PROGRAMS = ("promtool", "stable/promtool")

SEVERITIES = {"critical", "warning", "info", "{{ $labels.severity }}"}
"""The last one is taken from a counter whose own severity is one of the others."""

AT_ONCE = {
    "Watchdog": "it says that alerts arrive, which is so from the first moment",
}
"""Alerts that need not last, each with the reason."""

WHOLE_STACK = {
    "Watchdog": "it is about the way of all alerts",
}
"""Alerts that have no host to name, each with the reason."""

ALWAYS = {"Watchdog"}
"""Alerts that are never silent: it is their silence that people are to hear of."""

OF_THE_LIBRARY = {"perfwatch_log_alerts_total", "perfwatch_security_events_total"}
"""Any service that uses the library has these, whatever its job is."""

SHORTEST_RANGE_SECONDS = 120
"""It holds two samples at a scrape interval of a minute."""

PAGES = sorted(HOSTS.glob("*/expected.prom"))

LACKING = {"old-kernel": {"node_memory_MemAvailable_bytes"}}
"""What a captured host does not have; the rule has another way there."""


@pytest.mark.parametrize("program", PROGRAMS)
def test_promtool_accepts_the_configuration(program: str) -> None:
    """The file as it is shipped loads, and so do the files it names."""
    promtool("check", "config", "--lint=all", "--lint-fatal", CONFIG, program=program)


def test_every_file_of_rules_is_loaded() -> None:
    """The configuration names each file of rules that lies beside it."""
    patterns = yaml.safe_load(CONFIG.read_text())["rule_files"]
    named = {path for pattern in patterns for path in CONFIG.parent.glob(pattern)}
    assert named == set(CONFIG.parent.glob("*_rules*.yml"))


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("rules", [*ALERT_RULES, *RECORDING_RULES], ids=lambda path: path.stem)
def test_promtool_accepts_the_rules(rules: Path, program: str) -> None:
    """The rules parse, none twice."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", rules, program=program)


def area(cases: Path) -> str:
    """What a file of cases is about, by the first word of its name."""
    return cases.stem.partition("_")[0]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("about", sorted({area(path) for path in CASES}))
def test_rules_fire_and_stay_silent(about: str, program: str) -> None:
    """Each rule does what its cases say."""
    promtool("test", "rules", *(path for path in CASES if area(path) == about), program=program)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_its_three_cases(alert: str) -> None:
    """Each alert has a case in which it fires, one in which it is silent, one without its data."""
    cases = [case for case in read_cases() if case.alert == alert]
    assert any(case.fires for case in cases), "no case in which it fires"
    silent = any(not case.fires and not case.lacks_data for case in cases)
    assert silent is (alert not in ALWAYS), "no case in which it is silent"
    fires_without = "absent" in ALERTS[alert]["expr"] or alert in ALWAYS
    lacking = [case.fires for case in cases if case.lacks_data]
    assert fires_without in lacking, "no case without its data: one with 'missing' in its name"


def test_cases_are_about_alerts() -> None:
    """No case asks for an alert that there is not: it would be silent for ever."""
    assert {case.alert for case in read_cases()} <= ALERTS.keys()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_tells_people_what_they_need(alert: str) -> None:
    """Each alert has a known severity, its texts, and a page that says what to do."""
    rule = ALERTS[alert]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    texts = [rule["annotations"][key] for key in ("summary", "description")]
    hosts = ("$labels.instance", "$labels.iris_instance")
    assert all(any(host in text for host in hosts) for text in texts) is (alert not in WHOLE_STACK)
    page = REPOSITORY / rule["annotations"]["runbook_url"]
    assert page == RUNBOOKS / f"{alert}.md"
    assert page.read_text().startswith(f"# {alert}\n")
    assert "for" in rule
    assert (rule["for"] == "0m") is (alert in AT_ONCE)


def test_no_alert_is_there_twice() -> None:
    """A name stands for one rule, in whatever file it is."""
    files = [yaml.safe_load(path.read_text())["groups"] for path in ALERT_RULES]
    rules = [rule["alert"] for groups in files for group in groups for rule in group["rules"]]
    assert sorted(rules) == sorted(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_whose_series_it_takes(alert: str) -> None:
    """A node_exporter beside the daemon has the same names: each selector says the job."""
    found = selectors(ALERTS[alert]["expr"])
    assert [
        one.name for one in found if "job" not in one.labels and one.name not in OF_THE_LIBRARY
    ] == []


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_works_at_a_scrape_interval_of_a_minute(alert: str) -> None:
    """No range of an alert is so short that it could hold less than two samples."""
    assert all(seconds >= SHORTEST_RANGE_SECONDS for seconds in ranges(ALERTS[alert]["expr"]))


@pytest.mark.parametrize("alert", ALERTS)
def test_what_an_alert_and_its_runbook_name_exists(alert: str) -> None:
    """Every metric that a rule goes by, or a runbook tells people to look at, is exported."""
    told = metrics_in((RUNBOOKS / f"{alert}.md").read_text())
    assert unknown(metrics(ALERTS[alert]["expr"])) == set()
    assert unknown(told) == set()


def test_every_runbook_belongs_to_an_alert() -> None:
    """No page is left of an alert that was renamed or removed."""
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == set(ALERTS)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.parent.name)
def test_every_host_has_what_the_governor_goes_by(page: Path) -> None:
    """CPU and memory are known on each captured host, but for what has another way there."""
    pair = [f"Host{what}AboveAutoDisableThreshold" for what in ("Cpu", "Memory")]
    named = set(itertools.chain.from_iterable(metrics(ALERTS[alert]["expr"]) for alert in pair))
    assert named - samples(page) == LACKING.get(page.parent.name, set())


def test_prometheus_scrapes_where_the_daemon_listens() -> None:
    """The target in the configuration is the daemon's default address."""
    (group,) = yaml.safe_load(CONFIG.with_name("targets").joinpath("perfwatch.yml").read_text())
    (address,) = WebSettings().listen_address
    assert group == {"targets": [str(address)]}
