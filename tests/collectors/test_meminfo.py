"""The meminfo collector: /proc/meminfo."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.meminfo import MeminfoCollector, parse_meminfo

LINUX_6 = """\
MemTotal:       24684084 kB
MemFree:        24505376 kB
MemAvailable:   24431460 kB
Active(anon):       1536 kB
Inactive(file):    19768 kB
NFS_Unstable:          0 kB
VmallocTotal:   34359738367 kB
HugePages_Total:       7
Hugepagesize:       2048 kB
DirectMap1G:    25165824 kB
"""

LINUX_2_6 = """\
MemTotal:      1026364 kB
MemFree:         12536 kB
HighTotal:      130944 kB
HugePages_Total:     0
"""


def test_parse_keeps_names_numbers_and_units_apart() -> None:
    """A field is a name, the kernel's digits and, but for huge pages, a unit."""
    fields = parse_meminfo(LINUX_2_6.encode())
    assert fields.names == (b"MemTotal", b"MemFree", b"HighTotal", b"HugePages_Total")
    assert fields.numbers == (b"1026364", b"12536", b"130944", b"0")
    assert fields.units == (b" kB", b" kB", b" kB", b"")


def test_parse_passes_over_lines_it_does_not_know() -> None:
    """A line of another form, from a newer kernel or a vendor's, costs only itself."""
    fields = parse_meminfo(b"Banner\nMemTotal: 5 kB\nOdd: 5 pages\nNegative: -5 kB\n")
    assert fields.names == (b"MemTotal",)


@pytest.mark.parametrize("text", [b"", b"MemTotal", b"MemTotal: x kB\n", b"MemTotal: " + b"9" * 21])
def test_parse_refuses_what_has_no_field(text: bytes) -> None:
    """Empty, truncated or garbled text is a ValueError, never data."""
    with pytest.raises(ValueError, match="meminfo"):
        parse_meminfo(text)


@given(st.binary(max_size=200) | st.from_regex(rb"(\w+: +[0-9]+( kB)?\n){1,4}"))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_meminfo(text)


def test_every_field_is_exposed_in_bytes(host: Any) -> None:
    """Kilobytes become bytes, parentheses an underscore, and huge pages stay plain numbers."""
    host.write("proc/meminfo", LINUX_6)
    assert host.samples(MeminfoCollector(host.kernel)) == {
        "node_memory_MemTotal_bytes": 24684084 * 1024,
        "node_memory_MemFree_bytes": 24505376 * 1024,
        "node_memory_MemAvailable_bytes": 24431460 * 1024,
        "node_memory_Active_anon_bytes": 1536 * 1024,
        "node_memory_Inactive_file_bytes": 19768 * 1024,
        "node_memory_NFS_Unstable_bytes": 0,
        "node_memory_VmallocTotal_bytes": 34359738367 * 1024,
        "node_memory_HugePages_Total": 7,
        "node_memory_Hugepagesize_bytes": 2048 * 1024,
        "node_memory_DirectMap1G_bytes": 25165824 * 1024,
    }


def test_numbers_and_fields_follow_the_file(host: Any) -> None:
    """A second collection shows new numbers; new fields come, and old ones go."""
    host.write("proc/meminfo", LINUX_6)
    collector = MeminfoCollector(host.kernel)
    host.samples(collector)
    host.write("proc/meminfo", LINUX_6.replace("24505376", "5"))
    assert host.samples(collector)["node_memory_MemFree_bytes"] == 5 * 1024
    host.write("proc/meminfo", LINUX_2_6)
    assert set(host.samples(collector)) == {
        "node_memory_MemTotal_bytes",
        "node_memory_MemFree_bytes",
        "node_memory_HighTotal_bytes",
        "node_memory_HugePages_Total",
    }
