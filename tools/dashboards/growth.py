"""How much a counter has grown that is not there before its first event."""

from __future__ import annotations


def growth(counter: str, window: str) -> str:
    """PromQL for the growth of a counter within a time, by its selector.

    increase() needs two samples, so the first event of a kind, with which a counter appears, would
    not be seen. One that was not there before that time counts with all that it has.
    """
    return f"({counter} unless {counter} offset {window} or increase({counter}[{window}]))"
