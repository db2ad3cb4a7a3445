"""The settings of IRIS instances: of the one that there is by default, and of several by name.

What stands below `iris` holds for every instance; what stands below `iris.instances.<name>` holds
for that one. Imported only where somebody mentions IRIS.
"""

from __future__ import annotations

from dataclasses import dataclass

from exporter.iris.access.connection import NO_SECRET, Connection, Secret, Tls
from exporter.iris.governor.decision import Mode, Rules
from exporter.iris.metrics.sensors import DEFAULT_OPTIONS
from exporter.iris.options import (
    parse_host,
    parse_local,
    parse_mode,
    parse_name,
    parse_namespace,
    parse_percent,
    parse_port,
    parse_url,
    parse_whole_seconds,
    seconds_up_to,
)
from exporter.iris.system_performance.policy import (
    DEFAULT_POLICY,
    MonitoringPolicy,
    ResourceThresholds,
)
from exporter.options import option, parse_age, parse_positive

DEFAULT_NAME = "iris"
"""Of an instance where there is only one."""

_RULES = Rules()


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """What ^SystemPerformance collects."""

    enabled: bool = option(
        True, "Keep ^SystemPerformance collecting; IRIS_DISABLE_MONITORING=true turns it off."
    )
    install_wrapper: bool = option(
        False, "Consent to the installation of the functions ZPerfWatch.* on the instance."
    )
    name: str = option(DEFAULT_POLICY.name, "Name of the profile.")
    interval: int = option(
        DEFAULT_POLICY.interval_seconds,
        "Time between two samples, from 1 to 300 seconds.",
        parse=parse_whole_seconds,
    )
    duration: int = option(
        DEFAULT_POLICY.duration_seconds,
        "How long a run takes, at most 24h.",
        parse=parse_whole_seconds,
    )
    retention: int = option(
        DEFAULT_POLICY.retention_seconds,
        "Age after which the report of a run is removed.",
        parse=parse_whole_seconds,
    )
    os_data: bool = option(
        DEFAULT_POLICY.os_data,
        "Collect data of the operating system too: off for all but one instance of a host.",
    )


@dataclass(frozen=True, slots=True)
class GovernorSettings:
    """When collecting is suspended."""

    mode: str = option(
        Mode.ACT.value,
        "What is done under pressure: act, observe (only report) or off.",
        parse=parse_mode,
    )
    cpu_disable: float = option(
        _RULES.thresholds.cpu_disable_percent,
        "CPU use in per cent above which collecting is suspended.",
        parse=parse_percent,
    )
    memory_disable: float = option(
        _RULES.thresholds.memory_disable_percent,
        "Memory use in per cent above which collecting is suspended.",
        parse=parse_percent,
    )
    cpu_enable: float = option(
        _RULES.thresholds.cpu_enable_percent,
        "CPU use in per cent below which the host has recovered.",
        parse=parse_percent,
    )
    memory_enable: float = option(
        _RULES.thresholds.memory_enable_percent,
        "Memory use in per cent below which the host has recovered.",
        parse=parse_percent,
    )
    dwell: int = option(
        _RULES.thresholds.dwell_decisions,
        "How many decisions in a row, one a minute, must find the host recovered.",
        parse=parse_positive,
    )
    max_suspension: float = option(
        _RULES.max_suspension_seconds,
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
        10.0, "How long to wait for an answer, from 1s to 5m.", parse=seconds_up_to("5m")
    )
    metrics_url: str = option(
        "",
        "Its page of metrics, http://host:52773/api/monitor/metrics, asked where the superserver "
        "refuses.",
        parse=parse_url,
    )
    interval: float = option(
        10.0, "Time between two readings, from 1s to 1h.", parse=seconds_up_to("1h")
    )
    process_metrics: bool = option(False, "Show metrics of single processes.")
    max_processes: int = option(
        DEFAULT_OPTIONS.max_processes,
        "How many processes are shown, if any; the busiest first.",
        parse=parse_positive,
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

    def rules(self) -> Rules:
        """What the governor follows. Raises ValueError where recovery would be above pressure."""
        wanted = self.governor
        thresholds = ResourceThresholds(
            cpu_disable_percent=wanted.cpu_disable,
            memory_disable_percent=wanted.memory_disable,
            cpu_enable_percent=wanted.cpu_enable,
            memory_enable_percent=wanted.memory_enable,
            dwell_decisions=wanted.dwell,
        )
        return Rules(
            mode=Mode(wanted.mode),
            thresholds=thresholds,
            max_suspension_seconds=wanted.max_suspension,
        )
