"""The $LIST encoding: bytes as they were seen, and values that travel through the real driver."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import iris
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.iris.double import wire
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.driver import connect

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
DECIMALS = st.builds(
    lambda whole, exponent: Decimal(whole).scaleb(exponent), INTEGERS, st.integers(-100, 100)
)
FLOATS = st.floats(allow_nan=False)
VALUES = st.none() | INTEGERS | FLOATS | DECIMALS | TEXTS


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (wire.UNDEFINED, "01"),
        (None, "0201"),
        ("", "0201"),
        ("\0", "030100"),
        ("a", "030161"),
        ("密", "0402c65b"),
        (0, "0204"),
        (False, "0204"),
        (255, "0304ff"),
        (256, "04040001"),
        (-1, "0205"),
        (-256, "030500"),
        (-257, "0405fffe"),
        (Decimal("0.302"), "0506fd2e01"),
        (Decimal("-0.1"), "0307ff"),
        (Decimal("1E+400"), "080131452b343030"),
        (1.5, "0a08000000000000f83f"),
        (wire.ObjectNumber("7@A.B"), "07193740412e42"),
        ((1, "a"), "0801030401030161"),
    ],
)
def test_values_have_the_bytes_of_the_driver(value: Any, encoded: str) -> None:
    """An element is its length, its type and as little as possible."""
    assert wire.encode(value).hex() == encoded


@pytest.mark.parametrize(
    ("encoded", "values"),
    [
        ("0201 030100", [None, "\0"]),
        ("0304ff 0305ff 0205 0204", [255, -1, -1, 0]),
        ("0408c03f", [1.5]),
        ("0409f83f 0c1a37004000410042004300", [1.5, "7@ABC"]),
    ],
)
def test_what_the_driver_may_send_is_read(encoded: str, values: list[Any]) -> None:
    """Forms that the double itself never sends, too."""
    assert wire.decode_all(bytes.fromhex(encoded)) == values


def test_arguments_by_reference_are_marked() -> None:
    """Their type has 32 added."""
    assert wire.decode_all(bytes.fromhex("01 032161 0221")) == [
        wire.UNDEFINED,
        wire.ByReference("a"),
        wire.ByReference(None),
    ]


@pytest.mark.parametrize("size", [252, 253, 254, 65_533, 65_534, 65_535, 200_000])
def test_long_elements_say_their_length_in_more_bytes(size: int) -> None:
    """One byte, two or four, with nothing lost around them."""
    values = ["before", "x" * size, "after"]
    assert wire.decode_all(wire.encode_all(values)) == values


@pytest.mark.parametrize(
    "encoded",
    ["05", "0501", "00", "0000", "0263", "000000000000", "030261", "0c0800000000000000000000"],
)
def test_damaged_bytes_are_no_list(encoded: str) -> None:
    """Cut off, too short, or of a type that does not exist."""
    with pytest.raises(wire.DamagedError):
        wire.decode_all(bytes.fromhex(encoded))


def test_a_text_that_is_no_list_is_not_read_as_one() -> None:
    """Characters that no byte has are a sign of it."""
    assert wire.read_list(None) == ()
    assert wire.read_list("\x03\x01a\x0a\x01\x03\x04\x05\x05\x01\x03\x01b") == (
        "a",
        "\x03\x04\x05\x05\x01\x03\x01b",
    )
    with pytest.raises(wire.DamagedError):
        wire.read_list("密")


@pytest.mark.parametrize("value", [object(), Decimal("NaN"), {}])
def test_what_iris_has_no_value_for_is_not_encoded(value: Any) -> None:
    """A mistake of the instance, not of the client."""
    with pytest.raises(TypeError, match="IRIS has no"):
        wire.encode(value)


@given(st.lists(VALUES, max_size=8))
def test_what_is_encoded_is_read_as_it_was(values: list[Any]) -> None:
    """Texts that are empty come as None; numbers keep value and type."""
    expected = [None if value == "" else value for value in values]
    assert wire.decode_all(wire.encode_all(values)) == expected


@given(st.binary(max_size=60))
def test_reading_fails_in_one_way_only(data: bytes) -> None:
    """Whatever the bytes are: values, or the one error."""
    with contextlib.suppress(wire.DamagedError):
        wire.decode_all(data)


@pytest.fixture(scope="module")
def echo() -> Iterator[Callable[[Any], Any]]:
    """Send a value through the driver to the double and back."""
    instance = Scripted()
    instance.methods["Test", "Echo"] = lambda _, value: value
    with Double(instance) as double:
        connection = connect(double)
        database = iris.createIRIS(connection)
        yield lambda value: database.classMethodValue("Test", "Echo", value)
        connection.close()


@settings(max_examples=200, deadline=None)
@given(INTEGERS | FLOATS | TEXTS)
def test_the_driver_agrees(echo: Callable[[Any], Any], value: Any) -> None:
    """What it encodes is decoded here, and the other way round, to the same value."""
    back = echo(value)
    assert back == (None if value == "" else value)
    assert value == "" or type(back) is type(value)


@settings(max_examples=100, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-1e9, max_value=1e9))
def test_the_driver_agrees_on_fractions(echo: Callable[[Any], Any], value: Decimal) -> None:
    """They are Decimals; whole ones may come as integers."""
    back = echo(value)
    assert back == value
    assert isinstance(back, Decimal | int)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | INTEGERS | TEXTS.filter(bool), min_size=1, max_size=6))
def test_the_driver_builds_the_same_lists(echo: Callable[[Any], Any], values: list[Any]) -> None:
    """A $LIST of the driver's is read here, and is the text of its bytes there."""
    built = iris.IRISList()
    for value in values:
        built.add(value)
    text = echo(built)
    read = wire.read_list(text)
    assert [None if v is wire.UNDEFINED else v for v in read] == values
