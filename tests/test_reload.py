"""Reloading the whole daemon, and what systemd hears of it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon, start_daemon
from tests.hanging import LOADAVG, HangingFile, make_host, scrape

SUCCESSFUL = "perfwatch_config_last_reload_successful"
SINCE = "perfwatch_config_last_reload_success_timestamp_seconds"
SUCCESS = "node_scrape_collector_success"

BAD = [
    ("collector: [", "line 2: not valid YAML"),
    ("collectr: {}", "collectr"),
    ("web: {max_requests: many}", "max_requests"),
    ("web: {telemetry_path: /other}", "restart"),
]


@pytest.fixture
def procfs(tmp_path: Path) -> Path:
    """A small host."""
    procfs = make_host(tmp_path)
    (procfs / "loadavg").write_text(LOADAVG)
    return procfs


class Reloadable:
    """A daemon with a configuration file."""

    def __init__(self, daemon: Daemon, file: Path, procfs: Path) -> None:
        self.daemon = daemon
        self._file = file
        self._procfs = procfs

    def configure(self, text: str) -> None:
        """Write the file."""
        write_config(self._file, self._procfs, text)


def write_config(file: Path, procfs: Path, text: str) -> None:
    """A configuration of the two collectors, and more."""
    common = f"path: {{procfs: {procfs}}}\n"
    file.write_text(common + text)


ONLY_LOADAVG = "collector: {disable_defaults: true, loadavg: true}\n"
ONLY_MEMINFO = "collector: {disable_defaults: true, meminfo: true}\n"


@pytest.fixture
def reloadable(procfs: Path, tmp_path: Path) -> Iterator[Reloadable]:
    """A ready daemon with the collector loadavg."""
    file = tmp_path / "perfwatch.yml"
    write_config(file, procfs, ONLY_LOADAVG)
    with start_daemon(f"--config.file={file}", "--web.enable-lifecycle") as daemon:
        yield Reloadable(daemon, file, procfs)


def test_a_signal_reloads_whole_or_not_at_all(reloadable: Reloadable) -> None:
    """Good, bad, good again: two gauges say how it went, and what serves is never half of it."""
    daemon = reloadable.daemon
    before = scrape(daemon)
    assert before[SUCCESSFUL] == 1
    assert before[f"{SUCCESS} loadavg"] == 1

    reloadable.configure(ONLY_MEMINFO)
    daemon.signal(signal.SIGHUP)
    assert daemon.wait_for_log("reloaded")["data"]["collectors"] == ["meminfo"]
    good = scrape(daemon)
    assert good[SUCCESSFUL] == 1
    assert good[SINCE] >= before[SINCE]
    assert f"{SUCCESS} loadavg" not in good
    assert good["node_memory_MemTotal_bytes"] == 2048 * 1024

    for count, (text, word) in enumerate(BAD, start=1):
        reloadable.configure(text)
        daemon.signal(signal.SIGHUP)
        failure = daemon.wait_for_log("reload failed", count=count)
        assert word in failure["data"]["reason"]
        bad = scrape(daemon)
        assert bad[SUCCESSFUL] == 0
        assert bad[SINCE] == good[SINCE]
        assert bad[f"{SUCCESS} meminfo"] == 1
        assert f"{SUCCESS} loadavg" not in bad

    reloadable.configure(ONLY_LOADAVG)
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log("reloaded", count=2)
    again = scrape(daemon)
    assert again[SUCCESSFUL] == 1
    assert again[SINCE] > good[SINCE]
    assert again["node_load1"] == 0.5


def test_a_request_reloads_and_says_how_it_went(reloadable: Reloadable) -> None:
    """POST /-/reload, where the lifecycle is enabled."""
    daemon = reloadable.daemon
    reloadable.configure(ONLY_MEMINFO)
    answer = daemon.get("/-/reload", method="POST")
    assert (answer.status, answer.text) == (200, "reloaded\n")
    assert scrape(daemon)[f"{SUCCESS} meminfo"] == 1
    reloadable.configure("collector: {memnfo: true}")
    answer = daemon.get("/-/reload", method="POST")
    assert answer.status == 500
    assert "memnfo" in answer.text
    assert "meminfo" in answer.text, "what was meant"
    assert scrape(daemon)[SUCCESSFUL] == 0


def test_settings_that_may_change_do_change(reloadable: Reloadable) -> None:
    """Limits, the daemon's own metrics, the log's level."""
    daemon = reloadable.daemon
    assert SUCCESSFUL in scrape(daemon)
    reloadable.configure(
        ONLY_LOADAVG + "web: {disable_exporter_metrics: true}\nlog: {level: error}\n"
    )
    assert daemon.get("/-/reload", method="POST").status == 200
    assert scrape(daemon).keys() == {
        "node_load1",
        "node_load5",
        "node_load15",
        f"{SUCCESS} loadavg",
        "node_scrape_collector_duration_seconds loadavg",
    }
    assert not [line for line in daemon.log_lines() if '"reloaded"' in line]


def test_reloading_leaves_nothing_behind(reloadable: Reloadable) -> None:
    """Files and threads of the collectors that were replaced are gone."""
    daemon = reloadable.daemon

    def threads() -> int:
        return len(os.listdir(f"/proc/{daemon.pid}/task"))  # noqa: PTH208 -- a count

    def files() -> float:
        return scrape(daemon)["process_open_fds"]

    # At the start a health check may still have a thread.
    files_before, threads_before = files(), threads()
    for _ in range(20):
        assert daemon.get("/-/reload", method="POST").status == 200
        scrape(daemon)
    # A thread that was told to end may take a moment.
    assert any(files() <= files_before and threads() <= threads_before for _ in range(100))


def test_systemd_hears_of_every_change(procfs: Path, tmp_path: Path) -> None:
    """Ready, alive, reloading and ready again, also after a bad one, and stopping."""
    file = tmp_path / "perfwatch.yml"
    write_config(file, procfs, ONLY_LOADAVG)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(15)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with start_daemon(f"--config.file={file}", env=environment) as daemon:
            heard = hear_until(systemd, "READY=1")
            assert heard[-1] == "READY=1"
            assert hear_until(systemd, "WATCHDOG=1")
            for text in (ONLY_MEMINFO, "nonsense: 1"):
                write_config(file, procfs, text)
                daemon.signal(signal.SIGHUP)
                reloading, ready = without_watchdog(hear_until(systemd, "READY=1"))
                assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
                assert int(reloading.rpartition("=")[2]) > 0
                assert ready == "READY=1"
            daemon.signal()
            assert without_watchdog(hear_until(systemd, "STOPPING=1")) == ["STOPPING=1"]
            assert daemon.wait() == 0


def test_the_end_may_come_before_the_start_is_complete(procfs: Path, tmp_path: Path) -> None:
    """Reloaded and stopped while the first collection hangs: never ready, and still in order."""
    hanging = HangingFile(procfs / "loadavg", LOADAVG)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(15)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with start_daemon(f"--path.procfs={procfs}", env=environment, wait_ready=False) as daemon:
            hear_until(systemd, "WATCHDOG=1")
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_log("reloaded")
            daemon.signal()
            assert without_watchdog(hear_until(systemd, "STOPPING=1")) == ["STOPPING=1"]
            assert daemon.wait() == 0
    del hanging


def hear_until(systemd: socket.socket, last: str) -> list[str]:
    """What is heard up to a message."""
    heard = [systemd.recv(200).decode()]
    while heard[-1] != last:
        heard.append(systemd.recv(200).decode())
    return heard


def without_watchdog(heard: list[str]) -> list[str]:
    """The messages about changes."""
    return [message for message in heard if message != "WATCHDOG=1"]
