"""The log inside a test: configured for it, and put back."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

from monitoring.structured_logging import configure


@contextlib.contextmanager
def captured_log(level: str = "info") -> Iterator[io.StringIO]:
    """Give the stream in which the block's log lines are."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure(stream=stream, level=level)
    try:
        yield stream
    finally:
        root.handlers[:], root.level = before
