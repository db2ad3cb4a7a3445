"""The account of the scrapes: last outcomes, counters, and one log line per change of state."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from exporter.exposition import TEXT, Renderer
from exporter.ledger import ASK_AGAIN_SECONDS, Ledger
from exporter.outcome import FAILED, NO_DATA, OK, TIMEOUT, Outcome
from monitoring import structured_logging
from tests.expositions import values


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What is logged."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    stream = StringIO()
    structured_logging.configure(stream=stream)
    yield stream
    root.handlers[:], root.level, logging.raiseExceptions = before


WITHOUT = "collectors without data on this host"


def messages(log: StringIO) -> list[tuple[str, str, Any]]:
    """Level, message and reason of each line, taken off the log."""
    records = [json.loads(line) for line in log.getvalue().splitlines()]
    log.seek(0)
    log.truncate()
    return [
        (one["level"], one["message"], one["data"].get("reason", one["data"].get("reasons")))
        for one in records
    ]


def own(ledger: Ledger) -> dict[Any, float]:
    """The ledger's own families, by name and collector."""
    page = Renderer(TEXT).render(ledger.own_families())
    return {
        (name, *(value for _, value in sorted(labels))): number
        for (name, labels), number in values(page).items()
    }


def test_a_change_of_state_is_logged_once(log: StringIO) -> None:
    """Not every scrape of a broken collector: when it breaks, and when it is well again."""
    ledger = Ledger(["a"])
    steps = [
        (Outcome(OK, 0.1), []),
        (Outcome(OK, 0.1), []),
        (Outcome(FAILED, 0.1, reason="x"), [("error", "collector failed", "x")]),
        (Outcome(FAILED, 0.1, reason="y"), []),
        (Outcome(OK, 0.1), [("info", "collector recovered", None)]),
        (Outcome(NO_DATA, 0.1, reason="z"), [("info", WITHOUT, {"a": "z"})]),
        (Outcome(NO_DATA, 0.1, reason="z"), []),
        (Outcome(OK, 0.1), [("info", "collector has data now", None)]),
    ]
    for outcome, logged in steps:
        ledger.book({"a": outcome})
        assert messages(log) == logged
        assert ledger.last["a"] == outcome


def test_the_first_failure_is_logged(log: StringIO) -> None:
    """A collector that never worked says so at the start; one that works says nothing."""
    Ledger(["a", "b"]).book({"a": Outcome(FAILED, 0.1, reason="x"), "b": Outcome(OK, 0.1)})
    assert messages(log) == [("error", "collector failed", "x")]


def test_what_a_host_lacks_is_logged_in_one_line(log: StringIO) -> None:
    """A machine lacks most kinds of hardware: that is not worth a line for each."""
    absent = {name: Outcome(NO_DATA, 0.1, reason=f"no {name}") for name in ("bat", "fan")}
    Ledger(["a", *absent]).book({"a": Outcome(OK, 0.1), **absent})
    assert messages(log) == [("info", WITHOUT, {"bat": "no bat", "fan": "no fan"})]


def test_a_hanging_collector_is_logged_counted_and_comes_back(log: StringIO) -> None:
    """While it hangs, what collections say of it changes nothing."""
    ledger = Ledger(["a", "b"])
    ledger.left_behind("a", 1.5)
    assert messages(log) == [("warning", "collector hangs", None)]
    ledger.book({"a": Outcome(TIMEOUT, 0.0), "b": Outcome(OK, 0.1)})
    assert ledger.last["a"] == Outcome(TIMEOUT, 1.5, reason="its last call has not returned")
    assert own(ledger)["perfwatch_collectors_quarantined",] == 1
    ledger.came_back("a")
    ledger.book({"a": Outcome(OK, 0.1)})
    assert [message for _, message, _ in messages(log)] == [
        "collector returned",
        "collector recovered",
    ]
    assert own(ledger) == {
        ("perfwatch_collectors_quarantined",): 0,
        ("perfwatch_collector_available", "a"): 1,
        ("perfwatch_collector_available", "b"): 1,
        ("perfwatch_collector_timeouts_total", "a"): 1,
        ("perfwatch_collector_timeouts_total", "b"): 0,
        ("perfwatch_collector_dropped_series_total", "a"): 0,
        ("perfwatch_collector_dropped_series_total", "b"): 0,
    }


def test_a_source_that_the_host_lacks_is_asked_for_once_a_minute() -> None:
    """Its reason is told, it is left out meanwhile, and it takes part once it is there."""
    now = [1000.0]
    ledger = Ledger(["a", "b"], now=lambda: now[0])
    absent = Outcome(NO_DATA, 0.1, reason="no battery")
    ledger.book({"a": absent, "b": Outcome(OK, 0.1)})
    available = "perfwatch_collector_available"
    assert own(ledger)[available, "a", "no battery"] == 0
    assert own(ledger)[available, "b"] == 1
    now[0] += ASK_AGAIN_SECONDS - 1
    assert ledger.left_out() == {"a": absent}
    ledger.book({"a": absent, "b": Outcome(FAILED, 0.1, reason="x")})
    now[0] += 1
    assert ledger.left_out() == {}
    ledger.book({"a": Outcome(NO_DATA, 0.1, reason="no fan")})
    assert ledger.left_out().keys() == {"a"}
    assert own(ledger)[available, "a", "no fan"] == 0
    assert own(ledger)[available, "b"] == 1, "a failure says nothing about the host"
    now[0] += ASK_AGAIN_SECONDS
    ledger.book({"a": Outcome(OK, 0.1)})
    assert ledger.left_out() == {}
    assert own(ledger)[available, "a"] == 1


def test_a_reload_asks_again_at_once_and_knows_what_was_available() -> None:
    """The new ledger has no reason to wait."""
    old = Ledger(["a", "gone"])
    old.book({"a": Outcome(NO_DATA, 0.1, reason="no battery"), "gone": Outcome(OK, 0.1)})
    new = Ledger(["a"])
    new.take_over(old, set())
    assert new.left_out() == {}
    found = {key: value for key, value in own(new).items() if "available" in key[0]}
    assert found == {("perfwatch_collector_available", "a", "no battery"): 0}


def test_a_reload_keeps_the_order() -> None:
    """The page says the same in the same lines."""
    names = [f"c{number}" for number in range(20)]
    old, new = Ledger(names), Ledger(names)
    old.book({name: Outcome(OK, 0.1) for name in names})
    new.take_over(old, set())
    assert list(own(new)) == list(own(old))
    assert list(new.last) == names


def test_dropped_series_add_up() -> None:
    """The counter goes on from scrape to scrape."""
    ledger = Ledger(["a"])
    for dropped in (5, 0, 7):
        ledger.book({"a": Outcome(OK, 0.1, dropped=dropped)})
    assert own(ledger)["perfwatch_collector_dropped_series_total", "a"] == 12


def test_the_account_names_every_collector_of_the_scrape() -> None:
    """Duration and success of each, as node_exporter names them; no data is no failure."""
    outcomes = {
        "d": Outcome(OK, 0.25),
        "a": Outcome(FAILED, 0.5),
        "c": Outcome(NO_DATA, 0.75),
        "b": Outcome(TIMEOUT, 1.5),
    }
    page = values(Renderer(TEXT).render([Ledger(outcomes).account(tuple(outcomes), outcomes)]))
    for name, outcome in outcomes.items():
        labels = frozenset({("collector", name)})
        assert page["node_scrape_collector_duration_seconds", labels] == outcome.seconds
        assert page["node_scrape_collector_success", labels] == (name in "cd")
    assert len(page) == 8


def test_selections_remembered_are_bounded() -> None:
    """Clients may ask for any of the many selections; what is kept for them is bounded."""
    names = [str(number) for number in range(150)]
    ledger = Ledger(names)
    for name in names:
        filled = ledger.account((name,), {name: Outcome(OK, 0.1)})
        assert filled is not None
        assert filled.layout.series[0].rows == [(name,)]
    assert len(ledger._account) <= 100


def test_counters_go_on_after_a_reload() -> None:
    """What was counted before is kept for collectors of both configurations."""
    old = Ledger(["a", "b"])
    old.book({"a": Outcome(OK, 0.1, dropped=3)})
    old.left_behind("b", 1.0)
    new = Ledger(["b", "c"])
    new.take_over(old, {"b"})
    after = own(new)
    assert after["perfwatch_collector_timeouts_total", "b"] == 1
    assert after["perfwatch_collector_dropped_series_total", "c"] == 0
    assert ("perfwatch_collector_dropped_series_total", "a") not in after


def test_what_hangs_is_left_out_after_a_reload_until_it_returns(log: StringIO) -> None:
    """The old call is the one that is waited for; states are known from the start."""
    old = Ledger(["a", "b"])
    old.book({"a": Outcome(OK, 0.1)})
    old.left_behind("b", 1.0)
    messages(log)
    middle, new = Ledger(["a", "b"]), Ledger(["b"])
    middle.take_over(old, {"a", "b"})
    new.take_over(middle, {"b"})
    assert middle.last["a"].status == OK
    assert new.quarantined == {"b"}
    old.came_back("b")
    assert new.quarantined == set()
    assert [message for _, message, _ in messages(log)] == ["collector returned"]


def test_a_collector_whose_settings_changed_may_try_again(log: StringIO) -> None:
    """A reload may be what makes it work: what hung with other settings is no reason."""
    old = Ledger(["a"])
    old.left_behind("a", 1.0)
    new = Ledger(["a"])
    new.take_over(old, set())
    assert new.quarantined == set()
    old.came_back("a")
    assert old.quarantined == set()


def test_a_collector_that_hangs_during_a_reload_is_left_out_after_it(log: StringIO) -> None:
    """The collection under way belongs to the old configuration, the hang to both."""
    old, new = Ledger(["a"]), Ledger(["a"])
    new.take_over(old, {"a"})
    old.left_behind("a", 1.0)
    assert new.quarantined == {"a"}
    assert own(new)["perfwatch_collector_timeouts_total", "a"] == 1
    assert [message for _, message, _ in messages(log)] == ["collector hangs"]
