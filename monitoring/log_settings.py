"""What `configure` takes, checked whole before anything is changed by it."""

from __future__ import annotations

import io
from collections.abc import Mapping

from monitoring.redaction import Redactor

LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("json", "console")
STREAMS = ("stderr", "stdout")

ROOT_IS_NO_LOGGER = "the level of all loggers together is the setting `level`: leave {!r} out"

_BINARY = (io.RawIOBase, io.BufferedIOBase)


def check(  # noqa: PLR0913, PLR0917 -- each is a setting of its own
    form: object,
    level: object,
    stream: object,
    redact: object,
    environment: object,
    loggers: object,
    capture: object,
) -> None:
    """Check the settings of `configure`. Raises ValueError with a sentence."""
    _one_of("format", form, FORMATS)
    _one_of("level", level, LEVELS)
    _check_stream(stream)
    if redact is not None and not isinstance(redact, Redactor):
        raise ValueError(
            f"log redact must be a Redactor, such as Redactor(keys=['iban']), got {_kind(redact)}"
        )
    if not isinstance(environment, str):
        raise ValueError(f"log environment must be a text, got {_kind(environment)}")  # noqa: TRY004 -- as for all wrong settings
    if loggers is not None:
        _check_loggers(loggers)
    if not isinstance(capture, bool):
        raise ValueError(f"log capture must be True or False, got {_kind(capture)}")  # noqa: TRY004 -- as for all wrong settings


def is_root(name: str) -> bool:
    """Whether this is how the standard library calls the logger above all others."""
    return name in {"", "root"}


def _check_stream(stream: object) -> None:
    if stream is None:
        return
    if isinstance(stream, str):
        _one_of("stream", stream, STREAMS)
    elif isinstance(stream, _BINARY) or not (hasattr(stream, "write") and hasattr(stream, "flush")):
        raise ValueError(f"log stream must be stderr, stdout or a text stream, got {_kind(stream)}")


def _check_loggers(loggers: object) -> None:
    if not isinstance(loggers, Mapping):
        raise ValueError(  # noqa: TRY004 -- as for all wrong settings
            f"log loggers must be a mapping of names to levels, got {_kind(loggers)}"
        )
    for name, level in loggers.items():
        if not isinstance(name, str):
            raise ValueError(f"a name in log loggers must be a text, got {_kind(name)}")  # noqa: TRY004 -- as for all wrong settings
        if is_root(name):
            raise ValueError(f"log loggers: {ROOT_IS_NO_LOGGER.format(name)}")
        _one_of(f"level of {name}", level, LEVELS)


def _one_of(what: str, given: object, known: tuple[str, ...]) -> None:
    if given not in known:
        raise ValueError(f"log {what} must be one of {', '.join(known)}, got {given!r}")


def _kind(given: object) -> str:
    """Name its class only: what stands in the wrong place may be secret."""
    return f"a value of type {type(given).__name__}"
