"""Alerts on IRIS in a real Prometheus: the daemon watches doubles, on a host that moves.

The governor is in the same hurry as the rules are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.daemon import start_daemon
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.iris.kept import TASK
from tests.moving_host import MovingHost, moving_host
from tests.prometheus import CONFIG, Prometheus, start_prometheus, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

RULES = [CONFIG.with_name(f"{name}.yml") for name in ("alert_rules", "alert_rules_iris")]

SUSPENDED = ("GovernorSuspendedCollection", "prod")
CPU = ("IrisCpuAboveAutoDisableThreshold", "prod")
DOWN = ("IrisDown", "away")

PATIENCE_SECONDS = 40


class Stack(NamedTuple):
    """Two instances, of which one will go away, the host they run on, and who watches them."""

    host: MovingHost
    prod: Instance
    away: Double
    prometheus: Prometheus

    def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire, each with its instance of IRIS."""
        alerts: list[dict[str, Any]] = self.prometheus.api("alerts")["alerts"]
        return {
            (alert["labels"]["alertname"], alert["labels"].get("iris_instance", ""))
            for alert in alerts
            if alert["state"] == "firing"
        }

    def failing_rules(self) -> dict[str, str]:
        """The rules that cannot be evaluated on what there is, with the reason."""
        groups = self.prometheus.api("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """All of it, at rest; both instances have been scraped."""
    with contextlib.ExitStack() as parts:
        host = parts.enter_context(moving_host(tmp_path / "host"))
        prod, away = (parts.enter_context(Double(Instance())) for _ in range(2))
        settings = tmp_path / "perfwatch.yml"
        settings.write_text(yaml.safe_dump({"iris": reaching(prod=prod, away=away)}))
        daemon = parts.enter_context(
            start_daemon(
                f"--config.file={settings}",
                *host.flags,
                env={"PERFWATCH_IRIS_PASSWORD": Instance.password},
                program=("-m", "tests.stack.hurried_daemon", "run"),
            )
        )
        target = daemon.url.removeprefix("http://")
        prometheus = parts.enter_context(start_prometheus(tmp_path, target, rules=RULES))
        wait_until(lambda: len(prometheus.query("iris_up == 1")) == 2, "both are up")
        yield Stack(host, prod.instance, away, prometheus)  # type: ignore[arg-type]


def reaching(**doubles: Double) -> dict[str, Any]:
    """Settings of instances on this host, read every second."""
    return {
        "username": Instance.username,
        "interval": "1s",
        "governor": {"local": True},
        "instances": {
            name: {"host": "127.0.0.1", "port": double.port} for name, double in doubles.items()
        },
    }


def suspended_task(instance: Instance) -> str:
    """What our task says of why it is suspended; nothing where it is not."""
    with instance.lock:
        task = instance.tasks.named(TASK)
        return str(task["Description"]) if task["Suspended"] else ""


def test_pressure_and_absence_alert_and_resolve(stack: Stack) -> None:
    """The host is under pressure and one instance goes away: each has its alert, and it ends."""
    assert stack.firing() == set()
    stack.host.cpu_busy = 0.99
    stack.away.stop()
    wanted = {SUSPENDED, CPU, DOWN}
    wait_until(lambda: wanted <= stack.firing(), "all three fire", PATIENCE_SECONDS)
    assert "off by governor" in suspended_task(stack.prod)
    # The governor of the other one sees the host as well, though nobody can be told to stop.
    of_away = {alert for alert, instance in stack.firing() if instance == "away"}
    assert of_away <= {DOWN[0], SUSPENDED[0], CPU[0]}
    stack.host.rest()
    stack.away.start()
    wait_until(lambda: not wanted & stack.firing(), "all three have ended", PATIENCE_SECONDS)
    assert suspended_task(stack.prod) == ""
    # Two series where one is expected would show only here.
    assert stack.failing_rules() == {}
