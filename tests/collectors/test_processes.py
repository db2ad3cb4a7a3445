"""The processes collector: /proc/<pid>/stat and /proc/<pid>/task."""

from __future__ import annotations

import contextlib
import shutil
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.processes import ProcessesCollector, Task, parse_stat
from exporter.kernel import KernelTree, NoData
from tests.collectors.conftest import FakeHost

WRITE_ONLY = "/proc/sys/net/ipv4/route/flush"
"""A file that nobody may read, not even root."""


def stat(number: int, state: str = "S", threads: int = 1, name: str = "sh") -> str:
    """Write a line as the kernel does."""
    head = f"{number} ({name}) {state} 1 {number} {number} 0 -1 4194560"
    return f"{head} 9 0 0 0 1 2 0 0 20 0 {threads} 0 77 0 0 18446744073709551615\n"


def add(host: FakeHost, pid: int, states: str = "S", name: str = "sh") -> None:
    """Add a process with a thread in each state, numbered after it."""
    host.write(f"proc/{pid}/stat", stat(pid, states[0], len(states), name))
    for tid, state in enumerate(states, pid):
        host.write(f"proc/{pid}/task/{tid}/stat", stat(tid, state, len(states), name))


@pytest.fixture
def busy(host: FakeHost) -> FakeHost:
    """Give a host with four processes and six threads."""
    add(host, 1)
    add(host, 40, "SRD")
    add(host, 50, "Z")
    add(host, 60, "R")
    host.write("proc/sys/kernel/pid_max", "4194304\n")
    host.write("proc/sys/kernel/threads-max", "256000\n")
    host.write("proc/meminfo", "MemTotal: 1 kB\n")
    return host


@pytest.mark.parametrize("name", ["sh", "Web Content", "a) R (b", "x\n1 (y) Z", "", ")"])
def test_any_name_is_passed_over(name: str) -> None:
    """Spaces, brackets and ends of line in a name confuse nothing."""
    assert parse_stat(stat(12, "D", 7, name).encode()) == Task("D", 7)


@pytest.mark.parametrize(
    "text",
    [b"", b"12 (sh", b"12 (sh) S 1 2", b"12 sh S", stat(1, "5").encode(), stat(1).encode()[:40]],
)
def test_parse_refuses_what_is_truncated(text: bytes) -> None:
    """A line without a state or without the number of threads is an error."""
    with pytest.raises(ValueError, match=r"<pid>/stat|not an integer"):
        parse_stat(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_stat(text)


def test_processes_and_threads_are_counted(busy: FakeHost) -> None:
    """Processes by the state of their first thread, threads each by its own."""
    assert busy.samples(ProcessesCollector(busy.kernel)) == {
        'node_processes_state{state="S"}': 2,
        'node_processes_state{state="R"}': 1,
        'node_processes_state{state="Z"}': 1,
        'node_processes_threads_state{thread_state="S"}': 2,
        'node_processes_threads_state{thread_state="R"}': 2,
        'node_processes_threads_state{thread_state="D"}': 1,
        'node_processes_threads_state{thread_state="Z"}': 1,
        "node_processes_pids": 4,
        "node_processes_threads": 6,
        "node_processes_max_processes": 4_194_304,
        "node_processes_max_threads": 256_000,
    }


def test_processes_come_and_go(busy: FakeHost) -> None:
    """Each scrape looks anew."""
    collector = ProcessesCollector(busy.kernel)
    busy.samples(collector)
    shutil.rmtree(busy.root / "proc/60")
    add(busy, 70)
    samples = busy.samples(collector)
    assert samples['node_processes_state{state="S"}'] == 3
    assert 'node_processes_state{state="R"}' not in samples


def test_what_ends_meanwhile_is_left_out(busy: FakeHost) -> None:
    """A process or a thread whose folder is there, but not its file any more, costs nothing."""
    (busy.root / "proc/60/stat").unlink()
    (busy.root / "proc/40/task/42/stat").unlink()
    samples = busy.samples(ProcessesCollector(busy.kernel))
    assert samples["node_processes_pids"] == 3
    assert 'node_processes_threads_state{thread_state="D"}' not in samples
    shutil.rmtree(busy.root / "proc/40/task")
    samples = busy.samples(ProcessesCollector(busy.kernel))
    assert samples['node_processes_threads_state{thread_state="S"}'] == 2


def test_without_limits_the_rest_is_shown(busy: FakeHost) -> None:
    """A container may hide /proc/sys."""
    shutil.rmtree(busy.root / "proc/sys")
    samples = busy.samples(ProcessesCollector(busy.kernel))
    assert samples["node_processes_pids"] == 4
    assert not [name for name in samples if "max" in name]


def test_a_hidden_process_1_means_that_others_are_hidden(busy: FakeHost) -> None:
    """With hidepid=2 only the daemon's own processes would be counted: that is no number."""
    shutil.rmtree(busy.root / "proc/1")
    with pytest.raises(NoData, match="hidepid"):
        list(ProcessesCollector(busy.kernel).collect())


def test_refused_files_are_no_data(busy: FakeHost) -> None:
    """With hidepid=1 the folders of others are seen, but nothing in them may be read."""
    (busy.root / "proc/40/stat").unlink()
    (busy.root / "proc/40/stat").symlink_to(WRITE_ONLY)
    with pytest.raises(NoData, match="gid"):
        list(ProcessesCollector(busy.kernel).collect())


def test_this_machine_has_processes() -> None:
    """On a real /proc the threads of this process are among those counted."""
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    try:
        families = {family.name: family for family in ProcessesCollector(KernelTree()).collect()}
    finally:
        waiting.set()
        thread.join()
    (pids,) = families["node_processes_pids"].samples
    (threads,) = families["node_processes_threads"].samples
    assert threads[1] > pids[1] > 0  # type: ignore[operator]
