"""The info option of the cpu collector: /proc/cpuinfo."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._cpuinfo import parse_cpuinfo, split_frequencies
from exporter.collectors.cpu import CpuCollector, Options

STAT = "cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 1\n"

X86 = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 106
model name\t: Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz
stepping\t: 6
microcode\t: 0xd0003e7
cpu MHz\t\t: 2596.136
cache size\t: 49152 KB
physical id\t: 1
core id\t\t: 4
flags\t\t: fpu aes avx avx2
bugs\t\t: spectre_v1 spectre_v2
power management:

processor\t: 1
vendor_id\t: GenuineIntel
cpu MHz\t\t: 800.000
physical id\t: 1
core id\t\t: 5
flags\t\t: fpu other
power management:

"""

ARM = """\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd aes
CPU implementer\t: 0x41

"""

INFO = (
    'node_cpu_info{cachesize="49152 KB",core="4",cpu="0",family="6",microcode="0xd0003e7",'
    'model="106",model_name="Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",package="1",'
    'stepping="6",vendor="GenuineIntel"}'
)


def collected(host: Any, options: Options) -> dict[str, float]:
    """Collect once, without the times."""
    samples = host.samples(CpuCollector(host.kernel, options))
    return {name: value for name, value in samples.items() if "seconds" not in name}


@pytest.fixture
def x86_host(host: Any) -> Any:
    """Give a host with two x86 CPUs."""
    host.write("proc/stat", STAT)
    host.write("proc/cpuinfo", X86)
    return host


def test_parse_takes_the_fields_of_each_processor() -> None:
    """Names and values come without the tabs between them; an empty value is empty."""
    first, second = parse_cpuinfo(X86.encode())
    assert first["model name"] == "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz"
    assert first["power management"] == ""
    assert second["core id"] == "5"


@pytest.mark.parametrize("text", [b"", b"\n\n", b"Hardware\t: BCM2835\n"])
def test_parse_refuses_what_has_no_processor(text: bytes) -> None:
    """Empty and garbled text is a ValueError, never data."""
    with pytest.raises(ValueError, match="cpuinfo"):
        parse_cpuinfo(text)


@given(st.binary(max_size=200), st.integers(0, len(X86)))
def test_parse_raises_nothing_but_value_error(text: bytes, cut: int) -> None:
    """Any bytes, also within good text, either parse or raise ValueError."""
    good = X86.encode()
    with contextlib.suppress(ValueError):
        parse_cpuinfo(text)
    assert parse_cpuinfo(good + b"\n\n" + text)[0]["core id"] == "4"
    assert split_frequencies(good[:cut] + text + good[cut:])


def test_frequencies_are_parted_from_what_stays() -> None:
    """Two texts that differ only in clock rates have the same constant parts."""
    constant, frequencies = split_frequencies(X86.encode())
    assert frequencies == [b"2596.136", b"800.000"]
    other_constant, other = split_frequencies(X86.replace("800.000", "3200.125").encode())
    assert other == [b"2596.136", b"3200.125"]
    assert other_constant == constant


def test_info_is_off_by_default(x86_host: Any) -> None:
    """Without the option the file is not read."""
    assert collected(x86_host, Options()) == {}


def test_info_and_frequency(x86_host: Any) -> None:
    """The labels name the CPU, without what the kernel does not tell; megahertz become hertz."""
    assert collected(x86_host, Options(info=True)) == {
        INFO: 1,
        'node_cpu_info{core="5",cpu="1",package="1",vendor="GenuineIntel"}': 1,
        'node_cpu_frequency_hertz{core="4",cpu="0",package="1"}': 2596136000,
        'node_cpu_frequency_hertz{core="5",cpu="1",package="1"}': 800000000,
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            Options(info_flags_include=re.compile("^avx")),
            ['node_cpu_flag_info{flag="avx"}', 'node_cpu_flag_info{flag="avx2"}'],
        ),
        (Options(info_bugs_include=re.compile("v2")), ['node_cpu_bug_info{bug="spectre_v2"}']),
    ],
)
def test_flags_and_bugs_of_the_first_cpu(
    x86_host: Any, options: Options, expected: list[str]
) -> None:
    """A pattern chooses them, and turns info on by being set."""
    samples = collected(x86_host, options)
    assert [name for name in samples if "flag" in name or "bug" in name] == expected
    assert INFO in samples


def test_arm_tells_its_flags_and_little_else(host: Any) -> None:
    """There is no clock rate, so there is none of our own making."""
    host.write("proc/stat", STAT)
    host.write("proc/cpuinfo", ARM)
    assert collected(host, Options(info_flags_include=re.compile("aes"))) == {
        'node_cpu_info{cpu="0"}': 1,
        'node_cpu_flag_info{flag="aes"}': 1,
    }


def test_info_follows_the_file(x86_host: Any) -> None:
    """New clock rates, a rate that is unknown, and a newly loaded microcode are seen."""
    collector = CpuCollector(x86_host.kernel, Options(info=True))
    x86_host.samples(collector)
    x86_host.write("proc/cpuinfo", X86.replace("800.000", "3200.125"))
    frequency = 'node_cpu_frequency_hertz{core="5",cpu="1",package="1"}'
    assert x86_host.samples(collector)[frequency] == 3200125000
    changed = X86.replace("800.000", "Unknown").replace("0xd0003e7", "0xd0003f5")
    x86_host.write("proc/cpuinfo", changed)
    samples = x86_host.samples(collector)
    assert frequency not in samples
    assert samples['node_cpu_frequency_hertz{core="4",cpu="0",package="1"}'] == 2596136000
    assert INFO.replace("0xd0003e7", "0xd0003f5") in samples


def test_frequency_of_the_hardware_comes_first(host: Any) -> None:
    """Where cpufreq gives node_cpu_frequency_hertz, info does not: a page holds a family once."""
    host.write("proc/stat", STAT)
    host.write("proc/cpuinfo", X86)
    name = "node_cpu_frequency_hertz"
    assert [key for key in collected(host, Options(info=True)) if key.startswith(name)]
    host.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_cur_freq", "2596136\n")
    samples = collected(host, Options(info=True))
    assert not [key for key in samples if key.startswith(name)]
    assert INFO in samples
