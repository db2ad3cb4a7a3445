"""Checks that every parser of kernel text shares: a number is passed on only if it is one.

The kernel's digits go to the page without being converted; what is not a number must therefore
never leave a parser. All raise ValueError, and nothing else, on what they cannot take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter

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
    """Check a row of non-negative integers."""
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


class FixedForm:
    """A text whose words stay the same from one reading to the next, but for numbers among them.

    Telling that nothing but the numbers has changed is much cheaper than parsing anew.
    """

    __slots__ = ("_constants", "_pick_constants", "_pick_numbers", "_size")

    def __init__(self, words: Sequence[bytes], positions: Sequence[int]) -> None:
        """Take the words of a text that was parsed, and where its numbers are."""
        numbers = set(positions)
        self._size = len(words)
        # The first position twice: itemgetter gives a tuple only for more than one.
        self._pick_numbers = itemgetter(positions[0], *positions)
        self._pick_constants = itemgetter(0, *(at for at in range(self._size) if at not in numbers))
        self._constants = self._pick_constants(words)

    def numbers(self, words: Sequence[bytes]) -> Sequence[Digits] | None:
        """Give the numbers, or None when anything else has changed.

        Raises ValueError when one of them is no number.
        """
        if len(words) != self._size or self._pick_constants(words) != self._constants:
            return None
        return integers(self._pick_numbers(words)[1:])


def shorten(text: bytes, limit: int = 60) -> str:
    """Give the start of a text for an error message, printable."""
    return ascii(text[:limit].decode("utf-8", "replace"))
