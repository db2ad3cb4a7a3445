"""What has to hold. Each step does something to the stack, and says what it saw, or raises."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

from tools.try_compose.stack import PERF, STACK, Container, Stack, run, wait

SERVICES = ("exporter", "prometheus", "alertmanager", "grafana")
PERFMON = 1 << 38
"""CAP_PERFMON in the mask of /proc/<pid>/status."""


def sees_the_host(stack: Stack) -> str:
    """The exporter tells about the host: name, interfaces and mounts, not about its container."""
    page = stack.get("PERFWATCH", "/metrics")
    interfaces = [
        line.partition(":")[0].strip()
        for line in Path("/proc/1/net/dev").read_text().splitlines()
        if ":" in line
    ]
    wanted = [f'node_network_receive_bytes_total{{device="{name}"}}' for name in interfaces]
    wanted.append(f'nodename="{os.uname().nodename}"')
    missing = [text for text in wanted if text not in page]
    size = re.search(
        r'^node_filesystem_size_bytes\{.*mountpoint="/",.*\} (.+)$', page, re.MULTILINE
    )
    root = os.statvfs("/")
    if missing or not size or float(size[1]) != root.f_blocks * root.f_frsize:
        raise RuntimeError(f"not in the exporter's page: {missing or 'the size of /'}")
    return f"sees the host: interfaces {', '.join(interfaces)}; its name; the size of /"


def has_no_rights(stack: Stack) -> str:
    """No program has a capability, or a way to get one."""
    for service in SERVICES:
        status = stack.container(service).status
        rights = (int(status["CapBnd"], 16), status["NoNewPrivs"], status["Seccomp"])
        if rights != (0, "1", "2") or status["Uid"].split()[1] == "0":
            raise RuntimeError(f"{service}: {rights}, uid {status['Uid']}")
    return "no capability, no new privileges, seccomp, no root: " + ", ".join(SERVICES)


def scrapes_and_alerts(stack: Stack) -> str:
    """Prometheus reads everything, and what it finds arrives at Alertmanager."""
    jobs = {"perfwatch", "prometheus", "alertmanager", "grafana"}
    wait("all are scraped", lambda: {s["metric"]["job"] for s in stack.query("up == 1")} == jobs)
    wait("an alert has arrived", stack.alerts)
    return f"up: {', '.join(sorted(jobs))}; Alertmanager has {', '.join(sorted(stack.alerts()))}"


def survives_crashes(stack: Stack) -> Iterator[str]:
    """Every program that is killed comes back, with what it had."""
    silence = stack.silence()
    # Alertmanager writes its volume once a minute: what is younger is lost when it is killed.
    written = stack.silences_written()
    wait("the silence is written", lambda: stack.silences_written() > written, 90)
    began = float(stack.query("min(timestamp(up))")[0]["value"][1])
    for service in SERVICES:
        before = stack.container(service)
        os.kill(before.pid, signal.SIGKILL)

        def is_back(service: str = service, before: Container = before) -> bool:
            now = stack.container(service)
            return now.health == "healthy" and now.restarts > before.restarts

        wait(f"{service} is back", is_back, 120)
        yield f"{service}: killed, started anew, healthy"
    wait("it scrapes again", lambda: len(stack.query("up == 1")) == len(SERVICES))
    if not stack.query(f"up @ {began:.0f}"):
        raise RuntimeError("Prometheus has lost what it had read before it was killed")
    if silence not in stack.get("ALERTMANAGER", "/api/v2/silences"):
        raise RuntimeError("Alertmanager has lost a silence")
    yield "Prometheus has its samples from before, Alertmanager its silence"


def tells_of_a_stop(stack: Stack) -> str:
    """What an operator kills stays down, and is reported; `up` starts it again."""
    run("docker", "kill", stack.container("exporter").identity)
    wait("PerfwatchDown arrives", lambda: "PerfwatchDown" in stack.alerts(), 240)
    stack.up()
    return "docker kill exporter: not started anew; PerfwatchDown arrived; up brought it back"


def has_profiles(stack: Stack) -> str:
    """The services of profiles start, are found by their names, and may read what they need."""
    stack.up("logs", "compare")
    jobs = {"node", "loki", "alloy"}

    def found() -> bool:
        return jobs <= {series["metric"]["job"] for series in stack.query("up == 1")}

    wait("they are scraped", found, 150)
    count = "cat /var/log/containers/*/*-json.log | grep -c perfwatch-stack/perfwatch"
    lines = stack.compose("--profile", "logs", "exec", "-T", "alloy", "sh", "-c", count)
    stack.compose("--profile", "logs", "exec", "-T", "alloy", "sh", "-c", "touch /positions/x")
    return (
        f"up: {', '.join(sorted(jobs))}; Alloy's user reads {lines.strip()} lines of the exporter"
    )


def counts_events(stack: Stack) -> str:
    """The overlay perf has a daemon with one capability, which counts."""
    stack.up(files=(STACK, PERF))
    status = stack.container("perf", (STACK, PERF)).status
    if int(status["CapBnd"], 16) != PERFMON or status["NoNewPrivs"] != "1":
        raise RuntimeError(f"capabilities: {status['CapBnd']}")
    counts = 'perf_up{job="perfwatch", component="perf"} == 1'
    wait("perf counts, and Prometheus knows", lambda: stack.query(counts), 150)
    return "perf: uid 0 with CAP_PERFMON alone and nothing of the host; perf_up is 1"
