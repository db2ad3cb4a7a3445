"""A web service that uses all five parts: `python service.py FOLDER PORT`."""  # noqa: INP001

import asyncio
import sys
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

folder, port = Path(sys.argv[1]), int(sys.argv[2])
log, health, cleanup = logs.StructuredLogger("shop"), HealthMonitor(), CleanupService(600)
performance = PerformanceMonitor(namespace="shop")


def take_order(request: Request) -> Response:
    """Write a receipt; whatever is logged meanwhile has the id that the customer gets."""
    item, headers = request.path_params["item"], request.headers
    with logs.correlation_context(request_id=headers.get("x-request-id")) as ids:
        order = ids["correlation_id"]
        if item != "pear":
            logs.security_event("unknown_item", {"item": item})
            return PlainTextResponse("only pears\n", 404, {"x-correlation-id": order})
        with logs.performance_context("write receipt", alert_threshold_ms=500) as operation:
            operation.characters = (folder / f"receipt-{order}.txt").write_text("one pear\n")
        log.info("order taken", item=item, headers=dict(headers))
        return PlainTextResponse("thank you\n", 201, {"x-correlation-id": order})


async def show_health(request: Request) -> Response:
    """Answer /health with all checks, and /ready with those that fail."""
    report = await health.arun_all_checks()
    if request.url.path == "/ready":
        report = health.get_readiness_status(report)
    return JSONResponse(report, health.http_status(report))


async def serve() -> None:
    """Serve until a signal comes."""
    for part in (logs.METRICS, health, performance, cleanup):
        REGISTRY.register(part)
    health.register_check("disk")(disk_space(folder))
    cleanup.add_folder(CleanupRule("receipts", folder, ("receipt-*.txt",), max_files=1000))
    app = Starlette()
    app.add_route("/orders/{item}", take_order, ["POST"])
    app.add_route("/metrics", lambda _: PlainTextResponse(generate_latest()))
    app.add_route("/health", show_health)
    app.add_route("/ready", show_health)
    config = uvicorn.Config(TimingMiddleware(app, performance), port=port, log_config=None)
    async with GracefulShutdown(grace_seconds=20) as shutdown:
        shutdown.install()
        shutdown.enter(cleanup)
        await uvicorn.Server(config).serve()  # a signal ends this, and then comes to `shutdown`


logs.configure()
asyncio.run(serve())
