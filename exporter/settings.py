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
from typing import Any, NamedTuple

from exporter import collectors as registry
from exporter.options import option, parse_bool, parse_count, parse_seconds, parse_text, shown
from monitoring import structured_logging

DOCUMENTATION = "docs/configuration.md"

RESERVED_PATHS = frozenset(
    {
        "/",
        "/livez",
        "/readyz",
        "/healthz",
        "/health",
        "/health/live",
        "/health/ready",
        "/-/healthy",
        "/-/ready",
        "/-/reload",
    }
)


class SettingsError(Exception):
    """A setting that cannot be used: one line saying where, what was expected, and what to do."""


def with_documentation(message: str) -> str:
    """Add where it is documented, to a message that does not say it yet."""
    return message if "docs/" in message else f"{message} (see {DOCUMENTATION})"


class Address(NamedTuple):
    """Where to listen. An empty host means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def for_clients(self) -> str:
        """The same, as a client on this machine reaches it."""
        loopback = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared
        return str(self._replace(host=loopback.get(self.host, self.host)))


_PORT = re.compile(r"[0-9]{1,5}\Z")


def parse_address(raw: Any) -> Address:
    """Take `host:port`, `:port` or `[::1]:port`."""
    text = parse_text(raw)
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not (colon and _PORT.match(port) and int(port) <= 65535):
        raise ValueError(f"expected host:port with a port up to 65535, got {shown(text)}")
    return Address(host, int(port))


def parse_addresses(raw: Any) -> tuple[Address, ...]:
    """Take one address or several: a list, or a text with commas."""
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list) or not items:
        raise ValueError(f"expected an address or a list of addresses, got {shown(raw)}")
    return tuple(parse_address(item.strip() if isinstance(item, str) else item) for item in items)


_PATH = re.compile(r"/[A-Za-z0-9/._~-]+\Z")


def parse_telemetry_path(raw: Any) -> str:
    """Take the path of the metrics page."""
    text = parse_text(raw)
    if not _PATH.match(text) or text in RESERVED_PATHS:
        raise ValueError(
            "expected a path of a slash and then letters, digits and /._~- which is none of the "
            f"daemon's own ({', '.join(sorted(RESERVED_PATHS))}); got {shown(text)}"
        )
    return text


def one_of(*choices: str) -> Callable[[Any], str]:
    """Make a parser that takes one of a few words."""

    def parse(raw: Any) -> str:
        if raw not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {shown(raw)}")
        return str(raw)

    return parse


def parse_positive(raw: Any) -> int:
    """Take a whole number, 1 or more."""
    count = parse_count(raw)
    if count == 0:
        raise ValueError("expected a whole number, 1 or more, got 0")
    return count


def parse_level(raw: Any) -> str:
    """Take a log level; `warn` is how node_exporter spells it."""
    return one_of(*structured_logging.LEVELS)("warning" if raw == "warn" else raw)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The HTTP server."""

    listen_address: tuple[Address, ...] = option(
        (Address("127.0.0.1", 10100),),
        "Address to listen on; may be repeated.",
        parse=parse_addresses,
    )
    telemetry_path: str = option(
        "/metrics", "Path of the metrics page.", parse=parse_telemetry_path
    )
    max_requests: int = option(40, "Scrapes served at the same time; 0 means no limit.")
    disable_exporter_metrics: bool = option(
        False, "Leave out metrics about the daemon itself (its scrapes, requests and process)."
    )
    enable_lifecycle: bool = option(False, "Allow POST /-/reload.")


@dataclass(frozen=True, slots=True)
class PathSettings:
    """Where the host's trees are mounted."""

    procfs: str = option("/proc", "Mount point of procfs.")
    sysfs: str = option("/sys", "Mount point of sysfs.")
    rootfs: str = option("/", "Mount point of the host's root directory.")
    udev_data: str = option(
        "",
        "Directory of udev's data; when empty, /run/udev/data below the root directory.",
        flag="udev.data",
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The daemon's own log."""

    level: str = option("info", "Least severe level that is logged.", parse=parse_level)
    format: str = option("json", "Form of a log line.", parse=one_of(*structured_logging.FORMATS))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one daemon."""

    web: WebSettings
    path: PathSettings
    log: LogSettings
    timeout_offset: float
    """Seconds subtracted from Prometheus' scrape timeout."""
    max_series: int
    """Per collector."""
    collectors: Mapping[str, Any]
    """The enabled collectors in their order, each with its options (None when it has none)."""


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


GROUPS: Mapping[str, type[Any]] = {"web": WebSettings, "path": PathSettings, "log": LogSettings}

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
        flag = field.metadata["flag"] or field.name.replace("_", "-")
        yield Key(
            f"{prefix}.{flag}",
            f"{prefix}.{field.name}",
            field.metadata["parse"],
            field.default,
            field.metadata["help"],
        )


def all_keys() -> Iterator[Key]:
    """Every setting there is, in the order in which help and documentation list them."""
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
        if entry.options is not None:
            yield from _group_keys(f"collector.{entry.name}", entry.options)


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
        entry.name: make(f"collector.{entry.name}", entry.options) if entry.options else None
        for entry in registry.ALL
        if values.get(
            f"collector.{entry.name}",
            entry.enabled and not defaults["collector.disable-defaults"],
        )
    }
    return Settings(
        **{name: make(name, declared) for name, declared in GROUPS.items()},
        timeout_offset=defaults["timeout-offset"],
        max_series=defaults["collector.max-series"],
        collectors=enabled,
    )
