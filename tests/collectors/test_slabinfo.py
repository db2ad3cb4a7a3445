"""The slabinfo collector: /proc/slabinfo."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.slabinfo import Options, SlabinfoCollector, parse_slabinfo
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

HEAD = """\
slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables
"""
TAIL = " : tunables    0    0    0 : slabdata     34     34      0\n"
SLABS = "".join(
    (
        HEAD,
        "ext4_inode_cache    1052   1058   1184   27    8" + TAIL,
        ":A-0000128             5    32    128   32    1" + TAIL,
        "dma buffers            1     2      3    4    5" + TAIL,
    )
)
WITH_STATISTICS = HEAD.replace("2.1", "2.1 (statistics)") + (
    "dentry  7  8  192 21 1" + TAIL.rstrip() + " : globalstat 1 2 3\n"
)


def make_collector(host: FakeHost, text: str = SLABS, **options: str) -> SlabinfoCollector:
    """Make a collector of a host with these caches."""
    host.write("proc/slabinfo", text)
    patterns = {name: re.compile(pattern) for name, pattern in options.items()}
    return SlabinfoCollector(host.kernel, Options(**patterns) if patterns else None)


def names_of(samples: dict[str, float]) -> set[str]:
    """Pick the names of the caches."""
    return {name.split('"')[1] for name in samples}


def test_parse_takes_odd_names() -> None:
    """Those with colons and spaces, which the kernel does not forbid."""
    slabs = parse_slabinfo(SLABS.encode())
    assert list(slabs) == ["ext4_inode_cache", ":A-0000128", "dma buffers"]
    assert slabs["dma buffers"] == [b"1", b"2", b"3", b"4", b"5"]


def test_parse_takes_a_kernel_with_statistics() -> None:
    """Built with CONFIG_DEBUG_SLAB it had more columns."""
    assert list(parse_slabinfo(WITH_STATISTICS.encode())) == ["dentry"]


@pytest.mark.parametrize(
    "text", ["", "slabinfo - version: 3.0\n", HEAD + "dentry 1 2 3", HEAD + "dentry 1 2 3 4 x"]
)
def test_parse_refuses_other_texts(text: str) -> None:
    """Another version, lines cut short, words in place of numbers."""
    with pytest.raises(ValueError, match=r"slabinfo|integers"):
        parse_slabinfo(text.encode())


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for one in (text, HEAD.encode() + text):
        with contextlib.suppress(ValueError):
            parse_slabinfo(one)


def test_caches_are_shown(host: FakeHost) -> None:
    """With five numbers each."""
    samples = host.samples(make_collector(host))
    name = '{slab="ext4_inode_cache"}'
    assert samples[f"node_slabinfo_active_objects{name}"] == 1052
    assert samples[f"node_slabinfo_objects{name}"] == 1058
    assert samples[f"node_slabinfo_object_size_bytes{name}"] == 1184
    assert samples[f"node_slabinfo_objects_per_slab{name}"] == 27
    assert samples[f"node_slabinfo_pages_per_slab{name}"] == 8
    assert len(samples) == 15


def test_caches_are_chosen(host: FakeHost) -> None:
    """By a pattern that takes in, one that leaves out, or both."""
    assert names_of(host.samples(make_collector(host, slabs_include="cache"))) == {
        "ext4_inode_cache"
    }
    assert names_of(host.samples(make_collector(host, slabs_exclude="^:"))) == {
        "ext4_inode_cache",
        "dma buffers",
    }
    both = make_collector(host, slabs_include="a", slabs_exclude="cache")
    assert names_of(host.samples(both)) == {"dma buffers"}


def test_missing_file_and_missing_rights_have_no_data(host: FakeHost) -> None:
    """The second says what to do; what root may not read stands in for what others may not."""
    with pytest.raises(NoData, match="no /proc/slabinfo"):
        list(SlabinfoCollector(host.kernel).collect())
    (host.root / "proc").mkdir()
    (host.root / "proc/slabinfo").symlink_to("/sys/bus/cpu/drivers_probe")
    with pytest.raises(NoData, match="run as root"):
        list(SlabinfoCollector(host.kernel).collect())
