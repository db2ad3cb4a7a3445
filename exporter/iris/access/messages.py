"""What the daemon and a worker write to each other: four bytes of length, then JSON.

JSON, because nothing that a worker says can then do anything in the daemon. It takes integers of
any size, and its lists are for $LIST.
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEADER = struct.Struct(">I")

MAX_ANSWER_BYTES = 32 << 20
"""Strings of IRIS end at 3.6 million characters, of six bytes each at most."""


class BrokenFrameError(ValueError):
    """What came is no message."""


def pack(message: Any) -> bytes:
    """Give the bytes of a message."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return HEADER.pack(len(body)) + body


class Assembly:
    """Puts one message together from the pieces in which it arrives."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self._bytes += piece

    @property
    def missing(self) -> int:
        """How many bytes must still come, as far as is known. Raises BrokenFrameError if too many.

        Whoever never reads more than these gets nothing of the next message.
        """
        if len(self._bytes) < HEADER.size:
            return HEADER.size - len(self._bytes)
        (length,) = HEADER.unpack_from(self._bytes)
        if length > MAX_ANSWER_BYTES:
            raise BrokenFrameError(f"{length} bytes, more than {MAX_ANSWER_BYTES}")
        return HEADER.size + int(length) - len(self._bytes)

    @property
    def is_complete(self) -> bool:
        """Whether all of it is there."""
        return self.missing == 0

    def message(self) -> Any:
        """Give the complete message. Raises BrokenFrameError when it is no JSON."""
        try:
            return json.loads(self._bytes[HEADER.size :])
        except (ValueError, RecursionError) as error:
            raise BrokenFrameError(f"no JSON: {error}") from error
