"""The requests of ethtool, their answers, and the modes that these name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors import _ethtool_ioctl as ioctl
from exporter.collectors._ethtool_modes import NAMES, Speed, names_of, ports_of, speeds_of
from tests.collectors.drivers import (
    bits,
    make_driver,
    make_link,
    make_names,
    make_statistics,
)


def test_an_interface_that_is_not_there_is_an_error() -> None:
    """The kernel says so, also when asked twice."""
    asking = ioctl.KernelDrivers()
    for _ in range(2):
        with pytest.raises(OSError, match="No such device"):
            ioctl.ask_driver_info(asking.ask, "no-such-nic")


def test_modes_have_the_kernels_numbers() -> None:
    """Those between which there are others."""
    places = {"Autoneg": 6, "25000baseCR/full": 31, "FEC_LLRS": 74, "1600000baseDR8_2/full": 124}
    assert {name: NAMES.index(name) for name in places} == places
    assert len(set(NAMES)) == len(NAMES)


def test_bits_are_read_by_their_names() -> None:
    """Those newer than the list are passed over."""
    word = bits("10baseT/half", "MII", "FEC_RS") | 1 << 200
    assert list(names_of(word)) == ["10baseT/half", "MII", "FEC_RS"]
    assert list(ports_of(word)) == ["MII"]
    assert list(speeds_of(word)) == [Speed("half", "10baseT", 1_250_000)]


PARSERS = (
    ioctl.parse_driver_info,
    ioctl.parse_legacy_settings,
    ioctl.parse_link_settings,
    ioctl.count_words,
    ioctl.parse_names,
    ioctl.parse_statistics,
)


@pytest.mark.parametrize(
    ("parse", "answer"),
    [
        (ioctl.parse_driver_info, make_driver("igc", "1", 0)),
        (ioctl.parse_legacy_settings, bytes(44)),
        (ioctl.parse_link_settings, make_link(1, 1)[:80]),
        (ioctl.count_words, make_link(0, 0, words=-4)),
        (ioctl.parse_names, make_names("a", "b")),
        (ioctl.parse_statistics, make_statistics(1, 2)),
    ],
)
def test_parsers_refuse_short_answers(parse: Callable[[bytes], object], answer: bytes) -> None:
    """Of each only the whole is taken."""
    parse(answer)
    with pytest.raises(ValueError, match="ethtool"):
        parse(answer[:-1])


def test_sets_of_no_words_are_refused() -> None:
    """The kernel tells how many there are as a negative number."""
    with pytest.raises(ValueError, match="words"):
        ioctl.count_words(make_link(0, 0, words=4))


@given(st.binary(max_size=300))
def test_parsers_raise_nothing_but_value_error(answer: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in PARSERS:
        with contextlib.suppress(ValueError):
            parse(answer)
