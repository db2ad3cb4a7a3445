"""What must not end the life of an instance, lock its account, or pass old numbers for new ones."""

from __future__ import annotations

import io
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exporter.iris.collector import IrisCollector
from exporter.iris.condition import State
from exporter.iris.instance import Pace
from exporter.iris.keeper import Keeper
from exporter.kernel import KernelTree
from monitoring.structured_logging import configure
from tests.child import PATIENCE_SECONDS
from tests.iris.double.faults import Hang
from tests.iris.double.licence import FULL
from tests.iris.double.server import Double
from tests.iris.kept import settings_for
from tests.iris.living import Living, Page
from tests.logs import records

RESIDENT = ("iris_worker_resident_memory_bytes",)


@pytest.fixture(autouse=True)
def log(stream: io.StringIO) -> io.StringIO:
    """Where the log goes."""
    configure(stream=stream)
    return stream


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Let nothing be opened: of the three numbers that remain none is free."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_without_descriptors_it_goes_on(double: Double) -> None:
    """What needs none works; the rest is there again when there are some."""
    with Living(double) as living:
        living.wait_for(lambda: RESIDENT in living.samples())
        with no_more_descriptors():
            living.wait_for(lambda: RESIDENT not in living.samples())
        living.wait_for(lambda: RESIDENT in living.samples())


def test_a_page_that_says_nonsense_is_no_reason_to_give_up(
    double: Double, log: io.StringIO
) -> None:
    """More than all of the CPU: it is shown as it is, and the governor knows nothing."""
    double.stop()
    with Page("iris_cpu_usage 250\n") as page, Living(double, metrics_url=page.url) as living:
        living.wait_until(State.DEGRADED)
        assert living.samples()["iris_cpu_usage",] == b"250"
        assert living.samples()["iris_errors_total", "internal"] == 0
    assert [one["message"] for one in records(log.getvalue())] == ["instance is degraded"]


def test_a_page_that_refuses_the_account_is_asked_slowly(double: Double) -> None:
    """It is the account that logs in, and may be locked: other attempts cost it nothing."""
    double.stop()
    with Page("iris_cpu_usage 7\n") as page, Living(double, metrics_url=page.url) as living:
        page.status = 401
        living.wait_for(lambda: living.instance._session.worker_starts > 4)
        assert page.asked == 1
        assert living.instance.condition.state is State.UNREACHABLE


def test_a_refusal_that_nobody_knows_is_tried_slowly(double: Double) -> None:
    """It may be of an account that is about to be locked; so its page is not asked either."""
    double.faults.at_login("Not today")
    with Page("iris_cpu_usage 7\n") as page, Living(double, metrics_url=page.url) as living:
        living.wait_until(State.FAILED)
        assert "Not today" in living.instance.condition.reason
        assert living.instance._connect_at - living.instance._now() > 400
        assert page.asked == 0


def test_after_a_good_connection_pauses_are_short_again(double: Double) -> None:
    """Also those between attempts that are slow."""
    pace = Pace(first_pause=0.01, longest_pause=0.01, first_slow_pause=100, longest_slow_pause=1000)
    double.faults.at_login(FULL)
    with Living(double, pace=pace) as living:

        def refused(times: int, pause: float) -> None:
            living.wait_for(lambda: living.samples()["iris_errors_total", "licence"] == times)
            left = living.instance._connect_at - living.instance._now()
            assert pause - 10 < left <= pause
            living.later += pause

        refused(1, 50)
        double.faults.clear()
        living.wait_until(State.UP)
        double.faults.at_login(FULL)
        double.drop_connections()
        refused(2, 100)  # as it was up for a moment only
        double.faults.clear()
        living.wait_until(State.UP)
        living.later += 61
        double.faults.at_login(FULL)
        double.drop_connections()
        refused(3, 50)


def test_the_age_of_sensors_is_that_of_their_reading(double: Double) -> None:
    """Not of the end of a turn that a slow instance has made long."""
    hang = double.faults.next_call(Hang(), "SYS.Stats.Global")
    with Living(double, interval=100.0) as living:
        assert hang.entered.wait(PATIENCE_SECONDS)
        living.later += 50
        hang.release()
        living.wait_until(State.UP)
        assert living.samples()["iris_sample_age_seconds",] >= 50


def test_what_hangs_after_each_login_is_one_line(double: Double, log: io.StringIO) -> None:
    """Though the sensors come each time: it is not up before all has been looked at."""
    double.faults.every_call(Hang(), "IRIS.SystemPerformance")
    with Living(double, timeout=0.2) as living:
        living.wait_for(lambda: living.samples()["iris_errors_total", "timeout"] > 1)
        assert ("iris_cpu_usage",) in living.samples()
        double.faults.clear()
        living.wait_until(State.UP)
    said = [one["message"] for one in records(log.getvalue())]
    assert said == ["instance is down", "instance is as wanted", "instance is up"]


class Mistaken(Keeper):
    """A keeper that does not understand what is there."""

    looks = 0

    def _observe(self, *_: Any) -> Any:
        """Go wrong."""
        Mistaken.looks += 1
        self._due_at = 0.0
        raise ValueError("a mistake")


def test_a_mistake_in_controlling_costs_no_metrics(double: Double, log: io.StringIO) -> None:
    """It is one line with its traceback, however often it happens; the instance stays up."""
    with Living(double, keeper=Mistaken) as living:
        living.wait_for(lambda: Mistaken.looks > 2)
        samples = living.samples()
        assert samples["iris_up",] == 1
        assert samples["iris_systemperformance_errors_total", "internal"] > 2
    said = records(log.getvalue())
    assert [one["message"] for one in said] == ["instance cannot be controlled", "instance is up"]
    assert said[0]["data"]["reasons"] == {"mistake": "ValueError: a mistake"}
    assert "Traceback" in log.getvalue()


@pytest.fixture
def no_threads() -> Iterator[Callable[[], None]]:
    """Let no thread be started, until what this gives is called."""
    before = threading.stack_size(1 << 50)

    def end() -> None:
        threading.stack_size(before)

    yield end
    end()


def test_without_threads_it_begins_later(double: Double, no_threads: Callable[[], None]) -> None:
    """The page says so, a reload is not refused half-way, and the next scrape tries again."""
    collector = IrisCollector({"a": settings_for(double, name="a")}, KernelTree)
    collector.start()
    collector.collect()
    assert collector.describe()["a"]["state"] == State.FAILED
    assert "thread" in collector.describe()["a"]["reason"]
    no_threads()
    collector.collect()
    [instance] = collector.instances
    assert instance._thread is not None
    collector.close()
    instance._thread.join(PATIENCE_SECONDS)
    assert not instance._thread.is_alive()
