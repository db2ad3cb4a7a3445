"""A real Prometheus as a process of its own, with the shipped configuration in a hurry."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tests.child import PATIENCE_SECONDS, REPOSITORY, Child
from tests.peers import find_peer

CONFIG = REPOSITORY / "config" / "monitoring" / "prometheus.yml"
ALERT_RULES = sorted(CONFIG.parent.glob("alert_rules*.yml"))
RECORDING_RULES = sorted(CONFIG.parent.glob("recording_rules*.yml"))

ABOUT_HOSTS = [CONFIG.with_name(name) for name in ("alert_rules.yml", "alert_rules_exporter.yml")]
"""The alerts for which nothing but a host and its daemon is needed."""

HURRY = 20
"""A test cannot wait for minutes: each minute of the shipped rules (`for: 1m`, `rate(...[2m])`)
becomes 3 seconds, and every 15 seconds become one. The shipped durations are tested by promtool."""

_MINUTES = re.compile(r"\b([0-9]+)m\b")

Found = TypeVar("Found")

PATIENCE = 2 * PATIENCE_SECONDS
"""Prometheus looks at new targets after five seconds, and alerts take as long again."""


def promtool(*arguments: str | Path, program: str = "promtool") -> None:
    """Run promtool, or the stable Debian's, which has to find nothing wrong."""
    result = subprocess.run(
        [find_peer(program), *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def in_a_hurry(text: str) -> str:
    """Shorten the durations in a rule."""
    return _MINUTES.sub(lambda minutes: f"{int(minutes[1]) * 60 // HURRY}s", text)


def hurried_rules(path: Path) -> dict[str, Any]:
    """A shipped file of rules, with nothing changed but durations."""
    rules: dict[str, Any] = yaml.safe_load(path.read_text())
    for group in rules["groups"]:
        if "interval" in group:
            group["interval"] = in_a_hurry(group["interval"])
        for rule in group["rules"]:
            rule |= {key: in_a_hurry(rule[key]) for key in ("expr", "for") if key in rule}
    return rules


def hurried_config() -> dict[str, Any]:
    """The shipped configuration, with nothing changed but intervals."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    return config


def write_targets(folder: Path, addresses: Mapping[str, str]) -> None:
    """Write the files of targets that the shipped configuration reads: an address by job."""
    (folder / "targets").mkdir(exist_ok=True)
    groups = {job: {"targets": [address]} for job, address in addresses.items()}
    written: dict[str, list[dict[str, Any]]] = {
        "perfwatch": [groups[job] for job in groups if job == "perfwatch"],
        "alertmanager": [groups[job] for job in groups if job == "alertmanager"],
        "stack": [
            {**group, "labels": {"job": job}} for job, group in groups.items() if job != "perfwatch"
        ],
    }
    for name, content in written.items():
        (folder / "targets" / f"{name}.yml").write_text(yaml.safe_dump(content))


class Server(Child):
    """A running Prometheus or Alertmanager, which log and answer alike."""

    url = ""

    def learn_address(self) -> None:
        """Learn from the log which port the kernel chose, and wait until it is ready."""
        pattern = re.compile(r'msg="Listening on".* address=(127\.0\.0\.1:[0-9]+)')

        def find(lines: Sequence[str]) -> str | None:
            return next((found[1] for line in lines if (found := pattern.search(line))), None)

        self.url = f"http://{self.wait_for_lines(find, 'Listening on')}"
        wait_until(self._is_ready, f"{type(self).__name__} is ready")

    @property
    def address(self) -> str:
        """Where it is, as targets have it."""
        return self.url.removeprefix("http://")

    def _is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).close()
        except OSError:
            return False
        return True


class Prometheus(Server):
    """A running Prometheus."""

    def api(self, path: str, **parameters: str) -> Any:
        """Ask the HTTP API; give the answer's data."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=5) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Evaluate an expression now; give labels and value of each series."""
        result = self.api("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def alerts(self) -> dict[str, str]:
        """The alerts that are pending or firing, with their state."""
        alerts = self.api("alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert["state"] for alert in alerts}

    def reload(self) -> None:
        """Read the configuration again; what is refused raises HTTPError."""
        request = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()

    def health(self) -> dict[str, str]:
        """The health of each job's target."""
        targets = self.api("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in targets}

    def complaints(self) -> list[str]:
        """What the log says about the pages that were scraped."""
        severe = re.compile(r"level=(warn|error)", re.IGNORECASE)
        return [line for line in self.log_lines() if "scrape" in line and severe.search(line)]


@contextlib.contextmanager
def run_prometheus(
    folder: Path,
    config: Mapping[str, Any],
    *flags: str,
    program: str = "prometheus",
    port: int = 0,
) -> Iterator[Prometheus]:
    """Run a Prometheus with a configuration, as a server or as an agent; its files are below."""
    kind = "agent" if "--agent" in flags else "tsdb"
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    command = [
        str(find_peer(program)),
        f"--config.file={file}",
        f"--storage.{kind}.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    with Prometheus(command) as prometheus:
        prometheus.learn_address()
        yield prometheus


@contextlib.contextmanager
def start_prometheus(
    folder: Path,
    target: str,
    extra_jobs: Sequence[Mapping[str, Any]] = (),
    *,
    rules: Sequence[Path] = ABOUT_HOSTS,
    program: str = "prometheus",
    flags: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """Start Prometheus in a folder, scraping a target as job perfwatch, and itself.

    It has all recording rules, and the alerts that are asked for: some of the others fire where not
    the whole stack is there.

    It starts with nothing to do: its own address, which it is to scrape, is known only then. The
    reload answers with an error where the configuration is refused.
    """
    for path in (*rules, *RECORDING_RULES):
        (folder / path.name).write_text(yaml.safe_dump(hurried_rules(path)))
    lifecycle = "--web.enable-lifecycle"
    with run_prometheus(folder, {"global": {}}, lifecycle, *flags, program=program) as prometheus:
        write_targets(folder, {"perfwatch": target, "prometheus": prometheus.address})
        hurried = hurried_config()
        hurried["scrape_configs"] += extra_jobs
        (folder / "prometheus.yml").write_text(yaml.safe_dump(hurried))
        prometheus.reload()
        yield prometheus


def wait_until(condition: Callable[[], Found], what: str, timeout: float = PATIENCE) -> Found:
    """Ask again and again until the answer is true; give it."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"never came true: {what}; last answer: {answer!r}"
        pause.wait(0.1)
    return answer
