"""The alerts on IRIS and the governor name what there is: a state misspelt is never true."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import Expr, VectorSelector

from tests.alert_rules import ALERTS
from tests.iris.test_page import PAGE

ABOUT_IRIS = [alert for alert in ALERTS if alert.startswith(("Iris", "Governor"))]

JOB = "job"
"""Prometheus adds it."""

NOT_ON_THE_PAGE = {"retry"}
"""What a production may call its hosts, as others have read in IRIS's source."""


class Asked(NamedTuple):
    """A value of a label that a rule asks for."""

    metric: str
    label: str
    pattern: str


def asked_by(expression: str) -> set[Asked]:
    """List what an expression asks for, each alternative for itself."""
    found: set[Asked] = set()

    def look(part: Expr) -> None:
        if isinstance(part, VectorSelector):
            for matcher in part.matchers.matchers:
                body = matcher.value.removeprefix("(?i:").removesuffix(")")
                found.update(
                    Asked(part.name or "", matcher.name, one)
                    for one in body.split("|")
                    if matcher.name != JOB
                )

    promql_parser.walk(promql_parser.parse(expression), look)
    return found


@functools.cache
def given() -> frozenset[tuple[str, str, str]]:
    """What the page of an instance has: metric, label and value."""

    def all_labels() -> Iterator[tuple[str, str, str]]:
        for family in text_string_to_metric_families(PAGE.read_text()):
            for sample in family.samples:
                yield from ((sample.name, *label) for label in sample.labels.items())

    return frozenset(all_labels())


def is_given(one: Asked) -> bool:
    """Whether some series has such a value, whatever its case."""
    return any(
        (metric, label) == (one.metric, one.label)
        and re.fullmatch(one.pattern, value, re.IGNORECASE)
        for metric, label, value in given()
    )


@pytest.mark.parametrize("alert", ABOUT_IRIS)
def test_what_a_rule_asks_for_is_given(alert: str) -> None:
    """Each value of a label is one that an instance's page has."""
    unknown = {one for one in asked_by(ALERTS[alert]["expr"]) if not is_given(one)}
    assert {one.pattern for one in unknown} <= NOT_ON_THE_PAGE


def test_good_states_do_not_alert() -> None:
    """No rule takes what is normal, unknown, or no mirror at all for trouble."""
    good = {"normal", "ok", "other", "notinit", "primary", "connected", "up", "degraded"}
    states = {
        one
        for alert in ABOUT_IRIS
        for one in asked_by(ALERTS[alert]["expr"])
        if one.label in {"state", "status"}
    }
    assert states
    assert {one for one in states if one.pattern in good} == set()
