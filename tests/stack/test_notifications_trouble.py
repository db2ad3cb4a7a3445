"""What people are told when the telling itself is in trouble, and that nobody is told twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import start_daemon
from tests.moving_host import moving_host
from tests.prometheus import CONFIG, start_prometheus
from tests.stack.alertmanager import Alertmanager, start_alertmanager
from tests.stack.people import PASSWORD, People, reachable_people

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

FAILING = "AlertmanagerNotificationsFailing"
STACK_RULES = [CONFIG.with_name("alert_rules_stack.yml"), CONFIG.with_name("alert_rules.yml")]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """Those who are told."""
    with reachable_people(tmp_path) as people:
        yield people


@contextlib.contextmanager
def connected(folder: Path, people: People, address: str = "127.0.0.1:0") -> Iterator[Alertmanager]:
    """Start Alertmanager with the people to be told; without Prometheus, tests send it alerts."""
    config = people.alertmanager_config()
    with start_alertmanager(folder, config, address=address) as alertmanager:
        yield alertmanager


def alert(name: str, severity: str = "critical", **changes: Any) -> dict[str, Any]:
    """An alert as Prometheus sends it."""
    return {
        "labels": {"alertname": name, "severity": severity, "instance": "web-1:10100"},
        "annotations": {
            "summary": f"{name} on web-1:10100",
            "description": "It is so.",
            "runbook_url": f"docs/runbooks/{name}.md",
        },
    } | changes


def test_a_wrong_password_is_told_by_slack(tmp_path: Path, people: People) -> None:
    """The mail server refuses: an alert about that comes by Slack, and both by mail once mended."""
    (people.secrets / "smtp_password").write_text("wrong\n")
    with contextlib.ExitStack() as parts:
        alertmanager = parts.enter_context(connected(tmp_path, people))
        host = parts.enter_context(moving_host(tmp_path / "host"))
        daemon = parts.enter_context(start_daemon(*host.flags))
        target = daemon.url.removeprefix("http://")
        prometheus = parts.enter_context(start_prometheus(tmp_path, target, rules=STACK_RULES))
        prometheus.add_stack(alertmanager=alertmanager.address)
        host.cpu_busy = 0.99
        people.get_message("[WARNING] CPU of")
        message = people.get_message(FAILING)
        assert "by email" in message["title"]
        assert people.mailbox.refused > 0
        assert people.mailbox.mails == []
        # Alertmanager reads the file each time it sends.
        (people.secrets / "smtp_password").write_text(PASSWORD)
        people.get_mail("[WARNING] CPU of")
        people.get_mail(FAILING)
