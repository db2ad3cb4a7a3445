"""The selinux collector: selinuxfs, and the configuration for the next boot."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.selinux import (
    HashStatistics,
    SelinuxCollector,
    parse_cache_stats,
    parse_config,
    parse_hash_stats,
)
from tests.collectors.conftest import FakeHost

WRITE_ONLY = "/proc/sys/net/ipv4/route/flush"
"""A file that nobody may read, not even root."""

HEADER = "lookups hits misses allocations reclaims frees\n"
CACHE = HEADER + "91590784 91569452 21332 21332 20752 20830\n5 3 2 2 1 0\n"
HASH = "entries: 503\nbuckets used: 283/512\nlongest chain: 7\n"
CONFIG = "# SELINUX=disabled\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"


@pytest.fixture
def enforcing(host: FakeHost) -> FakeHost:
    """Give a host on which SELinux is enforced."""
    host.write("sys/fs/selinux/enforce", "1")
    host.write("sys/fs/selinux/avc/cache_stats", CACHE)
    host.write("sys/fs/selinux/avc/hash_stats", HASH)
    host.write("sys/fs/selinux/avc/cache_threshold", "512")
    host.write("proc/1/attr/current", "system_u:system_r:init_t:s0\0")
    host.write("etc/selinux/config", CONFIG)
    return host


def test_the_cpus_are_summed_up() -> None:
    """Each CPU counts for itself; idle and offline ones say 0."""
    text = CACHE.encode() + b"0 0 0 0 0 0\n"
    assert parse_cache_stats(text) == [91590789, 91569455, 21334, 21334, 20753, 20830]


@pytest.mark.parametrize(
    "text", [b"", HEADER.encode(), HEADER.encode() + b"1 2 3\n", b"\na b c d e f"]
)
def test_parse_refuses_other_counters(text: bytes) -> None:
    """A header without CPUs, and lines cut short, are errors."""
    with pytest.raises(ValueError, match=r"cache_stats|integers"):
        parse_cache_stats(text)


def test_the_hash_is_described() -> None:
    """Entries, buckets and the longest chain."""
    assert parse_hash_stats(HASH.encode()) == HashStatistics(b"503", b"283", b"512", b"7")


@pytest.mark.parametrize("text", [b"", b"entries: 503\n", b"entries: x\nbuckets used: 1/2\n"])
def test_parse_refuses_another_hash(text: bytes) -> None:
    """What is truncated is an error."""
    with pytest.raises(ValueError, match="hash_stats"):
        parse_hash_stats(text)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (CONFIG, 1),
        ("SELINUX = Permissive\n", 0),
        ("SELINUX=disabled # for now\n", -1),
        ("SELINUX=perhaps\n", None),
        ("SELINUXTYPE=targeted\n", None),
        ("", None),
    ],
)
def test_the_configuration_names_a_mode(text: str, mode: int | None) -> None:
    """The line that counts is found among comments; an unknown word is no mode."""
    assert parse_config(text.encode()) == mode


@given(st.binary(max_size=200))
def test_parsers_raise_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_cache_stats, parse_hash_stats, parse_config):
        with contextlib.suppress(ValueError):
            parse(text)


def test_all_is_shown_where_it_is_enforced(enforcing: FakeHost) -> None:
    """Modes, the counters of the cache, and how full it is."""
    samples = enforcing.samples(SelinuxCollector(enforcing.kernel))
    assert samples["node_selinux_enabled"] == 1
    assert samples["node_selinux_config_mode"] == 1
    assert samples["node_selinux_current_mode"] == 1
    assert samples["node_selinux_avc_lookups_total"] == 91_590_789
    assert samples["node_selinux_avc_frees_total"] == 20_830
    assert samples["node_selinux_avc_hash_buckets_available"] == 512
    assert samples["node_selinux_avc_threshold"] == 512
    assert len(samples) == 14


def test_the_mode_follows_setenforce(enforcing: FakeHost) -> None:
    """What is switched while the daemon runs is seen."""
    collector = SelinuxCollector(enforcing.kernel)
    assert enforcing.samples(collector)["node_selinux_current_mode"] == 1
    enforcing.write("sys/fs/selinux/enforce", "0")
    assert enforcing.samples(collector)["node_selinux_current_mode"] == 0


def test_counters_longer_than_a_page_are_read_whole(enforcing: FakeHost) -> None:
    """With many CPUs there are many lines."""
    enforcing.write("sys/fs/selinux/avc/cache_stats", HEADER + "100000000 2 3 4 5 6\n" * 1024)
    samples = enforcing.samples(SelinuxCollector(enforcing.kernel))
    assert samples["node_selinux_avc_lookups_total"] == 102_400_000_000


def test_a_host_without_selinux_says_so(host: FakeHost) -> None:
    """Off is an answer: 0, and nothing else."""
    host.write("etc/selinux/config", CONFIG)
    assert host.samples(SelinuxCollector(host.kernel)) == {"node_selinux_enabled": 0}


def test_selinux_without_a_policy_is_off(enforcing: FakeHost) -> None:
    """SELINUX=disabled leaves the file system there, but no policy is loaded."""
    enforcing.write("proc/1/attr/current", "kernel\0")
    collector = SelinuxCollector(enforcing.kernel)
    assert enforcing.samples(collector) == {"node_selinux_enabled": 0}


def test_what_is_missing_is_left_out(host: FakeHost) -> None:
    """A kernel without counters, a host without configuration, labels that are hidden."""
    host.write("sys/fs/selinux/enforce", "1")
    collector = SelinuxCollector(host.kernel)
    assert host.samples(collector) == {"node_selinux_enabled": 1, "node_selinux_current_mode": 1}


def test_a_mode_that_may_not_be_read_is_unknown(enforcing: FakeHost) -> None:
    """The policy may keep the mode from the daemon; then SELinux is on all the same."""
    (enforcing.root / "sys/fs/selinux/enforce").unlink()
    (enforcing.root / "sys/fs/selinux/enforce").symlink_to(WRITE_ONLY)
    samples = enforcing.samples(SelinuxCollector(enforcing.kernel))
    assert samples["node_selinux_enabled"] == 1
    assert "node_selinux_current_mode" not in samples
