"""The cleanup service: bounded runs, one at a time, on a schedule, with an account of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitoring.cleanup import CleanupService, RuleRun
from monitoring.correlation import correlation_context, correlation_ids
from tests.child import PATIENCE_SECONDS, REPOSITORY
from tests.leftovers import NOW, ActingClock, clean, names, put, rule_for


class Sessions:
    """A registry that notes how it is called, and then does what a test wants."""

    def __init__(self, act: Callable[[], Any] = lambda: 0) -> None:
        self._act = act
        self.calls: list[bool] = []
        self.ids: list[dict[str, str]] = []
        self.threads: list[threading.Thread] = []
        self.called = threading.Semaphore(0)

    def remove_expired(self, dry_run: bool) -> int:
        """Note the call."""
        self.calls.append(dry_run)
        self.ids.append(correlation_ids())
        self.threads.append(threading.current_thread())
        self.called.release()
        return self._act()  # type: ignore[no-any-return]

    def wait(self) -> None:
        """Until there has been one more call."""
        assert self.called.acquire(timeout=PATIENCE_SECONDS)


def service_with(sessions: Sessions, **settings: Any) -> CleanupService:
    """Give a service that begins at once, and has only this registry."""
    service = CleanupService(**{"first_delay_seconds": 0, **settings})
    service.add_registry("sessions", sessions)
    return service


def raising(error: Exception) -> Callable[[], int]:
    """Give something that raises."""

    def act() -> int:
        raise error

    return act


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"interval_seconds": 0}, "interval_seconds must be more than 0, got 0"),
        ({"interval_seconds": float("inf")}, "interval_seconds"),
        ({"max_removals": 0}, "max_removals"),
        ({"max_seconds": float("nan")}, "max_seconds"),
        ({"first_delay_seconds": -1}, "first_delay_seconds must be 0 or more"),
    ],
)
def test_numbers_without_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    """When the service is made."""
    with pytest.raises(ValueError, match=says):
        CleanupService(**settings)


def test_names_are_unique_and_good_for_a_label(tmp_path: Path) -> None:
    """Among rules and registries together."""
    service = CleanupService()
    service.add_folder(rule_for(tmp_path, name="a"))
    service.add_registry("b", Sessions())
    with pytest.raises(ValueError, match="'a' already: give another"):
        service.add_registry("a", Sessions())
    with pytest.raises(ValueError, match="'b' already: give another"):
        service.add_folder(rule_for(tmp_path, name="b"))
    with pytest.raises(ValueError, match="1 to 64 letters"):
        service.add_registry("a b", Sessions())


def test_a_run_without_rules_is_a_run() -> None:
    """A service may get its rules later."""
    assert clean().rules == ()


def test_a_run_removes_no_more_than_it_may(tmp_path: Path) -> None:
    """The oldest first, over all rules together; the next run begins with the next rule."""
    folders = [tmp_path / "a", tmp_path / "b"]
    service = CleanupService(max_removals=3, now=lambda: NOW)
    for folder in folders:
        folder.mkdir()
        service.add_folder(rule_for(folder, name=folder.name))
        for number in range(4):
            put(folder, f"report-{number}", 1000 - number)
    first, second, third = (service.run_once() for _ in range(3))
    limit = "as many removed as a run may: the rest in the next run"
    assert first.rules == (
        RuleRun("a", 4, 3, 0, 0, limit, 1, 0),
        RuleRun("b", 4, 0, 0, 0, limit, 4, 0),
    )
    assert [(r.rule, r.removed, r.reason) for r in second.rules] == [
        ("b", 3, limit),
        ("a", 0, limit),
    ]
    assert [(r.rule, r.removed, r.reason) for r in third.rules] == [("a", 1, ""), ("b", 1, "")]


def test_a_run_works_no_longer_than_it_may(tmp_path: Path) -> None:
    """What it did not come to is done by later runs; the listing leaves time for removals."""
    for number in range(50):
        put(tmp_path, f"report-{number:02}", 1000 - number)
    rule = rule_for(tmp_path, max_age_seconds=975)
    # A look at the clock is a second, and there is one for each file that is listed or removed.
    short = clean(rule, clock=ActingClock(), max_seconds=60)
    assert short.rules[0].reason == "out of time: the rest in the next run"
    assert short.rules[0].files_left is None
    # How many there are was not known, but of some that they are too old.
    assert 0 < short.removed <= 25
    assert {f"report-{number}" for number in range(25, 50)} <= names(tmp_path)
    longer = clean(rule, clock=ActingClock(), max_seconds=len(names(tmp_path)) * 2 - 5)
    assert longer.rules[0].reason == short.rules[0].reason
    assert clean(rule, clock=ActingClock(), max_seconds=1000).rules[0].reason == ""
    assert names(tmp_path) == set()


@pytest.mark.parametrize("moment", range(1, 30))
def test_a_stop_ends_a_run_between_two_files(tmp_path: Path, moment: int) -> None:
    """At once, wherever it is; what is not done is no failure."""
    for number in range(10):
        put(tmp_path, f"report-{number}")
    left = [0]

    def stop() -> None:
        left.append(len(names(tmp_path)))
        assert service.stop()

    clock = ActingClock(moment, stop)
    service = CleanupService(now=lambda: NOW, clock=clock, max_seconds=1000)
    service.add_folder(rule_for(tmp_path))
    run = service.run_once()
    assert run.failures == 0
    assert len(names(tmp_path)) == 10 - run.removed
    # The file at hand when the stop came, and none after it.
    assert len(names(tmp_path)) >= left[-1] - 1
    assert (run.removed == 10) == (moment >= 24)
    assert clean(rule_for(tmp_path)).removed == 10 - run.removed


def test_a_dry_run_counts_and_removes_nothing(tmp_path: Path) -> None:
    """The same figures, and it says what it is."""
    put(tmp_path, "report-1", size=7)
    sessions = Sessions(lambda: 3)
    service = CleanupService(dry_run=True, now=lambda: NOW)
    service.add_folder(rule_for(tmp_path))
    service.add_registry("sessions", sessions)
    run = service.run_once()
    assert (run.dry_run, run.removed, run.bytes) == (True, 4, 7)
    assert run.rules[0] == RuleRun("reports", 1, 1, 7, 0, "", 1, 7)
    assert names(tmp_path) == {"report-1"}
    assert sessions.calls == [True]
    assert service.statistics()["dry_run"] is True


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (raising(KeyError("no\nsuch")), "KeyError: 'no\\nsuch'"),
        (lambda: None, "TypeError: int() argument must be"),
    ],
)
def test_a_bad_registry_fails_alone(act: Callable[[], Any], reason: str, tmp_path: Path) -> None:
    """Whatever its code raises or gives; the others get their turn."""
    put(tmp_path, "report-1")
    service = service_with(Sessions(act), now=lambda: NOW)
    service.add_folder(rule_for(tmp_path))
    bad, good = service.run_once().rules
    assert (bad.removed, bad.failures, good.removed) == (0, 1, 1)
    assert bad.reason.startswith(reason)


def test_runs_are_never_two_at_once() -> None:
    """A second caller waits, and then has a run of its own."""
    second_inside = threading.Event()

    def overlap() -> int:
        if len(sessions.calls) == 1:
            other.start()
            return int(second_inside.wait(0.2))
        second_inside.set()
        return 0

    sessions = Sessions(overlap)
    service = service_with(sessions)
    other = threading.Thread(target=service.run_once)
    assert service.run_once().removed == 0
    other.join(PATIENCE_SECONDS)
    assert service.statistics()["runs"] == 2


def test_the_thread_runs_at_intervals_until_it_is_stopped() -> None:
    """It is a daemon thread, and begins with the context; after the stop nothing is planned."""
    sessions = Sessions()
    with service_with(sessions, interval_seconds=0.001) as service:
        for _ in range(3):
            sessions.wait()
        with pytest.raises(RuntimeError, match="running already"):
            service.start()
    assert service.statistics()["runs"] == len(sessions.calls)
    assert service.statistics()["next_run"] is None
    [thread] = set(sessions.threads)
    assert thread.daemon
    assert not thread.is_alive()


def test_a_stopped_service_can_be_started_again() -> None:
    """And stopped twice, or without a start."""
    sessions = Sessions()
    service = service_with(sessions)
    assert service.stop()
    for _ in range(2):
        service.start()
        sessions.wait()
        assert service.stop()
    assert service.stop()
    assert len(set(sessions.threads)) == 2
    assert service.run_once().rules


def test_a_run_that_hangs_does_not_hold_up_the_stop() -> None:
    """It is told, and says so by False; a second thread beside it is refused."""
    release = threading.Event()
    sessions = Sessions(release.wait)
    service = service_with(sessions)
    service.start()
    sessions.wait()
    assert not service.stop(timeout=0.01)
    with pytest.raises(RuntimeError, match="running already"):
        service.start()
    release.set()
    assert service.stop(PATIENCE_SECONDS)
    assert len(sessions.calls) == 1


def test_the_first_run_is_somewhere_in_the_first_tenth_of_an_interval() -> None:
    """At random: machines that start together do not all run together."""
    delays = [CleanupService(100.0)._first_delay for _ in range(50)]
    assert all(0 <= delay <= 10 for delay in delays)
    assert len(set(delays)) > 25


def test_each_run_has_an_id_of_its_own() -> None:
    """A run by hand keeps the request's other ids; the thread has none of who started it."""
    sessions = Sessions()
    service = service_with(sessions, interval_seconds=0.001)
    with correlation_context(request_id="r1") as outside:
        service.run_once()
        service.start()
    for _ in range(3):
        sessions.wait()
    service.stop()
    by_hand, *by_thread = sessions.ids
    assert by_hand.keys() == {"correlation_id", "request_id"}
    assert all(ids.keys() == {"correlation_id"} for ids in by_thread)
    made = [outside["correlation_id"], *(ids["correlation_id"] for ids in sessions.ids)]
    assert len(set(made)) == len(made)


INHERITING = """
import queue, sys
from monitoring.cleanup import CleanupService
from monitoring.correlation import correlation_context, correlation_ids
from monitoring.inheritance import install

class Sessions:
    def remove_expired(self, dry_run):
        ids.put(correlation_ids())
        return 0

install()
ids = queue.Queue()
service = CleanupService(first_delay_seconds=0)
service.add_registry("sessions", Sessions())
with correlation_context(user_id="u1"), service:
    print(*ids.get(timeout=10), file=sys.stderr)
"""


def test_the_thread_inherits_no_ids() -> None:
    """Where threads do: a request that starts the service would be in its log lines for ever."""
    command = [sys.executable, "-c", INHERITING]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert "correlation_id" in done.stderr.splitlines()
