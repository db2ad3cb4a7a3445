"""What the shipped configuration of Alertmanager mutes, by the names of the shipped alerts."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.alert_rules import ALERTS
from tests.stack.alertmanager import CONFIG

SHIPPED: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
INHIBITIONS: list[dict[str, Any]] = SHIPPED["inhibit_rules"]
MATCHER = re.compile(r"(\w+) (=|=~|!=|!~) \"(.+)\"")


def muting(rule: dict[str, Any]) -> set[str]:
    """The alerts that mute others by a rule."""
    return named(rule["source_matchers"], "=", "=~")


def muted_by(rule: dict[str, Any]) -> set[str]:
    """The alerts that a rule mutes."""
    targets: list[str] = rule["target_matchers"]
    return named(targets, "=", "=~") - named(targets, "!=", "!~")


def named(matchers: list[str], *signs: str) -> set[str]:
    """The alerts that matchers of these kinds mean by name."""
    found = [MATCHER.fullmatch(matcher) for matcher in matchers]
    patterns = [one[3] for one in found if one and one[1] == "alertname" and one[2] in signs]
    return {alert for alert in ALERTS for pattern in patterns if re.fullmatch(pattern, alert)}
