"""The daemon's life: started, ready, reloaded by SIGHUP, stopped.

Stop (SIGTERM, SIGINT): not ready, no new connections, scrapes in flight are finished within the
grace period, parts are closed in reverse order, exit 0. A second signal exits at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from exporter.health import watch
from exporter.listening import bind
from exporter.service import ReadSettings, Service
from exporter.settings import Settings
from exporter.systemd import notify, watchdog_seconds
from exporter.web.server import Limits, Server
from monitoring import structured_logging
from monitoring.graceful_shutdown import GracefulShutdown

GRACE_SECONDS = 20
"""For scrapes in flight when told to stop: below the 30 s that Kubernetes gives by default."""

LAST_SECONDS = 2
"""Of the grace period: for sending the pages of scrapes that hang."""

CLOSING_SECONDS = 4
"""After the grace period, for all other parts together."""

FIRST = 0
"""The priority of what goes before all other parts, which are closed in reverse order."""

MAX_DESCRIPTORS = 65_536

log = structured_logging.StructuredLogger("perfwatch.service")


def run(read_settings: ReadSettings) -> int:
    """Run the daemon until it is told to stop. Raises SettingsError before it has started."""
    _open_standard_descriptors()
    # Until there is something to reload, where its default would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings, warnings = read_settings()
    structured_logging.configure(**settings.logging)
    for warning in warnings:
        log.warning("flag needs a change", reason=warning)
    _raise_descriptor_limit()
    with contextlib.ExitStack() as opened, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        sockets = [
            opened.enter_context(listener)
            for address in settings.web.listen_address
            for listener in bind(address)
        ]
        return runner.run(_live(settings, read_settings, sockets))


def _open_standard_descriptors() -> None:
    """Fill those of 0 to 2 that are closed, or the event loop's own files would get the numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def _raise_descriptor_limit() -> None:
    """Use what the hard limit allows: big hosts have thousands of files to keep open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _live(
    settings: Settings, read_settings: ReadSettings, sockets: list[socket.socket]
) -> int:
    """Serve until told to stop; give the exit code when every part is closed."""
    async with GracefulShutdown(GRACE_SECONDS + CLOSING_SECONDS) as shutdown:
        shutdown.install()
        service = Service(settings, read_settings, lambda: shutdown.is_shutting_down)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(service.reload()))
        shutdown.register_cleanup(service.close, name="scrape engine")
        shutdown.enter(service.storage, name="cleanup")
        beside = {"health checks": _become_ready(service, sockets)}
        if interval := watchdog_seconds():
            beside["watchdog"] = _feed_watchdog(interval)
        tasks = [_background(shutdown, name, work) for name, work in beside.items()]
        await _serve(service, sockets, shutdown)
    return int(any(not task.cancelled() and task.exception() for task in tasks))


async def _serve(
    service: Service, sockets: list[socket.socket], shutdown: GracefulShutdown
) -> None:
    """Serve until the shutdown begins and scrapes in flight are finished."""
    server = Server(service.app, Limits(), GRACE_SECONDS)
    served = asyncio.Event()

    @shutdown.register_cleanup(priority=FIRST, timeout=GRACE_SECONDS + 1, name="requests in flight")
    async def finish_requests() -> None:
        notify("STOPPING=1")
        server.stopping.set()
        # Whoever still waits when the grace period ends gets what is finished by then.
        loop = asyncio.get_running_loop()
        loop.call_later(GRACE_SECONDS - LAST_SECONDS, service.release)
        await served.wait()

    try:
        await server.serve(sockets)
    finally:
        served.set()


async def _become_ready(service: Service, sockets: list[socket.socket]) -> None:
    """Collect once, then look after the parts; what is still starting is not ill."""
    await service.collect_first(sockets)
    await watch(service.health, service.performance)


def _background(
    shutdown: GracefulShutdown, name: str, work: Coroutine[Any, Any, None]
) -> asyncio.Task[None]:
    """Run something beside the server until the end; the daemon does not go on without it."""

    async def run() -> None:
        try:
            await work
        except Exception:
            log.error("part of the daemon failed", part=name, exc_info=True)  # noqa: G201 -- our logger has the levels alone
            shutdown.initiate_shutdown(f"{name} failed")
            raise

    task = asyncio.create_task(run(), name=name)

    @shutdown.register_cleanup(name=name)
    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    return task


async def _feed_watchdog(interval: float) -> None:
    """Tell systemd that the event loop turns."""
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)
