"""The daemon's health: what each of its parts says of itself, on /health and in metrics.

The checks run in the background, so that metrics and alerts see them without anybody asking for
the page. None of them reads what a collector reads: a host in trouble is no sick daemon.
"""

from __future__ import annotations

import asyncio
from typing import Any

from exporter import __version__
from exporter.outcome import FAILED, TIMEOUT
from exporter.parts import IRIS
from exporter.reload import ReloadState
from exporter.status import Status
from exporter.storage import Storage
from monitoring.correlation import correlation_context
from monitoring.health_check import CheckResult, HealthMonitor, critical, healthy, warning
from monitoring.performance import PerformanceMonitor
from monitoring.ready_checks import disk_space, event_loop_lag, process_memory

INTERVAL_SECONDS = 30.0

MEMORY_WARNING_BYTES = 192 * 2**20
MEMORY_CRITICAL_BYTES = 240 * 2**20
"""A daemon takes about 40 MiB; the systemd unit ends it at 256."""


async def watch(health: HealthMonitor, performance: PerformanceMonitor) -> None:
    """Run the checks and judge the resources again and again, until cancelled."""
    while True:
        with correlation_context():
            await health.arun_all_checks()
            performance.resources()  # logs what has changed
        await asyncio.sleep(INTERVAL_SECONDS)


def make_health(status: Status, reload_state: ReloadState) -> HealthMonitor:
    """Register what every daemon has."""
    health = HealthMonitor(info={"version": __version__})

    @health.register_check("life")
    async def check_life() -> CheckResult:
        word = status.word()
        return healthy(word) if status.is_ready() else critical(f"the daemon is {word}")

    @health.register_check("collectors", critical=False)
    async def check_collectors() -> CheckResult:
        return judge_collectors(status.describe()["collectors"])

    @health.register_check("workers", critical=False)
    async def check_workers() -> CheckResult:
        return judge_workers(status.quarantined())

    @health.register_check("configuration", critical=False)
    async def check_configuration() -> CheckResult:
        if reload_state.successful:
            return healthy("as in the file when it was last loaded")
        return warning("the last reload failed: what runs is not what the file says; see the log")

    health.register_check("event loop", timeout=10.0)(event_loop_lag())
    memory = process_memory(MEMORY_WARNING_BYTES, MEMORY_CRITICAL_BYTES)
    health.register_check("memory", critical=False)(memory)
    return health


def judge_collectors(collectors: dict[str, dict[str, Any]]) -> CheckResult:
    """Some that fail are a warning; only when all do the daemon is of no use."""
    bad = sorted(name for name, one in collectors.items() if one["status"] in {FAILED, TIMEOUT})
    if not bad:
        return healthy(f"{len(collectors)} collectors, none fails", collectors=collectors)
    verdict = critical if len(bad) == len(collectors) else warning
    return verdict(f"{len(bad)} of {len(collectors)} fail: {', '.join(bad)}", collectors=collectors)


def judge_workers(quarantined: list[str]) -> CheckResult:
    """A collector that hangs holds a thread."""
    if not quarantined:
        return healthy("no collector hangs")
    return warning(
        f"threads left to collectors that hang: {', '.join(quarantined)}", quarantined=quarantined
    )


def watch_iris(health: HealthMonitor, status: Status) -> None:
    """Register the instances of IRIS. One that is down is no reason to restart the daemon."""

    @health.register_check("iris", critical=False)
    async def check_iris() -> CheckResult:
        collector: Any = status.engine.collectors.get(IRIS) if status.engine else None
        return judge_iris({} if collector is None else collector.describe())


def judge_iris(instances: dict[str, dict[str, str]]) -> CheckResult:
    """An instance that is not up, or a governor that sees nothing, is a warning."""
    if not instances:
        return healthy("no instance is set")
    # What is still connecting is not ill.
    fit = {"connecting", "up"}
    down = sorted(name for name, one in instances.items() if one["state"] not in fit)
    blind = sorted(name for name, one in instances.items() if one["governor"] == "blind")
    said = [
        f"{what}: {', '.join(names)}"
        for what, names in (("not up", down), ("governor is blind", blind))
        if names
    ]
    if said:
        return warning("; ".join(said), instances=instances)
    return healthy(f"{len(instances)} instances, none is down", instances=instances)


def watch_storage(health: HealthMonitor, storage: Storage) -> None:
    """Register what a daemon that keeps files has besides."""
    cleanup = storage.cleanup
    if cleanup is None:
        return
    if storage.path:
        health.register_check("storage", critical=False)(disk_space(storage.path))

    @health.register_check("cleanup", critical=False)
    async def check_cleanup() -> CheckResult:
        statistics = cleanup.statistics()
        failing = {
            name: rule["reason"] for name, rule in statistics["rules"].items() if rule["failing"]
        }
        if failing:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in failing.items())
            return warning(f"the last run failed at {reasons}", **statistics)
        return healthy("nothing is in the way", **statistics)
