"""What failed is tried again after pauses that grow."""

from __future__ import annotations

from exporter.backoff import Backoff


def test_pauses_double_up_to_a_minute() -> None:
    """What fails again and again is tried less and less often, but is not given up."""
    backoff = Backoff(1.0, 60.0, jitter=lambda: 1.0)
    assert [backoff.next_seconds(0.0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_minute_of_good_life_is_a_new_beginning() -> None:
    """What failed long ago says nothing of now; what delivered for a moment is no better."""
    backoff = Backoff(1.0, 60.0, jitter=lambda: 1.0)
    lives = [0.0, 0.0, 59.0, 60.0, 0.0]
    assert [backoff.next_seconds(seconds) for seconds in lives] == [1, 2, 4, 1, 2]


def test_pauses_differ_from_host_to_host() -> None:
    """Hosts that fail together do not try again together: each waits from half a pause to all."""
    for random, seconds in ((0.0, 0.5), (0.5, 0.75), (0.999, 0.9995)):
        assert Backoff(1.0, 60.0, jitter=lambda: random).next_seconds(0.0) == seconds  # noqa: B023
    pauses = {Backoff(1.0, 60.0).next_seconds(0.0) for _ in range(20)}
    assert len(pauses) > 1
    assert all(0.5 <= pause < 1 for pause in pauses)
