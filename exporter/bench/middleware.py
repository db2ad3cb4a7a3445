"""What timing costs a request: an application that does nothing, with the middleware and bare."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Any

from exporter.bench.measures import MICRO, take_turns
from monitoring.performance import App, PerformanceMonitor, TimingMiddleware

ROUNDS = 21
REQUESTS = 1000
"""In a round, each way: some milliseconds, so that others on the machine rarely come between."""

SCOPE = {"type": "http", "method": "GET", "path": "/metrics", "headers": []}


def measure_middleware() -> float:
    """Give the CPU time that the middleware adds to a request, in microseconds.

    It is the median of rounds in which both ways are measured one after the other.
    """
    apps = (_answer, TimingMiddleware(_answer, PerformanceMonitor(["/metrics"])))
    return asyncio.run(_measure(apps))


async def _measure(apps: tuple[App, App]) -> float:
    overheads = []
    for number in range(ROUNDS):
        costs = [0.0, 0.0]
        for index in take_turns(len(apps), number):
            costs[index] = await _cpu_per_request(apps[index])
        bare, timed = costs
        overheads.append((timed - bare) * MICRO)
    return median(overheads)


async def _cpu_per_request(app: App) -> float:
    before = time.thread_time()
    for _ in range(REQUESTS):
        await app(SCOPE, _exchange, _exchange)
    return (time.thread_time() - before) / REQUESTS


async def _answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answer"})


async def _exchange(_message: Any = None) -> None:
    """Send into nothing; nobody receives."""
