"""Where settings come from: the YAML file and the environment (for flags see arguments.py).

Each gives parsed values by flag name, and raises SettingsError on the first thing that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from exporter.options import shown
from exporter.settings import DOCUMENTATION, Key, SettingsError

PREFIX = "PERFWATCH_"
CONFIG_FILE_VARIABLE = "PERFWATCH_CONFIG_FILE"

_SERVICE_LINK = re.compile(
    r"PERFWATCH_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST=|SERVICE_PORT(?:_[A-Z0-9_]+)?=|PORT=[a-z]+://"
    r"|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_PROTO|_PORT|_ADDR)?=)"
)
"""Kubernetes sets such variables in every pod beside a Service of our name. `PERFWATCH_PORT=10100`
is none of them, but somebody's wish, and worth an error."""

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
        if not name.startswith(PREFIX) or name == CONFIG_FILE_VARIABLE:
            continue
        if _SERVICE_LINK.match(f"{name}={raw}"):
            continue
        if name not in by_variable:
            raise SettingsError(explain_unknown("environment variable", name, by_variable))
        key = by_variable[name]
        values[key.flag] = parse_value(key, raw, f"environment variable {name}")
    return values


def read_file(path: str, keys: Iterable[Key]) -> dict[str, Any]:
    """Take a YAML file."""
    by_yaml = {key.yaml: key for key in keys}
    sections = {name.rpartition(".")[0] for name in by_yaml} - {""}
    values: dict[str, Any] = {}
    for name, raw in _flatten(_load(path), "", sections):
        # `collector: {cpu: false}` is short for `collector: {cpu: {enabled: false}}`.
        key = by_yaml.get(name) or by_yaml.get(f"{name}.enabled")
        if raw is None and (key or name in sections):
            continue  # `web:` with nothing below it
        if key is None and name in sections:
            raise SettingsError(
                f"{path}: {name}: expected a mapping of settings, got {shown(raw)} "
                f"(see {DOCUMENTATION})"
            )
        if key is None:
            raise SettingsError(f"{path}: {explain_unknown('key', name, sections.union(by_yaml))}")
        if key.flag in values:
            raise SettingsError(f"{path}: {key.yaml} is set twice: remove one")
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
        raise SettingsError(
            f"{path}: larger than 1 MiB, which no configuration is: check --config.file "
            f"(see {DOCUMENTATION})"
        )
    # Imported here: a daemon without a file does without the library's 2.6 MB.
    from monitoring.strict_yaml import load

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
    mapping: Mapping[Any, Any], prefix: str, sections: AbstractSet[str]
) -> Iterable[tuple[str, Any]]:
    for name, value in mapping.items():
        path = f"{prefix}{name}"
        # Only into what is a section: an alias can make a mapping contain itself.
        if isinstance(value, dict) and path in sections:
            yield from _flatten(value, f"{path}.", sections)
        else:
            yield path, value


def explain_unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, and which known one of the same section may have been meant."""
    from difflib import get_close_matches  # only on the way out

    known = list(known)
    section = name.rpartition(".")[0]
    siblings = [each for each in known if each.rpartition(".")[0] == section]
    # The section is right or wrong as a whole: only what differs is compared.
    same = f"{section}." if siblings else ""
    choices = {each.removeprefix(same): each for each in siblings or known}
    close = get_close_matches(name.removeprefix(same), choices, n=1)
    hint = f"did you mean {choices[close[0]]}?" if close else "remove it"
    return f"unknown {what} {name}: {hint} (see {DOCUMENTATION})"
