"""Structured logs: one JSON object a line, whoever logs; configured once or again."""

from __future__ import annotations

import io
import logging
import os
import re
import threading
from types import MappingProxyType
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from monitoring.structured_logging import (
    Redactor,
    StructuredLogger,
    configure,
    correlation_context,
    performance_context,
    security_event,
)
from tests.hostile import LyingDict, UnreadableMapping
from tests.logs import dropped, records

log = StructuredLogger("shop.till")


def only(stream: io.StringIO) -> dict[str, Any]:
    """The one record there is."""
    [record] = records(stream.getvalue())
    return record


def test_a_record_has_its_keys_in_order(stream: io.StringIO) -> None:
    """Whoever reads the log can rely on the form; the time is UTC, in milliseconds."""
    configure(stream=stream, environment="staging")
    log.info("paid", amount=12.5, currency="EUR", level_of_detail=None)
    record = only(stream)
    assert list(record) == ["timestamp", "level", "logger", "message", "data", "context"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "level": "info",
        "logger": "shop.till",
        "message": "paid",
        "data": {"amount": 12.5, "currency": "EUR", "level_of_detail": None},
        "context": {
            "thread_id": threading.get_native_id(),
            "process_id": os.getpid(),
            "environment": "staging",
        },
    }


def test_a_full_record_has_all_keys(stream: io.StringIO) -> None:
    """Ids, data, performance and exception stand between message and context."""
    configure(stream=stream)
    ids = {"user_id": "bob", "session_id": "s", "request_id": "r", "correlation_id": "c"}
    with correlation_context(**ids):
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            structlog.get_logger("till").error(
                "failed", data={"a": 1}, performance={"duration_ms": 2}, exc_info=True
            )
    record = only(stream)
    assert list(record)[4:] == [
        "correlation_id",
        "user_id",
        "session_id",
        "request_id",
        "data",
        "performance",
        "exception",
        "context",
    ]
    assert {key: record[key] for key in ids} == ids
    assert (record["data"], record["performance"]) == ({"a": 1}, {"duration_ms": 2})
    assert record["exception"].endswith("ZeroDivisionError: division by zero")


def test_without_fields_there_is_no_data(stream: io.StringIO) -> None:
    """Nothing is printed for nothing."""
    configure(stream=stream)
    log.warning("empty", data={})
    assert list(only(stream)) == ["timestamp", "level", "logger", "message", "context"]


def test_fields_may_be_called_anything(stream: io.StringIO) -> None:
    """They clash neither with arguments nor with keys of the record."""
    configure(stream=stream)
    names = ("self", "event", "level", "name", "timestamp", "message", "logger", "msg", "args")
    fields: dict[str, Any] = dict.fromkeys((*names, "context", "exception", "performance"), 1)
    log.error("named", data={"event": 0, "other": 2}, correlation_id=1, **fields)
    record = only(stream)
    assert record["data"] == {**fields, "correlation_id": 1, "other": 2}
    assert (record["message"], record["level"]) == ("named", "error")
    assert "correlation_id" not in record


def test_a_field_called_like_structlogs_own_is_a_field(stream: io.StringIO) -> None:
    """Where structlog keeps a message's arguments, a foreign caller may put anything."""
    configure(stream=stream)
    structlog.get_logger("foreign").info("no %s", positional_args=5)
    structlog.get_logger("foreign").info("of %s", "structlog")
    named, formatted = records(stream.getvalue())
    assert (named["message"], named["data"]) == ("no %s", {"positional_args": 5})
    assert formatted["message"] == "of structlog"


@pytest.mark.parametrize(
    ("data", "fields", "found"),
    [
        (None, {}, None),
        (5, {}, {"value": 5}),
        ("text", {"x": 1}, {"value": "text", "x": 1}),
        ([1, (2,)], {}, {"value": [1, [2]]}),
        ({"x": 1, "y": 2}, {"x": 3}, {"x": 3, "y": 2}),
        (os.environ.__class__, {}, {"value": "os._Environ"}),
        (LyingDict(x=1), {"y": 2}, {"x": 1, "y": 2}),
        (MappingProxyType({"x": 1}), {"y": 2}, {"x": 1, "y": 2}),
        (
            UnreadableMapping(),
            {"y": 2},
            {"value": "<UnreadableMapping that cannot be read>", "y": 2},
        ),
    ],
)
def test_data_and_fields_join(
    data: object, fields: dict[str, Any], found: object, stream: io.StringIO
) -> None:
    """A field goes before an item of the same name; what is no mapping is the value."""
    configure(stream=stream)
    log.info("joined", data, **fields)
    assert only(stream).get("data") == found


def test_the_callers_data_stays_as_it_is(stream: io.StringIO) -> None:
    """Redaction and merging work on copies."""
    configure(stream=stream)
    data = {"password": "x", "list": [{"token": "y"}]}
    log.info("kept", data=data, more=1)
    log.info("kept", data=data)
    assert data == {"password": "x", "list": [{"token": "y"}]}
    assert [record["data"]["password"] for record in records(stream.getvalue())] == [
        "[redacted]",
        "[redacted]",
    ]


@pytest.mark.parametrize(
    ("level", "passed"),
    [
        ("debug", ["debug", "info", "warning", "error", "critical"]),
        ("info", ["info", "warning", "error", "critical"]),
        ("error", ["error", "critical"]),
        ("critical", ["critical"]),
    ],
)
def test_less_severe_records_are_left_out(
    level: str, passed: list[str], stream: io.StringIO
) -> None:
    """Own ones and those of other packages alike."""
    configure(level=level, stream=stream)
    for method in ("debug", "info", "warning", "error", "critical"):
        getattr(log, method)("x")
        getattr(logging.getLogger("other"), method)("y")
        getattr(structlog.get_logger("third"), method)("z")
    found = [record["level"] for record in records(stream.getvalue())]
    assert found == [one for one in passed for _ in "xyz"]


def test_single_loggers_have_levels_of_their_own(stream: io.StringIO) -> None:
    """Until the next configuration, which forgets those it does not name."""
    configure(stream=stream, loggers={"shop.till": "debug", "noisy": "error"})
    log.debug("seen")
    logging.getLogger("noisy.child").warning("not seen")
    configure(stream=stream, loggers={"other": "debug"})
    log.debug("not seen")
    logging.getLogger("noisy.child").warning("seen again")
    configure(stream=stream)
    logging.getLogger("other").debug("not seen")
    assert [one["message"] for one in records(stream.getvalue())] == ["seen", "seen again"]


def test_the_newest_configuration_holds(stream: io.StringIO) -> None:
    """A reload changes level and form without a record coming twice."""
    old = io.StringIO()
    configure(level="debug", stream=old)
    configure("console", "warning", stream)
    log.info("no")
    log.warning("careful", why="ice")
    assert old.getvalue() == ""
    [line] = stream.getvalue().splitlines()
    assert "careful why=ice" in line


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_can_be_named(
    name: Any, stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is the one that has that name now."""
    configure(stream=name)
    log.info("here")
    captured = capfd.readouterr()
    assert len(records(getattr(captured, name[3:]))) == 1
    assert captured.out + captured.err == getattr(captured, name[3:])


def test_own_secrets_are_redacted(stream: io.StringIO) -> None:
    """A redactor that is given stands for the default one."""
    configure(stream=stream, redact=Redactor(keys=["iban"], patterns=["cus_[0-9]+"]))
    log.info("paid by cus_123", iban="DE1", password="x")
    record = only(stream)
    assert record["message"] == "paid by [redacted]"
    assert record["data"] == {"iban": "[redacted]", "password": "[redacted]"}


def test_other_parts_of_the_library_log_in_the_same_form(stream: io.StringIO) -> None:
    """Security events and performance have their own keys."""
    configure(stream=stream)
    with performance_context("sum") as operation:
        operation.add(rows=3)
    security_event("till_opened", {"user": "bob"})
    measured, event = records(stream.getvalue())
    assert measured["data"] == {"rows": 3, "operation": "sum", "status": "ok"}
    assert measured["performance"]["duration_ms"] >= 0
    assert event["data"] == {"user": "bob", "kind": "till_opened"}


def test_tests_of_a_service_can_capture_its_records(stream: io.StringIO) -> None:
    """The way of structlog itself works, also for a logger that was made before."""
    configure(stream=stream)
    with capture_logs() as captured:
        log.info("paid", amount=1)
    assert captured == [{"event": "paid", "log_level": "info", "data": {"amount": 1}}]
    log.info("seen")
    assert only(stream)["message"] == "seen"


def test_a_failure_to_log_is_no_error_of_the_caller(stream: io.StringIO) -> None:
    """Whatever fails below: the record is counted as dropped."""

    def fail(*_: object) -> Any:
        raise ZeroDivisionError

    configure(stream=stream)
    before = dropped("shop.till", "failed")
    structlog.configure(processors=[fail])
    log.error("lost")
    assert dropped("shop.till", "failed") == before + 1


def test_no_room_on_the_stack_is_no_error_of_the_caller(stream: io.StringIO) -> None:
    """Whoever logs near the end of the stack gets no exception while a call is possible at all."""
    configure(stream=stream)
    failures = []

    def possible(frames: int) -> None:
        if frames:
            possible(frames - 1)

    def descend() -> None:
        try:
            descend()
        except RecursionError:
            possible(5)
            try:
                log.critical("deep", data={"a": [1]})
            except RecursionError as error:
                failures.append(error)
            raise

    with pytest.raises(RecursionError):
        descend()
    assert failures == []
    assert records(stream.getvalue())
