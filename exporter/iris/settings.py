"""The settings of IRIS instances: of the one that there is by default, and of several by name.

What stands below `iris` holds for every instance; what stands below `iris.instances.<name>` holds
for that one. Imported only where somebody mentions IRIS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from exporter.iris.access.connection import NO_SECRET, Connection, Secret, Tls
from exporter.iris.system_performance.policy import MonitoringPolicy, ResourceThresholds
from exporter.options import (
    one_of,
    option,
    parse_age,
    parse_count,
    parse_positive,
    parse_seconds,
    parse_text,
    shown,
)

DEFAULT_NAME = "iris"
"""Of an instance where there is only one."""

MAX_TIMEOUT_SECONDS = 300.0
MAX_INTERVAL_SECONDS = 3600.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NAMESPACE = re.compile(r"[%A-Za-z][A-Za-z0-9_-]{0,63}\Z")


def parse_name(raw: Any) -> str:
    """Take the name of an instance, which becomes a label's value."""
    text = parse_text(raw)
    if not _NAME.match(text):
        raise ValueError(
            "expected a name of letters, digits and . _ - that begins with a letter or digit, at "
            f"most 64 characters, got {shown(text)}"
        )
    return text


def parse_host(raw: Any) -> str:
    """Take a host's name or address, or nothing."""
    text = parse_text(raw)
    if any(character.isspace() or character in "/@" for character in text):
        raise ValueError(f"expected the name or address of a host, got {shown(text)}")
    return text


def parse_port(raw: Any) -> int:
    """Take a port."""
    port = parse_count(raw)
    if not 1 <= port <= 65_535:
        raise ValueError(f"expected a port from 1 to 65535, got {shown(raw)}")
    return port


def parse_namespace(raw: Any) -> str:
    """Take a namespace."""
    text = parse_text(raw)
    if not _NAMESPACE.match(text):
        raise ValueError(f"expected a namespace such as %SYS, got {shown(text)}")
    return text


def parse_timeout(raw: Any) -> float:
    """Take how long to wait for an answer."""
    seconds = parse_seconds(raw)
    if not 1 <= seconds <= MAX_TIMEOUT_SECONDS:
        raise ValueError(f"expected a duration from 1s to 5m, got {shown(raw)}")
    return seconds


def parse_interval(raw: Any) -> float:
    """Take a time between two readings."""
    seconds = parse_seconds(raw)
    if not 1 <= seconds <= MAX_INTERVAL_SECONDS:
        raise ValueError(f"expected a duration from 1s to 1h, got {shown(raw)}")
    return seconds


def parse_url(raw: Any) -> str:
    """Take the address of an instance's metrics page, or nothing."""
    text = parse_text(raw)
    if not text:
        return text
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable()
        has_login = "@" in parts.netloc
    except ValueError:
        is_url = has_login = False
    if has_login:
        # It would be in messages; and it is the instance's own user who asks.
        raise ValueError("expected a URL without user and password: those of the instance are used")
    if not is_url:
        raise ValueError(
            f"expected a URL such as http://host:52773/api/monitor/metrics, got {shown(text)}"
        )
    return text


def parse_mode(raw: Any) -> str:
    """Take what the governor does; `off` without quotes is false in YAML."""
    return one_of("act", "observe", "off")("off" if raw is False else raw)


def parse_local(raw: Any) -> str:
    """Take auto, true or false."""
    return one_of("auto", "true", "false")(str(raw).lower() if isinstance(raw, bool) else raw)


def parse_percent(raw: Any) -> float:
    """Take a share in per cent."""
    try:
        percent = float(raw) if isinstance(raw, int | float | str) else -1.0
    except ValueError:
        percent = -1.0
    if isinstance(raw, bool) or not 0 < percent <= 100:
        raise ValueError(f"expected a percentage above 0 and up to 100, got {shown(raw)}")
    return percent


def parse_whole_seconds(raw: Any) -> int:
    """Take a duration of whole seconds, which is all that ^SystemPerformance knows."""
    seconds = parse_age(raw)
    if seconds != int(seconds):
        raise ValueError(f"expected whole seconds, got {shown(raw)}")
    return int(seconds)


def parse_instances(raw: Any) -> tuple[str, ...]:
    """Take the names of several instances, whose settings are read one by one."""
    if not isinstance(raw, Mapping):
        raise ValueError(  # noqa: TRY004 -- what every parser raises
            "expected a mapping of names to settings, which only the configuration file can hold, "
            f"got {shown(raw)}"
        )
    return tuple(parse_name(name) for name in raw)


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """What ^SystemPerformance collects."""

    enabled: bool = option(
        True, "Keep ^SystemPerformance collecting; IRIS_DISABLE_MONITORING=true turns it off."
    )
    install_wrapper: bool = option(
        False, "Consent to the installation of the functions ZPerfWatch.* on the instance."
    )
    name: str = option("perfwatch", "Name of the profile.")
    interval: int = option(
        30, "Time between two samples, from 1 to 300 seconds.", parse=parse_whole_seconds
    )
    duration: int = option(3600, "How long a run takes, at most 24h.", parse=parse_whole_seconds)
    retention: int = option(
        3600, "Age after which the report of a run is removed.", parse=parse_whole_seconds
    )
    os_data: bool = option(
        True, "Collect data of the operating system too: off for all but one instance of a host."
    )


@dataclass(frozen=True, slots=True)
class GovernorSettings:
    """When collecting is suspended."""

    mode: str = option(
        "act", "What is done under pressure: act, observe (only report) or off.", parse=parse_mode
    )
    cpu_disable: float = option(
        90.0, "CPU use in per cent above which collecting is suspended.", parse=parse_percent
    )
    memory_disable: float = option(
        95.0, "Memory use in per cent above which collecting is suspended.", parse=parse_percent
    )
    cpu_enable: float = option(
        85.0, "CPU use in per cent below which the host has recovered.", parse=parse_percent
    )
    memory_enable: float = option(
        90.0, "Memory use in per cent below which the host has recovered.", parse=parse_percent
    )
    dwell: int = option(
        2,
        "How many decisions in a row, one a minute, must find the host recovered.",
        parse=parse_positive,
    )
    max_suspension: float = option(
        6 * 3600.0,
        "How long collecting stays suspended at most, while the host is below what suspends it; 0: "
        "until it has recovered.",
        parse=parse_age,
    )
    local: str = option(
        "auto",
        "Whether the instance runs on this host, whose CPU and memory are then measured here: "
        "auto (by its address), true or false.",
        parse=parse_local,
    )


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """One instance."""

    name: str = option(
        DEFAULT_NAME, "Name of the instance in metrics, where there is only one.", parse=parse_name
    )
    host: str = option(
        "", "Host of the instance; without one nothing of IRIS is done.", parse=parse_host
    )
    port: int = option(1972, "Port of its superserver.", parse=parse_port)
    namespace: str = option("%SYS", "Namespace to log in to.", parse=parse_namespace)
    username: str = option("", "User to log in as.")
    password_file: str = option(
        "", "File with the password alone; PERFWATCH_IRIS_PASSWORD holds it instead."
    )
    access_token_file: str = option(
        "",
        "File with an access token, instead of user and password; PERFWATCH_IRIS_ACCESS_TOKEN "
        "holds it instead.",
    )
    tls: bool = option(False, "Speak TLS with the superserver.")
    tls_ca_file: str = option(
        "", "PEM file with the authorities that are trusted; when empty, the system's."
    )
    tls_verify: bool = option(True, "Refuse a certificate that is not trusted.")
    timeout: float = option(
        10.0, "How long to wait for an answer, from 1s to 5m.", parse=parse_timeout
    )
    metrics_url: str = option(
        "",
        "Its page of metrics, http://host:52773/api/monitor/metrics, asked where the superserver "
        "refuses.",
        parse=parse_url,
    )
    interval: float = option(
        10.0, "Time between two readings, from 1s to 1h.", parse=parse_interval
    )
    process_metrics: bool = option(False, "Show metrics of single processes.")
    max_processes: int = option(
        100, "How many processes are shown, if any; the busiest first.", parse=parse_positive
    )
    monitoring: MonitoringSettings = MonitoringSettings()
    governor: GovernorSettings = GovernorSettings()
    password: Secret = NO_SECRET
    access_token: Secret = NO_SECRET

    def secret_files(self) -> tuple[str, ...]:
        """Name the files that hold its secrets."""
        return tuple(path for path in (self.password_file, self.access_token_file) if path)

    def connection(self) -> Connection:
        """How it is reached."""
        return Connection(
            name=self.name,
            host=self.host,
            port=self.port,
            namespace=self.namespace,
            username="" if self.access_token else self.username,
            password=self.password,
            access_token=self.access_token,
            tls=Tls(self.tls_ca_file, self.tls_verify) if self.tls else None,
            timeout_seconds=self.timeout,
            metrics_url=self.metrics_url,
        )

    def policy(self) -> MonitoringPolicy:
        """What is to be collected. Raises ValueError on what ^SystemPerformance would refuse."""
        wanted = self.monitoring
        return MonitoringPolicy(
            name=wanted.name,
            interval_seconds=wanted.interval,
            duration_seconds=wanted.duration,
            retention_seconds=wanted.retention,
            os_data=wanted.os_data,
        )

    def thresholds(self) -> ResourceThresholds:
        """What counts as pressure. Raises ValueError where recovery would be above it."""
        wanted = self.governor
        return ResourceThresholds(
            cpu_disable_percent=wanted.cpu_disable,
            memory_disable_percent=wanted.memory_disable,
            cpu_enable_percent=wanted.cpu_enable,
            memory_enable_percent=wanted.memory_enable,
            dwell_decisions=wanted.dwell,
        )
