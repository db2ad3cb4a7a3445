"""The udp_queues collector: /proc/net/udp and udp6."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.udp_queues import UdpQueuesCollector, parse_udp
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

TITLE = (
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"
    "   uid  timeout inode ref pointer drops             \n"
)
TITLE6 = (
    "  sl  local_address                         remote_address                        "
    "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
)
REST = " 00:00000000 00000000   101        0 20312 2 0000000000000000 0         \n"
EMPTY = " 2311: 3500007F:0035 00000000:0000 07 00000000:00000000" + REST
FILLED = " 2312: 00000000:0202 00000000:0000 07 00000300:0003408A" + REST
OLD = (
    " 123: 00000000:007B 00000000:0000 07 00000000:00000240 00:00000000 00000000     0"
    "        0 1411\n"
)
NOWHERE = "00000000000000000000000000000000"
FILLED6 = f" 1204: {NOWHERE}:14E9 {NOWHERE}:0000 07 00001200:00000000" + REST


def test_parse_adds_up_the_queues() -> None:
    """Empty and filled queues, of IPv4, IPv6 and kernels before 2.6.27, in any order."""
    assert parse_udp((TITLE + EMPTY + FILLED + OLD + FILLED).encode()) == (0x600, 0x68114 + 0x240)
    assert parse_udp((TITLE6 + FILLED6).encode()) == (0x1200, 0)


def test_a_last_line_may_be_without_its_end() -> None:
    """It counts as well; no lines at all are nothing in the queues."""
    assert parse_udp((TITLE + EMPTY + FILLED.rstrip("\n")).encode()) == (0x300, 0x3408A)
    assert parse_udp(TITLE.encode()) == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        EMPTY,
        TITLE + EMPTY[:40],
        TITLE + FILLED.replace("00000300", "0000030x"),
        TITLE + FILLED + "\n",
    ],
)
def test_parse_refuses_other_tables(text: str) -> None:
    """A missing title, and a line without both queues, are errors."""
    with pytest.raises(ValueError, match="net/udp"):
        parse_udp(text.encode())


@given(st.binary(max_size=200) | st.binary(max_size=100).map(TITLE.encode().__add__))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_udp(text)


def test_both_versions_are_shown(host: FakeHost) -> None:
    """Four series; they follow the files."""
    host.write("proc/net/udp", TITLE + EMPTY + FILLED)
    host.write("proc/net/udp6", TITLE6 + FILLED6)
    collector = UdpQueuesCollector(host.kernel)
    assert host.samples(collector) == {
        'node_udp_queues{ip="v4",queue="tx"}': 0x300,
        'node_udp_queues{ip="v4",queue="rx"}': 0x3408A,
        'node_udp_queues{ip="v6",queue="tx"}': 0x1200,
        'node_udp_queues{ip="v6",queue="rx"}': 0,
    }
    host.write("proc/net/udp", TITLE)
    assert host.samples(collector)['node_udp_queues{ip="v4",queue="rx"}'] == 0


@pytest.mark.parametrize(("name", "version"), [("udp", "v4"), ("udp6", "v6")])
def test_one_version_may_be_missing(host: FakeHost, name: str, version: str) -> None:
    """A kernel without the other one is no failure."""
    host.write(f"proc/net/{name}", TITLE + FILLED)
    assert host.samples(UdpQueuesCollector(host.kernel)) == {
        f'node_udp_queues{{ip="{version}",queue="tx"}}': 0x300,
        f'node_udp_queues{{ip="{version}",queue="rx"}}': 0x3408A,
    }


def test_a_kernel_without_ip_has_no_data(host: FakeHost) -> None:
    """Neither file: nothing to show, and no failure."""
    with pytest.raises(NoData, match="udp"):
        host.samples(UdpQueuesCollector(host.kernel))
