"""The vmstat collector: /proc/vmstat."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.vmstat import (
    DEFAULT_FIELDS,
    Options,
    VmstatCollector,
    parse_fields,
    parse_vmstat,
)

TEXT = """\
nr_free_pages 6126344
nr_dirtied 12
workingset_nodes 3
workingset_refault_file 4
pgpgin 1008661
pswpout 6
pgalloc_normal 7
allocstall_movable 8
pgfault 1736106
pgsteal_kswapd 9
oom_kill 10
numa_miss 11
thp_zero_page_alloc 13
swap_ra_hit 14
"""


def test_parse_keeps_names_and_numbers() -> None:
    """The columns come out as the kernel wrote them."""
    fields = parse_vmstat(b"pgfault 1736106\noom_kill 0\n")
    assert fields.names == [b"pgfault", b"oom_kill"]
    assert fields.numbers == [b"1736106", b"0"]


@pytest.mark.parametrize(
    "text", [b"", b"pgfault", b"pgfault x", b"pgfault -1", b"pg{fault 1", b"pgfault 1\npgmajfault"]
)
def test_parse_refuses_what_is_not_a_vmstat(text: bytes) -> None:
    """Truncated or garbled text is a ValueError, never data."""
    with pytest.raises(ValueError, match=r"vmstat|integers"):
        parse_vmstat(text)


@given(st.binary(max_size=200) | st.from_regex(rb"(\w+ [0-9]+\n){1,4}"))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_vmstat(text)


def test_default_is_paging_swapping_reclaim_and_faults(host: Any) -> None:
    """Counters of these are exposed; gauges, and counters of other things, are not."""
    host.write("proc/vmstat", TEXT)
    samples = host.samples(VmstatCollector(host.kernel, Options()))
    left_out = {
        "nr_free_pages",
        "nr_dirtied",
        "workingset_nodes",
        "numa_miss",
    }
    names = {line.split()[0] for line in TEXT.splitlines()}
    assert set(samples) == {f"node_vmstat_{name}" for name in names - left_out}
    assert samples["node_vmstat_pgfault"] == 1736106
    assert samples["node_vmstat_pswpout"] == 6


@given(st.from_regex(r"(oom_kill|pgpg|pswp|pg[a-z]{0,9}fault)[a-z_]{0,9}", fullmatch=True))
def test_default_holds_node_exporters_default(field: str) -> None:
    """Whatever node_exporter exposes by default is exposed."""
    assert re.search(DEFAULT_FIELDS, field)


def test_fields_are_chosen_by_regexp(host: Any) -> None:
    """The option replaces the default; empty, it takes every field."""
    host.write("proc/vmstat", TEXT)
    chosen = VmstatCollector(host.kernel, Options(fields=parse_fields("^nr_free")))
    assert host.samples(chosen) == {"node_vmstat_nr_free_pages": 6126344}
    every = VmstatCollector(host.kernel, Options(fields=parse_fields("")))
    assert len(host.samples(every)) == len(TEXT.splitlines())


def test_numbers_and_fields_follow_the_file(host: Any) -> None:
    """A second collection shows new numbers, and other fields when there are others."""
    host.write("proc/vmstat", TEXT)
    collector = VmstatCollector(host.kernel, Options())
    host.samples(collector)
    host.write("proc/vmstat", TEXT.replace("1736106", "1736107"))
    assert host.samples(collector)["node_vmstat_pgfault"] == 1736107
    host.write("proc/vmstat", "pgmajfault 5\n")
    assert host.samples(collector) == {"node_vmstat_pgmajfault": 5}
