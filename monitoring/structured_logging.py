"""Structured logs: one JSON object a line for machines, or a console form for people.

structlog builds the records, the standard library writes them, so that records of other packages
come out in the same form.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("json", "console")


def configure(format: str = "json", level: str = "info", stream: TextIO | None = None) -> None:  # noqa: A002 -- the setting's name
    """Send all records of this process to one stream (stderr when none is given).

    May be called again: the newest call holds. Raises ValueError on an unknown format or level.
    """
    if format not in FORMATS:
        raise ValueError(f"log format must be one of {', '.join(FORMATS)}, got {format!r}")
    if level not in LEVELS:
        raise ValueError(f"log level must be one of {', '.join(LEVELS)}, got {level!r}")
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(format),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # A closed pipe or a full disk under the log must not be answered with a traceback.
    logging.raiseExceptions = False


class StructuredLogger:
    """A named logger: the event is a fixed phrase, what varies goes into fields."""

    __slots__ = ("_log",)

    def __init__(self, name: str) -> None:
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)

    def debug(self, event: str, **fields: Any) -> None:
        """Log what only a developer wants to see."""
        self._log.debug(event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log a change of state that is as it should be."""
        self._log.info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log what costs some data but not the service."""
        self._log.warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log what somebody must mend."""
        self._log.error(event, **fields)


def _renderers(form: str) -> list[structlog.typing.Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(colors=False)]
    return [
        structlog.processors.format_exc_info,
        _arrange,
        structlog.processors.JSONRenderer(ensure_ascii=True, default=repr),
    ]


def _arrange(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Put the fixed keys first and everything else into `data`."""
    record = {
        "timestamp": event.pop("timestamp", None),
        "level": event.pop("level", None),
        "logger": event.pop("logger", None),
        "message": event.pop("event", ""),
    }
    if exception := event.pop("exception", None):
        record["exception"] = exception
    if event:
        record["data"] = dict(event)
    return record
