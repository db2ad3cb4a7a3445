"""What the daemon knows of itself, for the probes and the landing page."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from exporter import __version__
from exporter.outcome import Outcome
from exporter.scrape import Engine


class Status:
    """Ready = configuration loaded, first collection done, and not on the way out."""

    def __init__(self, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self.engine: Engine | None = None
        """Set by the service, and replaced at each reload."""
        self.collected_once = False
        self._is_stopping = is_stopping
        self._started = time.monotonic()

    @property
    def stopping(self) -> bool:
        """Whether the daemon has been told to stop."""
        return self._is_stopping()

    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.collected_once and not self.stopping

    def word(self) -> str:
        """The state in one word."""
        if self.stopping:
            return "stopping"
        return "ready" if self.collected_once else "starting"

    def uptime_seconds(self) -> float:
        """How long the daemon has run."""
        return time.monotonic() - self._started

    def collectors(self) -> dict[str, Outcome | None]:
        """The enabled collectors, each with what it did last (None: nothing yet)."""
        if self.engine is None:
            return {}
        last = self.engine.ledger.last
        return {name: last.get(name) for name in self.engine.collectors}

    def quarantined(self) -> list[str]:
        """The collectors whose last call has not returned."""
        return [] if self.engine is None else sorted(self.engine.ledger.quarantined)

    def describe(self) -> dict[str, Any]:
        """Everything above, for JSON."""
        return {
            "status": self.word(),
            "version": __version__,
            "uptime_seconds": round(self.uptime_seconds(), 3),
            "collectors": {name: _describe(outcome) for name, outcome in self.collectors().items()},
        }


def _describe(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {"status": "not collected yet"}
    described: dict[str, Any] = {"status": outcome.status, "seconds": round(outcome.seconds, 6)}
    return described | ({"reason": outcome.reason} if outcome.reason else {})
