"""Where settings come from: the YAML file and the environment (for flags see cli.py).

Each gives parsed values by flag name, and raises SettingsError on the first thing that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from exporter.settings import DOCUMENTATION, Key, SettingsError

PREFIX = "PERFWATCH_"
CONFIG_FILE_VARIABLE = "PERFWATCH_CONFIG_FILE"

_SERVICE_LINK = re.compile(r"PERFWATCH_(?:[A-Z0-9_]*_)?(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|\Z)")
"""Kubernetes sets such variables in every pod beside a Service of our name."""

MAX_FILE_BYTES = 1024 * 1024


def parse_value(key: Key, raw: Any, where: str) -> Any:
    """Parse one value. `where` names the file or variable it stands in."""
    try:
        return key.parse(raw)
    except ValueError as error:
        raise SettingsError(f"{where}: {error} (see {DOCUMENTATION})") from error


def read_environment(environment: Mapping[str, str], keys: Iterable[Key]) -> dict[str, Any]:
    """Take the PERFWATCH_* variables; one that no setting has is an error."""
    by_variable = {key.variable: key for key in keys}
    values = {}
    for name, raw in environment.items():
        if not name.startswith(PREFIX) or name == CONFIG_FILE_VARIABLE or _SERVICE_LINK.match(name):
            continue
        if name not in by_variable:
            raise SettingsError(_unknown("environment variable", name, by_variable))
        key = by_variable[name]
        values[key.flag] = parse_value(key, raw, f"environment variable {name}")
    return values


def read_file(path: str, keys: Iterable[Key]) -> dict[str, Any]:
    """Take a YAML file."""
    by_yaml = {key.yaml: key for key in keys}
    values = {}
    for name, raw in _flatten(_load(path), "", by_yaml):
        # `collector: {cpu: false}` is short for `collector: {cpu: {enabled: false}}`.
        key = by_yaml.get(name) or by_yaml.get(f"{name}.enabled")
        if raw is None and (key or any(known.startswith(f"{name}.") for known in by_yaml)):
            continue  # `web:` with nothing below it
        if key is None:
            raise SettingsError(f"{path}: {_unknown('key', name, by_yaml)}")
        values[key.flag] = parse_value(key, raw, f"{path}: {name}")
    return values


def _load(path: str) -> Mapping[Any, Any]:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read: {error.strerror}; check --config.file and the file's mode "
            f"(see {DOCUMENTATION})"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError(f"{path}: larger than 1 MiB: this is no configuration file")
    # Imported here: a daemon without a file does without the library's 2.6 MB.
    from exporter.strict_yaml import load  # noqa: PLC0415

    try:
        document = load(content)
    except ValueError as error:
        raise SettingsError(f"{path}: {error} (see {DOCUMENTATION})") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError(
            f"{path}: expected a mapping such as `web: {{max_requests: 40}}`, "
            f"got a {type(document).__name__} (see {DOCUMENTATION})"
        )
    return document


def _flatten(
    mapping: Mapping[Any, Any], prefix: str, leaves: Mapping[str, Key]
) -> Iterable[tuple[str, Any]]:
    for name, value in mapping.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path not in leaves:
            yield from _flatten(value, f"{path}.", leaves)
        else:
            yield path, value


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 -- only on the way out

    close = get_close_matches(name, list(known), n=1)
    hint = f"did you mean {close[0].removesuffix('.enabled')}?" if close else "remove it"
    return f"unknown {what} {name}: {hint} (see {DOCUMENTATION})"
