"""What both ways to count have in common: how they are asked, and what they say of themselves."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Reading(NamedTuple):
    """What a source says of itself at a scrape; what it counted is in its `Counters`."""

    is_up: bool
    """Whether it delivers: it runs, and its newest sample is young."""
    age_seconds: float | None
    """How long ago the newest sample came; None before the first one."""
    restarts: int
    """How often the child was started again after it had died, or its work had to begin anew."""
    unparsed_lines: int
    """Lines, or what corresponds to them, that were not understood."""
    is_suspended: bool


class Source(Protocol):
    """What counts in the background, and adds to the `Counters` that it was made with.

    Making one starts nothing: the first `read` or `wait` does.
    """

    def read(self) -> Reading:
        """Say how it is, and that somebody wants it. Called at each scrape; never blocks."""
        ...

    def wait(self, seconds: float) -> None:
        """Start it; wait for the first sample, or until it is clear that none will come."""
        ...

    def suspend(self) -> None:
        """Stop counting, until `resume`."""
        ...

    def resume(self) -> None:
        """Go on counting."""
        ...

    def close(self) -> None:
        """End it for good. Returns at once; what runs ends soon."""
        ...
