"""The thresholds in the rules are those that the governor goes by."""

from __future__ import annotations

import re
from typing import NamedTuple

import promql_parser
import pytest
from promql_parser import BinaryExpr, Expr, NumberLiteral, ParenExpr

from exporter.iris.governor.decision import Reason
from exporter.iris.metrics.sensors import CPU, MEMORY
from exporter.iris.settings import GovernorSettings
from tests.alert_rules import ALERTS
from tests.promql import metrics

DEFAULTS = GovernorSettings()


class Pair(NamedTuple):
    """A threshold of the governor, and the alerts that tell of it."""

    percent: float
    resource: Reason
    sensor: str
    alerts: tuple[str, str]


def alerts_of(resource: str) -> tuple[str, str]:
    """One about a host, and one about an instance."""
    return (
        f"Host{resource}AboveAutoDisableThreshold",
        f"Iris{resource}AboveAutoDisableThreshold",
    )


PAIRS = [
    Pair(DEFAULTS.cpu_disable, Reason.CPU, CPU, alerts_of("Cpu")),
    Pair(DEFAULTS.memory_disable, Reason.MEMORY, MEMORY, alerts_of("Memory")),
]

OF_ALERTS = [
    pytest.param(pair, alert, id=alert)  # one for each alert
    for pair in PAIRS
    for alert in pair.alerts
]


def limits(expression: str) -> list[float]:
    """List the numbers above which an expression gives something."""
    found: list[float] = []

    def look(part: Expr) -> None:
        if isinstance(part, BinaryExpr) and str(part.op) == ">":
            found.extend(_product(part.rhs))

    promql_parser.walk(promql_parser.parse(expression), look)
    return found


def _product(part: Expr) -> list[float]:
    """The value of a number, or of a product of numbers; nothing for all else."""
    if isinstance(part, ParenExpr):
        return _product(part.expr)
    if isinstance(part, NumberLiteral):
        return [part.val]
    if isinstance(part, BinaryExpr) and str(part.op) == "*":
        return [left * right for left in _product(part.lhs) for right in _product(part.rhs)]
    return []


@pytest.mark.parametrize(("pair", "alert"), OF_ALERTS)
def test_the_threshold_is_the_governors(pair: Pair, alert: str) -> None:
    """The number in the expression, and the one that people are told."""
    rule = ALERTS[alert]
    assert limits(rule["expr"]) == [pair.percent / 100]
    told = re.findall(r"([0-9]+) %", " ".join(rule["annotations"].values()))
    assert {int(number) for number in told} == {pair.percent}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.resource)
def test_an_instance_is_seen_as_the_governor_sees_it(pair: Pair) -> None:
    """By its reading and its threshold of that resource, and else by the sensor that it reads."""
    expression = ALERTS[pair.alerts[1]]["expr"]
    assert metrics(expression) == {
        "perfwatch_governor_reading_ratio",
        "perfwatch_governor_threshold_ratio",
        pair.sensor,
    }
    assert set(re.findall(r'resource="(\w+)"', expression)) == {str(pair.resource)}
    assert set(re.findall(r'action="(\w+)"', expression)) == {"disable"}


def test_too_long_is_what_the_governor_calls_so() -> None:
    """More suspended seconds than those after which it resumes on probation."""
    assert limits(ALERTS["GovernorSuspendedTooLong"]["expr"]) == [DEFAULTS.max_suspension]
