"""Whether the last reload of the configuration succeeded, in two gauges (named as Prometheus')."""

from __future__ import annotations

import time
from collections.abc import Iterable

from exporter.families import Family, gauge


class ReloadState:
    """The start counts as the first load."""

    def __init__(self) -> None:
        self._successful = True
        self._success_time = 0.0
        self.note(successful=True)

    def note(self, *, successful: bool) -> None:
        """Take note of an attempt."""
        self._successful = successful
        if successful:
            self._success_time = time.time()  # noqa: TID251 -- a date, not a duration

    def own_families(self) -> Iterable[Family]:
        """Yield the two gauges."""
        yield gauge(
            "perfwatch_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.",
            int(self._successful),
        )
        yield gauge(
            "perfwatch_config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded.",
            round(self._success_time, 3),
        )
