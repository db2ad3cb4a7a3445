"""Counting by system calls, on machines made of files: turns, PMUs, CPUs that come and go."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from exporter.kernel import KernelTree
from exporter.perf.findings import NOT_SUPPORTED
from exporter.perf.syscall import find_place
from tests.perf.pmu_machine import CPUS, Host, Machine, unavailable, write_tree

DEVICES = "bus/event_source/devices"
CYCLES, INSTRUCTIONS = 0, 1
HYBRID = {
    f"{DEVICES}/cpu_core/type": "4",
    f"{DEVICES}/cpu_core/cpus": "0-1",
    f"{DEVICES}/cpu_atom/type": "10",
    f"{DEVICES}/cpu_atom/cpus": "2",
}
CORE, ATOM = 4 << 32, 10 << 32
MEMORY = {
    f"{DEVICES}/uncore_imc_{number}/{name}": content
    for number in (0, 1)
    for name, content in {
        "type": f"{20 + number}",
        "cpumask": "1",
        "format/event": "config:0-7",
        "events/reads": "event=0x04",
        "events/reads.scale": "6.103515625e-5",
        "events/reads.unit": "MiB",
    }.items()
}


def test_nothing_is_opened_before_somebody_wants_it(tmp_path: Path) -> None:
    """A source that was made counts nothing; the first reading begins, and wait does too."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles")
    assert machine.opened() == []
    host.source.wait(1)
    assert machine.opened() == [(0, (CYCLES,)), (1, (CYCLES,))]
    host.source.close()


def test_counts_of_all_cpus_since_the_first_reading(tmp_path: Path) -> None:
    """What happens on each CPU is summed up, and what is divided is opened as one group."""
    machine = Machine()
    host = Host(tmp_path, machine, "core")
    assert host.read()["perf_cycles_total"] == 0
    machine.run(2, {CYCLES: 500, INSTRUCTIONS: 900})
    found = host.read()
    assert found["perf_cycles_total"] == 1000
    assert found["perf_instructions_total"] == 1800
    assert found['perf_event_running_ratio{event="cycles"}'] == 1
    assert found['perf_event_enabled_seconds_total{event="cycles"}'] == pytest.approx(4, abs=1e-3)
    assert (0, (CYCLES, INSTRUCTIONS)) in machine.opened()
    host.source.close()


def test_the_kernels_own_events_are_one_group(tmp_path: Path) -> None:
    """Software events and tracepoints take up no counter of the CPU: one read gives them all."""
    write_tree(tmp_path, {"kernel/tracing/events/sched/sched_switch/id": "314"})
    machine = Machine()
    host = Host(tmp_path, machine, "cs=cs", "cycles", "x=sched:sched_switch", online="0")
    host.read()
    assert machine.opened() == [(0, (CYCLES,)), (0, (3, 314))]
    machine.run(1, {3: 5, 314: 6})
    found = host.read()
    assert (found["perf_cs_total"], found["perf_x_total"]) == (5, 6)
    host.source.close()


def test_events_that_take_turns(tmp_path: Path) -> None:
    """A count is scaled to the whole time, and the ratio says how far to trust it."""
    machine = Machine(share=lambda members, _: 0.25 if members[0].config == CYCLES else 1)
    host = Host(tmp_path, machine, "cycles", "bus=r1d", online="0")
    host.read()
    machine.run(4, {CYCLES: 1000, 0x1D: 30})
    found = host.read()
    assert found["perf_cycles_total"] == pytest.approx(1000, rel=1e-3)
    assert found["perf_bus_total"] == 30
    assert found['perf_event_running_ratio{event="cycles"}'] == pytest.approx(0.25)
    assert found['perf_event_running_seconds_total{event="cycles"}'] == pytest.approx(1, abs=1e-3)
    host.source.close()


def test_an_event_without_a_turn_keeps_its_count(tmp_path: Path) -> None:
    """While others have the counters, the count stands still and the ratio is 0."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles", online="0")
    host.read()
    machine.run(1, {CYCLES: 77})
    host.read()
    machine.share = lambda _members, _cpu: 0.0
    machine.run(1, {CYCLES: 77})
    found = host.read()
    assert found["perf_cycles_total"] == 77
    assert found['perf_event_running_ratio{event="cycles"}'] == 0
    host.source.close()


def test_a_group_that_the_cpu_cannot_hold_falls_apart(tmp_path: Path) -> None:
    """When two events cannot be opened together, each is opened alone."""
    machine = Machine(refuse=lambda members, _: errno.EINVAL if len(members) > 1 else 0)
    host = Host(tmp_path, machine, "cycles", "instructions", online="0")
    host.read()
    assert machine.opened() == [(0, (CYCLES,)), (0, (INSTRUCTIONS,))]
    host.source.close()


def test_a_group_that_never_gets_a_turn_falls_apart(tmp_path: Path) -> None:
    """After some readings without a turn its events are counted alone; what counts stays so."""
    machine = Machine(share=lambda members, _: 0.0 if len(members) > 1 else 1.0)
    host = Host(tmp_path, machine, "cycles", "instructions", "page-faults", online="0")
    for _ in range(3):
        assert "perf_cycles_total" not in host.read()
        machine.run(1, {INSTRUCTIONS: 5, 2: 1})
    assert machine.opened() == [(0, (CYCLES,)), (0, (INSTRUCTIONS,)), (0, (2,))]
    found = host.read()
    assert found["perf_instructions_total"] == 5
    assert found["perf_page_faults_total"] == 3
    host.source.close()


def test_an_event_alone_that_never_gets_a_turn_stays_open(tmp_path: Path) -> None:
    """There is nothing to divide: opening it again would only cost time."""
    opened = []

    def note(_members: object, cpu: int) -> int:
        opened.append(cpu)
        return 0

    machine = Machine(refuse=note, share=lambda _members, _cpu: 0.0)
    host = Host(tmp_path, machine, "cycles", online="0")
    host.read()
    before = len(opened)
    for _ in range(5):
        machine.run(1)
        host.read()
    assert len(opened) == before
    host.source.close()


def test_a_hybrid_cpu_counts_its_kinds_of_cores_apart(tmp_path: Path) -> None:
    """Each kind has its CPUs and its label; groups are formed for each."""
    write_tree(tmp_path, HYBRID)
    machine = Machine()
    host = Host(tmp_path, machine, "cycles", "instructions", "cs=cs", online="0-2")
    host.read()
    assert machine.opened() == [
        (0, (3,)),
        (0, (CORE, CORE + 1)),
        (1, (3,)),
        (1, (CORE, CORE + 1)),
        (2, (3,)),
        (2, (ATOM, ATOM + 1)),
    ]
    machine.run(1, {CORE: 100, ATOM: 7, 3: 1})
    found = host.read()
    assert found['perf_cycles_total{pmu="cpu_core"}'] == 200
    assert found['perf_cycles_total{pmu="cpu_atom"}'] == 7
    assert found["perf_cs_total"] == 3
    host.source.close()


def test_an_uncore_pmu_counts_on_its_own_cpu(tmp_path: Path) -> None:
    """Both memory controllers count on the CPU that they name, and are summed up in bytes."""
    write_tree(tmp_path, MEMORY)
    machine = Machine()
    host = Host(tmp_path, machine, "read_bytes=uncore_imc/reads/", aggregation="cpu")
    host.read()
    assert machine.opened() == [(1, (4,)), (1, (4,))]
    machine.run(1, {4: 1000})
    assert host.read()['perf_read_bytes_total{cpu="1"}'] == 2 * 1000 * 64
    host.source.close()


def test_a_pmu_whose_cpu_is_offline_is_not_counted(tmp_path: Path) -> None:
    """Without any of its CPUs there is nothing to open."""
    write_tree(tmp_path, MEMORY)
    host = Host(tmp_path, Machine(), "reads=uncore_imc/reads/", online="0")
    assert host.read() == {unavailable("reads", NOT_SUPPORTED): 0}


def test_cpus_that_come_and_go(tmp_path: Path) -> None:
    """Only the CPUs concerned are opened and closed; the totals of others go on."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles", online="0", aggregation="cpu")
    host.read()
    machine.run(1, {CYCLES: 10})
    host.set_online("0-1")
    host.read()
    machine.run(1, {CYCLES: 5})
    host.set_online("1")
    found = host.read()
    assert machine.opened() == [(1, (CYCLES,))]
    assert found['perf_cycles_total{cpu="0"}'] == 10
    assert found['perf_cycles_total{cpu="1"}'] == 5
    machine.run(1, {CYCLES: 1})
    host.set_online("0-1")
    host.read()
    machine.run(1, {CYCLES: 1})
    found = host.read()
    assert found['perf_cycles_total{cpu="0"}'] == 11
    assert found['perf_cycles_total{cpu="1"}'] == 7
    host.source.close()


def test_a_cpu_that_goes_while_it_is_opened(tmp_path: Path) -> None:
    """It is left out, and opened when the list of CPUs has changed."""
    machine = Machine(refuse=lambda _, cpu: errno.ENODEV if cpu == 1 else 0)
    host = Host(tmp_path, machine, "cycles")
    host.read()
    assert machine.opened() == [(0, (CYCLES,))]
    host.set_online("0")
    machine.run(1)
    host.read()
    machine.refuse = lambda _members, _cpu: 0
    host.set_online("0-1")
    machine.run(1)
    host.read()
    assert machine.opened() == [(0, (CYCLES,)), (1, (CYCLES,))]
    host.source.close()


def test_events_whose_time_stands_still_are_opened_anew(tmp_path: Path) -> None:
    """A CPU that was offline between two readings has lost its events: it gets new ones."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles", online="0")
    host.read()
    machine.run(1, {CYCLES: 10})
    host.read()
    host.read()
    machine.run(1, {CYCLES: 4})
    assert host.read()["perf_cycles_total"] == 14
    machine.refuse = lambda _members, _cpu: errno.ENODEV
    host.read()
    assert machine.opened() == []
    assert not host.source.read().is_up


def test_places_of_a_cpu(tmp_path: Path) -> None:
    """The values of the labels come from the topology; what it does not tell is none."""
    topology = f"{CPUS}/cpu5/topology"
    write_tree(
        tmp_path,
        {
            f"{topology}/physical_package_id": "1",
            f"{topology}/die_id": "-1",
            f"{topology}/core_id": "17",
            f"{CPUS}/cpu5/node3/cpulist": "5",
        },
    )
    kernel = KernelTree(sysfs=str(tmp_path))
    assert find_place(kernel, "none", 5) == ()
    assert find_place(kernel, "cpu", 5) == ("5",)
    assert find_place(kernel, "core", 5) == ("1", "0", "17")
    assert find_place(kernel, "socket", 5) == ("1",)
    assert find_place(kernel, "node", 5) == ("3",)
    assert find_place(kernel, "socket", 6) == ("",)
    assert find_place(kernel, "node", 6) == ("0",)
