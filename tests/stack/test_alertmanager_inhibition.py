"""What mutes what, in a real Alertmanager."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.alertmanager import Alertmanager, start_alertmanager
from tests.stack.inhibitions import INHIBITIONS, muted_by, muting

NUMBERS = itertools.count(1)
"""So that each case has places of its own."""


@pytest.fixture(scope="module", params=["alertmanager", "stable/alertmanager"])
def alertmanager(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alertmanager]:
    """One for all cases: each has a host of its own."""
    with start_alertmanager(tmp_path_factory.mktemp("inhibition"), program=request.param) as one:
        yield one


CASES = [
    # Of many every tenth, which is the first one of few.
    pytest.param(source, sorted(muted_by(rule))[::10], rule["equal"], id=source)
    for rule in INHIBITIONS
    for source in sorted(muting(rule))
]


@pytest.mark.parametrize(("source", "targets", "equal"), CASES)
def test_an_alert_mutes_those_of_the_same_place_only(
    alertmanager: Alertmanager, source: str, targets: list[str], equal: list[str]
) -> None:
    """What it mutes is muted in its place, and neither elsewhere nor where a label is missing."""
    place = {label: f"{label}-{next(NUMBERS)}" for label in equal}
    alertmanager.api("alerts", [{"labels": {"alertname": source, **place}}])
    here = [{"alertname": name, **place} for name in targets]
    elsewhere = [labels | {label: f"other-{next(NUMBERS)}"} for labels in here for label in equal]
    nowhere = [
        {name: value for name, value in labels.items() if name != label}
        for labels in here
        for label in equal
    ]
    alertmanager.api("alerts", [{"labels": labels} for labels in here + elsewhere + nowhere])
    muted = [
        alert["labels"] for alert in alertmanager.api("alerts") if alert["status"]["inhibitedBy"]
    ]
    assert [labels for labels in here if labels not in muted] == []
    assert [labels for labels in elsewhere + nowhere if labels in muted] == []
    assert {"alertname": source, **place} not in muted


def test_an_alert_without_a_host_mutes_nothing(tmp_path: Path) -> None:
    """PerfwatchDown for want of any target has no instance: alerts without one go out."""
    with start_alertmanager(tmp_path) as alertmanager:
        labels = [{"alertname": "PerfwatchDown"}, {"alertname": "HostOfNobody"}]
        alertmanager.api("alerts", [{"labels": one} for one in labels])
        assert alertmanager.states() == {"PerfwatchDown": "active", "HostOfNobody": "active"}
