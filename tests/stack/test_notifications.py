"""From a host under pressure to the people who are told, and told when it is over."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.daemon import start_daemon
from tests.moving_host import MovingHost, moving_host
from tests.prometheus import ALERT_RULES, Prometheus, start_prometheus, wait_until
from tests.stack.alertmanager import EXTERNAL_URL, RESEND_SOON, Alertmanager, start_alertmanager
from tests.stack.mail_sink import body
from tests.stack.people import People, reachable_people

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CPU = "HostCpuAboveAutoDisableThreshold"
MEMORY = "HostMemoryAboveAutoDisableThreshold"
MEMORY_LOW = "HostMemoryLow"

RULES = [path for path in ALERT_RULES if "iris" not in path.name]
"""There is no instance of IRIS here."""


class Stack(NamedTuple):
    """Two hosts, by the names that alerts have for them, and what watches them."""

    hosts: dict[str, MovingHost]
    prometheus: Prometheus
    alertmanager: Alertmanager
    people: People


def hurry_more(folder: Path) -> None:
    """Have alerts that take a quarter of an hour after ten seconds: later than the others still."""
    rules = folder / "alert_rules_host.yml"
    rules.write_text(rules.read_text().replace("for: 45s", "for: 10s"))


@contextlib.contextmanager
def start_stack(folder: Path, edition: str) -> Iterator[Stack]:
    """Start everything; all targets have been scraped."""
    with contextlib.ExitStack() as parts:
        people = parts.enter_context(reachable_people(folder))
        config = people.alertmanager_config(examples=True)
        alertmanager = parts.enter_context(
            start_alertmanager(folder, config, f"{edition}alertmanager")
        )
        hosts = {}
        for name in ("first", "second"):
            host = parts.enter_context(moving_host(folder / name))
            daemon = parts.enter_context(start_daemon(*host.flags))
            hosts[daemon.url.removeprefix("http://")] = host
        target, other = hosts
        prometheus = parts.enter_context(
            start_prometheus(
                folder, target, rules=RULES, program=f"{edition}prometheus", flags=RESEND_SOON
            )
        )
        hurry_more(folder)
        prometheus.reload()
        alertmanager.join(prometheus, folder, other)
        everybody = "count(up == 1) == 4"
        wait_until(lambda: prometheus.query(everybody), "all four are scraped")
        yield Stack(hosts, prometheus, alertmanager, people)


@pytest.mark.parametrize("edition", ["", "stable/"], ids=["newest", "stable"])
def test_people_are_told_and_told_that_it_is_over(tmp_path: Path, edition: str) -> None:
    """Pressure of CPU on one host and of memory on both reaches people by mail and by Slack."""
    with start_stack(tmp_path, edition) as stack:
        first, _ = stack.hosts.values()
        first.cpu_busy = 0.99
        for host in stack.hosts.values():
            host.memory_used = 0.97
        cpu_pressure_is_told(stack)
        memory_pressure_is_told_once_for_both(stack)
        what_says_less_is_muted(stack)
        for host in stack.hosts.values():
            host.rest()
        the_end_is_told(stack)
        wait_until(lambda: len(stack.people.webhooks.calls()) > 1, "the service is called again")
        for call in stack.people.webhooks.calls():
            assert [alert["labels"]["alertname"] for alert in call["alerts"]] == ["Watchdog"]
            assert call["status"] == "firing"


def cpu_pressure_is_told(stack: Stack) -> None:
    """A mail and a message say which host, how busy it is, since when, and what to do."""
    host, _ = stack.hosts
    subject = f"[WARNING] CPU of {host} is above 90 % ({CPU})"
    mail = stack.people.mailbox.mails[stack.people.get_mail(subject)]
    assert mail["From"] == "PerfWatch <perfwatch@example.org>"
    assert mail["To"] == "operators@example.org"
    message = stack.people.get_message(subject)
    assert message["color"] == "warning"
    for text in (body(mail, "plain"), body(mail, "html"), message["text"]):
        assert re.search(rf"The CPUs of {host} were 9[0-9.]+% busy", text)
        assert re.search(r"Since:? +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
        assert f"docs/runbooks/{CPU}.md" in text
        assert f"{EXTERNAL_URL}/#/silences/new?filter=%7Balertname%3" in text
        assert "/graph?g0.expr=" in text


def memory_pressure_is_told_once_for_both(stack: Stack) -> None:
    """One mail and one message have both hosts, each with its own numbers."""
    subject = f"[CRITICAL] {MEMORY}: 2 firing"
    mail = stack.people.mailbox.mails[stack.people.get_mail(subject)]
    message = stack.people.get_message(subject)
    assert message["color"] == "danger"
    for text in (body(mail, "plain"), body(mail, "html"), message["text"]):
        assert [f"Memory of {host} is above 95 %" in text for host in stack.hosts] == [True, True]
        assert len(re.findall(r"9[67][0-9.]*% of the memory", text)) == 2


def what_says_less_is_muted(stack: Stack) -> None:
    """That memory is low is known from the alert that there is none: nobody is told."""
    low = f'ALERTS{{alertname="{MEMORY_LOW}", alertstate="firing"}}'
    wait_until(lambda: len(stack.prometheus.query(low)) == 2, f"{MEMORY_LOW} fires on both")
    alertmanager, people = stack.alertmanager, stack.people
    wait_until(lambda: MEMORY_LOW in alertmanager.states(), "it has arrived")
    states = alertmanager.states()
    assert (states[MEMORY_LOW], states[MEMORY]) == ("suppressed", "active")
    # Had it been sent, it would have been before an alert that has come later.
    alertmanager.api("alerts", [{"labels": {"alertname": "Later", "severity": "warning"}}])
    people.get_mail("Later")
    people.get_message("Later")
    assert MEMORY_LOW not in texts_of(people)


def the_end_is_told(stack: Stack) -> None:
    """People hear that each of them is over."""
    people = stack.people
    first, second = stack.hosts
    ended = f"[RESOLVED] CPU of {first} is above 90 % ({CPU})"
    message = people.get_message(ended)
    mail = people.mailbox.mails[people.get_mail(ended)]
    assert message["color"] == "good"
    for text in (body(mail, "plain"), body(mail, "html"), message["text"]):
        assert "No longer so:" in text
        assert "It was so" in text
    # The two may end together, or one after the other and so in two messages.
    for host in (first, second):
        is_told(people, f"No longer so: *Memory of {host} is")
        is_told(people, f"No longer so: Memory of {host} is")


def is_told(people: People, text: str) -> None:
    """Wait until people have read something, by whichever way."""
    wait_until(lambda: text in texts_of(people), text)


def texts_of(people: People) -> str:
    """All that people have read so far."""
    mails = [f"{mail['Subject']}\n{body(mail, 'plain')}" for mail in people.mailbox.mails]
    messages = [f"{each['title']}\n{each['text']}" for each in people.webhooks.messages()]
    return "\n".join(mails + messages)
