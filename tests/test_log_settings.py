"""What is wrong is refused before anything is changed; what is configured again goes on."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from monitoring import log_stream
from monitoring.log_descriptor import PIECE
from monitoring.structured_logging import StructuredLogger, configure
from tests.logs import HOOKS, logging_put_back, records
from tests.pipes import Pipe

log = StructuredLogger("shop.till")

LEVELS = "must be one of debug, info, warning, error, critical"

STREAM = "log stream must be stderr, stdout or a text stream, got a value of type"

REDACTOR = "log redact must be a Redactor, such as Redactor(keys=['iban']), got a value of type"

LEVEL_OF_ALL = "log loggers: the level of all loggers together is the setting `level`"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; all is put back afterwards."""
    with logging_put_back() as stream:
        yield stream
        configure(stream=stream)


@pytest.fixture
def pipe(stream: io.StringIO) -> Iterator[Pipe]:
    """A pipe that nobody reads."""
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)
    pipe.stream.close()


def state() -> tuple[Any, ...]:
    """All that `configure` changes."""
    root = logging.getLogger()
    hooks = [getattr(owner, name) for owner, name in HOOKS]
    formatters = [handler.formatter for handler in root.handlers]
    levels = root.level, logging.getLogger("shop").level
    return root.handlers[:], formatters, levels, hooks, structlog.get_config()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"format": "xml"}, "log format must be one of json, console, got 'xml'"),
        ({"stream": "stdin"}, "log stream must be one of stderr, stdout, got 'stdin'"),
        ({"format": ["json"]}, "log format must be one of json, console, got ['json']"),
        ({"level": 20}, f"log level {LEVELS}, got 20"),
        ({"redact": ["iban"]}, f"{REDACTOR} list"),
        ({"redact": 5}, f"{REDACTOR} int"),
        ({"stream": 5}, f"{STREAM} int"),
        ({"stream": io.BytesIO()}, f"{STREAM} BytesIO"),
        ({"environment": None}, "log environment must be a text, got a value of type NoneType"),
        ({"loggers": 5},
         "log loggers must be a mapping of names to levels, got a value of type int"),
        ({"loggers": {"shop": "debug", 5: "error"}},
         "a name in log loggers must be a text, got a value of type int"),
        ({"loggers": {"shop": 5}}, f"log level of shop {LEVELS}, got 5"),
        ({"loggers": {"root": "debug"}}, f"{LEVEL_OF_ALL}: leave 'root' out"),
        ({"loggers": {"": "debug"}}, f"{LEVEL_OF_ALL}: leave '' out"),
        ({"capture": 5}, "log capture must be True or False, got a value of type int"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_refused(settings: dict[str, Any], says: str, stream: io.StringIO) -> None:
    """In a sentence, and all is as it was."""
    configure(stream=stream, environment="before")
    before = state()
    other: dict[str, Any] = {"stream": sys.stderr, "format": "console", "level": "debug"}
    with pytest.raises(ValueError) as refused:  # noqa: PT011 -- the whole message is compared
        configure(**other | settings)
    assert str(refused.value) == says
    assert state() == before
    log.info("still heard")
    [record] = records(stream.getvalue())
    assert record["context"]["environment"] == "before"


def test_a_logger_gets_its_former_level_back(stream: io.StringIO) -> None:
    """Whoever has set one finds it again when the configuration no longer names the logger."""
    logger = logging.getLogger("shop.former")
    logger.setLevel("ERROR")
    configure(stream=stream, loggers={"shop.former": "debug"})
    configure(stream=stream, loggers={"shop.former": "info"})
    assert logger.level == logging.INFO
    configure(stream=stream)
    assert logger.level == logging.ERROR
    logger.setLevel("NOTSET")
    configure(stream=stream)
    assert logger.level == logging.NOTSET


def test_what_was_dropped_is_not_forgotten(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload while nobody reads: no new wait begins, and the account comes, in the new form."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.001)
    configure(stream=pipe.stream)
    filled = pipe.fill()
    log.error("lost")
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 600.0)
    configure(stream=pipe.stream, environment="reloaded")
    log.error("lost, too")
    pipe.read(filled)
    log.error("back")
    said, back = records(pipe.read())
    assert (said["message"], said["data"]["count"]) == ("log records dropped", 2)
    assert said["context"]["environment"] == "reloaded"
    assert back["message"] == "back"


def test_a_cut_line_is_ended_after_a_reload(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it is a line of its own."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.001)
    configure(stream=pipe.stream)
    filled = pipe.fill()
    pipe.read(PIECE)
    log.error("cut", parts=["x" * 2000] * 8)
    configure(stream=pipe.stream)
    pipe.read(filled - PIECE)
    log.error("whole")
    _, *lines = pipe.read().splitlines(keepends=True)
    assert [record["message"] for record in records("".join(lines))] == [
        "log records dropped",
        "whole",
    ]
