"""The composition root: the daemon's parts, how they are joined, and what a reload replaces."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from weakref import WeakSet

from exporter import __version__
from exporter import collectors as registry
from exporter.addresses import Address
from exporter.families import Family, Filled
from exporter.health import (
    MEMORY_CRITICAL_BYTES,
    MEMORY_WARNING_BYTES,
    make_health,
    watch_iris,
    watch_storage,
)
from exporter.outcome import AnyCollector
from exporter.parts import IRIS, make_collectors, start_beside
from exporter.process import ProcessFamilies
from exporter.reload import ReloadState
from exporter.scrape import Engine
from exporter.settings import Settings, SettingsError, with_documentation
from exporter.slow import snapshot_families
from exporter.status import Status
from exporter.storage import Storage
from exporter.systemd import notify
from exporter.web.app import Pages, make_app
from exporter.web.metrics import MetricsPage
from monitoring import structured_logging
from monitoring.performance import PerformanceMonitor
from monitoring.resource_thresholds import ResourceThresholds
from monitoring.structured_logging import METRICS, correlation_context, performance_context

FIRST_COLLECTION_SECONDS = 10.0
SLOW_FIRST_COLLECTION_MS = 2000.0
OLD_PARTS_END_SECONDS = 0.2
"""When the worker of the engine before a reload has ended."""

ReadSettings = Callable[[], tuple[Settings, list[str]]]
"""Reads file, environment and flags; gives the settings and warnings about them."""

log = structured_logging.StructuredLogger("perfwatch.service")


class Service:
    """The daemon's parts, and what replaces them at a reload. Made inside the event loop."""

    def __init__(
        self, settings: Settings, read_settings: ReadSettings, is_stopping: Callable[[], bool]
    ) -> None:
        self.settings = settings
        self._read_settings = read_settings
        self.status = Status(is_stopping)
        self._reload_state = ReloadState()
        self._process = ProcessFamilies()
        self.health = make_health(self.status, self._reload_state)
        self.storage = Storage(settings)
        watch_storage(self.health, self.storage)
        watch_iris(self.health, self.status)
        self._metrics = MetricsPage(
            max_requests=settings.web.max_requests, timeout_offset=settings.timeout_offset
        )
        self._engines: WeakSet[Engine] = WeakSet()
        self._engine = self._make_engine(settings)
        self._use_engine(self._engine)
        self.performance = PerformanceMonitor(
            thresholds=ResourceThresholds(
                resident_bytes=(MEMORY_WARNING_BYTES, MEMORY_CRITICAL_BYTES)
            )
        )
        self.app = make_app(
            Pages(
                status=self.status,
                health=self.health,
                metrics=self._metrics,
                performance=self.performance,
                cleanup=self.storage.describe,
                settings=lambda: self.settings,
                reload=self.reload if settings.web.enable_lifecycle else None,
            ),
            settings.web.telemetry_path,
        )

    async def collect_first(self, sockets: Iterable[socket.socket]) -> None:
        """Collect once, so that being ready means something; then say so."""
        with correlation_context():
            with performance_context("first collection", SLOW_FIRST_COLLECTION_MS):
                await self._engine.collect(None, "text", FIRST_COLLECTION_SECONDS)
            if self.status.stopping:
                return
            self.status.collected_once = True
            notify("READY=1")
            listening = [str(Address(*listener.getsockname()[:2])) for listener in sockets]
            log.info(
                "ready",
                version=__version__,
                listening=listening,
                collectors=list(self._engine.collectors),
            )

    async def reload(self) -> str:
        """Take over the configuration as it is now, whole or not at all.

        Returns what is wrong with it, and nothing when it was taken over.
        """
        if self.status.stopping:
            return "the daemon is stopping"
        # Before the first collection the daemon is not ready, whatever it reloads.
        if self.status.collected_once:
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        # By a signal it has no request's id: all its lines share one of their own.
        with correlation_context():
            reason = self._try_to_take_over()
        if self.status.collected_once:
            notify("READY=1")
        self._reload_state.note(successful=not reason)
        return reason

    def _try_to_take_over(self) -> str:
        try:
            self._take_over()
        except Exception as error:  # noqa: BLE001 -- the boundary: whatever it is, the old parts stay
            reason = with_documentation(
                str(error)
                if isinstance(error, SettingsError)
                else f"{type(error).__name__}: {error}"
            )
            log.error(  # noqa: TRY400 -- a wrong setting needs no traceback
                "reload failed", reason=reason, consequence="all is as it was"
            )
            return reason
        return ""

    def _take_over(self) -> None:
        settings, warnings = self._read_settings()
        _refuse_restart_settings(self.settings, settings)
        unchanged = _unchanged(self.settings, settings)
        stateful = {IRIS, *(entry.name for entry in registry.ALL if entry.stateful)} & unchanged
        kept = {name: self._engine.collectors[name] for name in stateful}
        engine = self._make_engine(settings, kept)
        # From here on nothing may fail: the old parts are being replaced.
        structured_logging.configure(**settings.logging)
        self.settings = settings
        self._engine.close(kept)
        engine.ledger.take_over(self._engine.ledger, unchanged)
        self._use_engine(engine)
        self._metrics.max_requests = settings.web.max_requests
        self._metrics.timeout_offset = settings.timeout_offset
        # The old parts refer to each other, and keep hundreds of descriptors of the kernel's files.
        asyncio.get_running_loop().call_later(OLD_PARTS_END_SECONDS, gc.collect)
        log.info("reloaded", collectors=list(engine.collectors), warnings=warnings)

    def release(self) -> None:
        """Let scrapers go with what is finished, those of engines before a reload too."""
        for engine in self._engines:
            engine.release()

    async def close(self) -> None:
        """Close the engine, which belongs to the event loop."""
        self._engine.close()

    def _make_engine(
        self, settings: Settings, kept: Mapping[str, AnyCollector] | None = None
    ) -> Engine:
        return Engine(
            make_collectors(settings, kept),
            max_series=settings.max_series,
            extras=tuple if settings.web.disable_exporter_metrics else self._own_families,
        )

    def _use_engine(self, engine: Engine) -> None:
        self._engine = self._metrics.engine = self.status.engine = engine
        self._engines.add(engine)
        start_beside(engine.collectors)

    def _own_families(self) -> Iterable[Family | Filled]:
        return (
            *self._process.own_families(),
            *self._reload_state.own_families(),
            *self._engine.ledger.own_families(),
            *snapshot_families(self._engine.collectors.values()),
            *self._metrics.own_families(),
            *self.performance.families(),
            *self.health.families(),
            *self.storage.families(),
            *METRICS.families(),
        )


def _refuse_restart_settings(old: Settings, new: Settings) -> None:
    fixed = [("web", name) for name in ("listen_address", "telemetry_path", "enable_lifecycle")]
    fixed += [("storage", "path")]
    fixed += [("cleanup", field.name) for field in dataclasses.fields(new.cleanup)]
    for group, name in fixed:
        if getattr(getattr(old, group), name) != getattr(getattr(new, group), name):
            raise SettingsError(
                f"{group}.{name} cannot change while the daemon runs: restart it, or set it back"
            )


def _unchanged(old: Settings, new: Settings) -> set[str]:
    """The collectors that read the same with both settings."""
    if old.path != new.path:
        return set()
    unchanged = {
        name for name, of in new.collectors.items() if (name, of) in old.collectors.items()
    }
    return unchanged | ({IRIS} if new.iris and new.iris == old.iris else set())
