"""Whom Alertmanager tells: a mailbox, a channel of Slack, and a service that expects calls."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.prometheus import PATIENCE, wait_until
from tests.stack.alertmanager import hurried_config
from tests.stack.mail_sink import MailSink, mail_sink
from tests.stack.webhooks import Webhooks, webhooks
from tests.tls import Issuer

PASSWORD = "correct horse"


class People(NamedTuple):
    """How they are reached, and what has reached them."""

    mailbox: MailSink
    webhooks: Webhooks
    secrets: Path
    certificate: Path

    def alertmanager_config(self, *, examples: bool = False) -> dict[str, Any]:
        """The shipped configuration with their addresses, its durations in a hurry."""
        config = hurried_config(self.secrets, examples=examples)
        config["global"] |= {
            "smtp_smarthost": self.mailbox.address,
            "smtp_tls_config": {"ca_file": str(self.certificate)},
        }
        return config

    def get_mail(self, subject: str) -> int:
        """Wait for a mail with this in its subject; give the place of the first."""
        found = wait_until(
            lambda: [
                number for number, each in enumerate(self.mailbox.subjects(), 1) if subject in each
            ],
            f"a mail about {subject!r}",
        )
        return found[0] - 1

    def get_message(self, title: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait for a message of Slack with this in its title; give the first."""
        found = wait_until(
            lambda: [each for each in self.webhooks.messages() if title in each["title"]],
            f"a message about {title!r}",
            timeout,
        )
        return found[0]


@contextlib.contextmanager
def reachable_people(folder: Path) -> Iterator[People]:
    """Have people until the end of the block, with their secrets in files."""
    secrets, keys = folder / "secrets", folder / "keys"
    secrets.mkdir()
    keys.mkdir()
    issuer = Issuer(keys)
    certificate = issuer.issue(datetime(2100, 1, 1, tzinfo=UTC))
    with mail_sink(certificate, issuer.key, PASSWORD) as mailbox, webhooks() as hooks:
        (secrets / "smtp_password").write_text(f"{PASSWORD}\n")
        (secrets / "slack_url").write_text(f"{hooks.url}/slack\n")
        (secrets / "dead_mans_switch_url").write_text(f"{hooks.url}/alive\n")
        yield People(mailbox, hooks, secrets, certificate)
