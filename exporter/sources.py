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
from exporter.settings import DOCUMENTATION, Key, SettingsError, instance_keys

PREFIX = "PERFWATCH_"
CONFIG_FILE_VARIABLE = "PERFWATCH_CONFIG_FILE"

_SERVICE_LINK = re.compile(
    r"PERFWATCH_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST=|SERVICE_PORT(?:_[A-Z0-9_]+)?=|PORT=[a-z]+://"
    r"|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_PROTO|_PORT|_ADDR)?=)"
)
"""Kubernetes sets such variables in every pod beside a Service of our name. `PERFWATCH_PORT=10100`
is none of them, but somebody's wish, and worth an error."""

SECRET_VARIABLES = {
    "PERFWATCH_IRIS_PASSWORD": "iris.password",
    "PERFWATCH_IRIS_ACCESS_TOKEN": "iris.access-token",
}
"""Secrets that the environment may hold; flags and the file may not."""

DISABLE_VARIABLE = "IRIS_DISABLE_MONITORING"
"""Not one of ours by its name: it is known to those who run IRIS."""

_SECRET = re.compile(r"(--)?iris\.([^=]+\.)?(password|access[-_]token)\Z")

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
    values = _read_variables_of_iris(environment)
    for name, raw in environment.items():
        if not name.startswith(PREFIX) or name in {CONFIG_FILE_VARIABLE, *SECRET_VARIABLES}:
            continue
        if _SERVICE_LINK.match(f"{name}={raw}"):
            continue
        if name not in by_variable:
            raise SettingsError(explain_unknown("environment variable", name, by_variable))
        key = by_variable[name]
        values[key.flag] = parse_value(key, raw, f"environment variable {name}")
    return values


def _read_variables_of_iris(environment: Mapping[str, str]) -> dict[str, Any]:
    """Take what is no setting: secrets, and the variable that turns collecting off."""
    values: dict[str, Any] = {}
    for name, flag in SECRET_VARIABLES.items():
        if text := environment.get(name):
            from exporter.iris.secret_files import parse_secret  # only where IRIS is mentioned

            try:
                values[flag] = parse_secret(text, name)
            except ValueError as error:
                raise SettingsError(f"{error} (see {DOCUMENTATION})") from error
    word = environment.get(DISABLE_VARIABLE, "").lower()
    if word not in {"", "0", "1", "false", "true", "no", "yes"}:
        raise SettingsError(
            f"environment variable {DISABLE_VARIABLE}: expected true or false, got {shown(word)} "
            f"(see {DOCUMENTATION})"
        )
    if word in {"1", "true", "yes"}:
        values["iris.disabled"] = True
    return values


def read_file(path: str, keys: Iterable[Key]) -> dict[str, Any]:
    """Take a YAML file."""
    document = _load(path)
    by_yaml = {key.yaml: key for key in keys}
    values: dict[str, Any] = {}
    if names := _instance_names(document, by_yaml, path):
        values["iris.instances"] = names
        by_yaml |= {key.yaml: key for name in names for key in instance_keys(name)}
    sections = {name.rpartition(".")[0] for name in by_yaml} - {""}
    if names:
        sections.add("iris.instances")
    for name, raw in _flatten(document, "", sections):
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


def _instance_names(
    document: Mapping[Any, Any], by_yaml: Mapping[str, Key], path: str
) -> tuple[str, ...]:
    """Give the names below `iris.instances`; none where that is no mapping, as is said later."""
    section = document.get("iris")
    several = section.get("instances") if isinstance(section, dict) else None
    key = by_yaml.get("iris.instances")
    if key is None or not isinstance(several, dict):
        return ()
    names: tuple[str, ...] = parse_value(key, several, f"{path}: iris.instances")
    return names


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
    if _SECRET.match(name):
        return (
            f"{name} does not exist, as others would see the secret, in the list of processes or in"
            " the file: put it alone into a file and name that with password_file or "
            "access_token_file (--iris.password-file), or into the environment as "
            f"{' or '.join(SECRET_VARIABLES)} (see {DOCUMENTATION})"
        )
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
