"""A log record as a line: one JSON object for machines, or a console form for people."""

from __future__ import annotations

import json
import logging
import os
import threading
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from structlog.contextvars import get_contextvars

from monitoring.correlation import KEYS, as_text
from monitoring.plain_values import LINE, PlainValues
from monitoring.redaction import Redactor

STRUCTURED = "structured_fields"
"""The attribute of a standard-library record that holds the fields of a structlog event."""

MAX_LINE = 32_768

_ROOMS = (LINE.room, LINE.room // 5, LINE.room // 50)
"""Tried until the line is short enough: how much longer text gets as JSON depends on its script."""

_MAX_FRAMES = 50
"""Of each traceback: the innermost ones."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",  # Python 3.12
    "color_message",  # uvicorn's message once more, for its own console
}

_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}

_encode = json.JSONEncoder(allow_nan=False).encode


class LineFormatter(logging.Formatter):
    """Formats records of structlog and of the standard library alike. Does not raise."""

    def __init__(
        self, form: str, redactor: Redactor, environment: str, *, colours: bool = False
    ) -> None:
        super().__init__()
        self._redactor = redactor
        self._environment = as_text(environment)
        self._colours = colours
        self._line = self._json if form == "json" else self._console

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's line, without its end."""
        for room in _ROOMS:
            line = self._line(record, PlainValues(self._redactor, LINE._replace(room=room)))
            if len(line) <= MAX_LINE:
                break
        return line

    def _json(self, record: logging.LogRecord, plain: PlainValues) -> str:
        entry = _entry(record, plain)
        entry["context"] = {
            "thread_id": threading.get_native_id(),
            "process_id": os.getpid(),
            "environment": self._environment,
        }
        return _encode(entry)

    def _console(self, record: logging.LogRecord, plain: PlainValues) -> str:
        entry = _entry(record, plain)
        level = f"{entry['level']:<8}"
        if self._colours:
            level = f"\x1b[{_COLOURS.get(entry['level'], '0')}m{level}\x1b[0m"
        pairs = entry.get("data", {}) | entry.get("performance", {})
        pairs |= {key: entry[key][:8] for key in KEYS if key in entry}
        words = [f"{_word(key)}={_word(value)}" for key, value in pairs.items()]
        start = f"{entry['timestamp']} {level} {entry['logger']}: {_printable(entry['message'])}"
        lines = entry.get("exception", "").splitlines()
        return "\n    ".join([" ".join([start, *words]), *map(_printable, lines)])


def _entry(record: logging.LogRecord, plain: PlainValues) -> dict[str, Any]:
    """Give what a record says, as plain data in the order of the keys."""
    entry: dict[str, Any] = {
        "timestamp": _timestamp(record.created),
        "level": _level(record.levelname),
        "logger": as_text(record.name),
        "message": plain.text(_message(record)),
    }
    bound = get_contextvars()
    for key in KEYS:
        if (value := bound.pop(key, None)) is not None:
            entry[key] = as_text(value)
    exception = _exception(record, plain)
    performance, data = _fields(record, bound, plain)
    if data:
        entry["data"] = data
    if performance:
        entry["performance"] = performance
    if exception:
        entry["exception"] = exception
    return entry


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


@lru_cache(maxsize=64)
def _level(name: str) -> str:
    return as_text(name).lower()


def _message(record: logging.LogRecord) -> str:
    """Give the message with its arguments, or without them if they do not fit."""
    if type(record.msg) is str and not record.args:
        return record.msg
    try:
        return "".join(record.getMessage())
    except Exception:  # noqa: BLE001 -- the arguments' own code may raise anything
        return f"{_text(record.msg)} {_text(record.args)}"


def _text(value: object) -> str:
    try:
        return "".join(str(value))
    except Exception:  # noqa: BLE001 -- the value's own code may raise anything
        return "<text that cannot be read>"


def _fields(
    record: logging.LogRecord, bound: dict[str, Any], plain: PlainValues
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what goes into `performance` and into `data`: the latter takes all that has no place."""
    fields: dict[str, Any] | None = record.__dict__.get(STRUCTURED)
    if fields is None:
        attributes = record.__dict__
        fields = {key: attributes[key] for key in attributes if key not in _STANDARD}
    if not fields and not bound and not record.stack_info:
        return {}, {}
    rest = {**bound, **fields}
    performance = _mapping(rest.pop("performance", None), plain)
    data = _mapping(rest.pop("data", None), plain)
    if record.stack_info:
        rest["stack"] = record.stack_info
    if rest:
        data = _mapping(rest, plain) | data
    return performance, data


def _mapping(value: Any, plain: PlainValues) -> dict[str, Any]:
    if value is None:
        return {}
    shown = plain.value(value)
    return shown if isinstance(shown, dict) else {"value": shown}


def _exception(record: logging.LogRecord, plain: PlainValues) -> str:
    if not record.exc_info:
        return plain.traceback(record.exc_text) if record.exc_text else ""
    try:
        if record.exc_info[0] is None:
            return ""  # asked for where none was being handled
        lines = traceback.format_exception(*record.exc_info, limit=-_MAX_FRAMES)
    except Exception as error:  # noqa: BLE001 -- the exception's own code may raise anything
        lines = [f"<traceback that cannot be read: {type(error).__name__}>"]
    return plain.traceback("".join(lines).rstrip("\n"))


def _printable(text: str) -> str:
    """Escape what could forge a line or speak to a terminal."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _word(value: Any) -> str:
    """Give a key or a value so that it can be told from what stands beside it."""
    if isinstance(value, str) and value and not set(value) & set(" =\"'\t"):
        return _printable(value)
    return _printable(json.dumps(value, ensure_ascii=False))
