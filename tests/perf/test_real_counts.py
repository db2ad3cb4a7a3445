"""The daemon with the real perf: what it shows is what happens, and what another perf counts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from exporter.perf.output import parse_line
from tests.child import PATIENCE_SECONDS, REPOSITORY
from tests.daemon import Daemon, start_daemon
from tests.expositions import values
from tests.perf.real_perf import find_perf, give_up

SOFTWARE = ("context-switches", "cpu-migrations", "page-faults", "minor-faults", "cpu-clock")

FAULTS = """
import mmap, sys
pages = int(sys.argv[1])
memory = mmap.mmap(-1, pages * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for offset in range(0, pages * mmap.PAGESIZE, mmap.PAGESIZE):
    memory[offset] = 1
"""
"""Touches so many pages for the first time: each is a fault, and none needs a disk."""

SWITCHES = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
(there, to_child), (back, to_parent) = os.pipe(), os.pipe()
child = os.fork()
for _ in range(int(sys.argv[1])):
    if child:
        os.write(to_child, b"x"), os.read(back, 1)
    else:
        os.read(there, 1), os.write(to_parent, b"x")
if child:
    os.waitpid(child, 0)
"""
"""Sends a byte to and fro so many times, on one CPU: each way is a switch."""


class Counting:
    """A daemon that counts with perf, ten times a second."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def scrape(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """The series of the collector."""
        page = values(self._daemon.get("/metrics").body)
        return {key: value for key, value in page.items() if key[0].startswith("perf_")}

    def totals(self) -> dict[str, float]:
        """The sums of the counters of events over all places."""
        totals: dict[str, float] = {}
        for (name, labels), value in self.scrape().items():
            if "event" not in dict(labels):
                totals[name] = totals.get(name, 0) + value
        return totals

    def later_totals(self) -> dict[str, float]:
        """The totals, once all that has happened until now is in them.

        Intervals that have ended before may be on their way: it is the third one from now.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        totals = self.totals()
        for _ in range(3):
            last = totals
            while totals["perf_cpu_clock_seconds_total"] == last["perf_cpu_clock_seconds_total"]:
                assert time.monotonic() < deadline, "nothing is counted any more"
                totals = self.totals()
        return totals


@contextlib.contextmanager
def count(*flags: str) -> Iterator[Counting]:
    """Run a daemon with this collector alone."""
    find_perf()
    common = ("--collector.disable-defaults", "--collector.perf", "--collector.perf.interval=0.1")
    with start_daemon(*common, *flags) as daemon:
        daemon.wait_for_log("perf is counting")
        yield Counting(daemon)


@contextlib.contextmanager
def independent_perf(found: dict[str, float]) -> Iterator[None]:
    """Count with a perf of its own, from before the block until after it."""
    script = "echo started; read line"
    words = [find_perf(), "stat", "-a", "-x", ";", "-e", ",".join(SOFTWARE), "--log-fd", "2"]
    process = subprocess.Popen(
        [*words, "--", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"LC_ALL": "C"},
    )
    try:
        assert process.stdout is not None
        # It counts before it starts a command.
        assert process.stdout.readline() == "started\n"
        yield
    finally:
        _, printed = process.communicate("go on\n", timeout=PATIENCE_SECONDS)
    for line in printed.splitlines():
        for row in parse_line(line, separator=";", aggregation="none"):
            assert row.value is not None
            found[row.event] = row.value / 1000 if row.unit == "msec" else row.value


def work(script: str, times: int) -> None:
    """Do something so many times, in a process of its own."""
    subprocess.run([sys.executable, "-c", script, str(times)], check=True)


def metric(event: str) -> str:
    """The counter of an event."""
    return f"perf_{event.replace('-', '_')}{'_seconds' if event == 'cpu-clock' else ''}_total"


def test_an_independent_perf_counts_the_same() -> None:
    """What was counted is between what others count from before to after it, and within it."""
    around: dict[str, float] = {}
    within: dict[str, float] = {}
    with independent_perf(around), count("--collector.perf.events=software") as counting:
        before = counting.totals()
        with independent_perf(within):
            work(FAULTS, 3000)
            work(SWITCHES, 500)
        after = counting.later_totals()
    assert around.keys() == within.keys() == set(SOFTWARE)
    for event in SOFTWARE:
        name = metric(event)
        assert within[event] <= after[name] - before[name], name
        assert after[name] <= around[event], name
    assert within["page-faults"] >= 3000


def test_a_known_number_of_things_moves_the_right_counters() -> None:
    """So many page faults and context switches are at least what is counted of them."""
    with count("--collector.perf.events=software") as counting:
        before = counting.totals()
        work(FAULTS, 5000)
        after = counting.later_totals()
        for name in ("perf_page_faults_total", "perf_minor_faults_total"):
            assert after[name] - before[name] >= 5000
        assert after["perf_major_faults_total"] - before["perf_major_faults_total"] < 5000
        before = after
        work(SWITCHES, 2000)
        after = counting.later_totals()
        assert after["perf_context_switches_total"] - before["perf_context_switches_total"] >= 4000


def test_a_tracepoint_is_an_event_of_one_s_own() -> None:
    """Each start of a process is counted under the alias that was given."""
    words = [find_perf(), "stat", "-a", "-e", "sched:sched_process_fork", "--", "true"]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        give_up("tracepoints cannot be counted here", is_ours=False)
    events = "--collector.perf.events=forks=sched:sched_process_fork"
    with count(events, "--collector.perf.events=cpu-clock") as counting:
        before = counting.totals()
        for _ in range(20):
            subprocess.run(["true"], check=True)
        after = counting.later_totals()
    assert after["perf_forks_total"] - before["perf_forks_total"] >= 20


def online_cpus() -> set[str]:
    """The CPUs that are online."""
    ranges = Path("/sys/devices/system/cpu/online").read_text().strip().split(",")
    ends = [[int(end) for end in one.split("-")] for one in ranges]
    return {str(cpu) for one in ends for cpu in range(one[0], one[-1] + 1)}


def labels_of(counting: Counting, name: str) -> list[dict[str, str]]:
    """The labels of each series of a metric."""
    return [dict(labels) for series, labels in counting.scrape() if series == name]


def test_each_cpu_has_its_series() -> None:
    """With the aggregation `cpu` each online CPU is told apart, in all that belongs to an event."""
    with count("--collector.perf.aggregation=cpu", "--collector.perf.events=software") as counting:
        for name in ("perf_page_faults_total", "perf_cpu_clock_seconds_total"):
            found = labels_of(counting, name)
            assert {labels["cpu"] for labels in found} == online_cpus()
            assert len(found) == len(online_cpus())
        for part in ("available", "running_ratio", "enabled_seconds_total"):
            found = labels_of(counting, f"perf_event_{part}")
            assert {(labels["cpu"], labels["event"]) for labels in found} >= {
                (cpu, "page_faults") for cpu in online_cpus()
            }


@pytest.mark.parametrize(
    ("aggregation", "names"),
    [("core", {"socket", "die", "core"}), ("socket", {"socket"}), ("node", {"node"})],
)
def test_places_have_their_labels(aggregation: str, names: set[str]) -> None:
    """A socket, core or node is named by numbers, and all of them together are the host."""
    flags = (f"--collector.perf.aggregation={aggregation}", "--collector.perf.events=software")
    with count(*flags) as counting:
        found = labels_of(counting, "perf_page_faults_total")
        assert found
        for labels in found:
            assert labels.keys() == names
            assert all(value.isdigit() for value in labels.values())
        before = counting.totals()
        work(FAULTS, 2000)
        after = counting.later_totals()
    assert after["perf_page_faults_total"] - before["perf_page_faults_total"] >= 2000


def once(*flags: str) -> dict[str, float]:
    """What `perfwatch once` prints of this collector, without labels but the event's."""
    words: Sequence[str] = [sys.executable, "-m", "exporter", "once", "--collector=perf"]
    done = subprocess.run(
        [*words, "--collector.perf", *flags], cwd=REPOSITORY, capture_output=True, check=True
    )
    return {
        " ".join([name, *(value for label, value in labels if label == "event")]): number
        for (name, labels), number in values(done.stdout).items()
    }


@pytest.mark.parametrize("backend", ["stat", "syscall"])
def test_once_shows_counters(backend: str) -> None:
    """A single collection has a sample, and says of each event whether it is available."""
    find_perf()
    page = once(f"--collector.perf.backend={backend}", "--collector.perf.interval=0.1")
    assert page["perf_up"] == 1
    assert page["perf_cpu_clock_seconds_total"] > 0
    assert page["perf_event_available page_faults"] == 1
    assert len([name for name in page if name.startswith("perf_event_available")]) == 22
    assert page["node_scrape_collector_success"] == 1
