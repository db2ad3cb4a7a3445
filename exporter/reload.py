"""Whether the last reload of the configuration succeeded, in two gauges (named as Prometheus')."""

from __future__ import annotations

import time
from collections.abc import Iterable

from exporter.families import Filled, Layout, Series

LAYOUT = Layout(
    [
        Series(
            "perfwatch_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.",
            "gauge",
        ),
        Series(
            "perfwatch_config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded.",
            "gauge",
            exponent=-3,
        ),
    ]
)


class ReloadState:
    """The start counts as the first load."""

    def __init__(self) -> None:
        self._success_milliseconds = 0
        self.successful = True
        """Whether the last attempt succeeded."""
        self.note(successful=True)

    def note(self, *, successful: bool) -> None:
        """Take note of an attempt."""
        self.successful = successful
        if successful:
            self._success_milliseconds = int(time.time() * 1000)  # noqa: TID251 -- a date
        self._state = LAYOUT.fill([int(successful), self._success_milliseconds])

    def own_families(self) -> Iterable[Filled]:
        """Yield the two gauges."""
        yield self._state
