"""What the rules about the daemon, and those for history, have in common with other files."""

from __future__ import annotations

import re

import yaml

from exporter.health import MEMORY_WARNING_BYTES
from tests.alert_rules import ALERTS
from tests.conftest import TESTS
from tests.prometheus import CONFIG
from tests.promql import selectors

HISTORY = {
    rule["record"]: rule["expr"]
    for group in yaml.safe_load(CONFIG.with_name("recording_rules_history.yml").read_text())[
        "groups"
    ]
    for rule in group["rules"]
}


def test_memory_is_high_where_the_daemon_says_so() -> None:
    """The alert begins where the daemon's own check of its memory begins to warn."""
    assert (
        f"> {MEMORY_WARNING_BYTES // 2**20} * 1024 * 1024" in ALERTS["PerfwatchMemoryHigh"]["expr"]
    )


def test_a_large_page_is_reported_before_it_is_refused() -> None:
    """The alert begins at four fifths of what Prometheus takes of a daemon."""
    jobs = yaml.safe_load(CONFIG.read_text())["scrape_configs"]
    (limit,) = [job["sample_limit"] for job in jobs if job["job_name"] == "perfwatch"]
    rule = ALERTS["PerfwatchSamplesNearLimit"]
    assert rule["expr"].endswith(f"> {limit * 4 // 5}")
    assert str(limit) in rule["annotations"]["description"]


def test_names_of_history_follow_the_practice() -> None:
    """A name says the level, the metric and the operation; the series are the daemon's."""
    for name, expression in HISTORY.items():
        assert re.fullmatch(r"(iris_)?instance(_\w+)?:[a-z0-9_]+:\w*(5m|6h)", name)
        assert all("job" in selector.labels for selector in selectors(expression))


def test_all_history_is_tested() -> None:
    """Each recorded name has a case that says what it is."""
    files = [yaml.safe_load(path.read_text()) for path in (TESTS / "stack/rules").glob("history_*")]
    cases = [case for file in files for test in file["tests"] for case in test["promql_expr_test"]]
    told = "".join(str(case["expr"]) for case in cases if case["exp_samples"])
    assert {name for name in HISTORY if name not in told} == set()
