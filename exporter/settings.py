"""The settings tree: every setting is declared once, here or beside its collector.

From one declaration follow the flag (`--web.max-requests`), the YAML key (`web: {max_requests: }`)
and the environment variable (`PERFWATCH_WEB_MAX_REQUESTS`). Later sources win: file, environment,
flags. See docs/configuration.md.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter import collectors as registry
from exporter.options import parse_bool, parse_positive, parse_seconds
from exporter.setting_groups import (
    CleanupSettings,
    LogSettings,
    PathSettings,
    StorageSettings,
    WebSettings,
)

if TYPE_CHECKING:  # imported where IRIS is mentioned
    from exporter.iris.settings import InstanceSettings

DOCUMENTATION = "docs/configuration.md"


class SettingsError(Exception):
    """A setting that cannot be used: one line saying where, what was expected, and what to do."""


def with_documentation(message: str) -> str:
    """Add where it is documented, to a message that does not say it yet."""
    return message if "docs/" in message else f"{message} (see {DOCUMENTATION})"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one daemon."""

    web: WebSettings
    path: PathSettings
    log: LogSettings
    storage: StorageSettings
    cleanup: CleanupSettings
    logging: Mapping[str, Any]
    """For structured_logging.configure: the logging file, and over it what `log` was given."""
    timeout_offset: float
    """Seconds subtracted from Prometheus' scrape timeout."""
    max_series: int
    """Per collector."""
    collectors: Mapping[str, Any]
    """The enabled collectors in their order, each with its options (None when it has none)."""
    iris: Mapping[str, InstanceSettings]
    """The instances of IRIS by name."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as its sources know it."""

    flag: str
    """The flag without its dashes; also how messages name the setting."""
    yaml: str
    """The dotted YAML path."""
    parse: Callable[[Any], Any]
    default: Any
    help: str

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "PERFWATCH_" + self.flag.upper().replace(".", "_").replace("-", "_")

    @property
    def shown_default(self) -> str:
        """The default as it would be written on the command line; empty when there is none."""
        if isinstance(self.default, re.Pattern):
            return str(self.default.pattern)
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, tuple):
            return ",".join(str(item) for item in self.default)
        return "" if self.default is None else str(self.default)


GROUPS: Mapping[str, type[Any]] = {
    "web": WebSettings,
    "path": PathSettings,
    "log": LogSettings,
    "storage": StorageSettings,
    "cleanup": CleanupSettings,
}

GENERAL: tuple[Key, ...] = (
    Key(
        "timeout-offset",
        "timeout_offset",
        parse_seconds,
        0.25,
        "Time subtracted from Prometheus' scrape timeout, in seconds.",
    ),
    Key(
        "collector.disable-defaults",
        "collector.disable_defaults",
        parse_bool,
        False,
        "Turn all collectors off that are not named.",
    ),
    Key(
        "collector.max-series",
        "collector.max_series",
        parse_positive,
        50_000,
        "Series that one collector may give; more are left out and counted.",
    ),
)


def _group_keys(prefix: str, declared: type[Any]) -> Iterator[Key]:
    for field in dataclasses.fields(declared):
        if not field.metadata:
            continue  # a group within the group, or what has no setting of its own
        flag = field.metadata["flag"] or field.name.replace("_", "-")
        yield Key(
            f"{prefix}.{flag}",
            f"{prefix}.{field.name}",
            field.metadata["parse"],
            field.default,
            field.metadata["help"],
        )


def all_keys(is_used: Callable[[str], bool] = lambda _: True) -> Iterator[Key]:
    """Every setting there is, in the order in which help and documentation list them.

    The options of a collector that is off can be left out where nobody mentions it: they are in
    its module, which need not be imported then. The same with IRIS.
    """
    for prefix, declared in GROUPS.items():
        yield from _group_keys(prefix, declared)
    yield from GENERAL
    for entry in registry.ALL:
        yield Key(
            f"collector.{entry.name}",
            f"collector.{entry.name}.enabled",
            parse_bool,
            entry.enabled,
            f"The {entry.name} collector.",
        )
        if (entry.enabled or is_used(entry.name)) and (options := entry.options) is not None:
            yield from _group_keys(f"collector.{entry.name}", options)
    if is_used("iris"):
        yield from _iris_keys()


def _iris_keys() -> Iterator[Key]:
    from exporter.iris.instances import GROUPS as IRIS_GROUPS
    from exporter.iris.instances import INSTANCES
    from exporter.iris.options import parse_instances

    for prefix, declared in IRIS_GROUPS.items():
        yield from _group_keys(prefix, declared)
    yield Key(
        INSTANCES,
        INSTANCES,
        parse_instances,
        None,
        "Several instances: a mapping of their names to the settings above, in the file only.",
    )


def instance_keys(name: str) -> Iterator[Key]:
    """The settings of one of several instances, which only a file has."""
    from exporter.iris.instances import own_flag

    for key in _iris_keys():
        if key.flag not in {"iris.name", "iris.instances"}:
            own = own_flag(key.flag, name), own_flag(key.yaml, name)
            yield dataclasses.replace(key, flag=own[0], yaml=own[1])


def build(values: Mapping[str, Any]) -> Settings:
    """Make the tree from parsed values by flag name; what is missing has its default.

    Raises SettingsError when values contradict each other.
    """

    def make(prefix: str, declared: type[Any]) -> Any:
        given = {
            key.yaml.rpartition(".")[2]: values[key.flag]
            for key in _group_keys(prefix, declared)
            if key.flag in values
        }
        try:
            return declared(**given)
        except ValueError as error:
            raise SettingsError(f"{prefix}: {error} (see {DOCUMENTATION})") from error

    defaults = {key.flag: key.default for key in GENERAL} | dict(values)
    enabled = {
        entry.name: make(f"collector.{entry.name}", options) if (options := entry.options) else None
        for entry in registry.ALL
        if values.get(
            f"collector.{entry.name}",
            entry.enabled and not defaults["collector.disable-defaults"],
        )
    }
    groups = {name: make(name, declared) for name, declared in GROUPS.items()}
    return Settings(
        **groups,
        logging=_logging(groups["log"], values),
        timeout_offset=defaults["timeout-offset"],
        max_series=defaults["collector.max-series"],
        collectors=enabled,
        iris=_instances(values),
    )


def _instances(values: Mapping[str, Any]) -> Mapping[str, InstanceSettings]:
    if not any(flag.startswith("iris.") for flag in values):
        return {}
    from exporter.iris.instances import make_instances

    try:
        return make_instances(values)
    except ValueError as error:
        raise SettingsError(with_documentation(str(error))) from error


def _logging(log: LogSettings, values: Mapping[str, Any]) -> dict[str, Any]:
    """Join the logging file, if one is named, with what was given beside it."""
    own = {"level": log.level, "format": log.format, "environment": log.environment}
    # What uvicorn says of single requests is counted by us; its errors come through.
    loggers = {"uvicorn.error": "error"}
    if not log.config_file:
        return {**own, "loggers": loggers}
    from monitoring.logging_config import load  # with the YAML library, which few need

    try:
        loaded = load(log.config_file)
    except ValueError as error:
        raise SettingsError(f"log.config-file: {error} (see {DOCUMENTATION})") from error
    given = {name: value for name, value in own.items() if f"log.{name}" in values}
    return own | loaded | given | {"loggers": loggers | loaded.get("loggers", {})}
