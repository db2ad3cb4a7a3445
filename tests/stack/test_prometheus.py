"""The daemon in a real Prometheus: what it scrapes, and the alerts it raises."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Any, NamedTuple

import pytest

from tests.daemon import Daemon, start_daemon
from tests.moving_host import CPUS, MEMORY_KILOBYTES, MovingHost, moving_host
from tests.prometheus import Prometheus, start_prometheus, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

CPU_ALERT = "HostCpuAboveAutoDisableThreshold"
MEMORY_ALERT = "HostMemoryAboveAutoDisableThreshold"
DOWN_ALERT = "PerfwatchDown"

TEXT_JOB = "perfwatch-text"


class Stack(NamedTuple):
    """A host, the daemon that watches it, and the Prometheus that scrapes the daemon."""

    host: MovingHost
    daemon: Daemon
    prometheus: Prometheus


@contextlib.contextmanager
def start_stack(folder: Path) -> Iterator[Stack]:
    """Start everything below a folder; all targets have been scraped."""
    with contextlib.ExitStack() as parts:
        host = parts.enter_context(moving_host(folder / "host"))
        daemon = parts.enter_context(start_daemon(*host.flags))
        target = daemon.url.removeprefix("http://")
        # The same target once more, asked for the older format.
        text_job = {
            "job_name": TEXT_JOB,
            "static_configs": [{"targets": [target]}],
            "scrape_protocols": ["PrometheusText0.0.4"],
        }
        prometheus = parts.enter_context(start_prometheus(folder, target, [text_job]))
        up = {"perfwatch": "up", "prometheus": "up", TEXT_JOB: "up"}
        wait_until(lambda: prometheus.health() == up, "all targets are up")
        yield Stack(host, daemon, prometheus)
        assert prometheus.complaints() == []


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all: Prometheus looks at its targets only after five seconds."""
    with start_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """The stack at rest, whatever the test before has left."""
    shared_stack.host.rest()
    resolves(shared_stack.prometheus)
    return shared_stack


def fires(prometheus: Prometheus, alert: str) -> None:
    """Wait until an alert fires, and nothing else; it was pending before."""
    wait_until(lambda: prometheus.alerts() == {alert: "firing"}, f"{alert} fires alone")
    pending = f'ALERTS{{alertname="{alert}", alertstate="pending"}}'
    assert prometheus.query(f"last_over_time({pending}[1m])")


def resolves(prometheus: Prometheus) -> None:
    """Wait until there is no alert, not even a pending one."""
    wait_until(lambda: prometheus.alerts() == {}, "all alerts have ended")


def test_queries_return_what_the_host_shows(stack: Stack) -> None:
    """Every series of the host is there with its labels, and its values are the host's."""
    stack.host.cpu_busy = 0.3
    query = stack.prometheus.query
    own = {"job": "perfwatch", "instance": stack.daemon.url.removeprefix("http://")}
    name = "node_memory_MemTotal_bytes"
    assert query(f'{name}{{job="perfwatch"}}') == [
        ({"__name__": name, **own}, MEMORY_KILOBYTES * 1024)
    ]
    cpus = 'count by (job, instance, mode) (node_cpu_seconds_total{job="perfwatch"})'
    modes = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    counts = sorted(query(cpus), key=lambda series: modes.index(series[0]["mode"]))
    assert counts == [({**own, "mode": mode}, CPUS) for mode in modes]
    # A rate needs two scrapes, and scrapes with the new load.
    busy = 'rate(node_cpu_seconds_total{job="perfwatch", mode="user"}[5s])'
    near = f"{busy} > 0.25 < 0.35"
    wait_until(lambda: len(query(near)) == CPUS, "each CPU is 30 % busy")


def test_every_scrape_is_whole(stack: Stack) -> None:
    """Prometheus stores each sample of a page, and each collector says how it did."""
    query = stack.prometheus.query
    # A series that two lines of a page claim would be counted twice, and stored once. What rules
    # make of it is not on the page.
    stored = 'count by (job) ({job=~"perfwatch.*", __name__!~"up|scrape_.*|.*:.*|ALERTS.*"})'
    whole = f"sum by (job) (scrape_samples_scraped) == {stored}"
    wait_until(lambda: len(query(whole)) == 2, "both jobs store what they scrape")
    success = query('node_scrape_collector_success{job="perfwatch"}')
    assert {labels["collector"]: value for labels, value in success} == {"cpu": 1, "meminfo": 1}
    assert len(query('scrape_duration_seconds{job="perfwatch"}')) == 1


@pytest.mark.parametrize(
    ("job", "family"),
    [("perfwatch", "node_cpu_seconds"), (TEXT_JOB, "node_cpu_seconds_total")],
)
def test_prometheus_gets_the_format_it_asks_for(stack: Stack, job: str, family: str) -> None:
    """OpenMetrics by default, where a counter's family has no suffix; text where it is told so."""
    target = f'{{job="{job}"}}'

    def metadata() -> Any:
        return stack.prometheus.api("targets/metadata", match_target=target, metric=family)

    (entry,) = wait_until(metadata, f"{job} has metadata of {family}")
    assert entry["type"] == "counter"
    assert entry["help"]


def test_cpu_pressure_alerts_and_resolves(stack: Stack) -> None:
    """The alert goes from pending to firing under full load, and ends with the load."""
    stack.host.cpu_busy = 0.99
    fires(stack.prometheus, CPU_ALERT)
    stack.host.rest()
    resolves(stack.prometheus)


def test_memory_pressure_alerts_and_resolves(stack: Stack) -> None:
    """The alert goes from pending to firing with full memory, and ends when some is given back."""
    stack.host.memory_used = 0.97
    fires(stack.prometheus, MEMORY_ALERT)
    stack.host.rest()
    resolves(stack.prometheus)


def test_a_dead_daemon_alerts_and_resolves(tmp_path: Path) -> None:
    """The alert fires when the daemon was killed, alone even on a full host, and ends with it."""
    with start_stack(tmp_path) as (host, daemon, prometheus):
        host.memory_used = 0.97
        daemon.signal(SIGKILL)
        daemon.wait()
        fires(prometheus, DOWN_ALERT)
        host.rest()
        with start_daemon(*host.flags, f"--web.listen-address=127.0.0.1:{daemon.port}"):
            resolves(prometheus)
