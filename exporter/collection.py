"""One collection of a set of collectors, which several scrapers may share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import copy_context

from exporter.outcome import AnyCollector, Outcome
from exporter.worker import Run


class Collection:
    """One collection and those who wait for it."""

    def __init__(
        self,
        names: tuple[str, ...],
        collectors: Sequence[AnyCollector],
        form: str,
        deadline: float,
    ) -> None:
        self.names = names
        self.collectors = collectors
        self.form = form
        self.deadline = deadline
        """The latest one of its scrapers', in monotonic time."""
        self.context = copy_context()
        """That of the scrape it was made for, so that all that is logged of it has one id."""
        self.outcomes: dict[str, Outcome] = {}
        self.waiters: dict[asyncio.Future[None], float] = {}
        """Those who wait, each with its deadline."""
        self.run: Run | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.next_check = 0.0
        self.started = 0.0
        self.finished = False
        self.page: bytes | None = None
        """The finished page, made once for all who share it."""
        self.gzipped: bytes | None = None
