"""The bcache collector: /sys/fs/bcache."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.bcache import (
    BcacheCollector,
    Options,
    parse_amount,
    parse_priority,
    parse_writeback,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

UUID = "00000000-0000-4000-8000-0000000000c1"
SET = {
    "average_key_size": "11",
    "btree_cache_size": "212.9M",
    "cache_available_percent": "87",
    "congested": "0",
    "root_usage_percent": "3",
    "tree_depth": "1",
    "internal/active_journal_entries": "4",
    "internal/btree_nodes": "1703",
    "internal/btree_read_average_duration_us": "2500",
    "internal/cache_read_races": "2",
    "stats_total/cache_hits": "1000",
}
BACKING = {
    "dirty_data": "5.0G",
    "writeback_rate_debug": "rate:\t\t1.0M/sec\ndirty:\t\t5.0G\ntarget:\t\t20.0G\n"
    "proportional:\t-3.0k\nintegral:\t0.0k\nchange:\t\t-12.0k/sec\nnext io:\t-1187ms",
    "stats_total/bypassed": "27.0G",
    "stats_total/cache_hits": "400",
    "stats_total/cache_misses": "5",
    "stats_total/cache_bypass_hits": "6",
    "stats_total/cache_bypass_misses": "7",
    "stats_total/cache_miss_collisions": "8",
}
CACHE = {
    "io_errors": "0",
    "metadata_written": "34.0G",
    "written": "1.0T",
    "priority_stats": "Unused:\t\t12%\nClean:\t\t71%\nMetadata:\t1%\nAverage:\t10473",
}


def add_files(host: FakeHost, folder: str, files: dict[str, str]) -> None:
    """Write attributes of the set."""
    for name, content in files.items():
        host.write(f"sys/fs/bcache/{folder}/{name}", f"{content}\n")


def add_set(host: FakeHost, uuid: str = UUID) -> None:
    """Write a set with a cache and a disk behind it."""
    add_files(host, uuid, SET)
    add_files(host, f"{uuid}/bdev0", BACKING)
    add_files(host, f"{uuid}/cache0", CACHE)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (b"1305", 1305),
        (b"-3", -3),
        (b"0.0k", 0),
        (b"3.5k", 3572),
        (b"3.10k", 4072),
        (b"-1.0k", -1024),
        (b"2.0M", 2 * 1024**2),
        (b"7k", 7 * 1024),
    ],
)
def test_parse_amounts(text: bytes, amount: int) -> None:
    """With and without a unit; on older kernels .10 comes after .9."""
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", [b"", b"k", b"1.5", b"1,5k", b"1.5x", b"1.5 k", b"--1"])
def test_parse_amount_refuses_other_texts(text: bytes) -> None:
    """A fraction needs a unit, and units are the kernel's."""
    with pytest.raises(ValueError, match="expected an amount"):
        parse_amount(text)


def test_parse_writeback_takes_what_it_knows() -> None:
    """Amounts may be negative and per second."""
    assert parse_writeback(BACKING["writeback_rate_debug"].encode()) == {
        b"rate": 1024**2,
        b"target": 20 * 1024**3,
        b"proportional": -3072,
        b"integral": 0,
        b"change": -12288,
    }


def test_parse_priority_takes_percentages() -> None:
    """Lines of other kinds are left."""
    assert parse_priority(CACHE["priority_stats"].encode()) == {b"Unused": 12, b"Metadata": 1}


@pytest.mark.parametrize("text", [b"Unused:", b"Unused: 12", b"Unused: some%"])
def test_parse_priority_refuses_other_texts(text: bytes) -> None:
    """What is no percentage is not passed on."""
    with pytest.raises(ValueError, match="expected a percentage"):
        parse_priority(text)


@given(st.binary(max_size=60) | st.sampled_from([b"rate:", b"Unused: \xb2%", b"target: 1.k"]))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_amount, parse_writeback, parse_priority):
        with contextlib.suppress(ValueError):
            parse(text)


def test_sets_disks_and_caches_are_shown(host: FakeHost) -> None:
    """Microseconds become seconds, amounts bytes; hits are those of the disk, not of the set."""
    add_set(host)
    samples = host.samples(BcacheCollector(host.kernel))
    own, disk, cache = (
        f'{{{label}uuid="{UUID}"}}'
        for label in ("", 'backing_device="bdev0",', 'cache_device="cache0",')
    )
    assert samples[f"node_bcache_btree_read_average_duration_seconds{own}"] == 0.0025
    assert samples[f"node_bcache_btree_nodes{own}"] == 1703
    assert samples[f"node_bcache_dirty_data_bytes{disk}"] == 5 * 1024**3
    assert samples[f"node_bcache_writeback_rate_proportional_term{disk}"] == -3072
    assert samples[f"node_bcache_cache_hits_total{disk}"] == 400
    assert samples[f"node_bcache_written_bytes_total{cache}"] == 1024**4
    assert not [name for name in samples if "priority" in name or "readaheads" in name]
    assert len(samples) == 10 + 7 + 5 + 3


def test_priorities_are_an_option(host: FakeHost) -> None:
    """They are dear to read."""
    add_set(host)
    add_files(host, f"{UUID}/cache1", {"io_errors": "0"})
    samples = host.samples(BcacheCollector(host.kernel, Options(priority_stats=True)))
    labels = f'{{cache_device="cache0",uuid="{UUID}"}}'
    assert samples[f"node_bcache_priority_stats_unused_percent{labels}"] == 12
    assert samples[f"node_bcache_priority_stats_metadata_percent{labels}"] == 1
    assert len([name for name in samples if "priority" in name]) == 2


def test_devices_come_and_go(host: FakeHost) -> None:
    """A disk can be attached and detached, and a set unregistered."""
    other = UUID.replace("c1", "c2")
    add_set(host)
    collector = BcacheCollector(host.kernel)
    host.samples(collector)
    add_files(host, f"{UUID}/bdev1", BACKING)
    assert [name for name in host.samples(collector) if '"bdev1"' in name]
    shutil.rmtree(host.root / "sys/fs/bcache" / UUID / "bdev0")
    assert not [name for name in host.samples(collector) if '"bdev0"' in name]
    add_set(host, other)
    shutil.rmtree(host.root / "sys/fs/bcache" / UUID)
    assert all(other in name for name in host.samples(collector))


@pytest.mark.parametrize("path", [None, "sys/fs/bcache/register"])
def test_a_host_without_bcache_has_no_data(host: FakeHost, path: str | None) -> None:
    """Neither without the driver, nor while nothing is registered."""
    if path:
        host.write(path, "")
    with pytest.raises(NoData, match="no bcache sets"):
        list(BcacheCollector(host.kernel).collect())
