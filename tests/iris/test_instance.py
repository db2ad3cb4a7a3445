"""The life of one instance: whatever happens to it, it is seen, and it goes on."""

from __future__ import annotations

import io
import os
import signal
import threading
from typing import Any

import psutil
import pytest

from exporter.iris.access.session import Session
from exporter.iris.condition import State
from exporter.iris.keeper import Keeper
from exporter.iris.poll import Poll
from monitoring.structured_logging import configure
from tests.iris.double.faults import Close, Hang
from tests.iris.double.instance import Instance
from tests.iris.double.licence import FULL
from tests.iris.double.server import Double
from tests.iris.kept import settings_for
from tests.iris.living import Living, Page
from tests.logs import records

LIFE = {"instance is up", "instance is down", "instance is degraded"}


@pytest.fixture(autouse=True)
def log(stream: io.StringIO) -> io.StringIO:
    """Where the log goes."""
    configure(stream=stream)
    return stream


def told(log: io.StringIO) -> list[tuple[str, str]]:
    """What the log tells of its life: the message, and the state where it is not up."""
    return [
        (record["message"], record["data"].get("state", ""))
        for record in records(log.getvalue())
        if record["message"] in LIFE
    ]


def test_it_connects_and_publishes(double: Double, log: io.StringIO) -> None:
    """Sensors, counters, and how it is reached; one line says so, and one connection is enough."""
    with Living(double) as living:
        living.wait_for(lambda: ("iris_worker_resident_memory_bytes",) in living.samples())
        samples = living.samples()
        assert samples["iris_up",] == 1
        assert samples["iris_state", "up"] == 1
        assert samples["iris_cpu_usage",] == b"20"
        assert samples["iris_worker_starts_total",] == 1
        assert samples["iris_worker_resident_memory_bytes",] > 2**20
        assert ("iris_info", living.instance.condition.version) in samples
        assert living.instance.describe() == {"state": "up", "governor": "collecting"}
        assert double.logins == 1
    assert living.instance.condition.state is State.STOPPED
    assert told(log) == [("instance is up", "")]


def test_each_turn_has_an_id_of_its_own(double: Double, log: io.StringIO) -> None:
    """By which the lines of one turn are found, and told from those of others."""
    with Living(double) as living:
        living.wait_until(State.UP)
        double.stop()
        living.wait_until(State.UNREACHABLE)
    ids = [record.get("correlation_id") for record in records(log.getvalue())]
    assert None not in ids
    assert len(set(ids)) > 1


def test_it_waits_for_an_instance_that_is_not_there_yet(double: Double, log: io.StringIO) -> None:
    """And connects when it is: one line when it begins to be down, however often it is tried."""
    double.stop()
    with Living(double) as living:
        living.wait_for(lambda: living.instance._session.worker_starts > 1)
        assert living.samples()["iris_up",] == 0
        assert living.samples()["iris_state", "unreachable"] == 1
        assert living.instance.describe()["reason"].startswith("IRIS at 127.0.0.1:")
        double.start()
        living.wait_until(State.UP)
        assert "reason" not in living.instance.describe()
        assert living.samples()["iris_errors_total", "unreachable"] > 1
    assert told(log) == [("instance is down", "unreachable"), ("instance is up", "")]


def test_a_call_that_hangs_costs_its_worker(double: Double, log: io.StringIO) -> None:
    """The worker is ended at the deadline, and another one goes on."""
    hang = double.faults.next_call(Hang(), "PrometheusMetrics")
    with Living(double, timeout=0.5) as living:
        living.wait_until(State.UNREACHABLE)
        living.wait_until(State.UP)
        samples = living.samples()
        assert samples["iris_errors_total", "timeout"] == 1
        assert samples["iris_worker_starts_total",] == 2
    hang.release()
    assert told(log) == [("instance is down", "unreachable"), ("instance is up", "")]


def test_it_ends_in_the_middle_of_a_call_that_hangs(double: Double) -> None:
    """At once, and its worker with it."""
    double.faults.every_call(Hang(), "PrometheusMetrics")
    with Living(double, timeout=300.0) as living:
        double.wait_for(lambda: double.requests and double.requests[-1].b == "PrometheusMetrics")
        worker = psutil.Process(living.pid)
        living.instance.close()
        living.instance.close()  # twice is once
        living.thread.join(10)
        assert not living.thread.is_alive()
        assert not worker.is_running()
    living.instance.start()
    assert not living.thread.is_alive()


def test_it_may_end_before_it_has_begun(double: Double) -> None:
    """As where a reload is refused: there is nothing to end, and nothing begins any more."""
    living = Living(double)
    living.instance.close()
    living.instance.start()
    assert living.instance._thread is None
    assert not living.instance.presses


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_is_replaced(
    double: Double, log: io.StringIO, number: signal.Signals
) -> None:
    """Whoever or whatever has ended it; each is one line."""
    with Living(double) as living:
        living.wait_until(State.UP)
        os.kill(living.pid, number)
        living.wait_for(lambda: living.samples()["iris_errors_total", "crashed"] == 1)
        living.wait_until(State.UP)
        assert living.samples()["iris_worker_starts_total",] == 2
    assert told(log) == [
        ("instance is up", ""),
        ("instance is down", "failed"),
        ("instance is up", ""),
    ]


def test_wrong_credentials_are_tried_slowly(
    double: Double, instance: Instance, log: io.StringIO
) -> None:
    """Once in minutes, also over HTTP: more attempts would lock the account."""
    instance.accounts[instance.username].password = "another"
    with Page("iris_cpu_usage 7\n") as page, Living(double, metrics_url=page.url) as living:
        living.wait_until(State.ACCESS_DENIED)
        # Many turns later there was one attempt.
        living.wait_for(lambda: living.samples()["iris_errors_total", "access_denied"] == 1)
        living.instance.wait(10)
        assert living.instance._connect_at - living.instance._now() > 400
        assert (double.refused_logins, page.asked) == (1, 0)
        assert instance.password not in repr(living.samples())
    assert told(log) == [("instance is down", "access_denied")]
    assert instance.password not in log.getvalue()


def test_without_a_licence_its_page_is_asked(double: Double, log: io.StringIO) -> None:
    """Where the superserver refuses, sensors come over HTTP, and the state says so."""
    double.faults.at_login(FULL)
    with Page("iris_cpu_usage 7\n") as page, Living(double, metrics_url=page.url) as living:
        living.wait_until(State.DEGRADED)
        samples = living.samples()
        assert (samples["iris_up",], samples["iris_cpu_usage",]) == (1, b"7")
        assert samples["iris_errors_total", "licence"] == 1
        asked = page.asked
        living.wait_for(lambda: page.asked > asked + 1)
        page.status = 503  # once: the next attempt to log in is far away
        living.wait_until(State.UNREACHABLE)
        page.status = 200
        living.wait_until(State.DEGRADED)
        double.faults.clear()
        living.later += 2000  # the next attempt is due
        living.wait_until(State.UP)
    states = [state for _, state in told(log)]
    assert states == ["degraded", "unreachable", "degraded", ""]


def test_a_page_that_fails_too_is_said(double: Double, log: io.StringIO) -> None:
    """With both reasons; a superserver that is back is used again."""
    double.stop()
    with Page("iris_cpu_usage 7\n") as page, Living(double, metrics_url=page.url) as living:
        living.wait_until(State.DEGRADED)
        page.status = 503
        living.wait_until(State.UNREACHABLE)
        assert "; and IRIS at" in living.instance.describe()["reason"]
        double.start()
        living.wait_until(State.UP)
    states = [state for _, state in told(log)]
    assert states == ["degraded", "unreachable", ""]


def test_old_sensors_are_not_shown_for_ever(double: Double) -> None:
    """For a minute or three intervals; then what is not known is absent.

    What was seen of ^SystemPerformance is not shown any more at once: it would be acted upon.
    """
    collecting = ("iris_systemperformance_collecting",)
    with Living(double) as living:
        living.wait_until(State.UP)
        living.wait_for(lambda: collecting in living.samples())
        double.stop()
        living.wait_until(State.UNREACHABLE)
        living.wait_for(lambda: collecting not in living.samples())
        assert living.samples()["iris_systemperformance_enabled",] == 1
        assert ("iris_cpu_usage",) in living.samples()
        living.later += 100
        samples = living.samples()
        assert ("iris_cpu_usage",) not in samples
        assert ("iris_sample_age_seconds",) not in samples
        assert samples["iris_up",] == 0


class Mistaken(Keeper):
    """A keeper with a mistake, until it is mended."""

    mended = threading.Event()

    def look(self) -> None:
        """Go wrong."""
        if not self.mended.is_set():
            raise RuntimeError("a mistake")
        super().look()


def test_a_mistake_of_ours_is_not_the_last_turn(double: Double, log: io.StringIO) -> None:
    """It is counted and logged once with its traceback, and the thread goes on."""
    Mistaken.mended.clear()
    with Living(double, keeper=Mistaken) as living:
        living.wait_for(lambda: living.samples()["iris_errors_total", "internal"] > 2)
        assert living.instance.condition.state is State.FAILED
        Mistaken.mended.set()
        living.wait_until(State.UP)
    assert told(log) == [("instance is down", "failed"), ("instance is up", "")]
    assert log.getvalue().count("RuntimeError: a mistake") <= 3  # in one line


def test_what_an_instance_withholds_is_said_once(
    double: Double, instance: Instance, session: Session, log: io.StringIO
) -> None:
    """And when it gives all: parts that were refused are asked for again after a while."""
    poll = Poll(settings_for(double))
    poll.read(session, 0.0)
    instance.revoke("%Admin_Operate:U")
    for moment in (1000.0, 1010.0):
        poll.read(session, moment)
    instance.grant("%Admin_Operate:U")
    poll.read(session, 3000.0)
    said = [(record["message"], record["data"]) for record in records(log.getvalue())]
    messages: list[Any] = [message for message, _ in said]
    assert messages == ["instance withholds data", "instance gives all its data"]
    assert "not permitted" in said[0][1]["reasons"]["locks"]


def test_sensors_that_are_withheld_cost_only_themselves(
    double: Double, instance: Instance, session: Session
) -> None:
    """Nor does the governor see anything then."""
    poll = Poll(settings_for(double))
    poll.read(session, 0.0)
    before = poll.metrics
    assert before is not None
    instance.revoke("%Native_ClassExecution:U")
    families = poll.read(session, 10.0)
    assert poll.metrics is None
    assert "iris_cpu_usage" not in [family.name for family in families]


def test_nobody_s_alerts_are_taken(double: Double, session: Session) -> None:
    """The instance has one cursor for all who read its alerts: `Alerts` of the sensors moves it."""
    Poll(settings_for(double)).read(session, 0.0)
    asked = {one.b for one in double.requests if one.a == "SYS.Monitor.SAM.Sensors"}
    assert asked == {"PrometheusMetrics"}


def test_a_connection_lost_while_reading_ends_the_turn(double: Double, session: Session) -> None:
    """Whoever reads learns of it."""
    double.faults.next_call(Close(), "PrometheusMetrics")
    poll = Poll(settings_for(double))
    with pytest.raises(Exception, match="IRIS at 127"):
        poll.read(session, 0.0)
