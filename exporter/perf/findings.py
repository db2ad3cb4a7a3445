"""What can be counted here, and why the rest cannot: what both ways to count find out first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from exporter.perf.events import Event

NOT_SUPPORTED = "not supported by this CPU or virtual machine"
NOT_PERMITTED = "not permitted"
UNKNOWN_EVENT = "unknown to perf"
NO_PERF = "perf cannot be run"
"""The values of the label `reason`, few and fixed. Empty: it can be counted."""


class Findings(NamedTuple):
    """What can be counted here, and how."""

    reasons: Mapping[Event, str]
    """Why an event cannot be counted; empty for one that can."""
    groups: tuple[tuple[Event, ...], ...]
    """What can be counted: those that are counted at the same time stand together."""
    json: bool
    """Whether perf is to print -j, which not every one knows, or -x."""
    explanation: str
    """In words: what was refused, how to mend it, and where that is documented; empty when
    nothing was."""
