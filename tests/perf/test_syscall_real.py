"""Counting by system calls with the real kernel, against what else says the same."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from exporter.collectors._cpu_topology import parse_cpu_list
from exporter.kernel import KernelTree
from exporter.perf.counters import Counters
from exporter.perf.events import select
from exporter.perf.perf_event import Attributes, close_group, open_group
from exporter.perf.syscall import SyscallSource
from tests.child import REPOSITORY
from tests.perf.pmu_machine import descriptors
from tests.perf.real_perf import find_perf, give_up
from tests.samples import read_samples

PAGES = 3000
ROUNDS = 1000

DISABLE = 0x2400 | 1
"""PERF_EVENT_IOC_DISABLE: what the kernel does to events whose CPU goes offline."""


class Real:
    """A source on this machine, and what it shows."""

    def __init__(self, *words: str, aggregation: str = "none", sysfs: str = "/sys") -> None:
        self.opened: list[list[int]] = []
        """The descriptors of each group that was opened, also of those that are closed by now."""
        events = select(words)
        self.counters = Counters(events, aggregation)
        self.source = SyscallSource(
            events,
            self.counters,
            aggregation=aggregation,
            kernel=KernelTree(sysfs=sysfs),
            open_group=self._open,
        )

    def read(self) -> dict[str, float]:
        """What a scrape shows."""
        reading = self.source.read()
        return read_samples(self.counters.families(fresh=reading.is_up))

    def leaders(self) -> list[int]:
        """The descriptors that are read: those that were opened last."""
        return [group[0] for group in self.opened[-os.sysconf("SC_NPROCESSORS_ONLN") :]]

    def _open(self, members: Sequence[Attributes], cpu: int) -> list[int]:
        self.opened.append(open_group(members, cpu))
        return self.opened[-1]


def may_count() -> bool:
    """Whether this user may count on this machine."""
    try:
        close_group(open_group([Attributes(1, 0)], 0))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def counting(*words: str, aggregation: str = "none", sysfs: str = "/sys") -> Iterator[Real]:
    """A source that has begun to count; skips where this user may not."""
    if not may_count():
        give_up("perf_event_open(2) is refused here", is_ours=os.geteuid() == 0)
    real = Real(*words, aggregation=aggregation, sysfs=sysfs)
    real.source.read()
    try:
        yield real
    finally:
        real.source.close()


def touch_pages() -> None:
    """Have that many pages faulted in, one by one."""
    with mmap.mmap(-1, PAGES * mmap.PAGESIZE) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(PAGES):
            memory[page * mmap.PAGESIZE] = 1


def change_threads() -> None:
    """Have two threads wait for each other that often."""
    (read, written), (read_back, written_back) = os.pipe(), os.pipe()

    def answer() -> None:
        while os.read(read, 1):
            os.write(written_back, b"x")

    thread = threading.Thread(target=answer)
    thread.start()
    for _ in range(ROUNDS):
        os.write(written, b"x")
        os.read(read_back, 1)
    os.close(written)
    thread.join()
    for descriptor in (read, read_back, written_back):
        os.close(descriptor)


def count_switches() -> int:
    """Context switches of all CPUs since the start of the machine."""
    lines = Path("/proc/stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("ctxt "))


def test_a_known_workload_moves_its_counters() -> None:
    """Pages that are touched are page faults, threads that wait for each other switches."""
    before = count_switches()
    with counting("software") as real:
        start = real.read()
        own = resource.getrusage(resource.RUSAGE_SELF)
        touch_pages()
        change_threads()
        own_end = resource.getrusage(resource.RUSAGE_SELF)
        end = real.read()
    switches = count_switches() - before
    counted = {name: end[name] - start[name] for name in end}
    assert own_end.ru_minflt - own.ru_minflt >= PAGES
    assert counted["perf_page_faults_total"] >= own_end.ru_minflt - own.ru_minflt
    assert counted["perf_minor_faults_total"] >= own_end.ru_minflt - own.ru_minflt
    assert own_end.ru_nvcsw - own.ru_nvcsw >= ROUNDS
    assert own_end.ru_nvcsw - own.ru_nvcsw <= counted["perf_context_switches_total"] <= switches
    assert counted["perf_cpu_clock_seconds_total"] == pytest.approx(
        counted['perf_event_running_seconds_total{event="cpu_clock"}'], rel=0.05
    )


BETWEEN = """
import json, subprocess, sys
from exporter.kernel import KernelTree
from exporter.perf.counters import Counters
from exporter.perf.events import select
from exporter.perf.syscall import SyscallSource
from tests.perf.test_syscall_real import change_threads, touch_pages
result, *words = sys.argv[1:]
events = select(words[: words.index("--")])
counters = Counters(events, "none")
source = SyscallSource(events, counters, aggregation="none", kernel=KernelTree())
source.read()
subprocess.run(words[words.index("--") + 1 :], check=True)
source.read()
from tests.samples import read_samples
with open(result, "w") as file:
    json.dump(read_samples(counters.families(fresh=True)), file)
"""

WORK = "from tests.perf.test_syscall_real import *; touch_pages(); change_threads()"


def read_counts(file: Path) -> dict[str, float]:
    """What perf has written with -x."""
    rows = [line.split(";") for line in file.read_text().splitlines() if ";" in line]
    return {row[2]: float(row[0]) / (1000 if row[1] == "msec" else 1) for row in rows}


def test_the_counts_are_those_of_perf(tmp_path: Path) -> None:
    """What is counted lies between a perf that began later and ended earlier, and one around it."""
    program = find_perf()
    words = ["software", "tsc=msr/tsc/"]
    events = select(words if Path("/sys/bus/event_source/devices/msr").exists() else words[:1])
    asked = ",".join(event.spec for event in events)
    inner, outer, own = (tmp_path / name for name in ("inner", "outer", "own"))
    python = [sys.executable, "-c"]
    perf = [program, "stat", "-a", "-x", ";", "-e", asked, "-o"]
    subprocess.run(
        [
            *(*perf, str(outer), "--"),
            *(*python, BETWEEN, str(own), *words[: len(events) // 4], "--"),
            *(*perf, str(inner), "--"),
            *(*python, WORK),
        ],
        cwd=REPOSITORY,
        check=True,
        timeout=60,
    )
    narrow, wide = read_counts(inner), read_counts(outer)
    ours = json.loads(own.read_text())
    for event in events:
        assert narrow[event.spec] <= ours[event.metric] <= wide[event.spec], event.name
    assert narrow["page-faults"] >= PAGES


TRACEPOINT = """
import json
from tests.perf.test_syscall_real import change_threads, counting
with counting("context-switches", "switches=sched:sched_switch") as real:
    start = real.read()
    change_threads()
    end = real.read()
names = ("perf_context_switches_total", "perf_switches_total")
print(json.dumps([end[name] - start[name] for name in names]))
"""


def test_a_tracepoint_is_counted_in_the_same_read() -> None:
    """Each switch of threads passes the tracepoint; the kernel's own event counts some more."""
    # With a mount of its own: on many machines nobody has mounted it.
    mount = 'cd /sys/kernel/tracing && { test -e events || mount -t tracefs none .; } && exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", TRACEPOINT]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        give_up("tracefs cannot be mounted here", is_ours=False)
    assert done.returncode == 0, done.stderr
    events, passed = json.loads(done.stdout)
    assert ROUNDS <= passed <= events * 1.1


def test_all_descriptors_are_closed_in_the_end() -> None:
    """Nothing is left open, and nothing is inherited by programs that are started meanwhile."""
    before = descriptors()
    with counting("default", "raw=r1a8", "unknown=no_such_event") as real:
        real.read()
        opened = [descriptor for group in real.opened for descriptor in group]
        still_open = {int(descriptor) for descriptor in descriptors()} & set(opened)
        assert len(still_open) >= 7
        assert not any(os.get_inheritable(descriptor) for descriptor in still_open)
    assert descriptors() <= before


def test_each_cpu_has_its_counters() -> None:
    """By CPU, each that is online counts apart, all the time."""
    with counting("cpu-clock", "context-switches", aggregation="cpu") as real:
        touch_pages()
        found = real.read()
    cpus = {name for name in found if name.startswith("perf_context_switches_total")}
    online = parse_cpu_list(Path("/sys/devices/system/cpu/online").read_bytes())
    assert cpus == {f'perf_context_switches_total{{cpu="{cpu}"}}' for cpu in online}
    ratio = f'perf_event_running_ratio{{cpu="{online[0]}",event="context_switches"}}'
    assert found[ratio] == 1


def test_events_that_the_kernel_has_stopped_are_opened_anew() -> None:
    """Stopped events are what is left when a CPU was offline and is back: they are replaced."""
    with counting("software") as real:
        real.read()
        for descriptor in real.leaders():
            fcntl.ioctl(descriptor, DISABLE, 1)
        real.read()  # what was counted until they stopped
        at_stop = real.read()  # nothing since: they are opened anew
        touch_pages()
        assert real.read()["perf_page_faults_total"] >= at_stop["perf_page_faults_total"] + PAGES


def test_a_group_that_was_taken_apart_is_opened_anew() -> None:
    """An offline CPU's group gives one value instead of all: that is not taken for counts."""
    with counting("page-faults", "context-switches") as real:
        before = real.read()
        (alone,) = open_group([Attributes(1, 2)], 0)
        for leader in real.leaders():
            os.dup2(alone, leader, inheritable=False)
        os.close(alone)
        real.read()
        touch_pages()
        found = real.read()
    assert found["perf_page_faults_total"] >= before["perf_page_faults_total"] + PAGES


def test_many_threads_at_once() -> None:
    """Scrapes, suspending and resuming come from several threads; nothing is left in the end."""
    before = descriptors()
    with counting("software") as real:

        def use(method: str) -> None:
            for _ in range(50):
                getattr(real.source, method)()

        threads = [
            threading.Thread(target=use, args=[method])
            for method in ("read", "read", "suspend", "resume")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        real.source.resume()
        assert real.source.read().is_up
    assert descriptors() <= before
