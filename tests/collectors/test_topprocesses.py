"""The topprocesses collector: counters of groups that never go back, and their sum."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost
from tests.host_processes import (
    Watched,
    add_process,
    end_process,
    io_text,
    status_text,
)


def of_group(samples: dict[str, float], group: str) -> dict[str, float]:
    """Take the samples of a group, by metric and further label."""
    return {
        name.replace(f'group="{group}"', "").replace("{,", "{").replace("{}", ""): value
        for name, value in samples.items()
        if f'group="{group}"' in name
    }


def test_a_group_has_everything(host: FakeHost) -> None:
    """Processes of the same name are added up."""
    watched = Watched(host, proportional=True)
    for pid, start in ((7, 150), (8, 250)):
        add_process(host, pid, "db", start=start, pages=10, threads=3)
        host.write(f"proc/{pid}/io", io_text(100, 200))
        host.write(f"proc/{pid}/status", status_text(10, 20))
        host.write(f"proc/{pid}/smaps_rollup", "Pss:  5 kB\n")
        host.write(f"proc/{pid}/fd/0", "")
    watched.look()
    add_process(host, 7, "db", start=150, pages=10, threads=3, user=150, system=25, faults=2)
    host.write("proc/7/io", io_text(1100, 2200))
    host.write("proc/7/status", status_text(13, 24))
    samples = watched.look(10)
    assert of_group(samples, "db") == {
        'cpu_seconds_total{mode="user"}': 1.5,
        'cpu_seconds_total{mode="system"}': 0.25,
        'context_switches_total{type="voluntary"}': 3,
        'context_switches_total{type="involuntary"}': 4,
        "major_faults_total": 2,
        "read_bytes_total": 1000,
        "written_bytes_total": 2000,
        "processes": 2,
        "threads": 6,
        "resident_bytes": 20 * 4096,
        "proportional_bytes": 10 * 1024,
        "open_descriptors": 2,
        "oldest_start_time_seconds": 1001.5,
    }
    assert samples["scanned_processes"] == 3
    assert samples["left_out_processes"] == 0


def test_all_that_is_not_shown_is_in_the_others(host: FakeHost) -> None:
    """With what is known of every process, and without what is read of few."""
    watched = Watched(host, groups=1)
    add_process(host, 7, "db", pages=10)
    add_process(host, 8, "sh", pages=1, threads=2, start=50)
    watched.look()
    assert of_group(watched.look(), "other") == {
        'cpu_seconds_total{mode="user"}': 0,
        'cpu_seconds_total{mode="system"}': 0,
        "major_faults_total": 0,
        "processes": 2,
        "threads": 3,
        "resident_bytes": 4096,
        "oldest_start_time_seconds": 1000.5,
    }


def test_two_looks_at_the_same_give_the_same(host: FakeHost) -> None:
    """Counters start at 0, whatever the processes did before."""
    watched = Watched(host)
    add_process(host, 7, "db", user=1000)
    assert watched.cpu() == watched.cpu() == {"db": 0, "other": 0}


def test_a_process_that_ends_takes_nothing_back(host: FakeHost) -> None:
    """Its group keeps what it did; there is no oldest process when there is none."""
    watched = Watched(host)
    add_process(host, 7, "db", pages=9)
    watched.look()
    add_process(host, 7, "db", pages=9, user=100)
    assert watched.cpu(10)["db"] == 1
    end_process(host, 7)
    assert of_group(watched.look(10), "db") == {
        'cpu_seconds_total{mode="user"}': 1,
        'cpu_seconds_total{mode="system"}': 0,
        "major_faults_total": 0,
        "processes": 0,
        "threads": 0,
        "resident_bytes": 0,
    }


def test_a_process_that_starts_counts_from_its_beginning(host: FakeHost) -> None:
    """Also one that has the number of another that has ended."""
    watched = Watched(host)
    add_process(host, 7, "db", pages=9, user=500)
    watched.look()
    add_process(host, 8, "db", pages=9, user=30, start=200)
    assert watched.cpu(10)["db"] == pytest.approx(0.3)
    add_process(host, 7, "db", pages=9, user=20, start=300)
    assert watched.cpu(10)["db"] == pytest.approx(0.5)


def test_what_goes_back_in_the_kernel_does_not_here(host: FakeHost) -> None:
    """The first thread of a program may be another after it has started a new one."""
    watched = Watched(host)
    add_process(host, 7, "db", pages=9)
    host.write("proc/7/status", status_text(50, 0))
    watched.look()
    host.write("proc/7/status", status_text(20, 0))
    watched.look(10)
    host.write("proc/7/status", status_text(25, 0))
    samples = of_group(watched.look(10), "db")
    assert samples['context_switches_total{type="voluntary"}'] == 5


def test_a_new_series_starts_at_zero(host: FakeHost) -> None:
    """What brought the group among the first stays with the others, where it can be seen."""
    watched = Watched(host, groups=1)
    add_process(host, 7, "db", pages=9)
    add_process(host, 8, "sh")
    assert watched.cpu() == {"db": 0, "other": 0}
    add_process(host, 8, "sh", user=100)
    host.write("proc/8/io", io_text(1000))
    samples = watched.look(10)
    assert samples['cpu_seconds_total{group="sh",mode="user"}'] == 0
    assert samples['cpu_seconds_total{group="other",mode="user"}'] == 1
    assert samples['read_bytes_total{group="sh"}'] == 0
    add_process(host, 8, "sh", user=150)
    host.write("proc/8/io", io_text(1200))
    samples = watched.look(10)
    assert samples['cpu_seconds_total{group="sh",mode="user"}'] == 0.5
    assert samples['cpu_seconds_total{group="other",mode="user"}'] == 1
    assert samples['read_bytes_total{group="sh"}'] == 200


def test_a_group_that_leaves_counts_with_the_others(host: FakeHost) -> None:
    """From its last number on; when it comes back it starts at 0."""
    watched = Watched(host, groups=1, keep=60.0)
    add_process(host, 7, "db", user=1)
    add_process(host, 8, "sh", pages=9)
    watched.look()
    add_process(host, 7, "db", user=101)
    assert watched.cpu(10) == {"db": 1, "sh": 0, "other": 0}
    watched.look(100_000)
    add_process(host, 7, "db", user=102)
    add_process(host, 8, "sh", pages=9, user=50)
    assert watched.cpu(100) == {"sh": 0.5, "other": pytest.approx(0.01)}


def test_a_new_program_is_another_group(host: FakeHost) -> None:
    """What the process has done since the last look goes to what it is now."""
    watched = Watched(host)
    add_process(host, 7, "sh", pages=9)
    add_process(host, 8, "db", pages=9)
    watched.look()
    add_process(host, 7, "db", pages=9, user=100)
    assert watched.cpu(10) == {"sh": 0, "db": 1, "other": 0}


def test_a_command_line_may_name_a_group(host: FakeHost) -> None:
    """It is read once for each program, not shown, and may be missing or none of those named."""
    watched = Watched(host, "9/cmdline", command_groups=re.compile("(?P<solr>secret)"))
    for pid in (7, 8, 9):
        add_process(host, pid, "java", pages=9)
    add_process(host, 10, "kworker/1", kernel=1, user=1)
    host.write("proc/7/cmdline", "java\0-Dsecret\0")
    host.write("proc/8/cmdline", "java\0")
    samples = watched.look()
    assert samples['processes{group="solr"}'] == 1
    assert samples['processes{group="java"}'] == 2
    assert samples['processes{group="[kworker]"}'] == 1
    host.write("proc/8/cmdline", "secret\0")
    assert watched.look(10)['processes{group="solr"}'] == 1
    assert "secret" not in str(samples)


def test_no_more_processes_are_looked_at_than_asked(host: FakeHost) -> None:
    """Those with higher numbers are left out; one that comes in later is not taken for new."""
    watched = Watched(host, max_processes=2)
    add_process(host, 7, "db", pages=9)
    add_process(host, 8, "db", pages=9, user=1000, start=500)
    samples = watched.look()
    assert samples['processes{group="db"}'] == 1
    assert samples["scanned_processes"] == 2
    assert samples["left_out_processes"] == 1
    end_process(host, 7)
    assert watched.cpu(10)["db"] == 0


@pytest.mark.parametrize("hidepid", [1, 2])
def test_hidden_processes_are_no_data(host: FakeHost, hidepid: int) -> None:
    """A sum without them would be wrong."""
    watched = Watched(host, *(["1/stat"] if hidepid == 1 else []))
    add_process(host, 7, "own")
    if hidepid == 2:
        end_process(host, 1)
    with pytest.raises(NoData, match="hidepid"):
        watched.look()


def test_what_may_not_be_read_is_absent(host: FakeHost) -> None:
    """For the whole group, when one process of it refuses; other groups have it."""
    watched = Watched(host, "7/io", "7/fd", "7/smaps_rollup", proportional=True)
    for pid, name in ((7, "db"), (8, "db"), (9, "sh")):
        add_process(host, pid, name, pages=9)
        host.write(f"proc/{pid}/io", io_text())
        host.write(f"proc/{pid}/status", status_text())
        host.write(f"proc/{pid}/smaps_rollup", "Pss: 5 kB\n")
        host.write(f"proc/{pid}/fd/0", "")
    samples = watched.look()
    wanted = set(of_group(samples, "sh"))
    hidden = {"read_bytes_total", "written_bytes_total", "proportional_bytes", "open_descriptors"}
    assert wanted >= hidden
    assert set(of_group(samples, "db")) == wanted - hidden


def test_a_process_that_ends_meanwhile_costs_only_itself(host: FakeHost) -> None:
    """Its directory is still there, its files are not."""
    watched = Watched(host)
    add_process(host, 7, "db", pages=9)
    (host.root / "proc/8").mkdir()
    samples = watched.look()
    assert samples['processes{group="db"}'] == 1
    assert samples["left_out_processes"] == 1


def test_while_suspended_no_process_is_looked_at(host: FakeHost) -> None:
    """It says who has suspended it; afterwards nothing of what was done meanwhile is lost."""
    watched = Watched(host)
    add_process(host, 7, "db", pages=9)
    watched.look()
    watched.collector.suspend()
    (host.root / "proc/7/stat").unlink()
    with pytest.raises(NoData, match="suspended by the governor"):
        watched.look(10)
    add_process(host, 7, "db", pages=9, user=300)
    watched.collector.resume()
    assert watched.cpu(10)["db"] == 3


LOOKS = st.lists(
    st.dictionaries(
        st.integers(2, 9), st.tuples(st.sampled_from("abcd"), st.integers(0, 50)), max_size=8
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(looks=LOOKS)
def test_no_counter_ever_goes_back(
    looks: list[dict[int, tuple[str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever starts, works and ends: and their growth adds up to that of the processes."""
    host = FakeHost(tmp_path_factory.mktemp("host"))
    watched = Watched(host, groups=1, keep=5.0)
    before = watched.cpu()
    done: Counter[int] = Counter()
    for processes in looks:
        for pid in done.keys() - processes.keys():
            end_process(host, pid)
            del done[pid]
        grown = 0
        for pid, (name, ticks) in processes.items():
            done[pid] += ticks
            grown += ticks
            add_process(host, pid, name, user=done[pid])
        after = watched.cpu(10)
        common = before.keys() & after.keys()
        assert all(after[group] >= before[group] for group in common)
        assert sum(after[group] - before[group] for group in common) == pytest.approx(grown / 100)
        assert all(after[group] == 0 for group in after.keys() - common)
        before = after
