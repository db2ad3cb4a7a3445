"""The composition root: builds the parts, owns their life, signals, reload, sd_notify.

Start: settings, sockets, collectors, server; ready once the first collection is done. Stop
(SIGTERM, SIGINT): not ready, no new connections, scrapes in flight are finished within the grace
period, parts are closed in reverse order, exit 0. A second signal exits at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterable

from exporter import __version__
from exporter.families import Family, Filled
from exporter.listening import bind
from exporter.parts import make_collectors
from exporter.process import ProcessFamilies
from exporter.reload import ReloadState
from exporter.scrape import Engine
from exporter.settings import Address, Settings, SettingsError, with_documentation
from exporter.status import Status
from exporter.systemd import notify, watchdog_seconds
from exporter.web.app import make_app
from exporter.web.metrics import MetricsPage
from exporter.web.requests import RequestLayer
from exporter.web.server import Limits, Server
from monitoring import structured_logging

GRACE_SECONDS = 20
"""For scrapes in flight when told to stop: below the 30 s that Kubernetes gives by default."""

LAST_SECONDS = 2
"""Of the grace period: for sending the pages of scrapes that hang."""

FIRST_COLLECTION_SECONDS = 10.0

MAX_DESCRIPTORS = 65_536

ReadSettings = Callable[[], tuple[Settings, list[str]]]
"""Reads file, environment and flags; gives the settings and warnings about them."""

log = structured_logging.StructuredLogger("perfwatch.service")


def run(read_settings: ReadSettings) -> int:
    """Run the daemon until it is told to stop. Raises SettingsError before it has started."""
    settings, warnings = read_settings()
    structured_logging.configure(settings.log.format, settings.log.level)
    # What uvicorn says of single requests is counted by us; its errors come through.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    for warning in warnings:
        log.warning("flag needs a change", reason=warning)
    _raise_descriptor_limit()
    sockets = [listener for address in settings.web.listen_address for listener in bind(address)]
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, read_settings, sockets))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


async def _serve(settings: Settings, read: ReadSettings, sockets: list[socket.socket]) -> int:
    service = Service(settings, read)
    async with contextlib.AsyncExitStack() as parts:
        parts.callback(service.close)
        server = Server(service.app, Limits(), GRACE_SECONDS)
        service.handle_signals(server.stopping)
        if interval := watchdog_seconds():
            watchdog = asyncio.create_task(_feed_watchdog(interval))
            parts.callback(watchdog.cancel)
        first = asyncio.create_task(service.collect_first(sockets))
        parts.callback(first.cancel)
        await server.serve(sockets)
        log.info("stopped")
    return 0


class Service:
    """The daemon's parts, and what replaces them at a reload."""

    def __init__(self, settings: Settings, read_settings: ReadSettings) -> None:
        self.settings = settings
        self._read_settings = read_settings
        self._status = Status()
        self._reload_state = ReloadState()
        self._process = ProcessFamilies()
        self._metrics = MetricsPage(
            max_requests=settings.web.max_requests, timeout_offset=settings.timeout_offset
        )
        self._engine = self._make_engine(settings)
        self._use_engine(self._engine)
        self.app: RequestLayer = make_app(
            self._status,
            self._metrics,
            settings.web.telemetry_path,
            self.reload if settings.web.enable_lifecycle else None,
        )

    def handle_signals(self, stopping: asyncio.Event) -> None:
        """React to signals in the event loop, where everything may be touched."""
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            if stopping.is_set():
                os._exit(128 + number)
            log.info("stopping", signal=signal.Signals(number).name, grace_seconds=GRACE_SECONDS)
            self._status.stopping = True
            notify("STOPPING=1")
            stopping.set()
            # Whoever still waits when the grace period ends gets what is finished by then.
            loop.call_later(GRACE_SECONDS - LAST_SECONDS, self._release)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self.reload()))

    async def collect_first(self, sockets: Iterable[socket.socket]) -> None:
        """Collect once, so that being ready means something; then say so."""
        await self._engine.collect(None, "text", FIRST_COLLECTION_SECONDS)
        if self._status.stopping:
            return
        self._status.collected_once = True
        notify("READY=1")
        listening = [str(Address(*listener.getsockname()[:2])) for listener in sockets]
        log.info(
            "ready",
            version=__version__,
            listening=listening,
            collectors=list(self.settings.collectors),
        )

    async def reload(self) -> str:
        """Take over the configuration as it is now, whole or not at all.

        Returns what is wrong with it, and nothing when it was taken over.
        """
        if self._status.stopping:
            return "the daemon is stopping"
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            settings, warnings = self._read_settings()
            _refuse_restart_settings(self.settings, settings)
            engine = self._make_engine(settings)
        except Exception as error:  # noqa: BLE001 -- the boundary: whatever it is, the old parts stay
            reason = with_documentation(
                str(error)
                if isinstance(error, SettingsError)
                else f"{type(error).__name__}: {error}"
            )
            log.error(  # noqa: TRY400 -- a wrong setting needs no traceback
                "reload failed", reason=reason, consequence="all is as it was"
            )
            self._reload_state.note(successful=False)
            return reason
        else:
            structured_logging.configure(settings.log.format, settings.log.level)
            old, self.settings = self.settings, settings
            self._engine.close()
            engine.ledger.take_over(self._engine.ledger, _unchanged(old, settings))
            self._use_engine(engine)
            self._metrics.max_requests = settings.web.max_requests
            self._metrics.timeout_offset = settings.timeout_offset
            self._reload_state.note(successful=True)
            log.info("reloaded", collectors=list(settings.collectors), warnings=warnings)
            return ""
        finally:
            notify("READY=1")

    def _release(self) -> None:
        self._engine.release()

    def close(self) -> None:
        """Close what was opened."""
        self._engine.close()

    def _make_engine(self, settings: Settings) -> Engine:
        return Engine(
            make_collectors(settings),
            max_series=settings.max_series,
            extras=tuple if settings.web.disable_exporter_metrics else self._own_families,
        )

    def _use_engine(self, engine: Engine) -> None:
        self._engine = self._metrics.engine = self._status.engine = engine

    def _own_families(self) -> Iterable[Family | Filled]:
        yield from self._process.own_families()
        yield from self._reload_state.own_families()
        yield from self._engine.ledger.own_families()
        yield from self._metrics.own_families()
        yield from self.app.own_families()


def _refuse_restart_settings(old: Settings, new: Settings) -> None:
    for name in ("listen_address", "telemetry_path", "enable_lifecycle"):
        if getattr(old.web, name) != getattr(new.web, name):
            raise SettingsError(
                f"web.{name} cannot change while the daemon runs: restart it, or set it back"
            )


def _unchanged(old: Settings, new: Settings) -> set[str]:
    """The collectors that read the same with both settings."""
    if old.path != new.path:
        return set()
    return {name for name, of in new.collectors.items() if (name, of) in old.collectors.items()}


def _raise_descriptor_limit() -> None:
    """Use what the hard limit allows: big hosts have thousands of files to keep open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _feed_watchdog(interval: float) -> None:
    """Tell systemd that the event loop turns."""
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)
