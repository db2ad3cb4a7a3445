"""gzip for pages: ISA-L where it is installed (a fifth of the time), else zlib at its fastest."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

GZIP_WINDOW = 31
"""zlib's way to ask for a gzip header around a 32 KiB window."""

FASTEST = 1


def gzip(body: bytes) -> bytes:
    """Compress into one gzip member."""
    compressor = _library().compressobj(FASTEST, zlib.DEFLATED, GZIP_WINDOW)
    return bytes(compressor.compress(body) + compressor.flush())


@cache
def _library() -> Any:
    """Find the library at the first page that is compressed, not at the start."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib
