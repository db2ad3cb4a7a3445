"""Structured logs: one JSON object a line for machines, or a console form for people.

structlog builds the records, the standard library carries them, so that records of other packages
come out in the same form: with the ids of the work they belong to, without secrets, in one line.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from time import monotonic
from typing import Any, Final, Literal, TextIO

import structlog

from monitoring import inheritance, log_capture, log_settings
from monitoring.correlation import correlation_context, correlation_ids
from monitoring.inheritance import carry_correlation
from monitoring.log_events import METRICS, alert, security_event
from monitoring.log_lines import STRUCTURED, LineFormatter
from monitoring.log_performance import performance_context, performance_tracked
from monitoring.log_sampling import Gate, rate_limit, sampling
from monitoring.log_settings import FORMATS, LEVELS, STREAMS
from monitoring.log_stream import LogStream
from monitoring.plain_values import LINE, pairs_of
from monitoring.redaction import Redactor

__all__ = [
    "FORMATS",
    "LEVELS",
    "METRICS",
    "STREAMS",
    "Redactor",
    "StructuredLogger",
    "alert",
    "carry_correlation",
    "configure",
    "configure_from_file",
    "correlation_context",
    "correlation_ids",
    "performance_context",
    "performance_tracked",
    "security_event",
]

_former_levels: Final[dict[str, int]] = {}
"""Of the loggers that have one of their own now: what they had before."""


def configure(  # noqa: PLR0913, PLR0917 -- each is a setting of its own
    format: str = "json",  # noqa: A002 -- the setting's name
    level: str = "info",
    stream: TextIO | Literal["stderr", "stdout"] | None = None,
    redact: Redactor | None = None,
    environment: str = "production",
    loggers: Mapping[str, str] | None = None,
    *,
    capture: bool = True,
) -> None:
    """Send all records of this process to one stream (stderr when none is given).

    `loggers` gives single loggers, with those below them, levels of their own. With `capture`
    uncaught exceptions and warnings become records of the logger "python"; hooks of the
    interpreter that somebody else has replaced are left to them. May be called again: the newest
    call holds. Raises ValueError on what it does not know, before anything is changed.
    """
    log_settings.check(format, level, stream, redact, environment, loggers, capture)
    target = _target(stream)
    handler = _handler(target)
    handler.setFormatter(
        LineFormatter(format, redact or Redactor(), environment, colours=_is_terminal(target))
    )
    structlog.configure(
        processors=_PROCESSORS.copy(),
        context_class=dict,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    _set_own_levels(loggers or {})
    root.setLevel(level.upper())
    inheritance.install()
    if capture:
        log_capture.install()
    else:
        log_capture.put_back()


def configure_from_file(path: str) -> None:
    """Configure from a file such as config/monitoring/logging_config.yaml.

    Raises ValueError on what is wrong with the file, before anything is changed.
    """
    from monitoring.logging_config import load  # with the YAML library, which few need

    configure(**load(path))


class StructuredLogger:
    """A named logger: the event is a fixed phrase, what varies goes into fields.

    `exc_info` is as in the standard library. `sample_rate` is the share of debug and info records
    that pass; the others always do. Whatever happens while a record is made or written, the caller
    goes on.
    """

    __slots__ = ("_clock", "_limit", "_log", "_random", "_sample", "_sample_rate", "_standard")

    def __init__(
        self,
        name: str,
        sample_rate: float = 1.0,
        *,
        random: Callable[[], float] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`random` gives numbers from 0 up to 1, `clock` seconds.

        Raises ValueError on a sample rate that is not between 0 and 1.
        """
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
        self._standard = logging.getLogger(name)
        self._sample_rate = sample_rate
        self._random = random
        self._clock = clock
        self._sample = sampling(sample_rate, random, clock)
        self._limit: Gate | None = None

    def rate_limited(self, max_logs_per_minute: int) -> StructuredLogger:
        """Give a logger of the same name that passes at most so many records in any minute.

        Raises ValueError on what is no whole number of at least 1.
        """
        limited = StructuredLogger(
            self._standard.name, self._sample_rate, random=self._random, clock=self._clock
        )
        limited._limit = rate_limit(max_logs_per_minute, self._clock)
        return limited

    def debug(
        self, event: str, /, data: object = None, *, exc_info: Any = None, **fields: Any
    ) -> None:
        """Log what only a developer wants to see."""
        if self._standard.isEnabledFor(logging.DEBUG):
            self._pass("debug", event, data, exc_info, fields)

    def info(
        self, event: str, /, data: object = None, *, exc_info: Any = None, **fields: Any
    ) -> None:
        """Log a change of state that is as it should be."""
        if self._standard.isEnabledFor(logging.INFO):
            self._pass("info", event, data, exc_info, fields)

    def warning(
        self, event: str, /, data: object = None, *, exc_info: Any = None, **fields: Any
    ) -> None:
        """Log what costs some data but not the service."""
        if self._standard.isEnabledFor(logging.WARNING):
            self._pass("warning", event, data, exc_info, fields)

    def error(
        self, event: str, /, data: object = None, *, exc_info: Any = None, **fields: Any
    ) -> None:
        """Log what somebody must mend."""
        if self._standard.isEnabledFor(logging.ERROR):
            self._pass("error", event, data, exc_info, fields)

    def critical(
        self, event: str, /, data: object = None, *, exc_info: Any = None, **fields: Any
    ) -> None:
        """Log what somebody must mend at once."""
        if self._standard.isEnabledFor(logging.CRITICAL):
            self._pass("critical", event, data, exc_info, fields)

    def _pass(
        self, level: str, event: str, data: object, exc_info: Any, fields: dict[str, Any]
    ) -> None:
        try:
            sample = self._sample if level in {"debug", "info"} else None
            if self._is_through(sample) and self._is_through(self._limit):
                self._write(level, event, _merged(data, fields), exc_info)
        except Exception:  # noqa: BLE001 -- such as RecursionError: the caller must go on
            _count_failed(self._standard.name)

    def _is_through(self, gate: Gate | None) -> bool:
        if gate is None:
            return True
        if not gate.passes():
            METRICS.dropped(self._standard.name, gate.reason)
            return False
        if count := gate.account():
            self._write("warning", "log records dropped", {"count": count, "reason": gate.reason})
        return True

    def _write(self, level: str, event: str, data: Mapping[str, Any], exc_info: Any = None) -> None:
        values: dict[str, Any] = {"data": data} if data else {}
        if exc_info:
            values["exc_info"] = exc_info
        getattr(self._log, level)(event, **values)


def _target(stream: TextIO | str | None) -> TextIO:
    if isinstance(stream, str):
        return sys.stdout if stream == "stdout" else sys.stderr
    return sys.stderr if stream is None else stream


def _handler(target: TextIO) -> LogStream:
    """Keep what writes to this stream: it knows what is missing there, and takes turns."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogStream) and handler.stream is target:
            return handler
    return LogStream(target)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return bool(stream.isatty())
    except Exception:  # noqa: BLE001 -- closed, or no stream at all: that is met when it is written
        return False


def _set_own_levels(levels: Mapping[str, str]) -> None:
    for name in _former_levels.keys() - levels.keys():
        logging.getLogger(name).setLevel(_former_levels.pop(name))
    for name, level in levels.items():
        logger = logging.getLogger(name)
        _former_levels.setdefault(name, logger.level)
        logger.setLevel(level.upper())


def _merged(data: object, fields: dict[str, Any]) -> Mapping[str, Any]:
    """Join what a caller gives; what is no mapping, or cannot be read as one, is the `value`."""
    if data is None:
        return fields
    try:
        if type(data) is dict:
            return data | fields if fields else data
        if isinstance(data, Mapping):
            return dict(pairs_of(data, LINE.items)) | fields
    except Exception:  # noqa: BLE001 -- the caller's mapping may raise anything
        return {"value": data, **fields}
    return {"value": data, **fields}


def _count_failed(name: str) -> None:
    try:
        METRICS.dropped(name, "failed")
    except RecursionError:
        return  # no room on the stack, not even for counting


def _hand_over(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Make of an event what a standard-library logger takes, the fields in one attribute."""
    message = event.pop("event", "")
    arguments = event.pop("positional_args", ())
    if type(arguments) is not tuple:  # a field of that name
        arguments, event["positional_args"] = (), arguments
    special = {key: event.pop(key) for key in ("exc_info", "stack_info") if key in event}
    return (message, *arguments), {**special, "extra": {STRUCTURED: event}}


_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.stdlib.filter_by_level,
    _hand_over,
]
