"""The xfrm collector: /proc/net/xfrm_stat."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.xfrm import FIELDS, XfrmCollector, parse_xfrm_stat
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

FILE = "proc/net/xfrm_stat"


def test_the_known_fields_are_shown(host: FakeHost) -> None:
    """Names are taken apart at their capitals; what a newer kernel adds is left out."""
    host.write(
        FILE,
        "XfrmInError             \t1\nXfrmInHdrError          \t20\nXfrmFwdHdrError         \t3\n"
        "XfrmAcquireError        \t4\nXfrmOutNoQueueSpace     \t5\n",
    )
    assert host.samples(XfrmCollector(host.kernel)) == {
        "node_xfrm_in_error_packets_total": 1,
        "node_xfrm_in_hdr_error_packets_total": 20,
        "node_xfrm_fwd_hdr_error_packets_total": 3,
        "node_xfrm_acquire_error_packets_total": 4,
    }


def test_all_fields_have_their_number(host: FakeHost) -> None:
    """Each field is a series, with the number of its line."""
    host.write(FILE, "".join(f"{field}\t{place}\n" for place, field in enumerate(FIELDS)))
    samples = host.samples(XfrmCollector(host.kernel))
    assert sorted(samples.values()) == list(range(28))


@pytest.mark.parametrize("text", [b"", b"XfrmInError", b"XfrmInError 1\nXfrmIn", b"XfrmInError x"])
def test_parse_refuses_other_text(text: bytes) -> None:
    """Names without a number, and no lines at all, are errors."""
    with pytest.raises(ValueError, match=r"xfrm_stat|integers"):
        parse_xfrm_stat(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_xfrm_stat(text)


def test_a_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="XFRM_STATISTICS"):
        list(XfrmCollector(host.kernel).collect())
