"""The texts that bcachefs writes for people to read: sizes with units, and small tables.

Source: Linux fs/bcachefs (6.7 to 6.17, a module of its own since): sysfs.c, btree_write.c,
sb-errors.c, sb-members.c. All parsers raise ValueError, and nothing else, on what they cannot take.
"""

from __future__ import annotations

import re

from exporter.families import Digits
from exporter.parsing import integer, shorten

_SIZE = re.compile(rb"\s*([0-9]{1,20}(?:\.[0-9]{1,6})?) ?([kKmMgGtTpPeE]?)(?:i?B)?\s*\Z")
_APART = re.compile(rb"(?<=[0-9]) (?=(?:[kKmMgGtTpPeE]i?)?B\b)")
"""The space in `19.2 GiB`: kernels have it in their tables too, the newer module has `19.2G`."""
_UNITS = b"kmgtpe"
_SINCE_CREATION = b"since filesystem creation:"
_ERRORS_SINCE_CREATION = b"IO errors since filesystem creation"


def parse_size(text: bytes) -> int:
    """Parse `512`, `109k` or `4.82G`; units are powers of 1024."""
    found = _SIZE.match(text)
    if not found:
        raise ValueError(f"/sys/fs/bcachefs: expected a size such as 4.82G: {shorten(text)}")
    factor = 1024 ** (1 + _UNITS.index(found[2].lower())) if found[2] else 1
    return int(float(found[1]) * factor) if b"." in found[1] else int(found[1]) * factor


def parse_counter(text: bytes) -> int | None:
    """Parse a file of two lines: since mount, and since creation, which is the one taken."""
    for line in text.splitlines():
        if line.startswith(_SINCE_CREATION):
            return parse_size(line.removeprefix(_SINCE_CREATION))
    return None


def parse_compression(text: bytes) -> dict[str, tuple[int, int]]:
    """Give the compressed and the uncompressed size by algorithm; the first line is a header."""
    return {
        _name(row[0]): (parse_size(row[1]), parse_size(row[2]))
        for row in _split_rows(text)
        if len(row) >= 3
    }


def parse_errors(text: bytes) -> dict[str, Digits]:
    """Give the number of errors by type; behind it stand the times of the first and the last."""
    rows = (line.split() for line in text.splitlines())
    return {_name(row[0]): integer(row[1]) for row in rows if len(row) >= 2}


def parse_btree_writes(text: bytes) -> dict[str, tuple[Digits, int]]:
    """Give number and average size by the reason for the write; the first line is a header."""
    return {
        _name(row[0]): (integer(row[1]), parse_size(row[2]))
        for row in _split_rows(text)
        if len(row) >= 3
    }


def parse_io_done(text: bytes) -> dict[tuple[str, str], Digits]:
    """Give the bytes by operation and type of data: `read:`, and then lines `btree : 4096`."""
    done: dict[tuple[str, str], Digits] = {}
    operation = ""
    for line in text.splitlines():
        name, colon, number = line.partition(b":")
        if colon and not number.strip():
            operation = _name(name)
        elif colon and operation:
            done[operation, _name(name)] = integer(number.strip())
    return done


def parse_io_errors(text: bytes) -> dict[str, Digits]:
    """Give the errors by type since creation; those since a reset stand in a part of their own."""
    _, found, part = text.partition(_ERRORS_SINCE_CREATION)
    if text.strip() and not found:
        raise ValueError(f"io_errors: expected those since creation: {shorten(text)}")
    pairs = (line.partition(b":") for line in part.partition(b"IO errors")[0].splitlines())
    return {_name(name): integer(number.strip()) for name, colon, number in pairs if colon}


def _split_rows(text: bytes) -> list[list[bytes]]:
    """Give the words of each line below the header, with sizes in one piece."""
    return [line.split() for line in _APART.sub(b"", text).splitlines()[1:]]


def _name(word: bytes) -> str:
    return word.strip().removesuffix(b":").decode("utf-8", "replace")
