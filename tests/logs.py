"""The process's logging put back after a test; its lines read as strictly as others read them."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import structlog

from monitoring.log_events import METRICS, LogMetrics

HOOKS = (
    (sys, "excepthook"),
    (threading, "excepthook"),
    (sys, "unraisablehook"),
    (warnings, "showwarning"),
)
"""What Python tells whom."""


@contextmanager
def logging_put_back() -> Iterator[io.StringIO]:
    """Give a stream to log to; afterwards the process's logging is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    structlog_before = structlog.get_config()
    hooks_before = [getattr(owner, name) for owner, name in HOOKS]
    yield io.StringIO()
    for (owner, name), hook in zip(HOOKS, hooks_before, strict=True):
        setattr(owner, name, hook)
    structlog.configure(**structlog_before)
    root.handlers[:], root.level = before


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def strict(line: str) -> dict[str, Any]:
    """Read one line as a strict parser does: no NaN, no lone surrogate, no key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    record: dict[str, Any] = json.loads(line, parse_constant=_refuse, object_pairs_hook=unique)
    json.dumps(record, ensure_ascii=False).encode("utf-8")
    return record


def records(text: str) -> list[dict[str, Any]]:
    """Read all lines; none of them is longer than promised."""
    assert text == "" or text.endswith("\n")
    lines = text.split("\n")[:-1]
    assert all(len(line) <= 32_768 for line in lines)
    return [strict(line) for line in lines]


def counts(metrics: LogMetrics, name: str) -> dict[tuple[str, ...], Any]:
    """The values of a family by label values."""
    return {
        values: number
        for family in metrics.families()
        if family.name == name
        for values, number in family.samples
    }


def dropped(logger: str, reason: str) -> float:
    """How many records of a logger have been counted as dropped in this process."""
    return float(counts(METRICS, "perfwatch_log_records_dropped_total").get((logger, reason), 0))
