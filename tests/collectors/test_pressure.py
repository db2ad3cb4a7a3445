"""The pressure collector: /proc/pressure."""

from __future__ import annotations

import contextlib
import errno
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.pressure import PressureCollector, parse_pressure
from exporter.kernel import KernelFile, KernelTree, NoData

SOME = "some avg10=0.00 avg60=0.00 avg300=0.03 total=3824289\n"
FULL = "full avg10=0.00 avg60=0.00 avg300=0.00 total=1206173\n"


def test_parse_takes_the_totals() -> None:
    """The averages are left out."""
    totals = parse_pressure((SOME + FULL).encode())
    assert totals == {b"some": b"3824289", b"full": b"1206173"}


def test_parse_passes_over_what_newer_kernels_add() -> None:
    """Another line, and another average, change nothing."""
    text = "most total=1\n" + SOME.replace("total", "avg900=0.00 total")
    assert parse_pressure(text.encode()) == {b"some": b"3824289"}


@pytest.mark.parametrize("text", [b"", b"some", SOME[:-2].encode() + b"x", b"some total=-1\n"])
def test_parse_refuses_what_has_no_totals(text: bytes) -> None:
    """Truncated or garbled text is a ValueError, never data."""
    with pytest.raises(ValueError, match="pressure"):
        parse_pressure(text)


@given(st.binary(max_size=200) | st.from_regex(rb"(some|full) .*total=[0-9]+\n"))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_pressure(text)


def test_all_four_resources_of_a_new_kernel(host: Any) -> None:
    """Microseconds become seconds; the line full of cpu, always 0, is left out."""
    for resource in ("cpu", "io", "memory"):
        host.write(f"proc/pressure/{resource}", SOME + FULL)
    host.write("proc/pressure/irq", FULL)
    assert host.samples(PressureCollector(host.kernel)) == {
        "node_pressure_cpu_waiting_seconds_total": 3.824289,
        "node_pressure_io_waiting_seconds_total": 3.824289,
        "node_pressure_memory_waiting_seconds_total": 3.824289,
        "node_pressure_io_stalled_seconds_total": 1.206173,
        "node_pressure_memory_stalled_seconds_total": 1.206173,
        "node_pressure_irq_stalled_seconds_total": 1.206173,
    }


def test_kernel_older_than_6_1_has_no_irq(host: Any) -> None:
    """A missing file costs only its own series, at every collection."""
    host.write("proc/pressure/cpu", SOME)
    host.write("proc/pressure/io", SOME + FULL)
    host.write("proc/pressure/memory", SOME + FULL)
    collector = PressureCollector(host.kernel)
    first = host.samples(collector)
    assert len(first) == 5
    assert "node_pressure_irq_stalled_seconds_total" not in first
    host.write("proc/pressure/cpu", SOME.replace("3824289", "4000000"))
    assert host.samples(collector)["node_pressure_cpu_waiting_seconds_total"] == 4


def test_kernel_without_pressure_has_no_data(host: Any) -> None:
    """No /proc/pressure says what the host would need, at every collection."""
    collector = PressureCollector(host.kernel)
    for _ in range(2):
        with pytest.raises(NoData, match=r"4\.20.*CONFIG_PSI"):
            list(collector.collect())


class RefusedFile(KernelFile):
    """A file of PSI under psi=0: it can be opened, and every read fails."""

    def read(self) -> bytes:
        """Fail as the kernel does."""
        raise OSError(errno.EOPNOTSUPP, "Operation not supported", self.path)


class TreeUnderPsi0(KernelTree):
    """A kernel that was booted with psi=0."""

    def proc(self, path: str) -> KernelFile:
        """Give a file of which every read fails."""
        return RefusedFile(self, f"{self.procfs}/{path}", 1)


def test_pressure_switched_off_has_no_data(host: Any) -> None:
    """EOPNOTSUPP says how to switch it on."""
    host.write("proc/pressure/cpu", "")
    with pytest.raises(NoData, match="psi=1"):
        list(PressureCollector(TreeUnderPsi0(host.kernel.procfs)).collect())


def test_another_failure_is_a_failure(host: Any) -> None:
    """An error that says nothing about the kernel's build is passed on."""
    (host.root / "proc/pressure/cpu").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        list(PressureCollector(host.kernel).collect())
