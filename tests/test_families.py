"""Families as plain data: layouts, their filling, and exact scaling."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.families import Family, Layout, Series, counter, gauge, scaled

LAYOUT = Layout(
    [
        Series("seconds_total", "Ticks.", "counter", ("cpu",), [("0",), ("1",)], exponent=-2),
        Series("online", "Count.", "gauge"),
    ]
)


def test_counter_and_gauge_are_families_of_one_sample() -> None:
    """The short forms differ from the long one in nothing."""
    assert counter("a_total", "A.", 1) == Family("a_total", "A.", "counter", (), (((), 1),))
    assert gauge("b", "B.", b"2") == Family("b", "B.", "gauge", (), (((), b"2"),))


def test_a_filled_layout_expands_into_its_families() -> None:
    """Numbers go to the series in the order of the layout, scaled where it says so."""
    assert list(LAYOUT.fill([b"12345", b"7", 2]).families()) == [
        Family("seconds_total", "Ticks.", "counter", ("cpu",), [(("0",), 123.45), (("1",), 0.07)]),
        Family("online", "Count.", "gauge", (), [((), 2)]),
    ]


@pytest.mark.parametrize("numbers", [[], [b"1", b"2"], [b"1"] * 4])
def test_a_layout_takes_one_number_for_each_series(numbers: list[bytes]) -> None:
    """A wrong count is an error: numbers must never slide to other series."""
    with pytest.raises(ValueError, match=f"3 series was given {len(numbers)} numbers"):
        LAYOUT.fill(numbers)


@given(st.integers(0, 2**64), st.sampled_from([-9, -6, -3, -2, 1, 3]))
def test_scaling_is_correctly_rounded(number: int, exponent: int) -> None:
    """Digits times a power of ten is the float nearest to the exact product."""
    exact = float(Decimal(number).scaleb(exponent))
    assert scaled(number, exponent) == exact
    assert scaled(str(number).encode(), exponent) == exact


def test_without_an_exponent_a_number_stays_as_it_is() -> None:
    """The kernel's digits are not converted when there is nothing to convert."""
    assert scaled(b"18446744073709551615", 0) == b"18446744073709551615"
