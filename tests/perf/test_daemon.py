"""Where perf lives: reloads keep what was counted, and no perf outlives who has started it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from exporter import once
from exporter.cli import main
from tests.child import PATIENCE_SECONDS, REPOSITORY
from tests.daemon import Daemon, start_daemon
from tests.expositions import values
from tests.logs import logging_put_back
from tests.perf.fake_perf import FakePerf
from tests.perf.real_perf import find_perf
from tests.perf.sampling import THREAD

PERF = """\
collector:
  disable_defaults: true
  perf: {{enabled: {}, events: [{}], interval: 0.1}}
"""
ON = PERF.format("true", "software")
OTHERS = PERF.format("true", "page-faults, context-switches")
OFF = PERF.format("false", "software")

ONCE = ("once", "--collector=perf", "--collector.perf", "--collector.perf.interval=0.1")


class Counting:
    """A daemon with perf, and its configuration file."""

    def __init__(self, daemon: Daemon, file: Path) -> None:
        self.daemon = daemon
        self._file = file

    def reload(self, text: str) -> int:
        """Reload with other settings; give the status of the answer."""
        self._file.write_text(text)
        return self.daemon.get("/-/reload", method="POST").status

    def scrape(self) -> dict[str, float]:
        """The values of the page by name; of families with labels, by name and event."""
        page = values(self.daemon.get("/metrics").body)
        return {
            f"{name} {dict(labels)['event']}" if "event" in dict(labels) else name: value
            for (name, labels), value in page.items()
        }

    def process(self) -> psutil.Process:
        """The one process of perf."""
        (process,) = self.processes()
        return process

    def processes(self) -> list[psutil.Process]:
        """All that the daemon has started, and what those have."""
        return psutil.Process(self.daemon.pid).children(recursive=True)


def wait_for_end(process: psutil.Process, pidfd: int) -> None:
    """Wait until a process has ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(PATIENCE_SECONDS * 1000), f"still there: {process}"
    os.close(pidfd)


def is_alive(pid: int) -> bool:
    """Whether a process is there that is more than an entry for process 1 to remove."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    """A daemon that counts the software events with the real perf."""
    find_perf()
    file = tmp_path / "perfwatch.yml"
    file.write_text(ON)
    with start_daemon(f"--config.file={file}", "--web.enable-lifecycle") as daemon:
        daemon.wait_for_log("perf is counting")
        yield Counting(daemon, file)


def test_a_reload_of_something_else_keeps_the_counters(counting: Counting) -> None:
    """The same process goes on, and nothing goes back, however often that is done."""
    before = counting.scrape()
    assert before["perf_up"] == 1
    child = counting.process().pid
    for number in (1, 2, 3):
        assert counting.reload(f"{ON}web: {{max_requests: {number}}}\n") == 200
        now = counting.scrape()
        counters = {name for name in before if name.startswith("perf_") and "_total" in name}
        assert len(counters) == 7 * 3 + 2
        assert {name for name in counters if now[name] < before[name]} == set()
        assert now["perf_up"] == 1
        assert [one.pid for one in counting.processes()] == [child]
        before = now
    assert before["perf_child_restarts_total"] == 0


def test_a_reload_keeps_what_system_calls_have_counted(tmp_path: Path) -> None:
    """Without a process it is the same: nothing goes back, and no descriptor is left."""
    find_perf()
    text = ON.replace("interval: 0.1", "backend: syscall")
    file = tmp_path / "perfwatch.yml"
    file.write_text(text)
    with start_daemon(f"--config.file={file}", "--web.enable-lifecycle") as daemon:
        counting = Counting(daemon, file)
        before = counting.scrape()
        assert before["perf_up"] == 1
        assert counting.processes() == []
        assert counting.reload(f"{text}web: {{max_requests: 3}}\n") == 200
        now = counting.scrape()
        clock = "perf_cpu_clock_seconds_total"
        assert now[clock] > before[clock] > 0
        assert counting.reload(OFF) == 200
        after = counting.scrape()
        assert [name for name in after if name.startswith("perf_")] == []
        assert after["process_open_fds"] < now["process_open_fds"]


def test_other_settings_end_the_old_perf_first(counting: Counting) -> None:
    """There is another process then, it counts what is wanted now, and its counters begin anew."""
    old = counting.process()
    ended = os.pidfd_open(old.pid)
    assert counting.scrape()["perf_cpu_clock_seconds_total"] > 0
    assert counting.reload(OTHERS) == 200
    counting.scrape()
    wait_for_end(old, ended)
    counting.daemon.wait_for_log("perf is counting", count=2)
    now = counting.scrape()
    assert now["perf_up"] == 1
    assert "perf_context_switches_total" in now
    assert "perf_cpu_clock_seconds_total" not in now
    assert counting.process().pid != old.pid


def test_turned_off_it_ends(counting: Counting) -> None:
    """Without the collector there is neither a process nor a metric of it; on again, both are."""
    child = counting.process()
    ended = os.pidfd_open(child.pid)
    assert counting.reload(OFF) == 200
    assert [name for name in counting.scrape() if name.startswith("perf_")] == []
    wait_for_end(child, ended)
    assert counting.reload(ON) == 200
    counting.scrape()
    counting.daemon.wait_for_log("perf is counting", count=2)
    assert counting.scrape()["perf_up"] == 1


def test_a_refused_reload_changes_nothing(counting: Counting) -> None:
    """Wrong settings leave the process and the counters alone, wherever the mistake is."""
    before = counting.scrape()
    child = counting.process().pid
    wrong = PERF.format("true", "cycels")
    for text in (wrong, f"{OTHERS}web: {{telemetry_path: /other}}\n", "nonsense: 1\n"):
        assert counting.reload(text) == 500
    now = counting.scrape()
    assert now["perf_cpu_clock_seconds_total"] >= before["perf_cpu_clock_seconds_total"]
    assert now["perf_up"] == 1
    assert [one.pid for one in counting.processes()] == [child]


def test_the_end_of_the_daemon_is_that_of_perf(counting: Counting) -> None:
    """Stopped by SIGTERM it leaves no process, also after a reload, and exits with 0."""
    assert counting.reload(f"{ON}web: {{max_requests: 3}}\n") == 200
    counting.scrape()
    child = counting.process()
    counting.daemon.signal()
    assert counting.daemon.wait() == 0
    assert not is_alive(child.pid)


@pytest.mark.parametrize("acts", [["ignore"], ["count 2", "hang"], ["fork", "ignore"]])
def test_a_perf_that_ignores_the_end_is_ended(acts: list[str], tmp_path: Path) -> None:
    """One that does not care for SIGINT, hangs, or has left something behind goes too."""
    perf = FakePerf(tmp_path, acts)
    flags = ("--collector.disable-defaults", "--collector.perf", "--collector.perf.interval=0.1")
    with start_daemon(*flags, f"--collector.perf.command={perf.path}") as daemon:
        daemon.wait_for_log("perf is counting")
        daemon.signal()
        assert daemon.wait() == 0
    assert perf.pids
    assert [pid for pid in perf.pids if is_alive(pid)] == []


def test_a_perf_that_hangs_while_it_is_tried_out_is_ended(tmp_path: Path) -> None:
    """The end of the daemon waits for the end of that, which is seconds away."""
    perf = FakePerf(tmp_path)
    perf.hold_probes()
    flags = ("--collector.disable-defaults", "--collector.perf")
    command = f"--collector.perf.command={perf.path}"
    with start_daemon(*flags, command) as daemon, perf.while_probed():
        (probe,) = psutil.Process(daemon.pid).children()
        daemon.signal()
        assert daemon.wait() == 0
        assert not is_alive(probe.pid)


def test_a_killed_daemon_leaves_perf_without_a_reader(counting: Counting) -> None:
    """Killed, the daemon cannot end perf: that ends by itself with its next interval."""
    child = counting.process()
    ended = os.pidfd_open(child.pid)
    counting.daemon.signal(signal.SIGKILL)
    assert counting.daemon.wait() == -signal.SIGKILL
    wait_for_end(child, ended)


def test_without_perf_the_daemon_is_as_it_was(tmp_path: Path) -> None:
    """Where the program is missing, all else is collected, and each event has its reason."""
    flags = ("--collector.disable-defaults", "--collector.perf", "--collector.loadavg")
    with start_daemon(*flags, f"--collector.perf.command={tmp_path}/no-perf") as daemon:
        daemon.wait_for_log("perf cannot count")
        counting = Counting(daemon, tmp_path / "unused")
        page = counting.scrape()
        assert page["perf_up"] == 0
        assert "node_load1" in page
        unavailable = [name for name in page if name.startswith("perf_event_available ")]
        assert len(unavailable) == 22
        assert {page[name] for name in unavailable} == {0}
        daemon.signal()
        assert daemon.wait() == 0


def test_one_collection_leaves_no_perf_behind(tmp_path: Path) -> None:
    """`perfwatch once` waits for a sample, prints it, and has ended perf when it ends."""
    perf = FakePerf(tmp_path)
    words = [sys.executable, "-m", "exporter", *ONCE, f"--collector.perf.command={perf.path}"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "\nperf_up 1\n" in done.stdout
    assert re.search(r"^perf_page_faults_total [1-9]", done.stdout, re.MULTILINE)
    assert len(perf.pids) == 1
    assert [pid for pid in perf.pids if is_alive(pid)] == []


def test_one_collection_waits_for_a_sample_only_so_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A perf that says nothing costs its counters: the rest is printed, and that it is not up."""
    monkeypatch.setattr(once, "PATIENCE_SECONDS", 0.2)
    perf = FakePerf(tmp_path, ["hang"])
    with logging_put_back():
        assert main([*ONCE, f"--collector.perf.command={perf.path}"]) == 0
        for thread in threading.enumerate():
            if thread.name == THREAD:
                thread.join(PATIENCE_SECONDS)
    page = capsys.readouterr().out
    assert "\nperf_up 0\n" in page
    assert "perf_page_faults_total" not in page
    assert [pid for pid in perf.pids if is_alive(pid)] == []
