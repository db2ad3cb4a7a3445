"""How long the life of perf waits for what."""

from __future__ import annotations

from typing import NamedTuple


class Patience(NamedTuple):
    """Bounds, most of them in seconds."""

    last_seconds: float = 1.0
    """For perf to print what it has counted since the last interval, when it is to end."""
    silent_intervals: float = 5
    silent_seconds: float = 5.0
    settling_seconds: float = 0.05
    """After the last line of an interval, where it is not known to be the last one."""
    senseless_lines: int = 1000
    """In a row."""
    uncounted_intervals: int = 10
    """In a row, of an event that is counted together with others."""
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    """Before perf is started again: twice as long each time."""
    good_seconds: float = 60.0
    """Of delivering, after which the next pause is the first one again."""
    retry_seconds: float = 300.0
    """Where nothing can be counted."""
    leaving_seconds: float = 5.0
    """At the end of the process, for perf to end: longer than one that hangs may be tried out."""

    def silent_for(self, interval_seconds: float) -> float:
        """Give how long perf may give no sample before it counts as hanging."""
        return max(self.silent_intervals * interval_seconds, self.silent_seconds)
