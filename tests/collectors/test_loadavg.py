"""The loadavg collector: /proc/loadavg."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.loadavg import parse_loadavg


def test_parse_takes_the_three_averages() -> None:
    """The kernel's digits come out as they are."""
    load = parse_loadavg(b"0.12 3.45 678.90 2/345 6789\n")
    assert load == (b"0.12", b"3.45", b"678.90")


@pytest.mark.parametrize("text", [b"", b"0.1 0.2", b"0.1 0.2 x 1/2 3", b"0.1 0.2 -1 1/2 3"])
def test_parse_refuses_what_is_not_a_loadavg(text: bytes) -> None:
    """Truncated or garbled text is a ValueError, never data."""
    with pytest.raises(ValueError, match=r"loadavg|decimal"):
        parse_loadavg(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_loadavg(text)
