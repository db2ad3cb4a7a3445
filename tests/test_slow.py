"""Collectors whose source may take long: exporter/slow.py."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest

from exporter.families import Family, gauge
from exporter.kernel import NoData
from exporter.slow import MAX_AGE_SECONDS, SLOW_SECONDS, SlowCollector, snapshot_families

PATIENT = 30.0
"""Long enough for any machine: waiting ends as soon as the reading does."""


class Clock:
    """The time, as told."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        """Give it."""
        return self.time


class Sensor:
    """A source whose readings are numbered, and take as long as told."""

    name = "sensor"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.threads: list[threading.Thread] = []
        self.closed = False

    def collect(self) -> Iterable[Family]:
        """Give the number of this reading."""
        self.threads.append(threading.current_thread())
        number = len(self.threads)
        self.answers.wait(PATIENT)
        self.clock.time += self.seconds
        if self.error is not None:
            raise self.error
        yield gauge("reading", "The number of the reading.", number)

    def close(self) -> None:
        """Take note."""
        self.closed = True


class CostlySensor(Sensor):
    """A source that can be spared."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.told: list[str] = []

    def suspend(self) -> None:
        """Take note."""
        self.told.append("suspend")

    def resume(self) -> None:
        """Take note."""
        self.told.append("resume")


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def sensor(clock: Clock) -> Iterable[Sensor]:
    """A sensor; no thread is left waiting for it."""
    sensor = Sensor(clock)
    yield sensor
    sensor.answers.set()
    for thread in sensor.threads:
        if thread is not threading.current_thread():
            thread.join(PATIENT)


def make(sensor: Sensor, patience_seconds: float = PATIENT) -> SlowCollector:
    """Wrap it."""
    return SlowCollector(sensor, patience_seconds=patience_seconds, now=sensor.clock)


def read(collector: SlowCollector) -> int:
    """Collect, and give the number of the reading that is shown."""
    (family,) = collector.collect()
    assert isinstance(family, Family)
    ((_, number),) = family.samples
    assert isinstance(number, int)
    return number


def ages(collector: SlowCollector) -> list[object]:
    """The samples of the age."""
    (family,) = snapshot_families([collector, object()])
    return list(family.samples)


def test_quick_source_is_read_in_the_scrape(sensor: Sensor) -> None:
    """No thread, no snapshot, no age: as any other collector."""
    collector = make(sensor)
    assert [read(collector) for _ in range(3)] == [1, 2, 3]
    assert set(sensor.threads) == {threading.current_thread()}
    assert ages(collector) == []


def test_slow_source_gets_a_thread_until_it_is_quick_again(sensor: Sensor) -> None:
    """The next reading after a long one is made aside; after a quick one, in the scrape."""
    collector = make(sensor)
    sensor.seconds = 2 * SLOW_SECONDS
    assert [read(collector), read(collector)] == [1, 2]
    assert ages(collector) == [(("sensor",), 0.0)]
    sensor.seconds = 0.0
    assert [read(collector), read(collector)] == [3, 4]
    here = threading.current_thread()
    assert [thread is here for thread in sensor.threads] == [True, False, False, True]
    assert ages(collector) == []


def test_last_reading_is_shown_while_the_source_does_not_answer(sensor: Sensor) -> None:
    """It is asked once, however many scrapes come; its age is told, until it is too old."""
    collector = make(sensor, patience_seconds=0.0)
    sensor.seconds = 2 * SLOW_SECONDS
    assert read(collector) == 1
    sensor.answers.clear()
    assert [read(collector), read(collector)] == [1, 1]
    sensor.clock.time += MAX_AGE_SECONDS
    assert read(collector) == 1
    assert ages(collector) == [(("sensor",), MAX_AGE_SECONDS)]
    sensor.clock.time += 1
    with pytest.raises(TimeoutError, match="not answered"):
        collector.collect()
    assert len(sensor.threads) == 2
    sensor.answers.set()
    sensor.threads[1].join(PATIENT)
    sensor.answers.clear()
    assert read(collector) == 2, "what it said late, while it is asked again"
    assert len(sensor.threads) == 3


def test_scrapes_far_apart_get_a_reading_each(sensor: Sensor) -> None:
    """What was read for the scrape before is too old to be shown: the new reading is waited for."""
    collector = SlowCollector(
        sensor, patience_seconds=0.0, long_patience_seconds=PATIENT, now=sensor.clock
    )
    sensor.seconds = 2 * SLOW_SECONDS
    for number in range(1, 5):
        assert read(collector) == number
        sensor.clock.time += 2 * MAX_AGE_SECONDS


def test_late_answers_to_scrapes_far_apart_do_not_pile_up(sensor: Sensor) -> None:
    """One that came just after a scrape is too old at the next, which asks anew."""
    collector = SlowCollector(
        sensor, patience_seconds=0.0, long_patience_seconds=0.0, now=sensor.clock
    )
    sensor.seconds = 2 * SLOW_SECONDS
    assert read(collector) == 1
    for number in range(2, 4):
        sensor.clock.time += 2 * MAX_AGE_SECONDS
        sensor.answers.clear()
        with pytest.raises(TimeoutError, match="not answered"):
            collector.collect()
        assert len(sensor.threads) == number
        sensor.answers.set()
        sensor.threads[-1].join(PATIENT)


def test_an_error_is_not_shown_for_ever(sensor: Sensor) -> None:
    """A host that lacked the source is no failure; a source that hangs ever since is one."""
    collector = make(sensor, patience_seconds=0.0)
    sensor.seconds = 2 * SLOW_SECONDS
    sensor.error = NoData("no sensor")
    for _ in range(2):
        with pytest.raises(NoData):
            collector.collect()
        sensor.answers.clear()
    sensor.clock.time += MAX_AGE_SECONDS + 1
    with pytest.raises(TimeoutError, match="not answered"):
        collector.collect()


@pytest.mark.parametrize("error", [NoData("no sensor"), ValueError("garbage")])
def test_what_the_source_raises_is_raised(sensor: Sensor, error: Exception) -> None:
    """In the scrape and aside; a later reading counts again."""
    collector = make(sensor)
    for sensor.seconds in (2 * SLOW_SECONDS, 0.0):
        sensor.error = error
        with pytest.raises(type(error), match=str(error)):
            collector.collect()
        sensor.error = None
    assert read(collector) == 3
    assert len(set(sensor.threads)) == 2


def test_error_does_not_grow_while_it_is_raised_again(sensor: Sensor) -> None:
    """An exception that is raised at each scrape must not keep the frames of all of them."""
    collector = make(sensor, patience_seconds=0.0)
    sensor.seconds = 2 * SLOW_SECONDS
    sensor.error = ValueError("garbage")
    depths = []
    for _ in range(3):
        with pytest.raises(ValueError, match="garbage") as caught:
            collector.collect()
        sensor.answers.clear()
        depths.append(len(caught.traceback))
    assert depths[1] == depths[2]


def test_closing_closes_the_collector(sensor: Sensor) -> None:
    """Unless a call has not returned, which nothing can call back."""
    collector = make(sensor, patience_seconds=0.0)
    sensor.seconds = 2 * SLOW_SECONDS
    read(collector)
    sensor.answers.clear()
    read(collector)
    collector.close()
    assert not sensor.closed
    sensor.answers.set()
    sensor.threads[1].join(PATIENT)
    collector.close()
    assert sensor.closed


def test_a_costly_source_is_spared(clock: Clock) -> None:
    """What it is wrapped in passes it on; nothing happens where it cannot be spared."""
    sensor = CostlySensor(clock)
    collector = SlowCollector(sensor, now=clock)
    collector.suspend()
    collector.resume()
    assert sensor.told == ["suspend", "resume"]
    plain = SlowCollector(Sensor(clock), now=clock)
    plain.suspend()
    plain.resume()
    assert list(plain.collect())
