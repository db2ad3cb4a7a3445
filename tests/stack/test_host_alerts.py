"""What the alerts on the host say of the captured hosts: what is wrong with them, and no more."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.conftest import HOSTS
from tests.peers import find_peer
from tests.prometheus import CONFIG
from tests.promql import metrics

RULES = CONFIG.with_name("alert_rules_host.yml")
EXPRESSIONS = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
}

MINUTES = 120
"""Longer than any of these alerts waits."""

WRONG = {
    "bare-metal-128": {"HostBondDegraded", "HostFilesystemError"},
    "container": {"HostConntrackAlmostFull"},
    "laptop": {"HostUnitFailed"},
    "old-kernel": set(),
    "raid-bonding": {"HostBondDegraded", "HostRaidDegraded"},
    "storage": {"HostZfsPoolDegraded"},
    "vm": set(),
}
"""A bond without one of its links, a file server that has forgotten a mount, a table that is full,
a unit that has failed, an array and a pool that lack a disk: they were captured, or made, like
that."""

CLOCK = {"node_time_seconds": f"0+60x{MINUTES}", "node_boot_time_seconds": f"-86400x{MINUTES}"}
"""promtool's time begins in 1970. A host that is right there, and has been up for a day."""


def series(sample: Sample) -> dict[str, str]:
    """A sample that stays as it is, as the daemon's target has it."""
    labels = {"job": "perfwatch", "instance": "captured:10100", **sample.labels}
    inner = ",".join(f"{name}={quoted(value)}" for name, value in labels.items() if value)
    values = CLOCK.get(sample.name, f"{sample.value:.6f}x{MINUTES}")
    return {"series": f"{sample.name}{{{inner}}}", "values": values}


def quoted(value: str) -> str:
    """A label's value as PromQL writes it."""
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def fired(page: Path, folder: Path) -> set[str]:
    """The alerts that fire when a host goes on as it was captured."""
    named = set().union(*(metrics(expression) for expression in EXPRESSIONS.values()))
    families = text_string_to_metric_families(page.read_text())
    samples = [one for family in families for one in family.samples if one.name in named]
    silence = [
        {"alertname": alert, "eval_time": f"{MINUTES}m", "exp_alerts": []} for alert in EXPRESSIONS
    ]
    case = {"interval": "1m", "input_series": [series(one) for one in samples]}
    cases = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "5m",
        "tests": [{**case, "alert_rule_test": silence}],
    }
    path = folder / "cases.yml"
    path.write_text(yaml.safe_dump(cases))
    command = [str(find_peer("promtool")), "test", "rules", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "SUCCESS" in said.stdout or "alertname:" in said.stdout + said.stderr
    return set(re.findall(r"alertname: (\w+), time", said.stdout + said.stderr))


@pytest.mark.parametrize("host", sorted(path.parent.name for path in HOSTS.glob("*/expected.prom")))
def test_alerts_tell_what_is_wrong_with_a_captured_host(host: str, tmp_path: Path) -> None:
    """An alert fires for each thing that is wrong with the host, and none for what is normal."""
    assert fired(HOSTS / host / "expected.prom", tmp_path) == WRONG[host]
