"""The swap collector: /proc/swaps."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.swap import Swap, SwapCollector, parse_swaps
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
OLD = HEADER + "/dev/dm-1                               partition\t4194300\t182180\t-1\n"
NEW = (
    HEADER
    + "/dev/zram0                              partition\t8388604\t\t4\t\t100\n"
    + "/var/swap\\040file\\040(deleted)            file\t\t1048572\t\t0\t\t-2\n"
)


def test_parse_takes_old_and_new_kernels() -> None:
    """The widths of the columns differ; a space in a name is written in octal."""
    assert parse_swaps(OLD.encode()) == [Swap("/dev/dm-1", "partition", 4_194_300, 182_180, b"-1")]
    assert parse_swaps(NEW.encode())[1] == Swap(
        "/var/swap\\040file\\040(deleted)", "file", 1_048_572, 0, b"-2"
    )


@pytest.mark.parametrize(
    "text",
    ["", "/dev/sda2 partition 1 2 3\n", HEADER + "/dev/sda2 partition 1\n", HEADER + "a b c d e\n"],
)
def test_parse_refuses_what_is_no_table(text: str) -> None:
    """A table without its header, and lines cut short, are errors."""
    with pytest.raises(ValueError, match=r"/proc/swaps|integers"):
        parse_swaps(text.encode())


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda one: HEADER.encode() + one))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_swaps(text)


def test_each_swap_is_shown(host: FakeHost) -> None:
    """Sizes are bytes; priorities that the kernel gave are negative."""
    host.write("proc/swaps", NEW)
    samples = host.samples(SwapCollector(host.kernel))
    zram = '{device="/dev/zram0",swap_type="partition"}'
    assert samples[f"node_swap_size_bytes{zram}"] == 8_388_604 * 1024
    assert samples[f"node_swap_used_bytes{zram}"] == 4096
    assert samples[f"node_swap_priority{zram}"] == 100
    assert min(samples.values()) == -2
    assert len(samples) == 6


def test_swaps_come_and_go(host: FakeHost) -> None:
    """What swapon and swapoff do is seen at the next scrape."""
    host.write("proc/swaps", OLD)
    collector = SwapCollector(host.kernel)
    assert len(host.samples(collector)) == 3
    host.write("proc/swaps", NEW)
    assert not [name for name in host.samples(collector) if "dm-1" in name]


def test_a_host_that_does_not_swap_has_no_data(host: FakeHost) -> None:
    """An empty table, or no table at all."""
    host.write("proc/swaps", HEADER)
    collector = SwapCollector(host.kernel)
    with pytest.raises(NoData, match="nothing is swapped to"):
        list(collector.collect())
    (host.root / "proc/swaps").unlink()
    with pytest.raises(NoData, match="CONFIG_SWAP"):
        list(SwapCollector(host.kernel).collect())
