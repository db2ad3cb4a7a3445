"""Ready-made health checks: each function here gives a check to register.

    monitor.register_check("disk", critical=False)(disk_space("/var/lib/shop"))

A value that has reached a limit is a warning or critical; the message gives both. What a check
raises (no such folder, no connection) makes it critical: `HealthMonitor` says the reason.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

from monitoring.check_result import CheckResult, critical, healthy, warning

SyncCheck: TypeAlias = Callable[[], CheckResult]

HOPS = 5
HOP_SECONDS = 0.01

DAY_SECONDS = 86_400


def memory(warning: float = 0.85, critical: float = 0.95) -> SyncCheck:
    """The share of the host's memory that no new process could have."""
    _check_limits(warning, critical, at_most=1)

    def check() -> CheckResult:
        import psutil

        figures = psutil.virtual_memory()
        used = (figures.total - figures.available) / figures.total
        return _judge(
            used,
            (warning, critical),
            lambda share: f"{share:.1%}",
            "{} of the host's memory is used",
            used_ratio=used,
            total_bytes=figures.total,
            available_bytes=figures.available,
        )

    return check


def process_memory(warning_bytes: int, critical_bytes: int) -> SyncCheck:
    """The resident memory of this process."""
    _check_limits(warning_bytes, critical_bytes)

    def check() -> CheckResult:
        import psutil

        resident = psutil.Process().memory_info().rss
        return _judge(
            resident,
            (warning_bytes, critical_bytes),
            lambda size: f"{size / 2**20:.1f} MiB",
            "this process holds {} of memory",
            resident_bytes=resident,
        )

    return check


def disk_space(path: str | Path, warning: float = 0.85, critical: float = 0.95) -> SyncCheck:
    """The used share of the file system below a path, as `df` counts it: without root's reserve."""
    _check_limits(warning, critical, at_most=1)

    def check() -> CheckResult:
        figures = os.statvfs(path)
        used = figures.f_blocks - figures.f_bfree
        usable = used + figures.f_bavail
        if not usable:
            raise ValueError(f"the file system of {path} has no size: give a path on a disk")
        return _judge(
            used / usable,
            (warning, critical),
            lambda share: f"{share:.1%}",
            f"{{}} of the file system of {path} is used",
            used_ratio=used / usable,
            available_bytes=figures.f_bavail * figures.f_frsize,
        )

    return check


def event_loop_lag(
    warning_seconds: float = 0.1, critical_seconds: float = 1.0
) -> Callable[[], Coroutine[Any, Any, CheckResult]]:
    """How late the event loop comes to what is due: the worst of a few short waits.

    It measures the loop it runs in: use it with `await arun_all_checks()`, in the service's loop.
    """
    _check_limits(warning_seconds, critical_seconds)

    async def check() -> CheckResult:
        worst = 0.0
        for _ in range(HOPS):
            # Not loop.time(): uvloop reads the clock only once in each round.
            due = monotonic() + HOP_SECONDS
            await asyncio.sleep(HOP_SECONDS)
            worst = max(worst, monotonic() - due)
        return _judge(
            worst,
            (warning_seconds, critical_seconds),
            _seconds,
            "the event loop is {} late",
            lag_seconds=worst,
        )

    return check


def tcp_reachable(host: str, port: int, timeout: float = 3.0) -> SyncCheck:
    """Whether a TCP connection can be made; `timeout` counts for each address of the host.

    It is no async check, for asyncio looks names up in threads that delay the exit of the process.
    """
    address = _address(host, port)

    def check() -> CheckResult:
        try:
            with socket.create_connection((host, port), timeout):
                return healthy(f"{address} accepts connections")
        except OSError as error:
            return critical(f"{address} cannot be reached: {error}")

    return check


def database_reachable(connect: Callable[[], Any], query: str = "SELECT 1") -> SyncCheck:
    """Whether a new connection of a DB-API module answers a query; it is closed again.

    `connect` takes nothing: `lambda: psycopg.connect(dsn, connect_timeout=3)`.
    """

    def check() -> CheckResult:
        with closing(connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            cursor.fetchone()
        return healthy("the database answers")

    return check


def certificate_expiry(  # noqa: PLR0913 -- each is a setting of its own
    host: str,
    port: int = 443,
    warning_days: float = 30,
    critical_days: float = 7,
    *,
    cafile: str | Path | None = None,
    server_name: str | None = None,
    timeout: float = 3.0,
) -> SyncCheck:
    """How long the certificate of a TLS server is still valid, whoever has signed it.

    With `cafile` it is also verified, for the `server_name` (else the host), against the
    authorities in that file. The timeout counts for each connection and each answer.
    """
    _check_days(warning_days, critical_days)
    name = server_name or host
    address = _address(host, port)

    def check() -> CheckResult:
        from monitoring import certificate

        try:
            expiry = certificate.read_expiry(certificate.fetch(host, port, name, timeout))
            result = _judge_expiry(address, expiry, warning_days, critical_days)
            if cafile is not None and result.status != "critical":
                certificate.verify(host, port, name, timeout, cafile)
        except OSError as error:
            return critical(f"the certificate of {address} cannot be checked: {error}")
        return result

    return check


def certificate_file_expiry(
    path: str | Path, warning_days: float = 30, critical_days: float = 7
) -> SyncCheck:
    """How long the certificates of a PEM file are still valid: the first to expire counts."""
    _check_days(warning_days, critical_days)

    def check() -> CheckResult:
        from monitoring import certificate

        expiry = min(map(certificate.read_expiry, certificate.read_file(path)))
        return _judge_expiry(str(path), expiry, warning_days, critical_days)

    return check


def data_freshness(
    age_seconds: Callable[[], float | None], warning_seconds: float, critical_seconds: float
) -> SyncCheck:
    """How old the newest data is.

    `age_seconds` gives None when there has never been any: that is a warning at first, and
    critical when it has lasted for `critical_seconds` since this check was made.
    """
    _check_limits(warning_seconds, critical_seconds)
    made = monotonic()

    def check() -> CheckResult:
        age = age_seconds()
        if age is None:
            waited = monotonic() - made
            limits = (0.0, critical_seconds)
            return _judge(waited, limits, _seconds, "no data yet, after {}", age_seconds=None)
        if not math.isfinite(age):
            raise ValueError(f"the age of the data must be a number of seconds, got {age}")
        limits = (warning_seconds, critical_seconds)
        return _judge(age, limits, _seconds, "the newest data is {} old", age_seconds=age)

    return check


def _judge(
    value: float,
    limits: tuple[float, float],
    form: Callable[[float], str],
    sentence: str,
    **details: Any,
) -> CheckResult:
    """Compare a value with its limits for warning and critical."""
    said = sentence.replace("{}", form(value), 1)
    message = f"{said} (warning from {form(limits[0])}, critical from {form(limits[1])})"
    if value >= limits[1]:
        return critical(message, **details)
    if value >= limits[0]:
        return warning(message, **details)
    return healthy(message, **details)


def _judge_expiry(
    what: str, expiry: datetime, warning_days: float, critical_days: float
) -> CheckResult:
    days = (expiry - datetime.now(UTC)).total_seconds() / DAY_SECONDS
    said = f"expires in {days:.1f} days" if days >= 0 else f"expired {-days:.1f} days ago"
    message = (
        f"the certificate of {what} {said}, on {expiry:%Y-%m-%d} "
        f"(warning below {warning_days:g}, critical below {critical_days:g} days)"
    )
    details = {"expires_at": f"{expiry:%Y-%m-%dT%H:%M:%SZ}", "days_left": round(days, 3)}
    if days < critical_days:
        return critical(message, **details)
    if days < warning_days:
        return warning(message, **details)
    return healthy(message, **details)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _seconds(number: float) -> str:
    return f"{number:.3g} s" if number < 100 else f"{number:.0f} s"


def _check_limits(warning: float, critical: float, at_most: float = math.inf) -> None:
    if not 0 <= warning <= critical <= at_most:
        beyond = "" if at_most == math.inf else f" <= {at_most}"
        raise ValueError(
            f"limits must be 0 <= warning <= critical{beyond}, got {warning} and {critical}"
        )


def _check_days(warning_days: float, critical_days: float) -> None:
    if not 0 <= critical_days <= warning_days:
        raise ValueError(
            "limits must be 0 <= critical_days <= warning_days, "
            f"got {critical_days} and {warning_days}"
        )
