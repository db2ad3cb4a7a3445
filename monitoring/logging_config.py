"""The logging file: YAML, checked whole before anything is changed by it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monitoring import strict_yaml
from monitoring.log_settings import FORMATS, LEVELS, ROOT_IS_NO_LOGGER, STREAMS, is_root
from monitoring.redaction import Redactor

MAX_FILE_BYTES = 1 << 20

KEYS = ("format", "level", "stream", "environment", "loggers", "redact")

REDACT_KEYS = ("keys", "patterns")


def load(path: str) -> dict[str, Any]:
    """Read a logging file into what `configure` takes: `configure(**load(path))`.

    Raises ValueError with one sentence: file, key, what was expected and what was found.
    """
    try:
        return _settings(_document(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _document(path: str) -> dict[Any, Any]:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("expected a logging file, got more than 1 MiB")
    document = strict_yaml.load(content)
    return {} if document is None else _mapping(document, "the file")


def _settings(document: dict[Any, Any]) -> dict[str, Any]:
    _check_keys(document, "", KEYS)
    settings: dict[str, Any] = {}
    for key, known in (("format", FORMATS), ("level", LEVELS), ("stream", STREAMS)):
        if key in document:
            settings[key] = _one_of(document[key], key, known)
    if "environment" in document:
        settings["environment"] = _text(document["environment"], "environment")
    if "loggers" in document:
        levels = _mapping(document["loggers"], "loggers")
        settings["loggers"] = {
            _logger_name(name): _one_of(level, f"loggers.{name}", LEVELS)
            for name, level in levels.items()
        }
    if "redact" in document:
        settings["redact"] = _redactor(_mapping(document["redact"], "redact"))
    return settings


def _logger_name(name: Any) -> str:
    if isinstance(name, str) and is_root(name):
        raise ValueError(f"loggers: {ROOT_IS_NO_LOGGER.format(name)}")
    return _text(name, "a name in loggers")


def _redactor(document: dict[Any, Any]) -> Redactor:
    _check_keys(document, "redact.", REDACT_KEYS)
    given = {key: _texts(document[key], f"redact.{key}") for key in document}
    for key, texts in given.items():
        _check_each(key, texts)
    return Redactor(**given)


def _check_each(key: str, texts: Iterable[str]) -> None:
    """Say which of them is wrong, and why."""
    for position, text in enumerate(texts):
        try:
            Redactor(**{key: [text]})
        except ValueError as error:
            raise ValueError(f"redact.{key}[{position}]: {error}") from error


def _check_keys(document: dict[Any, Any], section: str, known: tuple[str, ...]) -> None:
    for key in document:
        if key not in known:
            raise ValueError(f"unknown key {section}{key}: expected one of {', '.join(known)}")


def _mapping(value: Any, key: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{key}: expected a mapping, got {_shown(value)}")  # noqa: TRY004 -- as for all wrong settings
    return value


def _one_of(value: Any, key: str, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{key}: expected one of {', '.join(known)}, got {_shown(value)}")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key}: expected a text, got {_shown(value)}")
    return value


def _texts(value: Any, key: str) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{key}: expected a list of texts, got {_shown(value)}")  # noqa: TRY004 -- as for all wrong settings
    return [_text(one, f"{key}[{position}]") for position, one in enumerate(value)]


def _shown(value: Any) -> str:
    """Give a value in few words; an alias can make a list contain itself."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)[:100]
