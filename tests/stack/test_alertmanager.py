"""The configuration of Alertmanager as a file: who is reached by what, and what mutes what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.alert_rules import ALERTS
from tests.child import REPOSITORY
from tests.stack.alertmanager import (
    CONFIG,
    SECRETS,
    TEMPLATES,
    amtool,
    hurried_config,
    start_alertmanager,
)
from tests.stack.inhibitions import INHIBITIONS, MATCHER, SHIPPED, muted_by, muting

RECEIVERS = {receiver["name"]: receiver for receiver in SHIPPED["receivers"]}
LOGGED = {"critical", "warning", "info"}
"""The severities of an alert that takes its own from a counter."""

DOCUMENTATION = (REPOSITORY / "docs" / "alerting.md").read_text()


def receivers_of(**labels: str) -> list[str]:
    """Who gets an alert with these labels, as amtool says."""
    words = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", f"--config.file={CONFIG}", *words).split()


def ways(receiver: str) -> set[str]:
    """By what a receiver reaches somebody."""
    return {key.removesuffix("_configs") for key in RECEIVERS[receiver] if key != "name"}


def test_amtool_accepts_the_configuration() -> None:
    """The file is right as it is shipped, and its templates can be read."""
    assert "SUCCESS" in amtool("check-config", CONFIG)


@pytest.mark.parametrize("program", ["alertmanager", "stable/alertmanager"])
@pytest.mark.parametrize("examples", [False, True], ids=["shipped", "examples on"])
def test_alertmanager_accepts_the_configuration(
    tmp_path: Any, program: str, examples: bool
) -> None:
    """Both versions start with it, without a warning, and with what is commented out too."""
    config = hurried_config(examples=examples)
    assert (config == hurried_config()) is not examples
    with start_alertmanager(tmp_path, config, program) as alertmanager:
        log = alertmanager.log_lines()
    assert [line for line in log if re.search(r"level=(warn|error)", line, re.IGNORECASE)] == []


def test_no_receiver_is_empty() -> None:
    """Each receiver has a way to somebody: amtool accepts one that drops what it gets."""
    assert {name for name in RECEIVERS if not ways(name)} == set()
    assert all(
        config
        for receiver in RECEIVERS.values()
        for key, config in receiver.items()
        if key != "name"
    )


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("critical", {"email", "slack"}),
        ("warning", {"email", "slack"}),
        ("info", {"slack"}),
        ("unheard-of", {"email", "slack"}),
    ],
)
def test_each_severity_goes_its_way(severity: str, expected: set[str]) -> None:
    """What is to be looked at comes twice; what has time comes by Slack only."""
    (receiver,) = receivers_of(alertname="Any", severity=severity)
    assert ways(receiver) == expected


def test_the_more_severe_the_sooner_and_the_oftener() -> None:
    """Critical alerts come first and are repeated most often, then warnings, then the others."""
    routes = {
        MATCHER.fullmatch(route["matchers"][0])[3]: SHIPPED["route"] | route  # type: ignore[index]
        for route in SHIPPED["route"]["routes"]
    }
    order = [routes[severity] for severity in ("critical", "warning", "info")]
    for key in ("group_wait", "group_interval", "repeat_interval"):
        times = [seconds(route[key]) for route in order]
        assert times == sorted(times)
        assert len(set(times)) == len(times), key


def seconds(duration: str) -> int:
    """Read a duration such as 5m."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]


def test_messages_are_repeated_before_they_are_forgotten() -> None:
    """Alertmanager knows for five days (--data.retention) what it has sent."""
    for route in (SHIPPED["route"], *SHIPPED["route"]["routes"]):
        repeat = seconds(route.get("repeat_interval", SHIPPED["route"]["repeat_interval"]))
        assert repeat < seconds("5d")
        interval = seconds(route.get("group_interval", SHIPPED["route"]["group_interval"]))
        assert repeat % interval == 0, "it is sent at the group's next turn"


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_reaches_somebody(alert: str) -> None:
    """Whatever severity an alert may have, it goes to one receiver, and that tells people."""
    severity = ALERTS[alert]["labels"]["severity"]
    for one in LOGGED if "{{" in severity else {severity}:
        (receiver,) = receivers_of(alertname=alert, severity=one, instance="web-1:10100")
        assert ways(receiver) & {"email", "slack"}


def test_resolved_messages_are_sent() -> None:
    """People hear when it is over; for mail and Slack that has to be asked for."""
    told = [
        config
        for receiver in RECEIVERS.values()
        for way in ("email_configs", "slack_configs")
        for config in receiver.get(way, [])
    ]
    assert told
    assert all(config["send_resolved"] is True for config in told)


def test_secrets_are_in_files() -> None:
    """No secret and no variable stands in the file; each secret has a path, and the docs say it."""
    assert "${" not in yaml.safe_dump(SHIPPED)
    secret = re.compile("password|secret|token|url|key|credentials")
    found = {key: value for key, value in settings(SHIPPED) if secret.search(key)}
    assert found.keys() == {"smtp_auth_password_file", "slack_api_url_file", "url_file"}
    assert all(value.startswith(SECRETS) for value in found.values())
    assert [value for value in found.values() if f"`{value}`" not in DOCUMENTATION] == []
    assert SHIPPED["global"]["smtp_require_tls"] is True


def settings(config: Any) -> Iterator[tuple[str, Any]]:
    """Give each setting with its value, however deep it lies."""
    inner = config.values() if isinstance(config, dict) else config
    if isinstance(config, dict):
        yield from config.items()
    for one in inner:
        if isinstance(one, dict | list):
            yield from settings(one)


def test_templates_are_those_that_exist() -> None:
    """Each template that the configuration names is defined, and each one defined is used."""
    files = "".join(path.read_text() for path in TEMPLATES.glob("*.tmpl"))
    defined = set(re.findall(r'\{\{-? ?define "([^"]+)"', files))
    used = set(re.findall(r'template "([^"]+)"', CONFIG.read_text() + files))
    assert used == defined
    assert list(CONFIG.parent.glob(SHIPPED["templates"][0]))


@pytest.mark.parametrize("rule", INHIBITIONS, ids=lambda rule: rule["source_matchers"][0])
def test_an_inhibition_is_about_alerts_that_exist(rule: dict[str, Any]) -> None:
    """Source and target name alerts of the shipped rules, none of them both."""
    assert muting(rule)
    assert muted_by(rule)
    assert not muting(rule) & muted_by(rule)
    for matcher in rule["source_matchers"] + rule["target_matchers"]:
        found = MATCHER.fullmatch(matcher)
        assert found
        if found[1] == "alertname" and ".+" not in found[3]:
            assert set(found[3].split("|")) <= ALERTS.keys()


@pytest.mark.parametrize("rule", INHIBITIONS, ids=lambda rule: rule["source_matchers"][0])
def test_an_inhibition_asks_for_what_it_compares(rule: dict[str, Any]) -> None:
    """A label that both sides lack counts as equal: the source has to have each of them."""
    asked = {f'{label} =~ ".+"' for label in rule["equal"]}
    assert asked
    assert asked <= set(rule["source_matchers"])
    assert "instance" in rule["equal"]


def test_the_documentation_has_the_same_tables() -> None:
    """Each inhibition has a row with the same alerts by name, and each route one with its pace."""
    rows = [line for line in DOCUMENTATION.splitlines() if line.startswith("|")]
    written = [ALERTS.keys() & set(re.findall(r"`(\w+)`", row)) for row in rows]
    for rule in INHIBITIONS:
        matchers = " ".join(rule["source_matchers"] + rule["target_matchers"])
        assert ALERTS.keys() & set(re.findall(r"\w+", matchers)) in written
    for route in SHIPPED["route"]["routes"]:
        name = MATCHER.fullmatch(route["matchers"][0])[3]  # type: ignore[index]
        repeat = route.get("repeat_interval", SHIPPED["route"]["repeat_interval"])
        assert any(f"`{name}`" in row and f" {repeat} " in row for row in rows), name
