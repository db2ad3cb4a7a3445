"""The whole daemon, on real sockets and with real signals, when things go wrong."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.child import REPOSITORY
from tests.daemon import Daemon, Response, start_daemon
from tests.hanging import (
    LOADAVG,
    NEVER,
    SOON,
    HangingFile,
    by_name,
    make_host,
    scrape,
    wait_until_full,
    watch,
)

SUCCESS = "node_scrape_collector_success"


@pytest.fixture
def procfs(tmp_path: Path) -> Path:
    """A small host."""
    return make_host(tmp_path)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """A thread for the scrape that has to wait."""
    with ThreadPoolExecutor() as executor:
        yield executor


def test_a_hanging_collector_costs_only_itself_and_comes_back(procfs: Path) -> None:
    """In the same scrape, in the next ones, and when its file answers again."""
    with watch(procfs) as daemon:
        hanging = HangingFile(procfs / "loadavg", LOADAVG)
        for quarantined in (1, 1):
            page = scrape(daemon, **SOON)
            assert page["node_memory_MemTotal_bytes"] == 2048 * 1024
            assert page[f"{SUCCESS} meminfo"] == 1
            assert page[f"{SUCCESS} loadavg"] == 0
            assert page["perfwatch_collectors_quarantined"] == quarantined
            assert page["perfwatch_collector_timeouts_total loadavg"] == 1
        assert daemon.wait_for_log("collector hangs")["data"]["collector"] == "loadavg"
        assert daemon.get("/readyz").status == 200
        hanging.release()
        daemon.wait_for_log("collector returned")
        page = scrape(daemon)
        assert page[f"{SUCCESS} loadavg"] == 1
        assert page["node_load1"] == 0.5
        assert page["perfwatch_collectors_quarantined"] == 0
        daemon.wait_for_log("collector recovered")


def test_a_raising_collector_costs_only_itself_and_recovers(procfs: Path) -> None:
    """Garbage in its file: logged once, counted as no success, well again with the file."""
    loadavg = procfs / "loadavg"
    with watch(procfs) as daemon:
        loadavg.write_text("garbage\n")
        for _ in range(3):
            page = scrape(daemon)
            assert (page[f"{SUCCESS} loadavg"], page[f"{SUCCESS} meminfo"]) == (0, 1)
            assert "node_load1" not in page
        loadavg.write_text(LOADAVG)
        assert scrape(daemon)["node_load1"] == 0.5
        assert daemon.wait_for_log("collector recovered")["data"]["collector"] == "loadavg"
        failures = [line for line in daemon.log_lines() if "collector failed" in line]
        assert len(failures) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_scrape_in_flight_is_answered_before_the_end(
    number: signal.Signals, procfs: Path, pool: ThreadPoolExecutor
) -> None:
    """Told to stop during a slow scrape: whole page, 200, then exit 0."""
    with watch(procfs, "--web.max-requests=1") as daemon:
        hanging = HangingFile(procfs / "loadavg", LOADAVG)
        slow = pool.submit(daemon.get, "/metrics", NEVER)
        wait_until_full(daemon)
        daemon.signal(number)
        assert daemon.wait_for_log("stopping")["data"]["reason"] == number.name
        hanging.release()
        answer = slow.result()
        assert answer.status == 200
        assert by_name(answer.body)[f"{SUCCESS} meminfo"] == 1
        assert daemon.wait() == 0
        assert any("stopped" in line for line in daemon.log_lines())


def test_while_stopping_the_daemon_is_not_ready_and_takes_no_connections(
    procfs: Path, pool: ThreadPoolExecutor
) -> None:
    """Load balancers and new scrapers turn away while the last scrape is finished."""
    with watch(procfs, "--web.max-requests=1") as daemon:
        hanging = HangingFile(procfs / "loadavg", LOADAVG)
        slow = pool.submit(daemon.get, "/metrics", NEVER)
        wait_until_full(daemon)
        daemon.signal()
        daemon.wait_for_log("stopping")
        while (answer := ask_while_it_listens(daemon)) is not None:
            assert answer.status == 503  # the sockets are closed a moment after the line is logged
        hanging.release()
        assert slow.result().status == 200
        assert daemon.wait() == 0


def ask_while_it_listens(daemon: Daemon) -> Response | None:
    """Whether it is ready, or nothing when it takes no connections."""
    try:
        return daemon.get("/readyz")
    except ConnectionError:
        return None


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)],
)
def test_a_second_signal_ends_at_once(
    first: signal.Signals, second: signal.Signals, procfs: Path, pool: ThreadPoolExecutor
) -> None:
    """Whatever hangs; the exit code says by which signal."""
    with watch(procfs, "--web.max-requests=1") as daemon:
        HangingFile(procfs / "loadavg", LOADAVG)
        slow = pool.submit(daemon.get, "/metrics", NEVER)
        wait_until_full(daemon)
        daemon.signal(first)
        daemon.wait_for_log("stopping")
        daemon.signal(second)
        assert daemon.wait() == 128 + second
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            slow.result()


def test_a_collector_that_hangs_for_ever_does_not_block_the_end(procfs: Path) -> None:
    """Its thread is in the kernel and nothing can call it back: the daemon exits without it."""
    with watch(procfs) as daemon:
        HangingFile(procfs / "loadavg", LOADAVG)
        assert scrape(daemon, **SOON)[f"{SUCCESS} loadavg"] == 0
        daemon.signal()
        assert daemon.wait() == 0


def test_a_client_that_goes_away_during_its_scrape_leaves_nothing(procfs: Path) -> None:
    """With a reset, as a killed Prometheus does: no error, no descriptor, the next is served."""
    with watch(procfs, "--web.max-requests=1") as daemon:
        # At the start a health check or an ending connection may still have a descriptor.
        before = min(scrape(daemon)["process_open_fds"] for _ in range(10))
        hanging = HangingFile(procfs / "loadavg", LOADAVG)
        with socket.create_connection((daemon.host, daemon.port)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until_full(daemon)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hanging.release()
        while daemon.get("/metrics?collect[]=none").status == 503:
            pass
        # The pipe could not be read; the ordinary file in its place is, and stays open.
        assert scrape(daemon)[f"{SUCCESS} loadavg"] == 1
        assert any(scrape(daemon)["process_open_fds"] <= before + 1 for _ in range(100))
        assert not [line for line in daemon.log_lines() if "request failed" in line]


def test_a_port_in_use_is_said_in_one_line() -> None:
    """Before anything else is done, with what to do; exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flag = f"--web.listen-address={address}"
        with start_daemon(flag, wait_ready=False) as daemon:
            assert daemon.wait() == 2
            [line] = daemon.log_lines()
            assert address in line
            assert "the port is in use" in line


def test_a_closed_log_does_not_stop_the_daemon(procfs: Path) -> None:
    """Whoever read stderr is gone: it goes on, reloads, and ends in order."""
    command = [sys.executable, "-m", "exporter", "run", "--web.listen-address=127.0.0.1:0"]
    only = [f"--path.procfs={procfs}", "--collector.disable-defaults", "--collector.meminfo"]
    with subprocess.Popen(
        [*command, *only], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = next(line for line in process.stderr if '"ready"' in line)
            port = int(re.findall("[0-9]+", json.loads(line)["data"]["listening"][0])[-1])
            process.stderr.close()
            process.send_signal(signal.SIGHUP)
            (procfs / "meminfo").write_text("garbage")
            for _ in range(3):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
                connection.request("GET", "/metrics")
                assert connection.getresponse().status == 200
                connection.close()
            process.terminate()
            assert process.wait(15) == 0
        finally:
            process.kill()
