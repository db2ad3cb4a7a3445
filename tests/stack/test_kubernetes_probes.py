"""The probes of the DaemonSet, asked of the real daemon as a kubelet asks them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.life import CLOSING_SECONDS, GRACE_SECONDS
from exporter.service import FIRST_COLLECTION_SECONDS
from exporter.web.app import LIVENESS, READINESS
from tests.daemon import Daemon
from tests.hanging import LOADAVG, NEVER, HangingFile, make_host, wait_until_full, watch
from tests.kubelet import watch_container
from tests.kubernetes import Object, build, configuration_of, container_of, pod_of, workloads
from tests.ports import free_port

pytestmark = pytest.mark.timeout(60)

EVERY = pytest.mark.parametrize("name", ["perfwatch", "perfwatch-perf", "perfwatch-iris"])


@pytest.fixture
def container() -> Object:
    """The container of the DaemonSet."""
    return container_of(workloads()["perfwatch"])


@contextlib.contextmanager
def start_as_in_the_pod(folder: Path, port: int = 0, *flags: str) -> Iterator[Daemon]:
    """Start the daemon with the configuration of the DaemonSet, on a small host."""
    configuration = folder / "perfwatch.yml"
    objects = build("base")
    configuration.write_text(configuration_of(workloads()["perfwatch"], objects))
    host = folder / "proc"
    host = host if host.exists() else make_host(folder)
    small = (f"--path.sysfs={folder}", f"--path.rootfs={folder}")
    listen = f"--web.listen-address=127.0.0.1:{port}"
    with watch(host, f"--config.file={configuration}", *small, listen, *flags) as daemon:
        yield daemon


def test_a_slow_start_is_waited_for(tmp_path: Path, container: Object) -> None:
    """While the first collection takes its time nothing is ready, and nothing is restarted."""
    procfs = make_host(tmp_path)
    hanging = HangingFile(procfs / "loadavg", LOADAVG)
    port = free_port()
    with watch_container(container, "127.0.0.1", port) as kubelet, ThreadPoolExecutor() as pool:
        release = pool.submit(
            kubelet.wait_for, lambda now: 503 in now.answers["startup"], "answers, not ready"
        )
        release.add_done_callback(lambda _: hanging.release())
        with start_as_in_the_pod(tmp_path, port):
            release.result()
            kubelet.wait_for(lambda now: now.ready, "ready")
            kubelet.wait_for_probes("liveness", 1)
            assert kubelet.killed_by == ""
            assert set(kubelet.answers["liveness"]) == {200}


def test_a_hanging_collector_is_no_reason_to_restart(tmp_path: Path, container: Object) -> None:
    """Both during the scrape that waits for it and when it was put aside, all stays green."""
    with start_as_in_the_pod(tmp_path) as daemon, ThreadPoolExecutor() as pool:
        hanging = HangingFile(tmp_path / "proc" / "loadavg", LOADAVG)
        scrape = pool.submit(daemon.get, "/metrics", NEVER)
        with watch_container(container, daemon.host, daemon.port) as kubelet:
            kubelet.wait_for_probes("liveness", container["livenessProbe"]["failureThreshold"] + 1)
            kubelet.wait_for_probes("readiness", 1)
        assert kubelet.ready
        assert kubelet.killed_by == ""
        assert set(kubelet.answers["liveness"]) == {200}
        assert set(kubelet.answers["readiness"]) == {200}
        hanging.release()
        assert scrape.result().status == 200


def test_while_it_stops_it_is_not_ready_and_is_left_alone(
    tmp_path: Path, container: Object
) -> None:
    """Told to end with its pod, it finishes its scrape: nobody new is sent, nobody kills it."""
    with (
        start_as_in_the_pod(tmp_path, 0, "--web.max-requests=1") as daemon,
        ThreadPoolExecutor() as pool,
    ):
        hanging = HangingFile(tmp_path / "proc" / "loadavg", LOADAVG)
        with watch_container(container, daemon.host, daemon.port) as kubelet:
            kubelet.wait_for(lambda now: now.ready, "ready")
            scrape = pool.submit(daemon.get, "/metrics", NEVER)
            wait_until_full(daemon)
            kubelet.terminate()
            daemon.signal()
            kubelet.wait_for(lambda now: not now.ready, "not ready")
            assert set(kubelet.answers["liveness"]) <= {200}
            hanging.release()
            assert scrape.result().status == 200
            assert daemon.wait() == 0
    assert kubelet.killed_by == ""


def test_a_daemon_that_does_not_answer_is_restarted(tmp_path: Path, container: Object) -> None:
    """Frozen whole, it is killed for its liveness: the probe does tell something."""
    with start_as_in_the_pod(tmp_path) as daemon:
        # Nothing good is expected of a frozen daemon, so there is no reason to wait for long.
        with watch_container(container, daemon.host, daemon.port, timeout=0.3) as kubelet:
            kubelet.wait_for(lambda now: now.ready, "ready")
            daemon.signal(signal.SIGSTOP)
            try:
                kubelet.wait_for(lambda now: now.killed_by != "", "killed")
            finally:
                daemon.signal(signal.SIGCONT)
        assert kubelet.killed_by == "liveness"


@EVERY
def test_the_kubelet_gives_the_daemon_its_time(name: str) -> None:
    """Pods have longer than the daemon's own limits for its start and its end."""
    workload = workloads()[name]
    container = container_of(workload)
    startup, liveness = container["startupProbe"], container["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 2 * FIRST_COLLECTION_SECONDS
    stopping = GRACE_SECONDS + CLOSING_SECONDS
    assert pod_of(workload)["terminationGracePeriodSeconds"] > stopping
    # Also when it was told to stop by another one than the kubelet, which goes on asking then.
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > stopping


@EVERY
def test_probes_ask_what_is_made_for_them(name: str) -> None:
    """No probe runs a collector or a check: liveness knows the process alone."""
    container = container_of(workloads()[name])
    assert container["livenessProbe"]["httpGet"]["path"] in LIVENESS
    for kind in ("startupProbe", "readinessProbe"):
        assert container[kind]["httpGet"]["path"] in READINESS


def test_all_workloads_are_probed_in_the_same_way() -> None:
    """What is tried with one holds for all."""
    kinds = ("startupProbe", "livenessProbe", "readinessProbe")
    probes = [[container_of(one)[kind] for kind in kinds] for one in workloads().values()]
    assert len(probes) == 3
    assert probes[0] == probes[1] == probes[2]
