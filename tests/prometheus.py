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

HURRY = 20
"""A test cannot wait for minutes: each minute of the shipped rules (`for: 1m`, `rate(...[2m])`)
becomes 3 seconds, and every 15 seconds become one. The shipped durations are tested by promtool."""

_MINUTES = re.compile(r"\b([0-9]+)m\b")

Found = TypeVar("Found")


def promtool(*arguments: str | Path) -> None:
    """Run promtool, which has to find nothing wrong."""
    result = subprocess.run(
        [find_peer("promtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def in_a_hurry(text: str) -> str:
    """Shorten the durations in a rule."""
    return _MINUTES.sub(lambda minutes: f"{int(minutes[1]) * 60 // HURRY}s", text)


def hurried_rules(path: Path) -> dict[str, Any]:
    """A shipped file of rules, with nothing changed but durations."""
    rules: dict[str, Any] = yaml.safe_load(path.read_text())
    for group in rules["groups"]:
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
    groups = [{"targets": [address], "labels": {"job": job}} for job, address in addresses.items()]
    (folder / "targets").mkdir(exist_ok=True)
    for name, own in (("perfwatch", True), ("stack", False)):
        chosen = [group for group in groups if (group["labels"]["job"] == "perfwatch") is own]
        (folder / "targets" / f"{name}.yml").write_text(yaml.safe_dump(chosen))
    alertmanager = [
        group["targets"] for group in groups if group["labels"]["job"] == "alertmanager"
    ]
    (folder / "targets" / "alertmanager.yml").write_text(
        yaml.safe_dump([{"targets": targets} for targets in alertmanager])
    )


class Prometheus(Child):
    """A running Prometheus."""

    url = ""

    def learn_address(self) -> None:
        """Learn from the log which port the kernel chose."""
        pattern = re.compile(r'msg="Listening on".* address=(127\.0\.0\.1:[0-9]+)')

        def find(lines: Sequence[str]) -> str | None:
            return next((found[1] for line in lines if (found := pattern.search(line))), None)

        self.url = f"http://{self.wait_for_lines(find, 'Listening on')}"

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

    def health(self) -> dict[str, str]:
        """The health of each job's target."""
        targets = self.api("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in targets}

    def complaints(self) -> list[str]:
        """What the log says about the pages that were scraped."""
        severe = re.compile(r"level=(warn|error)", re.IGNORECASE)
        return [line for line in self.log_lines() if "scrape" in line and severe.search(line)]


@contextlib.contextmanager
def start_prometheus(
    folder: Path, target: str, extra_jobs: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Prometheus]:
    """Start Prometheus in a folder, scraping a target as job perfwatch, and itself.

    It starts with nothing to do: its own address, which it is to scrape, is known only then. The
    reload answers with an error where the configuration is refused.
    """
    config = folder / "prometheus.yml"
    config.write_text("global: {}\n")
    for rules in (*ALERT_RULES, *RECORDING_RULES):
        (folder / rules.name).write_text(yaml.safe_dump(hurried_rules(rules)))
    command = [
        str(find_peer("prometheus")),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        "--web.enable-lifecycle",
    ]
    with Prometheus(command) as prometheus:
        prometheus.learn_address()
        own_target = prometheus.url.removeprefix("http://")
        write_targets(folder, {"perfwatch": target, "prometheus": own_target})
        hurried = hurried_config()
        hurried["scrape_configs"] += extra_jobs
        config.write_text(yaml.safe_dump(hurried))
        wait_until(lambda: _answers(f"{prometheus.url}/-/ready"), "Prometheus is ready")
        reload = urllib.request.Request(f"{prometheus.url}/-/reload", method="POST")
        urllib.request.urlopen(reload, timeout=PATIENCE_SECONDS).close()
        yield prometheus


def wait_until(
    condition: Callable[[], Found], what: str, timeout: float = PATIENCE_SECONDS
) -> Found:
    """Ask again and again until the answer is true; give it."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"never came true: {what}; last answer: {answer!r}"
        pause.wait(0.1)
    return answer


def _answers(url: str) -> bool:
    """Whether a server answers with success."""
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True
