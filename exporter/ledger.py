"""The account of the scrapes.

What each collector did last, counters of what went wrong, and one log line per change of state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from exporter.families import Filled, Layout, Series
from exporter.outcome import FAILED, NO_DATA, OK, TIMEOUT, Outcome
from monitoring.structured_logging import StructuredLogger, alert

log = StructuredLogger("perfwatch.scrape")


class Ledger:
    """Remembers outcomes from collection to collection."""

    def __init__(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self.last: dict[str, Outcome] = {}
        """The newest outcome of each collector that has had one."""
        self.quarantined: set[str] = set()
        self._dropped = dict.fromkeys(names, 0)
        self._timeouts = dict.fromkeys(names, 0)
        self._account: dict[tuple[str, ...], Layout] = {}
        self._own_layout = _own_layout(names)
        self._own: Filled | None = None
        self._successor: Ledger | None = None
        self._handed_over: AbstractSet[str] = frozenset()

    def account(self, names: tuple[str, ...], outcomes: Mapping[str, Outcome]) -> Filled:
        """The families that say how each collector of one collection fared, as node_exporter's."""
        layout = self._account.get(names)
        if layout is None:
            # One per selection of collectors, which clients choose.
            if len(self._account) >= 100:
                self._account.clear()
            layout = self._account[names] = _account_layout(names)
        nanoseconds = [int(outcomes[name].seconds * 1e9) for name in names]
        return layout.fill(
            nanoseconds + [b"1" if outcomes[name].status == OK else b"0" for name in names]
        )

    def own_families(self) -> Iterable[Filled]:
        """The daemon's own families about its collectors; they change only when something fails."""
        if self._own is None:
            numbers = [*self._dropped.values(), *self._timeouts.values(), len(self.quarantined)]
            self._own = self._own_layout.fill(numbers)
        yield self._own

    def take_over(self, old: Ledger, unchanged: AbstractSet[str]) -> None:
        """Go on where the ledger of the configuration before stands, for collectors in both.

        What hangs there would hang anew, if it is `unchanged`: it stays left out until the old
        call has returned.
        """
        for counters, before in ((self._dropped, old._dropped), (self._timeouts, old._timeouts)):
            counters.update({name: before[name] for name in counters.keys() & before.keys()})
        self.last.update({name: old.last[name] for name in self._dropped.keys() & old.last.keys()})
        self.quarantined.update(unchanged & old.quarantined)
        self._own = None
        old._successor = self
        old._handed_over = unchanged

    def book(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take over the outcomes of a finished collection."""
        for name, outcome in outcomes.items():
            previous = self.last.get(name)
            if outcome.dropped:
                self._dropped[name] += outcome.dropped
                self._own = None
            if name in self.quarantined:
                continue
            self.last[name] = outcome
            if previous is None or previous.status != outcome.status:
                _log_change(name, outcome, first=previous is None)

    def left_behind(self, name: str, seconds: float) -> None:
        """A collector did not return in time: its thread is left to it."""
        self.quarantined.add(name)
        if self._successor is not None and name in self._handed_over:
            self._successor.left_behind(name, seconds)
            return
        self._timeouts[name] += 1
        self._own = None
        reason = "its last call has not returned"
        self.last[name] = Outcome(TIMEOUT, seconds, reason=reason)
        data = {
            "collector": name,
            "seconds": round(seconds, 3),
            "consequence": "left out until its call returns",
        }
        alert("collector hangs", data, logger="perfwatch.scrape")

    def came_back(self, name: str) -> None:
        """The hung call of a collector has returned."""
        if self._successor is not None and name in self._handed_over:
            self._successor.came_back(name)
        elif name in self.quarantined:
            self.quarantined.discard(name)
            self._own = None
            log.info("collector returned", collector=name, consequence="takes part again")


def _account_layout(names: tuple[str, ...]) -> Layout:
    rows = [(name,) for name in names]
    labels = ("collector",)
    return Layout(
        [
            Series(
                "node_scrape_collector_duration_seconds",
                "Duration of a collector scrape.",
                "gauge",
                labels,
                rows,
                exponent=-9,
            ),
            Series(
                "node_scrape_collector_success",
                "Whether a collector succeeded.",
                "gauge",
                labels,
                rows,
            ),
        ]
    )


def _own_layout(names: tuple[str, ...]) -> Layout:
    rows = [(name,) for name in names]
    labels = ("collector",)
    return Layout(
        [
            Series(
                "perfwatch_collector_dropped_series_total",
                "Series left out because a collector gave more than the cap.",
                "counter",
                labels,
                rows,
            ),
            Series(
                "perfwatch_collector_timeouts_total",
                "Times a collector did not return in time and was left behind.",
                "counter",
                labels,
                rows,
            ),
            Series(
                "perfwatch_collectors_quarantined",
                "Collectors whose last call has not returned yet; left out until it does.",
                "gauge",
            ),
        ]
    )


def _log_change(name: str, outcome: Outcome, *, first: bool) -> None:
    if outcome.status == FAILED:
        log.error("collector failed", collector=name, reason=outcome.reason)
    elif outcome.status == NO_DATA:
        log.info("collector has no data on this host", collector=name, reason=outcome.reason)
    elif outcome.status == OK and not first:
        log.info("collector recovered", collector=name)
