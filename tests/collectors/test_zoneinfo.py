"""The zoneinfo collector: /proc/zoneinfo."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.zoneinfo import ZoneinfoCollector, parse_zoneinfo
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

NEW = """\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 3462
      nr_mapped    5828
      workingset_nodes 44663
      nr_dirtied   2761897
  pages free     3840
        boost    0
        min      44
        low      55
        high     66
        managed  3840
        protection: (0, 3019, 5707)
      nr_free_pages 3840
      numa_hit     2
  pagesets
    cpu: 0
              count:    0
              high:     378
              high_min: 27
  vm stats threshold: 4
Node 0, zone  Movable
  pages free     0
        min      32
        protection: (0, 0, 0)
"""
OLD = """\
Node 0, zone   Normal
  pages free     3969
        min      45
        scanned  7
    nr_free_pages 3969
        protection: (0, 2829, 15870, 15870)
  all_unreclaimable: 0
"""


def test_parse_takes_what_is_shown() -> None:
    """And neither other fields nor those of the pagesets, which are called alike."""
    zone, movable = parse_zoneinfo(NEW.encode())
    assert (zone.node, zone.name) == ("0", "DMA")
    assert zone.fields["high"] == b"66"
    assert set(zone.fields) == {
        *("nr_inactive_anon", "nr_mapped", "nr_dirtied", "min", "low", "high", "managed"),
        *("nr_free_pages", "numa_hit"),
    }
    assert zone.protection == [b"0", b"3019", b"5707"]
    assert movable.fields == {"min": b"32"}


@pytest.mark.parametrize(
    "text",
    [
        "  min 1\n",
        "Node 0, zone DMA\n min x\n",
        "Node 0, zone DMA\n protection: (0, x)\n",
        "Node 0 zone DMA\n",
    ],
)
def test_parse_refuses_other_texts(text: str) -> None:
    """Lines above the first zone, words in place of numbers."""
    with pytest.raises(ValueError, match=r"zoneinfo|integers"):
        parse_zoneinfo(text.encode())


@given(st.binary(max_size=100))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for one in (text, b"Node 0, zone DMA\n" + text, b"Node 0, zone DMA\nprotection: " + text):
        with contextlib.suppress(ValueError):
            parse_zoneinfo(one)


def test_zones_are_shown(host: FakeHost) -> None:
    """What a node counts as a whole stands at its first zone."""
    host.write("proc/zoneinfo", NEW)
    samples = host.samples(ZoneinfoCollector(host.kernel))
    dma, movable = '{node="0",zone="DMA"}', '{node="0",zone="Movable"}'
    assert samples[f"node_zoneinfo_nr_mapped_pages{dma}"] == 5828
    assert samples[f"node_zoneinfo_nr_dirtied_total{dma}"] == 2761897
    assert samples[f"node_zoneinfo_high_pages{dma}"] == 66
    assert samples[f"node_zoneinfo_numa_hit_total{dma}"] == 2
    assert samples[f"node_zoneinfo_min_pages{movable}"] == 32
    assert samples[f"node_zoneinfo_protection_1{dma}"] == 3019
    assert samples[f"node_zoneinfo_protection_2{movable}"] == 0
    assert len(samples) == 9 + 1 + 6


def test_old_kernels_are_shown(host: FakeHost) -> None:
    """They told how many pages were scanned."""
    host.write("proc/zoneinfo", OLD)
    samples = host.samples(ZoneinfoCollector(host.kernel))
    assert samples['node_zoneinfo_scanned_pages{node="0",zone="Normal"}'] == 7
    assert samples['node_zoneinfo_protection_3{node="0",zone="Normal"}'] == 15870
    assert len(samples) == 3 + 4


def test_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="zoneinfo"):
        list(ZoneinfoCollector(host.kernel).collect())
