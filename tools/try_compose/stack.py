"""The stack in a copy of the project, as the one who tries it sees it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tools.fetch_peers import locate

STACK = "docker-compose.monitoring.yml"
PERF = "docker-compose.perf.yml"

Found = TypeVar("Found")


def run(*words: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a program; raise with what it said when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=900, env=env)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout


def wait(what: str, condition: Callable[[], Found], seconds: float = 60) -> Found:
    """Ask until the answer is true; what cannot be asked yet is not."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        try:
            if answer := condition():
                return answer
            last: object = answer
        except OSError as error:
            last = error
        if time.monotonic() > deadline:
            raise RuntimeError(f"never came true: {what}; last: {last!r}")
        pause.wait(0.5)


class Container(NamedTuple):
    """A running container, as the host sees it."""

    identity: str
    pid: int
    health: str
    restarts: int

    @property
    def status(self) -> dict[str, str]:
        """The lines of /proc/<pid>/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


class Stack:
    """The stack in a copy of the project."""

    def __init__(self, folder: Path) -> None:
        program = locate("docker-compose")
        if program is None:
            raise RuntimeError("docker-compose is missing: make peers fetches it on Debian")
        self._compose = (program, "--project-name", "perfwatch-try", "--project-directory", folder)
        self._folder = folder
        names = ("PERFWATCH", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._environment = os.environ | {
            f"{name}_PORT": str(port) for name, port in self._ports.items()
        }
        docker_root = run("docker", "info", "--format", "{{.DockerRootDir}}").strip()
        self._environment["DOCKER_ROOT"] = docker_root

    def compose(self, *words: str, files: tuple[str, ...] = (STACK,)) -> str:
        """Run docker-compose with some of the project's files."""
        chosen = [word for name in files for word in ("--file", str(self._folder / name))]
        return run(*self._compose, *chosen, *words, env=self._environment)

    def up(self, *profiles: str, files: tuple[str, ...] = (STACK,)) -> None:
        """Start it and wait until all services are healthy."""
        chosen = [word for profile in profiles for word in ("--profile", profile)]
        self.compose(*chosen, "up", "--detach", "--wait", "--no-build", files=files)

    def container(self, service: str, files: tuple[str, ...] = (STACK,)) -> Container:
        """Look at the container of a service."""
        words = ("--profile", "*", "ps", "--all", "--quiet", service)
        identity = self.compose(*words, files=files).strip()
        (found,) = json.loads(run("docker", "inspect", identity))
        state = found["State"]
        health = state["Health"]["Status"]
        return Container(identity, state["Pid"], health, found["RestartCount"])

    def get(self, name: str, path: str) -> str:
        """Ask a service over its published port."""
        url = f"http://127.0.0.1:{self._ports[name]}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def query(self, expression: str) -> list[Any]:
        """Ask Prometheus."""
        path = f"/api/v1/query?query={urllib.parse.quote(expression)}"
        result: list[Any] = json.loads(self.get("PROMETHEUS", path))["data"]["result"]
        return result

    def alerts(self) -> set[str]:
        """What Alertmanager has been told."""
        alerts = json.loads(self.get("ALERTMANAGER", "/api/v2/alerts"))
        return {alert["labels"]["alertname"] for alert in alerts}

    def silences_written(self) -> float:
        """How often Alertmanager has written its silences."""
        page = self.get("ALERTMANAGER", "/metrics")
        return float(re.findall(r"\nalertmanager_silences_maintenance_total (.+)", page)[0])

    def silence(self) -> str:
        """Make a silence, which only Alertmanager's volume holds; give its id."""
        body = {
            "matchers": [{"name": "alertname", "value": "Nothing", "isRegex": False}],
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "try_compose",
            "comment": "is it there after a crash?",
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._ports['ALERTMANAGER']}/api/v2/silences",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - http only
            identity: str = json.load(answer)["silenceID"]
            return identity


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
