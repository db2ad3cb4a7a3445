"""The settings of the daemon itself, declared group by group; see settings.py for the tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from exporter.addresses import Address, parse_addresses
from exporter.options import one_of, option, parse_age, parse_bytes, parse_text, shown
from monitoring import structured_logging

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

MIN_AGE_SECONDS = 60

_PATH = re.compile(r"/[A-Za-z0-9/._~-]+\Z")


def parse_telemetry_path(raw: Any) -> str:
    """Take the path of the metrics page."""
    text = parse_text(raw)
    if not _PATH.match(text) or text in RESERVED_PATHS or text.startswith("/api/"):
        raise ValueError(
            "expected a path of a slash and then letters, digits and /._~- which is none of the "
            f"daemon's own ({', '.join(sorted(RESERVED_PATHS))}, and all below /api/); "
            f"got {shown(text)}"
        )
    return text


def parse_level(raw: Any) -> str:
    """Take a log level; `warn` is how node_exporter spells it."""
    return one_of(*structured_logging.LEVELS)("warning" if raw == "warn" else raw)


def parse_directory(raw: Any) -> str:
    """Take an absolute directory, or nothing."""
    text = parse_text(raw)
    if text and (not text.startswith("/") or not text.strip("/") or ".." in text.split("/")):
        raise ValueError(
            f"expected an absolute directory other than / and without .., got {shown(text)}"
        )
    return text


def parse_interval(raw: Any) -> float:
    """Take a time between two runs: at least a second."""
    seconds = parse_age(raw)
    if seconds < 1:
        raise ValueError(f"expected a duration of at least a second, got {shown(raw)}")
    return seconds


def parse_max_age(raw: Any) -> float:
    """Take an age after which a file may go: no less than it may take to write one."""
    seconds = parse_age(raw)
    if seconds < MIN_AGE_SECONDS:
        raise ValueError(f"expected a duration of at least a minute, got {shown(raw)}")
    return seconds


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

    level: str = option(
        "info",
        f"Least severe level that is logged: {', '.join(structured_logging.LEVELS)}.",
        parse=parse_level,
    )
    format: str = option(
        "json",
        f"Form of a log line: {' or '.join(structured_logging.FORMATS)}.",
        parse=one_of(*structured_logging.FORMATS),
    )
    environment: str = option("production", "Name of the environment, in each log line.")
    config_file: str = option(
        "", "File such as config/monitoring/logging_config.yaml; the settings above override it."
    )


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """What the daemon keeps on disk."""

    path: str = option(
        "",
        "Directory for what the daemon keeps (reports, spool); when empty, systemd's state "
        "directory, and nothing where there is none.",
        parse=parse_directory,
    )


@dataclass(frozen=True, slots=True)
class CleanupSettings:
    """When what the daemon keeps is removed: whichever limit is reached first."""

    interval: float = option(3600.0, "Time between two runs.", parse=parse_interval)
    max_age: float = option(
        7 * 86_400.0,
        "Age after which a file is removed, in seconds or as 12h, 30d.",
        parse=parse_max_age,
    )
    max_files: int = option(1000, "Files kept in each folder; the oldest go first.")
    max_bytes: int = option(
        2**30, "Bytes kept in each folder, also as 512MiB, 2GiB.", parse=parse_bytes
    )
    dry_run: bool = option(False, "Only count what would be removed.")
    textfile_leftovers: bool = option(
        False,
        "Remove from the textfile collector's directories what interrupted writers have left "
        "(*.prom.tmp, *.prom.1234) and is older than max-age.",
    )
