"""The xfs collector: /sys/fs/xfs/<device>/stats/stats."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.xfs import LINES, XfsCollector, parse_xfs_stats
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

STATS = """extent_alloc 5 30 1 2
abt 0 0 0 0
blk_map 0 10 5 10 0 25 0
bmbt 0 0 0 0
dir 5 6 7 8
trans 0 25 0
ig 6 1 0 5 0 0 0
log 1 8 0 1 1
rw 8 4294967295
vnodes 6 0 0 0 0 0 0 0
abtb2 5 5 0 1 0 0 0 0 0 0 0 0 0 0 1
xpc 122880 117570 0
defer_relog 0
debug 0
"""
COUNT = sum(map(len, LINES.values()))


def test_parse_takes_the_lines_that_it_knows() -> None:
    """Numbers come in the order of the metrics; other lines and columns are left."""
    numbers = parse_xfs_stats(STATS.encode())
    assert numbers[:4] == [b"5", b"30", b"1", b"2"]
    assert len(numbers) == COUNT


def test_parse_copes_with_what_a_kernel_lacks() -> None:
    """A line or a column that is not there is unknown, not zero."""
    numbers = parse_xfs_stats(b"extent_alloc 5 30\nvnodes 6\n")
    assert numbers[:4] == [b"5", b"30", None, None]
    assert [number for number in numbers if number] == [b"5", b"30", b"6"]


@pytest.mark.parametrize("text", [b"", b"extents 1 2\n", b"rw many 2\n", b"rw -1 2\n"])
def test_parse_refuses_other_files(text: bytes) -> None:
    """Without any line that is known, and with words for numbers, it is another file."""
    with pytest.raises(ValueError, match=r"no line that is known|integers"):
        parse_xfs_stats(text)


@given(st.binary(max_size=300) | st.lists(st.sampled_from(STATS.split())).map(" ".join))
def test_parse_raises_nothing_but_value_error(text: bytes | str) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_xfs_stats(text if isinstance(text, bytes) else text.encode())


def test_each_file_system_is_shown(host: FakeHost) -> None:
    """Writes come before reads in the kernel's line; the sum of all file systems is left out."""
    host.write("sys/fs/xfs/sda1/stats/stats", STATS)
    host.write("sys/fs/xfs/dm-0/stats/stats", STATS.replace("rw 8", "rw 9"))
    host.write("sys/fs/xfs/stats/stats", STATS)
    samples = host.samples(XfsCollector(host.kernel))
    assert samples['node_xfs_write_calls_total{device="sda1"}'] == 8
    assert samples['node_xfs_read_calls_total{device="sda1"}'] == 4294967295
    assert samples['node_xfs_write_calls_total{device="dm-0"}'] == 9
    assert samples['node_xfs_directory_operation_getdents_total{device="dm-0"}'] == 8
    assert len(samples) == 2 * COUNT


def test_file_systems_come_and_go(host: FakeHost) -> None:
    """Series follow what is mounted."""
    host.write("sys/fs/xfs/sda1/stats/stats", STATS)
    collector = XfsCollector(host.kernel)
    assert len(host.samples(collector)) == COUNT
    host.write("sys/fs/xfs/sdb1/stats/stats", STATS)
    assert len(host.samples(collector)) == 2 * COUNT
    shutil.rmtree(host.root / "sys/fs/xfs/sda1")
    assert all('"sdb1"' in name for name in host.samples(collector))


@pytest.mark.parametrize("path", [None, "sys/fs/xfs/stats/stats"])
def test_a_host_without_xfs_has_no_data(host: FakeHost, path: str | None) -> None:
    """Neither without the driver, nor while nothing is mounted."""
    if path:
        host.write(path, STATS)
    with pytest.raises(NoData, match="no XFS file systems"):
        list(XfsCollector(host.kernel).collect())
