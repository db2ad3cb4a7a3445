"""Ids from HTTP headers: W3C Trace Context's `traceparent` (level 1) and `X-Request-ID`.

Both come from clients: what is not exactly of the standard's form is ignored, never an error.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}"
    r"-(?!0{32})([0-9a-f]{32})"
    r"-(?!0{16})([0-9a-f]{16})"
    r"-([0-9a-f]{2})"
    r"(?:-.*)?",
)

_LENGTH = 55
"""Of a value of version 00; later versions may add fields at its end."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")

_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")

_SAMPLED = 0x01


class TraceParent(NamedTuple):
    """A position in a distributed trace: the trace, and the span that made the request."""

    trace_id: str
    """32 lower-case hexadecimal digits."""
    parent_id: str
    """16 lower-case hexadecimal digits."""
    flags: int
    """Eight bits, of which version 00 of the standard defines one: sampled."""

    @property
    def sampled(self) -> bool:
        """Whether the caller says that it recorded this trace."""
        return bool(self.flags & _SAMPLED)

    def child(self, span_id: str | None = None) -> TraceParent:
        """Give the same trace with a span of ours, made when none is given, as the parent.

        Of the flags only the sampled bit is kept: the others have no meaning in the version that
        we write. Raises ValueError when the span id is not 16 lower-case hexadecimal digits or
        all zero.
        """
        if span_id is None:
            span_id = new_span_id()
        elif not _SPAN_ID.fullmatch(span_id):
            raise ValueError(
                f"a span id is 16 lower-case hexadecimal digits, not all zero; got {span_id!r}"
            )
        return TraceParent(self.trace_id, span_id, self.flags & _SAMPLED)

    def to_header(self) -> str:
        """Give the header's value in version 00."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags:02x}"


def new_span_id() -> str:
    """Make a span id: 16 random hexadecimal digits."""
    return os.urandom(8).hex()


def parse_traceparent(header: bytes | str | None) -> TraceParent | None:
    """Read the value of a `traceparent` header; None when it is absent, or invalid and ignored."""
    text = _as_str(header)
    found = _TRACEPARENT.fullmatch(text)
    if found is None or (len(text) > _LENGTH and text.startswith("00")):
        return None
    trace_id, parent_id, flags = found.groups()
    return TraceParent(trace_id, parent_id, int(flags, 16))


def valid_request_id(header: bytes | str | None) -> str | None:
    """Give an `X-Request-ID` that may be logged and returned as it is; None for any other.

    That is 1 to 128 letters, digits and characters of `._~:/+=@-`.
    """
    text = _as_str(header)
    return text if _REQUEST_ID.fullmatch(text) else None


def _as_str(header: bytes | str | None) -> str:
    if isinstance(header, bytes):
        return header.decode("latin-1")
    return header or ""
