"""Structured logs: one JSON object a line, whoever logs; a console form for people."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from monitoring.structured_logging import StructuredLogger, configure

log = StructuredLogger("shop.till")


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], root.level, logging.raiseExceptions = before


@pytest.fixture
def stream() -> io.StringIO:
    """Where the log goes."""
    return io.StringIO()


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_has_fixed_keys_first_and_the_rest_in_data(stream: io.StringIO) -> None:
    """Whoever reads the log can rely on the form; the time is UTC."""
    configure(stream=stream)
    log.info("paid", amount=12.5, currency="EUR", level_of_detail=None)
    [record] = records(stream)
    assert list(record) == ["timestamp", "level", "logger", "message", "data"]
    offset = datetime.fromisoformat(record.pop("timestamp")).utcoffset()
    assert offset is not None
    assert not offset
    assert record == {
        "level": "info",
        "logger": "shop.till",
        "message": "paid",
        "data": {"amount": 12.5, "currency": "EUR", "level_of_detail": None},
    }


def test_without_fields_there_is_no_data(stream: io.StringIO) -> None:
    """Nothing is printed for nothing."""
    configure(stream=stream)
    log.warning("empty")
    assert "data" not in records(stream)[0]


@pytest.mark.parametrize(
    ("level", "passed"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("error", ["error"]),
        ("critical", []),
    ],
)
def test_less_severe_records_are_left_out(
    level: str, passed: list[str], stream: io.StringIO
) -> None:
    """Own ones and those of other packages alike."""
    configure(level=level, stream=stream)
    for method in ("debug", "info", "warning", "error"):
        getattr(log, method)("x")
        getattr(logging.getLogger("other"), method)("y")
    assert [record["level"] for record in records(stream)] == [one for one in passed for _ in "xy"]


def test_records_of_other_packages_have_the_same_form(stream: io.StringIO) -> None:
    """With their arguments filled in, and a traceback in a key of its own."""
    configure(stream=stream)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("uvicorn.error").exception("%s failed\n", "app")
    [record] = records(stream)
    assert (record["logger"], record["level"]) == ("uvicorn.error", "error")
    assert record["message"] == "app failed\n"
    assert record["exception"].endswith("ZeroDivisionError: division by zero")
    assert "data" not in record


def test_a_line_is_a_line_whatever_is_logged(stream: io.StringIO) -> None:
    """Line breaks, control characters and objects of any kind cannot forge a record."""
    configure(stream=stream)
    log.error("odd", text='a\n{"level": "info"}\x1b[31mä', thing={1, 2}, path=os.fsdecode(b"\xff"))
    assert stream.getvalue().isascii()
    [record] = records(stream)
    assert record["data"]["text"] == 'a\n{"level": "info"}\x1b[31mä'
    assert record["data"]["thing"] == "{1, 2}"


def test_the_newest_configuration_holds(stream: io.StringIO) -> None:
    """A reload changes level and form without a record coming twice."""
    old = io.StringIO()
    configure(level="debug", stream=old)
    configure("console", "warning", stream)
    log.info("no")
    log.warning("careful", why="ice")
    assert old.getvalue() == ""
    [line] = stream.getvalue().splitlines()
    assert "careful" in line
    assert "why=ice" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("form", "level", "says"),
    [("xml", "info", "json, console, got 'xml'"), ("json", "loud", "critical, got 'loud'")],
)
def test_an_unknown_form_or_level_is_refused(form: str, level: str, says: str) -> None:
    """Before anything is changed."""
    before = logging.getLogger().handlers[:]
    with pytest.raises(ValueError, match=says):
        configure(form, level)
    assert logging.getLogger().handlers == before


def test_a_broken_stream_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    """The reader of the log has gone, or its disk is full: the service goes on without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1) as stream:
        configure(stream=stream)
        log.error("nobody hears this")
        log.error("nor this")
        # What is left in the buffer could not be written either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
    assert capfd.readouterr() == ("", "")
