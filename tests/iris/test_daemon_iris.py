"""The real daemon with instances that are up, down, hanging, and many."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.child import PATIENCE_SECONDS
from tests.daemon import Daemon, start_daemon
from tests.expositions import values
from tests.iris.double.faults import Hang
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

SCRAPE_SECONDS = 5.0
"""Much longer than a scrape takes here, and shorter than the calls that hang."""

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., str]:
    """Write a configuration with few collectors, and these settings of IRIS; give its flag."""
    file = tmp_path / "perfwatch.yml"

    def write(iris: Mapping[str, Any] | None, **more: Any) -> str:
        collectors = {"disable_defaults": True, "loadavg": True, **more}
        web = {"listen_address": "127.0.0.1:0", "enable_lifecycle": True}
        file.write_text(yaml.safe_dump({"web": web, "collector": collectors, "iris": iris}))
        return f"--config.file={file}"

    return write


@pytest.fixture
def other() -> Iterator[Double]:
    """A second superserver."""
    with Double(Instance()) as double:
        yield double


def reaching(double: Double, **settings: Any) -> dict[str, Any]:
    """Say how to reach a double; the password is in the environment."""
    return {"host": "127.0.0.1", "port": double.port, **settings}


LOGIN = {"username": Instance.username}
ENVIRONMENT = {"PERFWATCH_IRIS_PASSWORD": Instance.password}


def scrape(daemon: Daemon, path: str = "/metrics?collect[]=iris") -> Samples:
    """What a scrape gives, in time."""
    answer = daemon.get(path, timeout=SCRAPE_SECONDS)
    assert answer.status == 200
    return values(answer.body)


def scrape_until(daemon: Daemon, is_so: Callable[[Samples], bool]) -> Samples:
    """Scrape again and again until a page says something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so(samples := scrape(daemon)):
        assert time.monotonic() < deadline, samples
    return samples


def find(samples: Samples, name: str, **labels: str) -> dict[str, float]:
    """The values of a metric by instance, for these labels."""
    found = {}
    for (each, having), value in samples.items():
        instance = dict(having).get("iris_instance", "")
        if each == name and having == {*labels.items(), ("iris_instance", instance)}:
            found[instance] = value
    return found


def workers(daemon: Daemon) -> list[psutil.Process]:
    """The processes that the daemon has started."""
    return psutil.Process(daemon.pid).children()


def stop(daemon: Daemon) -> None:
    """End the daemon in order; nothing of it is left."""
    left = workers(daemon)
    daemon.signal()
    assert daemon.wait() == 0
    assert not psutil.wait_procs(left, timeout=PATIENCE_SECONDS)[1]


def test_an_instance_may_come_later(double: Double, configured: Callable[..., str]) -> None:
    """The daemon starts and serves without it, and connects when it is there."""
    double.stop()
    flag = configured(reaching(double, **LOGIN))
    with start_daemon(flag, env=ENVIRONMENT) as daemon:
        samples = scrape_until(
            daemon, lambda page: find(page, "iris_state", state="unreachable") == {"iris": 1}
        )
        assert find(samples, "iris_up") == {"iris": 0}
        assert daemon.get("/readyz").status == 200
        assert daemon.get("/health").json["checks"]["iris"]["status"] == "warning"
        double.start()
        samples = scrape_until(daemon, lambda page: find(page, "iris_up") == {"iris": 1})
        assert find(samples, "iris_cpu_usage") == {"iris": 20}
        # Nobody who looks at processes, pages or the log learns the password.
        [worker] = workers(daemon)
        seen = [*worker.cmdline(), *worker.environ().values(), *worker.environ()]
        assert Instance.password not in seen
        assert not [name for name in worker.environ() if name.startswith("PERFWATCH_")]
        for path in ("/metrics", "/", "/health", "/api/v1/monitoring/config"):
            assert Instance.password not in daemon.get(path).text
        stop(daemon)
        assert Instance.password not in "".join(daemon.log_lines())


def test_a_call_that_hangs_holds_up_nothing(double: Double, configured: Callable[..., str]) -> None:
    """Neither scrapes nor probes, nor the end of the daemon, which takes its worker along."""
    double.faults.every_call(Hang(), "PrometheusMetrics")
    flag = configured(reaching(double, timeout="5m", **LOGIN))
    with start_daemon(flag, env=ENVIRONMENT) as daemon:
        double.wait_for(lambda: double.requests and double.requests[-1].b == "PrometheusMetrics")
        assert find(scrape(daemon), "iris_up") == {"iris": 0}
        assert daemon.get("/readyz", timeout=SCRAPE_SECONDS).status == 200
        stop(daemon)


def test_wrong_credentials_are_seen_and_not_repeated(
    double: Double, configured: Callable[..., str]
) -> None:
    """One line, one state, one attempt; the password is nowhere."""
    flag = configured(reaching(double, **LOGIN))
    with start_daemon(flag, env={"PERFWATCH_IRIS_PASSWORD": "quite wrong"}) as daemon:
        scrape_until(
            daemon, lambda page: find(page, "iris_state", state="access_denied") == {"iris": 1}
        )
        said = daemon.wait_for_log("instance is down")
        assert said["data"]["retry_seconds"] > 100
        assert double.refused_logins == 1
        assert not workers(daemon)
        stop(daemon)
        assert "quite wrong" not in "".join(daemon.log_lines())


@pytest.mark.timeout(60)
def test_half_of_many_instances_may_hang(
    double: Double, other: Double, configured: Callable[..., str]
) -> None:
    """Scrapes come in time, and those that do not hang have fresh data."""
    other.faults.at_login(Hang())
    instances = {f"good{number}": reaching(double) for number in range(10)}
    instances |= {f"hung{number}": reaching(other, timeout="5m") for number in range(10)}
    flag = configured({"interval": "1s", "instances": instances, **LOGIN})
    with start_daemon(flag, env=ENVIRONMENT) as daemon:
        samples = scrape_until(
            daemon, lambda page: sum(find(page, "iris_up").values()) == len(instances) / 2
        )
        assert {name[:4] for name, up in find(samples, "iris_up").items() if up} == {"good"}
        other.wait_for(lambda: other.accepted == 10)
        before = len(double.requests)
        double.wait_for(lambda: len(double.requests) > before + len(instances))
        samples = scrape(daemon)
        assert set(find(samples, "iris_cpu_usage")) == {
            name for name in instances if name.startswith("good")
        }
        stop(daemon)


def test_a_reload_keeps_what_has_not_changed(
    double: Double, configured: Callable[..., str]
) -> None:
    """Connections stay; with other settings there is a new one, and without IRIS none."""
    with start_daemon(configured(reaching(double, **LOGIN)), env=ENVIRONMENT) as daemon:
        scrape_until(daemon, lambda page: find(page, "iris_up") == {"iris": 1})
        [worker] = workers(daemon)
        configured(reaching(double, **LOGIN), uname=True)
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_for_log("reloaded")["data"]["collectors"][-1] == "iris"
        assert workers(daemon) == [worker]
        configured(reaching(double, name="renamed", **LOGIN))
        daemon.signal(signal.SIGHUP)
        scrape_until(daemon, lambda page: find(page, "iris_up") == {"renamed": 1})
        assert not psutil.wait_procs([worker], timeout=PATIENCE_SECONDS)[1]
        assert double.logins == 2
        [worker] = workers(daemon)
        configured(None)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("reloaded", count=3)
        assert not psutil.wait_procs([worker], timeout=PATIENCE_SECONDS)[1]
        assert not find(scrape(daemon, "/metrics"), "iris_up")


def wait_until_topprocesses(daemon: Daemon, *, is_suspended: bool) -> None:
    """Scrape until the daemon says that it is suspended, or that it is not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    said = ""
    while ("suspended by the governor" in said) is not is_suspended or not said:
        assert time.monotonic() < deadline, said
        assert daemon.get("/metrics").status == 200
        collectors = daemon.get("/api/v1/monitoring/status").json["collectors"]
        said = str(collectors["topprocesses"])


def test_pressure_spares_what_is_costly(
    double: Double, instance: Instance, configured: Callable[..., str]
) -> None:
    """A governor's mark in IRIS suspends topprocesses here, and a reload keeps it so."""
    iris = reaching(double, governor={"local": True}, **LOGIN)
    with start_daemon(configured(iris), env=ENVIRONMENT) as daemon:
        daemon.wait_for_log("instance is as wanted")
        stop(daemon)
    task = instance.tasks.named("PerfWatch perfwatch")
    task["Suspended"] = 1
    task["Description"] = "PerfWatch: off by governor since 2026-11-21T07:00:00Z: cpu 93.1%"

    with start_daemon(configured(iris, topprocesses=True), env=ENVIRONMENT) as daemon:
        wait_until_topprocesses(daemon, is_suspended=True)
        configured(iris, topprocesses=True, uname=True)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("reloaded")
        wait_until_topprocesses(daemon, is_suspended=True)
        configured(None, topprocesses=True)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("reloaded", count=2)
        wait_until_topprocesses(daemon, is_suspended=False)
