"""The cpufreq collector: /sys/devices/system/cpu/cpuN/cpufreq."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.cpufreq import CpufreqCollector, parse_frequency
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

CPUS = "sys/devices/system/cpu"


def write_cpu(host: FakeHost, cpu: int, **files: str) -> None:
    """Write a CPU of which the driver tells everything but what the hardware says."""
    for name, content in {
        "cpuinfo_min_freq": "400000",
        "cpuinfo_max_freq": "5132270",
        "scaling_cur_freq": "1397250",
        "scaling_min_freq": "400000",
        "scaling_max_freq": "4000000",
        "scaling_governor": "powersave",
        "scaling_available_governors": "performance powersave ",
        **files,
    }.items():
        host.write(f"{CPUS}/cpu{cpu}/cpufreq/{name}", f"{content}\n")


def test_frequencies_and_governors_are_shown(host: FakeHost) -> None:
    """The kernel's kHz become hertz; the governor is the one with 1."""
    host.write(f"{CPUS}/online", "0\n")
    write_cpu(host, 0, cpuinfo_cur_freq="1400000")
    assert host.samples(CpufreqCollector(host.kernel)) == {
        'node_cpu_frequency_hertz{cpu="0"}': 1.4e9,
        'node_cpu_frequency_min_hertz{cpu="0"}': 4e8,
        'node_cpu_frequency_max_hertz{cpu="0"}': 5.13227e9,
        'node_cpu_scaling_frequency_hertz{cpu="0"}': 1.39725e9,
        'node_cpu_scaling_frequency_min_hertz{cpu="0"}': 4e8,
        'node_cpu_scaling_frequency_max_hertz{cpu="0"}': 4e9,
        'node_cpu_scaling_governor{cpu="0",governor="performance"}': 0,
        'node_cpu_scaling_governor{cpu="0",governor="powersave"}': 1,
    }


def test_what_is_unknown_is_absent(host: FakeHost) -> None:
    """What the hardware says may be unknown or for root only, and so may other files be missing."""
    host.write(f"{CPUS}/online", "0-2\n")
    write_cpu(host, 0, cpuinfo_cur_freq="<unknown>")
    write_cpu(host, 1, scaling_available_governors="")
    (host.root / CPUS / "cpu1/cpufreq/cpuinfo_cur_freq").symlink_to("/proc/sys/vm/drop_caches")
    write_cpu(host, 2)
    (host.root / CPUS / "cpu2/cpufreq/scaling_governor").unlink()
    samples = host.samples(CpufreqCollector(host.kernel))
    assert not [name for name in samples if name.startswith("node_cpu_frequency_hertz")]
    assert [name for name in samples if "governor" in name and 'cpu="0"' not in name] == [
        'node_cpu_scaling_governor{cpu="1",governor="powersave"}'
    ]


def test_cpus_that_are_offline_are_left_out_until_they_are_back(host: FakeHost) -> None:
    """Their folder stays, and older kernels leave files in it that cannot be read."""
    host.write(f"{CPUS}/online", "0-1\n")
    write_cpu(host, 0)
    write_cpu(host, 1)
    collector = CpufreqCollector(host.kernel)
    assert len(host.samples(collector)) == 14
    host.write(f"{CPUS}/online", "0\n")
    assert not [name for name in host.samples(collector) if 'cpu="1"' in name]
    host.write(f"{CPUS}/online", "0-1\n")
    assert len(host.samples(collector)) == 14


def test_a_driver_that_is_being_replaced_is_found_again(host: FakeHost) -> None:
    """In between the files are missing; that is not remembered."""
    host.write(f"{CPUS}/online", "0-1\n")
    write_cpu(host, 0)
    collector = CpufreqCollector(host.kernel)
    assert len(host.samples(collector)) == 7
    write_cpu(host, 1)
    assert len(host.samples(collector)) == 14
    for cpu in (0, 1):
        shutil.rmtree(host.root / CPUS / f"cpu{cpu}/cpufreq")
    fresh = CpufreqCollector(host.kernel)
    with pytest.raises(NoData, match="driver"):
        host.samples(fresh)
    write_cpu(host, 0)
    assert len(host.samples(fresh)) == 7


def test_governors_may_change(host: FakeHost) -> None:
    """Their series are as they are now."""
    host.write(f"{CPUS}/online", "0\n")
    write_cpu(host, 0)
    collector = CpufreqCollector(host.kernel)
    governor = 'node_cpu_scaling_governor{cpu="0",governor="performance"}'
    assert host.samples(collector)[governor] == 0
    assert host.samples(collector)[governor] == 0
    host.write(f"{CPUS}/cpu0/cpufreq/scaling_governor", "performance\n")
    assert host.samples(collector)[governor] == 1


def test_a_cpu_without_cpufreq_does_not_cost_the_others_their_descriptors(host: FakeHost) -> None:
    """Opening a file costs eight times as much as reading it; what appears later is found."""
    host.write(f"{CPUS}/online", "0-1\n")
    write_cpu(host, 0)
    collector = CpufreqCollector(host.kernel)
    assert len(host.samples(collector)) == 7
    file = host.root / CPUS / "cpu0/cpufreq/scaling_max_freq"
    file.rename(file.with_name("aside"))
    assert len(host.samples(collector)) == 7
    file.with_name("aside").rename(file)
    write_cpu(host, 1)
    assert len(host.samples(collector)) == 14


def test_cpuinfo_is_opened_so_that_all_cpus_are_measured_at_once(host: FakeHost) -> None:
    """Without it, old x86 kernels measure one after the other; it need not be there."""
    host.write(f"{CPUS}/online", "0\n")
    write_cpu(host, 0)
    collector = CpufreqCollector(host.kernel)
    assert len(host.samples(collector)) == 7
    host.write("proc/cpuinfo", "processor : 0\n")
    kept = host.kernel.kept
    assert len(host.samples(collector)) == 7
    assert host.kernel.kept == kept


def test_a_kernel_without_a_list_of_cpus_has_no_data(host: FakeHost) -> None:
    """As a tree that was captured without it."""
    with pytest.raises(NoData, match="online"):
        host.samples(CpufreqCollector(host.kernel))


def test_a_frequency_is_a_number() -> None:
    """Or said to be unknown; anything else is a failure."""
    assert parse_frequency(b"800000") == b"800000"
    assert parse_frequency(b"<unknown>") is None
    with pytest.raises(ValueError, match="fast"):
        parse_frequency(b"fast")


@given(st.binary(max_size=40))
def test_parse_frequency_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either are a frequency or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_frequency(text)
