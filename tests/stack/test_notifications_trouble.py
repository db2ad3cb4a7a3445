"""What people are told when the telling itself is in trouble, and that nobody is told twice."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.child import REPOSITORY
from tests.prometheus import CONFIG, start_prometheus
from tests.stack.alertmanager import RESEND_SOON, Alertmanager, amtool, start_alertmanager
from tests.stack.mail_sink import body
from tests.stack.people import PASSWORD, People, reachable_people

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

FAILING = "AlertmanagerNotificationsFailing"
RULES = [CONFIG.with_name("alert_rules_stack.yml")]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """Those who are told."""
    with reachable_people(tmp_path) as people:
        yield people


@contextlib.contextmanager
def connected(
    people: People, folder: Path, program: str = "alertmanager", address: str = "127.0.0.1:0"
) -> Iterator[Alertmanager]:
    """Start Alertmanager with the people to be told."""
    config = people.alertmanager_config()
    with start_alertmanager(folder, config, program, address) as alertmanager:
        yield alertmanager


def send(alertmanager: Alertmanager, name: str, severity: str = "critical", **more: str) -> None:
    """Send an alert as Prometheus does."""
    texts = {"summary": f"{name} is on", "description": "It is.", "runbook_url": f"docs/{name}.md"}
    labels = {"alertname": name, "severity": severity, "instance": "web-1:10100"}
    alertmanager.api("alerts", [{"labels": labels, "annotations": texts, **more}])


def test_a_wrong_password_is_told_by_slack(tmp_path: Path, people: People) -> None:
    """The mail server refuses: an alert about that comes by Slack, and both by mail once mended."""
    (people.secrets / "smtp_password").write_text("wrong\n")
    with connected(people, tmp_path) as alertmanager:
        send(alertmanager, "Fire")
        with start_prometheus(
            tmp_path, alertmanager.address, rules=RULES, flags=RESEND_SOON
        ) as prometheus:
            alertmanager.join(prometheus, tmp_path)
            message = people.get_message(FAILING)
            people.get_message("Alerting works")
        assert "by email" in message["title"]
        assert people.mailbox.refused > 0
        assert people.mailbox.mails == []
        # Alertmanager reads the file each time it sends.
        (people.secrets / "smtp_password").write_text(PASSWORD)
        people.get_mail("Fire")
        people.get_mail(FAILING)
        # Prometheus has ended.
        people.get_message("Alerting has stopped")


@pytest.mark.parametrize(
    ("lost", "left"), [("smtp_password", "get_message"), ("slack_url", "get_mail")]
)
def test_one_way_works_without_the_other(
    tmp_path: Path, people: People, lost: str, left: str
) -> None:
    """A secret whose file is missing costs the messages of its own way only."""
    (people.secrets / lost).unlink()
    with connected(people, tmp_path) as alertmanager:
        send(alertmanager, "Fire")
        getattr(people, left)("[CRITICAL] Fire is on (Fire)")
        assert not (people.mailbox.mails and people.webhooks.messages())


@pytest.mark.parametrize("program", ["alertmanager", "stable/alertmanager"])
def test_a_restart_keeps_silences_and_repeats_nothing(
    tmp_path: Path, people: People, program: str
) -> None:
    """What was silenced stays so, and what was sent is not sent again; new alerts come."""
    with connected(people, tmp_path, program) as alertmanager:
        url = f"--alertmanager.url={alertmanager.url}"
        about = ("--author=tests", "--comment=being mended", "--duration=1h")
        silence = amtool("silence", "add", url, *about, "alertname=Flood").strip()
        send(alertmanager, "Flood")
        send(alertmanager, "Fire")
        people.get_mail("Fire")
        people.get_message("Fire")
    with connected(people, tmp_path, program, alertmanager.address) as alertmanager:
        for name in ("Flood", "Fire", "Storm"):  # as Prometheus does, once a minute
            send(alertmanager, name)
        people.get_mail("Storm")
        people.get_message("Storm")
        heard = [[subject.split()[1] for subject in all_of(people)] for all_of in (mails, titles)]
        assert heard == [["Fire", "Storm"], ["Fire", "Storm"]]
        assert alertmanager.states()["Flood"] == "suppressed"
        amtool("silence", "expire", url, silence)
        people.get_mail("Flood")


def mails(people: People) -> list[str]:
    """What the mails are about."""
    return people.mailbox.subjects()


def titles(people: People) -> list[str]:
    """What the messages of Slack are about."""
    return people.webhooks.titles()


def test_proof_of_life_comes_by_slack(tmp_path: Path, people: People) -> None:
    """Without a service outside, Slack is told that alerting works, and when it has stopped."""
    with connected(people, tmp_path) as alertmanager:
        send(alertmanager, "Watchdog", "info")
        message = people.get_message("Alerting works")
        assert "once a day" in message["text"]
        send(alertmanager, "Watchdog", "info", endsAt="2026-01-01T00:00:00Z")
        message = people.get_message("Alerting has stopped")
        assert "docs/Watchdog.md" in message["text"]
    assert people.mailbox.mails == []
    assert people.webhooks.calls() == []


def test_the_trial_in_the_documentation_comes(tmp_path: Path, people: People) -> None:
    """An alert that amtool adds goes the whole way; what it lacks leaves no empty line."""
    page = (REPOSITORY / "docs" / "alerting.md").read_text().replace("\\\n", "")
    (command,) = [line for line in page.splitlines() if line.strip().startswith("amtool alert add")]
    with connected(people, tmp_path) as alertmanager:
        amtool(*shlex.split(command)[1:], f"--alertmanager.url={alertmanager.url}")
        people.get_message("[WARNING] This is a trial (Trial)")
        mail = people.mailbox.mails[people.get_mail("[WARNING] This is a trial (Trial)")]
    for text in (body(mail, "plain"), people.webhooks.messages()[0]["text"]):
        assert "Nothing is wrong." in text
        assert "What to do" not in text
        assert "Its numbers" not in text
        assert "ilence it" in text
