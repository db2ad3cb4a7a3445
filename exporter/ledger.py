"""The account of the scrapes.

What each collector did last, counters of what went wrong, and one log line per change of state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from time import monotonic

from exporter.families import Family, Filled, Layout, Series
from exporter.outcome import FAILED, NO_DATA, OK, TIMEOUT, Outcome
from monitoring.structured_logging import StructuredLogger, alert

ASK_AGAIN_SECONDS = 60.0
"""What this host lacks (a battery, a RAID array, a module) may be plugged in or loaded later."""

log = StructuredLogger("perfwatch.scrape")


FINE = (OK, NO_DATA)
"""The outcomes that are no failures."""


class Ledger:
    """Remembers outcomes from collection to collection."""

    def __init__(self, names: Iterable[str], *, now: Callable[[], float] = monotonic) -> None:
        names = tuple(names)
        self._now = now
        self.last: dict[str, Outcome] = {}
        """The newest outcome of each collector that has had one."""
        self.quarantined: set[str] = set()
        self._absent: dict[str, float] = {}
        """The collectors without data, and when they are asked again."""
        self._reasons: dict[str, str] = {}
        """Why a collector has no data; empty for one that has."""
        self._dropped = dict.fromkeys(names, 0)
        self._timeouts = dict.fromkeys(names, 0)
        self._account: dict[tuple[str, ...], Layout] = {}
        self._own_layout = _own_layout(names)
        self._own: tuple[Filled, Family] | None = None
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
            nanoseconds + [b"1" if outcomes[name].status in FINE else b"0" for name in names]
        )

    def left_out(self) -> dict[str, Outcome]:
        """The collectors that are not to be asked now, with what is said of them instead.

        Those under quarantine, and those that had no data a short while ago.
        """
        left_out = {}
        if self._absent:
            now = self._now()
            left_out = {name: self.last[name] for name, at in self._absent.items() if now < at}
        if self.quarantined:
            left_out |= dict.fromkeys(self.quarantined, Outcome(TIMEOUT, 0.0))
        return left_out

    def own_families(self) -> Iterable[Family | Filled]:
        """The daemon's own families about its collectors; they change only when a state does."""
        if self._own is None:
            numbers = [*self._dropped.values(), *self._timeouts.values(), len(self.quarantined)]
            self._own = self._own_layout.fill(numbers), _availability(self._reasons)
        yield from self._own

    def take_over(self, old: Ledger, unchanged: AbstractSet[str]) -> None:
        """Go on where the ledger of the configuration before stands, for collectors in both.

        What hangs there would hang anew, if it is `unchanged`: it stays left out until the old
        call has returned.
        """
        for counters, before in ((self._dropped, old._dropped), (self._timeouts, old._timeouts)):
            counters.update({name: before[name] for name in counters.keys() & before.keys()})
        # In their order, which a set of the names would not keep: pages stay alike.
        self.last.update({name: old.last[name] for name in self._dropped if name in old.last})
        known = [name for name in old._reasons if name in self.last]
        self._reasons.update({name: old._reasons[name] for name in known})
        self.quarantined.update(unchanged & old.quarantined)
        self._own = None
        old._successor = self
        old._handed_over = unchanged

    def book(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take over the outcomes of a finished collection."""
        without = {}
        for name, outcome in outcomes.items():
            previous = self.last.get(name)
            if outcome is previous:
                continue  # it was left out
            if outcome.dropped:
                self._dropped[name] += outcome.dropped
                self._own = None
            if name in self.quarantined:
                continue
            self.last[name] = outcome
            if outcome.status in FINE:
                self._note_source(name, outcome)
            before = previous.status if previous else None
            if outcome.status == NO_DATA != before:
                without[name] = outcome.reason
            elif outcome.status != before:
                _log_change(name, outcome, before)
        if without:  # in one line: of most kinds of hardware a host has none
            log.info("collectors without data on this host", reasons=without)

    def _note_source(self, name: str, outcome: Outcome) -> None:
        """Note whether this host has what a collector reads."""
        if outcome.status == NO_DATA:
            self._absent[name] = self._now() + ASK_AGAIN_SECONDS
        elif name in self._absent:
            del self._absent[name]
        if self._reasons.get(name) != outcome.reason:
            self._reasons[name] = outcome.reason
            self._own = None

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


def _availability(reasons: Mapping[str, str]) -> Family:
    return Family(
        "perfwatch_collector_available",
        "Whether this host has what the collector reads (1), or why not (0); no error either way.",
        "gauge",
        ("collector", "reason"),
        [((name, reason), b"0" if reason else b"1") for name, reason in reasons.items()],
    )


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
                "Whether a collector succeeded; a source that this host lacks is no failure.",
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


def _log_change(name: str, outcome: Outcome, before: str | None) -> None:
    if outcome.status == FAILED:
        log.error("collector failed", collector=name, reason=outcome.reason)
    elif outcome.status == OK and before == NO_DATA:
        log.info("collector has data now", collector=name)
    elif outcome.status == OK and before is not None:
        log.info("collector recovered", collector=name)
