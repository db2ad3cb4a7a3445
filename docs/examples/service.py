"""A web service that uses all five parts: `python service.py FOLDER PORT GRACE_SECONDS`."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from prometheus_client import REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from monitoring import structured_logging as logs
from monitoring.cleanup import CleanupRule, CleanupService
from monitoring.graceful_shutdown import GracefulShutdown
from monitoring.health_check import HealthMonitor
from monitoring.performance import PerformanceMonitor, TimingMiddleware
from monitoring.ready_checks import disk_space

folder, port, grace = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
log, health, cleanup = logs.StructuredLogger("shop"), HealthMonitor(), CleanupService(600)
performance = PerformanceMonitor(namespace="shop")


async def take_order(request: Request) -> Response:
    """File the order; whatever is logged meanwhile has the id that the customer gets."""
    item, headers = request.path_params["item"], request.headers
    with logs.correlation_context(request_id=headers.get("x-request-id")) as ids:
        answer = {"x-correlation-id": ids["correlation_id"]}
        if item != "pear":
            logs.security_event("unknown_item", {"item": item})
            return PlainTextResponse("only pears\n", 404, answer)
        file = folder / f"order-{ids['correlation_id']}.txt"
        with logs.performance_context("file order", alert_threshold_ms=500) as operation:
            operation.size = await asyncio.to_thread(file.write_bytes, await request.body())
        log.info("order taken", item=item, headers=dict(headers))
        return PlainTextResponse("thank you\n", 201, answer)


async def show_health(_: Request) -> Response:
    """Answer with all checks: 200, or 503 when a critical one fails."""
    report = await health.arun_all_checks()
    return JSONResponse(report, health.http_status(report))


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to `GracefulShutdown`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve() -> None:
    """Serve until a signal comes and requests are finished."""
    for part in (logs.METRICS, health, performance, cleanup):
        REGISTRY.register(part)
    health.register_check("disk")(disk_space(folder))
    cleanup.add_folder(CleanupRule("orders", folder, ("order-*.txt",), max_files=1000))
    app = Starlette()
    app.add_route("/orders/{item}", take_order, ["POST"])
    app.add_route("/metrics", lambda _: PlainTextResponse(generate_latest()))
    app.add_route("/health", show_health)
    config = uvicorn.Config(TimingMiddleware(app, performance), port=port, log_config=None)
    config.timeout_graceful_shutdown = max(grace - 2, 1)  # leaves time for the other cleanups
    async with GracefulShutdown(grace) as shutdown:
        shutdown.install()
        shutdown.enter(cleanup)
        server = Server(config)
        serving = asyncio.create_task(server.serve())

        @shutdown.register_cleanup(priority=0)
        async def finish_requests() -> None:
            server.should_exit = True
            await asyncio.wait([serving])

        await serving


logs.configure()
asyncio.run(serve())
