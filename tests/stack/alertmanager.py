"""A real Alertmanager as a process of its own, with the shipped configuration in a hurry."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.child import PATIENCE_SECONDS, REPOSITORY
from tests.peers import find_peer
from tests.prometheus import Prometheus, Server

CONFIG = REPOSITORY / "config" / "monitoring" / "alertmanager.yml"
TEMPLATES = CONFIG.parent / "alertmanager"
SECRETS = "/run/secrets"

HURRY = {"group_wait": "1s", "group_interval": "2s"}
"""A test cannot wait for minutes. How often a message is repeated stays as it is shipped, but for
the calls to the service outside."""

RESEND_SOON = ["--rules.alert.resend-delay=2s"]
"""Prometheus sends again after two seconds, not a minute, what fires; four times that, and
Alertmanager takes it that it is over."""

EXAMPLE = re.compile(r"^( *)#(?=[^ ]|  )", re.MULTILINE)
"""The mark of a line that is to be switched on: without a space, where a comment has one."""

EXTERNAL_URL = "http://alertmanager.example.org:9093"
"""How it calls itself in messages."""

OWN_SHARE = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"')
"""Debian's build reads templates of its own below /usr/share, where nothing was installed."""


def amtool(*arguments: str | Path) -> str:
    """Run amtool, which has to find nothing wrong; give what it says."""
    result = subprocess.run(
        [find_peer("amtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def hurried_config(secrets: Path | str = SECRETS, *, examples: bool = False) -> dict[str, Any]:
    """The shipped configuration, with nothing changed but durations and where the secrets are.

    With its examples switched on, if asked for.
    """
    text = CONFIG.read_text().replace(SECRETS, str(secrets))
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.sub(r"\1", text) if examples else text)
    for route in (config["route"], *config["route"]["routes"]):
        route.update(HURRY)
        if route["receiver"] == "dead-mans-switch":
            route["repeat_interval"] = "4s"
    return config


class Alertmanager(Server):
    """A running Alertmanager."""

    def api(self, path: str, body: object = None) -> Any:
        """Ask the HTTP API, or send it something; give the answer's data."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def states(self) -> dict[str, str]:
        """Whether each alert is active or suppressed, by its name."""
        return {
            alert["labels"]["alertname"]: alert["status"]["state"] for alert in self.api("alerts")
        }

    def join(self, prometheus: Prometheus, folder: Path, *hosts: str) -> None:
        """Tell a running Prometheus of this one, and of more hosts, as operators do: in files."""
        stack = {"prometheus": prometheus.address, "alertmanager": self.address}
        files = {
            "alertmanager": [{"targets": [self.address]}],
            "stack": [{"targets": [one], "labels": {"job": job}} for job, one in stack.items()],
            "perfwatch-more": [{"targets": [host]} for host in hosts],
        }
        for name, content in files.items():
            (folder / "targets" / f"{name}.yml").write_text(yaml.safe_dump(content))


@contextlib.contextmanager
def start_alertmanager(
    folder: Path,
    config: Mapping[str, Any] | None = None,
    program: str = "alertmanager",
    address: str = "127.0.0.1:0",
) -> Iterator[Alertmanager]:
    """Start it in a folder, with the shipped configuration unless another is given.

    In the same folder it goes on where it has ended.
    """
    with contextlib.suppress(FileExistsError):
        (folder / TEMPLATES.name).symlink_to(TEMPLATES)
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config or hurried_config()))
    command = [
        *run_with_own_share(find_peer(program)),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager-data'}",
        f"--web.listen-address={address}",
        f"--web.external-url={EXTERNAL_URL}",
        "--cluster.listen-address=",
    ]
    with Alertmanager(command) as alertmanager:
        alertmanager.learn_address()
        yield alertmanager


def run_with_own_share(program: Path) -> list[str]:
    """What starts a program that was unpacked, so that it finds its files below /usr/share.

    Where that cannot be done the calling test is skipped, but not as root in CI.
    """
    share = program.parents[1] / "share"
    if not (share / "prometheus").exists() or share == Path("/usr/share"):
        return [str(program)]
    command = _own_share(share)
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        required = os.environ.get("CI") == "true" and os.geteuid() == 0
        give_up: Callable[[str], None] = pytest.fail if required else pytest.skip
        give_up("Debian's Alertmanager needs a mount namespace here: util-linux, and the right to")
    return [*command, str(program)]


def _own_share(share: Path) -> list[str]:
    unshare, *rest = OWN_SHARE
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [shutil.which(unshare) or unshare, *as_root, *rest, str(share)]
