"""Checks that every parser of kernel text shares: a number is passed on only if it is one.

The kernel's digits go to the page without being converted; what is not a number must therefore
never leave a parser. All raise ValueError, and nothing else, on what they cannot take.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Sequence
from struct import unpack

from exporter.families import Digits

_DECIMAL = re.compile(rb"[0-9]{1,40}(?:\.[0-9]{1,40})?\Z")

MAX_DIGITS = 40
"""More digits than any 64-bit counter has, with room; longer runs are garbage."""


def decimal(field: bytes) -> Digits:
    """Check a non-negative decimal such as `0.12`."""
    if not _DECIMAL.match(field):
        raise ValueError(f"not a decimal number: {shorten(field)}")
    return field


def integers(fields: Sequence[bytes]) -> Sequence[Digits]:
    """Check a row of non-negative integers; it may be empty."""
    if not fields:
        return fields
    joined = b"".join(fields)
    if not joined.isdigit() or len(joined) > MAX_DIGITS * len(fields) or b"" in fields:
        raise ValueError(f"not a row of integers: {shorten(b' '.join(fields))}")
    return fields


def signed_integers(fields: Sequence[bytes]) -> Sequence[Digits]:
    """Check a row of integers of which some may be negative, as in /proc/net/snmp (MaxConn -1)."""
    integers([field.removeprefix(b"-") for field in fields])
    return fields


def integer(field: bytes) -> Digits:
    """Check one non-negative integer."""
    if not field.isdigit() or len(field) > MAX_DIGITS:
        raise ValueError(f"not an integer: {shorten(field)}")
    return field


def hexadecimal_columns(text: bytes, width: int) -> list[tuple[int, ...]]:
    """Split a table of numbers of eight hexadecimal digits each into its columns.

    As a whole, which costs a tenth of int(field, 16) for each: there is a row for each CPU.
    """
    rows = text.replace(b" ", b"").split()
    if any(len(row) != 8 * width for row in rows):
        raise ValueError(f"not {width} numbers of 8 hexadecimal digits: {shorten(text)}")
    numbers = unpack(f">{width * len(rows)}I", unhexlify(b"".join(rows)))
    return [numbers[position::width] for position in range(width)]


def shorten(text: bytes, limit: int = 60) -> str:
    """Give the start of a text for an error message, printable."""
    return ascii(text[:limit].decode("utf-8", "replace"))
