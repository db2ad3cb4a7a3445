"""Collectors that act as a test tells them to: small ones, failing ones, and ones that hang."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from exporter.families import Family, Filled, gauge
from exporter.kernel import NoData


class Steady:
    """Gives the same families each time, and counts how often."""

    def __init__(self, name: str, families: Iterable[Family | Filled] | None = None) -> None:
        self.name = name
        self.calls = 0
        self._families = [gauge(f"{name}_value", "A value.", 1)] if families is None else families

    def collect(self) -> Iterable[Family | Filled]:
        """Give the families."""
        self.calls += 1
        return self._families


class Raising:
    """Gives a family and then raises."""

    def __init__(self, name: str, error: BaseException) -> None:
        self.name = name
        self.error: BaseException | None = error
        """None: it raises no more."""

    def collect(self) -> Iterator[Family]:
        """Give one family before the error."""
        yield gauge(f"{self.name}_value", "A value.", 1)
        if self.error is not None:
            raise self.error


class Absent:
    """Has no source on this host, and counts how often it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0

    def collect(self) -> Iterable[Family]:
        """Say so."""
        self.calls += 1
        raise NoData("no such thing here")


class Hanging:
    """Hangs in every call until it is released."""

    def __init__(self, name: str, before: Callable[[], object] = tuple) -> None:
        self.name = name
        self.calls = 0
        self.entered = threading.Semaphore(0)
        """Released by each call that has begun to hang."""
        self.released = threading.Event()
        self._before = before

    def collect(self) -> Iterable[Family]:
        """Hang, then give a family."""
        self.calls += 1
        self._before()
        self.entered.release()
        self.released.wait()
        return [gauge(f"{self.name}_value", "A value.", 1)]
