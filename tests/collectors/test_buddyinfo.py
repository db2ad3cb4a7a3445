"""The buddyinfo collector: /proc/buddyinfo."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.buddyinfo import BuddyinfoCollector, Zone, parse_buddyinfo
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

BUDDYINFO = """\
Node 0, zone      DMA      1      0      1
Node 0, zone   Normal   1889    777    924
Node 1, zone   Normal      5      6      7
"""


def test_parse_zones() -> None:
    """A line for each zone of each node."""
    assert parse_buddyinfo(BUDDYINFO.encode())[1] == Zone("0", "Normal", [b"1889", b"777", b"924"])


@pytest.mark.parametrize(
    "text", ["Node 0, zone", "Node 0 zone DMA 1", "Node x, zone DMA 1", "Node 0, zone DMA y", "\n"]
)
def test_parse_refuses_other_lines(text: str) -> None:
    """Also those that are cut short."""
    with pytest.raises(ValueError, match=r"buddyinfo|integers"):
        parse_buddyinfo(text.encode())


@given(st.binary(max_size=100))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for one in (text, b"Node 0, zone " + text):
        with contextlib.suppress(ValueError):
            parse_buddyinfo(one)


def test_blocks_are_shown(host: FakeHost) -> None:
    """By node, zone and power of two."""
    host.write("proc/buddyinfo", BUDDYINFO)
    samples = host.samples(BuddyinfoCollector(host.kernel))
    assert samples['node_buddyinfo_blocks{node="0",size="2",zone="Normal"}'] == 924
    assert samples['node_buddyinfo_blocks{node="1",size="0",zone="Normal"}'] == 5
    assert len(samples) == 9


def test_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """As one without a memory management unit."""
    with pytest.raises(NoData, match="buddyinfo"):
        list(BuddyinfoCollector(host.kernel).collect())
