"""The alerts as they are shipped, and the cases that they are tested with."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import yaml

from tests.conftest import TESTS
from tests.prometheus import ALERT_RULES

CASES = sorted((TESTS / "stack" / "rules").glob("*.yml"))

ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for path in ALERT_RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
}


class Case(NamedTuple):
    """What a case says of an alert."""

    alert: str
    name: str
    fires: bool
    """At one of its moments at least."""

    @property
    def lacks_data(self) -> bool:
        """Whether it is about the data that the alert needs and does not get."""
        return "missing" in self.name


@functools.cache
def read_cases() -> tuple[Case, ...]:
    """List the cases of all alerts."""
    cases = []
    for path in CASES:
        for test in yaml.safe_load(path.read_text())["tests"]:
            steps = test.get("alert_rule_test", [])
            for alert in {step["alertname"] for step in steps}:
                fires = any(step["exp_alerts"] for step in steps if step["alertname"] == alert)
                cases.append(Case(alert, test.get("name", ""), fires))
    return tuple(cases)
