"""The bytes: $LIST elements, frames, and the scrambled words of the login.

Everything here is what the driver (intersystems-irispython 5.4.1) was seen to send and to take.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

HEADER = struct.Struct("<III2s")
"""Length of the body, number of the message, number of the statement, code or status."""
MORE_FOLLOWS = 1 << 31
"""In the statement's number: another frame belongs to this reply."""

NULL = b"\x02\x01"
STRING, WIDE_STRING, POSITIVE, NEGATIVE, DECIMAL, NEGATIVE_DECIMAL = 1, 2, 4, 5, 6, 7
DOUBLE, COMPACT_DOUBLE, OBJECT, WIDE_OBJECT = 8, 9, 25, 26
BY_REFERENCE = 32
"""Added to the type of an argument."""


class DamagedError(ValueError):
    """Bytes that are no $LIST."""


class ObjectNumber(str):
    """An object as it travels: `7@Some.Class` to the client, `7` from it."""

    __slots__ = ()


class ByReference(NamedTuple):
    """An argument that the method may change, and what it is before."""

    value: Any


class Undefined:
    """An element that is left out altogether."""


UNDEFINED = Undefined()


def encode_all(values: Iterable[Any]) -> bytes:
    """Give values one after the other, as bodies have them."""
    return b"".join(encode(value) for value in values)


def encode(value: Any) -> bytes:
    """Give one element."""
    if value is None or value in ("", b"", (), []):
        return NULL
    for kinds, encoder in ENCODERS:
        if isinstance(value, kinds):
            return encoder(value)
    raise TypeError(f"IRIS has no value like {value!r}")


def _element(kind: int, data: bytes) -> bytes:
    length = len(data) + 1
    if length < 0xFF:
        return bytes((length + 1, kind)) + data
    if length <= 0xFFFF:
        return b"\0" + struct.pack("<HB", length, kind) + data
    return b"\0\0\0" + struct.pack("<IB", length, kind) + data


def _string(text: str) -> bytes:
    try:
        return _element(STRING, text.encode("latin-1"))
    except UnicodeEncodeError:
        return _element(WIDE_STRING, text.encode("utf-16-le", "surrogatepass"))


def _fits(number: int) -> bool:
    return -(1 << 63) <= number < 1 << 63


def _integer(number: int) -> bytes:
    if not _fits(number):
        return _string(str(number))
    return _element(POSITIVE if number >= 0 else NEGATIVE, _digits(number))


def _digits(number: int) -> bytes:
    """Give as few little-endian bytes as are needed; 0 and -1 need none."""
    size = ((number if number >= 0 else ~number).bit_length() + 7) // 8
    return (number % (1 << 8 * size)).to_bytes(size, "little")


def _decimal(number: Decimal) -> bytes:
    if not number.is_finite():
        raise TypeError(f"IRIS has no Decimal like {number}")
    sign, digits, exponent = number.as_tuple()
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    if not (_fits(whole) and isinstance(exponent, int) and -128 <= exponent <= 127):
        return _string(str(number))
    kind = DECIMAL if whole >= 0 else NEGATIVE_DECIMAL
    return _element(kind, struct.pack("b", exponent) + _digits(whole))


ENCODERS: tuple[tuple[Any, Callable[[Any], bytes]], ...] = (
    (Undefined, lambda _: b"\x01"),
    (ObjectNumber, lambda number: _element(OBJECT, number.encode("latin-1"))),
    (str, _string),
    (bytes, lambda data: _element(STRING, data)),
    (int, lambda number: _integer(int(number))),
    (float, lambda number: _element(DOUBLE, struct.pack("<d", number))),
    (Decimal, _decimal),
    (tuple | list, lambda values: _element(STRING, encode_all(values))),
)


def decode_all(body: bytes) -> list[Any]:
    """Read every element of a body."""
    values: list[Any] = []
    place = 0
    while place < len(body):
        kind, data, place = _next_element(body, place)
        if kind is None:
            values.append(UNDEFINED)
        elif BY_REFERENCE <= kind < 2 * BY_REFERENCE:
            values.append(ByReference(_value(kind - BY_REFERENCE, data)))
        else:
            values.append(_value(kind, data))
    return values


def read_list(text: str | None) -> tuple[Any, ...]:
    """Read a $LIST that arrived as an argument."""
    try:
        return tuple(decode_all((text or "").encode("latin-1")))
    except UnicodeEncodeError as error:
        raise DamagedError(f"no $LIST: {text!r}") from error


def _next_element(body: bytes, place: int) -> tuple[int | None, bytes, int]:
    """Give type, data, and where the next one begins."""
    try:
        if body[place] == 1:
            return None, b"", place + 1
        if body[place]:
            length, place = body[place] - 1, place + 1
        elif length := struct.unpack_from("<H", body, place + 1)[0]:
            place += 3
        else:
            length, place = struct.unpack_from("<I", body, place + 3)[0], place + 7
        end = place + length
        if not length or end > len(body):
            raise DamagedError(f"an element of {length} bytes does not fit")
        return body[place], body[place + 1 : end], end
    except (IndexError, struct.error) as error:
        raise DamagedError("a $LIST that is cut off") from error


def _value(kind: int, data: bytes) -> Any:
    if kind not in DECODERS:
        raise DamagedError(f"no $LIST has the type {kind}")
    try:
        return DECODERS[kind](data)
    except (UnicodeDecodeError, struct.error) as error:
        raise DamagedError(f"no value of the type {kind} has {data.hex()}") from error


def _negative(data: bytes) -> int:
    return int.from_bytes(data, "little") - (1 << 8 * len(data))


def _scaled(data: bytes, whole: int) -> Decimal:
    return Decimal(whole).scaleb(int.from_bytes(data[:1], "little", signed=True))


def _double(data: bytes) -> float:
    """Read a double; zeros at its low end may have been left out."""
    number: float = struct.unpack("<d", data.rjust(8, b"\0"))[0]
    return number


def _floating(data: bytes) -> float:
    """Read a double, or a single that is enough for the number."""
    if len(data) > 4:
        return _double(data)
    number: float = struct.unpack("<f", data.rjust(4, b"\0"))[0]
    return number


DECODERS: dict[int, Callable[[bytes], Any]] = {
    STRING: lambda data: data.decode("latin-1") or None,
    WIDE_STRING: lambda data: data.decode("utf-16-le", "surrogatepass") or None,
    POSITIVE: lambda data: int.from_bytes(data, "little"),
    NEGATIVE: _negative,
    DECIMAL: lambda data: _scaled(data, int.from_bytes(data[1:], "little")),
    NEGATIVE_DECIMAL: lambda data: _scaled(data, _negative(data[1:])),
    DOUBLE: _floating,
    COMPACT_DOUBLE: _double,
    OBJECT: lambda data: ObjectNumber(data.decode("latin-1")),
    WIDE_OBJECT: lambda data: ObjectNumber(data.decode("utf-16-le")),
}


def unscramble(text: str) -> str:
    """Read a user name, password or token of the login: reversed, and each character turned."""
    plain = []
    for place in reversed(range(len(text))):
        high, low = ord(text[place]) & 0xFF00, ord(text[place]) & 0xFF
        turned = (low >> 5 | low << 3) & 0xFF
        plain.append(chr(high | ((turned - place) & 0xFF ^ 0xA7)))
    return "".join(plain)
