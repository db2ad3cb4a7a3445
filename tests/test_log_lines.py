"""Records of any origin as lines: JSON for machines, the console form for people."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import traceback
from typing import Any, NoReturn

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from monitoring.log_lines import LineFormatter
from monitoring.redaction import Redactor
from monitoring.structured_logging import StructuredLogger, configure, correlation_context
from tests.hostile import MAKERS, BadError
from tests.logs import records, strict

log = StructuredLogger("shop.till")


def only(stream: io.StringIO) -> dict[str, Any]:
    """The one record there is."""
    [record] = records(stream.getvalue())
    return record


def test_records_of_other_packages_have_the_same_form(stream: io.StringIO) -> None:
    """With their arguments filled in, their extras as data, and the ids in force."""
    configure(level="debug", stream=stream)
    with correlation_context(correlation_id="c"):
        logging.getLogger("uvicorn.error").warning(
            "%s failed\n", "app", extra={"tenant": 5, "token": "x", "color_message": "y"}
        )
    record = only(stream)
    assert list(record)[1:-1] == ["level", "logger", "message", "correlation_id", "data"]
    assert (record["logger"], record["level"]) == ("uvicorn.error", "warning")
    assert (record["message"], record["correlation_id"]) == ("app failed\n", "c")
    assert record["data"] == {"tenant": 5, "token": "[redacted]"}


def test_structlog_used_directly_has_the_same_form(stream: io.StringIO) -> None:
    """Positional arguments, bound values, context variables and odd data all find their place."""
    configure(level="debug", stream=stream)
    with bound_contextvars(tenant=5, user_id="bob\n"):
        structlog.get_logger("direct").bind(bound=1).info("%d %s", 1, "x", data=[1], more=2)
    record = only(stream)
    assert (record["message"], record["logger"]) == ("1 x", "direct")
    assert record["data"] == {"tenant": 5, "bound": 1, "more": 2, "value": [1]}
    assert record["user_id"] == "bob?"


def test_a_field_named_like_an_id_stays_a_field(stream: io.StringIO) -> None:
    """The ids are those of the context and no others."""
    configure(level="debug", stream=stream)
    structlog.get_logger().info("x", user_id="mallory", performance=5)
    record = only(stream)
    assert "user_id" not in record
    assert record["data"] == {"user_id": "mallory"}
    assert record["performance"] == {"value": 5}


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("100%", (), "100%"),
        ("%d of %s", ("x", 2), "%d of %s ('x', 2)"),
        ("%s", (BadError(),), "%s <text that cannot be read>"),
        (BadError(), (), "<text that cannot be read> ()"),
        (5, (), "5"),
        ("password=%s", ("hunter2",), "password=[redacted]"),
        ("%(a)s", ({"a": 1},), "1"),
    ],
)
def test_a_message_that_cannot_be_made_is_no_error(
    message: Any, arguments: tuple[Any, ...], shown: str, stream: io.StringIO
) -> None:
    """What is there is shown; logging.raiseExceptions stays as it is."""
    configure(level="debug", stream=stream)
    logging.getLogger("x").warning(message, *arguments)
    assert only(stream)["message"] == shown
    assert logging.raiseExceptions


def fail(text: str) -> NoReturn:
    """Raise."""
    raise ValueError(text)


def failing(depth: int = 3) -> None:
    """Raise with a secret in the message."""
    if depth:
        failing(depth - 1)
    raise ConnectionError("cannot reach postgres://bob:hunter2@db")


def test_an_exception_has_a_key_of_its_own(stream: io.StringIO) -> None:
    """With its causes and its traceback, and without its secrets."""
    configure(level="debug", stream=stream)
    try:
        try:
            failing()
        except ConnectionError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        log.error("by flag", exc_info=True)  # noqa: G201 -- there is no other way
        log.error("by exception", exc_info=error)  # noqa: TRY400 -- what is tested
        log.error("by tuple", exc_info=sys.exc_info())  # noqa: G201 -- there is no other way
        logging.getLogger("x").exception("standard")
        structlog.get_logger().exception("direct")
        log.error("not")  # noqa: TRY400 -- what is tested
    log.error("none there", exc_info=True)  # noqa: LOG014 -- what is tested
    *found, without, lacking = records(stream.getvalue())
    assert len({record["exception"] for record in found}) == 1
    text = found[0]["exception"]
    assert text.startswith("Traceback (most recent call last):\n")
    assert "ConnectionError: cannot reach postgres://bob:[redacted]@db\n" in text
    assert text.endswith("\nValueError: outer")
    assert "exception" not in without
    assert "exception" not in lacking


def test_a_long_traceback_keeps_beginning_and_end(stream: io.StringIO) -> None:
    """Where it started, and what happened."""
    configure(level="debug", stream=stream)

    def ping(depth: int) -> None:
        pong(depth)

    def pong(depth: int) -> None:
        if not depth:
            fail("x" * 7000 + "end")
        ping(depth - 1)

    try:
        ping(150)
    except ValueError:
        log.error("deep", exc_info=True)  # noqa: G201 -- there is no other way
    text = only(stream)["exception"]
    assert text.startswith("Traceback")
    assert text.endswith("xend")
    assert "\n... [cut], " in text
    assert len(text) < 9000


@pytest.mark.parametrize(
    "attributes",
    [
        {"exc_info": True},
        {"exc_info": (None, None, None)},
        {"exc_info": (BadError, BadError(), 5)},
        {"exc_info": (1, 2, 3)},
        {"exc_text": "Traceback: password=hunter2"},
        {"stack_info": "Stack: password=hunter2"},
        {"args": 5},
        {"name": "a\ud800\n", "levelname": "L\n"},
    ],
)
def test_an_odd_record_is_a_line(attributes: dict[str, Any], stream: io.StringIO) -> None:
    """As other libraries may make them, for instance when they have been pickled."""
    configure(level="debug", stream=stream)
    logging.getLogger().handle(logging.makeLogRecord({"levelno": 50, "msg": "odd", **attributes}))
    assert only(stream)["message"].startswith("odd")
    assert "hunter2" not in stream.getvalue()


def test_a_stack_is_data(stream: io.StringIO) -> None:
    """As asked for with stack_info."""
    configure(level="debug", stream=stream)
    logging.getLogger("x").info("where", stack_info=True)
    structlog.get_logger().info("where", stack_info=True)
    for record in records(stream.getvalue()):
        assert "test_a_stack_is_data" in record["data"]["stack"]


def test_a_line_is_a_line_whatever_is_logged(stream: io.StringIO) -> None:
    """Line breaks and control characters cannot forge a record; the line is ASCII."""
    configure(level="debug", stream=stream)
    text = 'a\n{"level": "info"}\x1b[31mä\u2028\x85'
    log.error(text, text=text)
    assert stream.getvalue().isascii()
    record = only(stream)
    assert record["message"] == record["data"]["text"] == text


@pytest.mark.parametrize("script", ["a", "ä", "\U0001f600", '"', "\x00"])
def test_a_line_has_a_greatest_length(script: str, stream: io.StringIO) -> None:
    """Whatever becomes of the characters in JSON, and whatever part of the record is long."""
    configure(level="debug", stream=stream)
    long = script * 100_000
    data = {"list": [long] * 50, **{f"{script}{n}": n for n in range(500)}}
    log.error(long, data=data, a=long)
    try:
        fail(long)
    except ValueError:
        logging.getLogger(long).critical(long, exc_info=True, extra={long: long, "b": long})
    first, second = records(stream.getvalue())
    assert "[cut" in first["message"]
    assert second["exception"].startswith("Traceback")


@pytest.mark.parametrize("kind", MAKERS)
def test_hostile_values_are_a_line(kind: str, stream: io.StringIO) -> None:
    """As event, data, field, argument and extra."""
    configure(level="debug", stream=stream)
    make = MAKERS[kind]
    log.info(make(), make(), field=make())
    logging.getLogger("x").info(make(), extra={"extra": make()})
    logging.getLogger("x").info("%s %s", make(), make())
    structlog.get_logger().info(make(), data=make(), performance=make(), field=make())
    assert len(records(stream.getvalue())) == 4
    assert "hunter2" not in stream.getvalue()


def console(stream: io.StringIO, *, colours: bool = False) -> str:
    """Log something odd in the console form and give what comes out, without the time."""
    configure("console", stream=stream)
    formatter = LineFormatter("console", Redactor(), "test", colours=colours)
    logging.getLogger().handlers[0].setFormatter(formatter)
    with correlation_context(correlation_id="0123456789abcdef", user_id="bob"):
        log.warning("two\nlines\x1b[2J", text="a b", plain="c", empty="", items=[1, "\u202e"], n=1)
    time, _, rest = stream.getvalue().partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    return rest


def test_the_console_form_is_for_people(stream: io.StringIO) -> None:
    """A line cannot be forged, nor a terminal be spoken to; ids are short."""
    assert console(stream) == (
        "warning  shop.till: two\\nlines\\x1b[2J "
        'text="a b" plain=c empty="" items=[1, "\\u202e"] n=1 correlation_id=01234567 user_id=bob\n'
    )


def test_colours_are_for_terminals(stream: io.StringIO) -> None:
    """Only the level has one."""
    assert console(stream, colours=True).startswith("\x1b[33mwarning \x1b[0m shop.till: two")


def test_a_terminal_is_known(stream: io.StringIO) -> None:
    """By what the stream says of itself."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for target, coloured in ((Terminal(), True), (io.StringIO(), False)):
        configure("console", stream=target)
        log.error("x")
        assert ("\x1b" in target.getvalue()) is coloured


def test_a_traceback_on_the_console_has_lines_of_its_own(stream: io.StringIO) -> None:
    """Indented, so that none of them looks like a record."""
    configure("console", stream=stream)
    try:
        fail("first\nsecond\x1b[2J")
    except ValueError:
        log.error("failed", exc_info=True)  # noqa: G201 -- there is no other way
        expected = traceback.format_exc().replace("\x1b", "\\x1b").splitlines()
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("error    shop.till: failed")
    assert rest == [f"    {line}" for line in expected]


def test_a_line_can_be_read_by_a_strict_parser() -> None:
    """The tests' own parser refuses what Python's lets through."""
    for line in ('{"a": NaN}', '{"a": "\\ud800"}', '{"a": 1, "a": 2}'):
        json.loads(line)
        with pytest.raises((ValueError, AssertionError)):
            strict(line)
