"""Only some records pass: a share of them, or so many a minute; what was dropped is accounted."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from monitoring.structured_logging import StructuredLogger, configure
from tests.logs import dropped, logging_put_back, records


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes."""
    with logging_put_back() as stream:
        configure(level="debug", stream=stream)
        yield stream


@pytest.fixture
def clock() -> Clock:
    """A clock in the test's hand."""
    return Clock()


def told(stream: io.StringIO) -> list[Any]:
    """The messages, and for accounts what they say."""
    return [
        (record["level"], record["data"])
        if record["message"] == "log records dropped"
        else record["message"]
        for record in records(stream.getvalue())
    ]


def test_a_share_of_the_unimportant_records_passes(stream: io.StringIO, clock: Clock) -> None:
    """Debug and info are sampled, the others are not."""
    random = Random(1)
    log = StructuredLogger("sampled.share", 0.25, random=random.random, clock=clock)
    for _ in range(1000):
        log.debug("debug")
        log.info("info")
        log.warning("warning")
        log.error("error")
        log.critical("critical")
    messages = [record["message"] for record in records(stream.getvalue())]
    for message in ("warning", "error", "critical"):
        assert messages.count(message) == 1000
    passed = messages.count("debug") + messages.count("info")
    assert 400 < passed < 600
    assert dropped("sampled.share", "sampled") == 2000 - passed


def test_what_was_dropped_is_said_once_a_minute(stream: io.StringIO, clock: Clock) -> None:
    """When a record passes again, before it."""
    draws = iter([0.9, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.1])
    log = StructuredLogger("sampled.account", 0.5, random=lambda: next(draws), clock=clock)
    for event in "abcde":
        log.info(event)
    clock.now += 59.9
    log.info("f")
    log.info("g")
    clock.now += 0.1
    log.info("h")
    account = ("warning", {"count": 2, "reason": "sampled"})
    assert told(stream) == [account, "c", "e", "g", account, "h"]


@pytest.mark.parametrize(("rate", "passed"), [(0, 0), (0.0, 0), (1, 5), (1.0, 5)])
def test_all_and_nothing_are_exact(rate: float, passed: int, stream: io.StringIO) -> None:
    """Also with the system's random numbers."""
    log = StructuredLogger("sampled.exact", rate)
    for _ in range(5):
        log.info("x")
    assert told(stream) == ["x"] * passed


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), "0.5", None, True])
def test_a_share_is_between_0_and_1(rate: Any) -> None:
    """Anything else is refused at once."""
    with pytest.raises(ValueError, match=r"sample_rate is a share between 0 and 1, got"):
        StructuredLogger("x", rate)


def test_so_many_records_a_minute_pass(stream: io.StringIO, clock: Clock) -> None:
    """In any minute, at any level; the logger it was made from is not limited."""
    whole = StructuredLogger("limited", clock=clock)
    log = whole.rate_limited(3)
    for second in range(120):
        clock.now = 1000.0 + second
        log.error(str(second))
    whole.info("unlimited")
    assert told(stream) == [
        *("0", "1", "2"),
        ("warning", {"count": 57, "reason": "rate limited"}),
        *("60", "61", "62", "unlimited"),
    ]
    assert dropped("limited", "rate limited") == 57 + 57


def test_a_limited_logger_goes_on_sampling(stream: io.StringIO, clock: Clock) -> None:
    """Only what passes the sampling counts towards the limit."""
    draws = iter([0.9, 0.1, 0.9, 0.1, 0.1])
    log = StructuredLogger("both", 0.5, random=lambda: next(draws), clock=clock).rate_limited(2)
    for event in "abcde":
        log.info(event)
    log.critical("f")
    assert [one for one in told(stream) if isinstance(one, str)] == ["b", "d"]
    assert (dropped("both", "sampled"), dropped("both", "rate limited")) == (2, 2)


@pytest.mark.parametrize("most", [0, -1, 1.5, "3", None, True])
def test_a_limit_is_a_whole_number(most: Any) -> None:
    """Of at least one record."""
    with pytest.raises(ValueError, match=r"max_logs_per_minute is a whole number of at least 1"):
        StructuredLogger("x").rate_limited(most)


def test_a_disabled_level_takes_no_part(stream: io.StringIO, clock: Clock) -> None:
    """What would not be logged is neither sampled, nor limited, nor counted as dropped."""
    log = StructuredLogger("disabled", 0.5, random=lambda: 0.9, clock=clock).rate_limited(1)
    logging.getLogger("disabled").setLevel("ERROR")
    for _ in range(5):
        log.info("x")
        log.warning("x")
    log.error("first")
    assert told(stream) == ["first"]
    assert dropped("disabled", "sampled") == dropped("disabled", "rate limited") == 0


def test_threads_together_keep_the_limit(stream: io.StringIO, clock: Clock) -> None:
    """And nothing is lost from the account."""
    log = StructuredLogger("threads", clock=clock).rate_limited(50)

    def work() -> None:
        for _ in range(100):
            log.info("x")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(stream) == ["x"] * 50
    assert dropped("threads", "rate limited") == 750
