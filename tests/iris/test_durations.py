"""The account of an instance's calls."""

from __future__ import annotations

import threading

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.iris.access.errors import ErrorKind
from exporter.iris.metrics.durations import MAX_CALLS, CallDurations
from tests.expositions import meaning
from tests.samples import read_samples


def samples(durations: CallDurations) -> dict[str, float]:
    """What is on the page."""
    return read_samples(durations.families())


def test_calls_are_counted_by_how_long_they_took() -> None:
    """Failed ones too; a bound belongs to its bucket."""
    durations = CallDurations("prod")
    for seconds, kind in [(0.25, ""), (0.3, ""), (60.0, "timeout")]:
        durations.observe("call", seconds, kind)
    found = samples(durations)
    buckets = {
        bound: found[
            f'iris_call_duration_seconds_bucket{{call="call",iris_instance="prod",le="{bound}"}}'
        ]
        for bound in ("0.1", "0.25", "0.5", "30.0", "+Inf")
    }
    assert list(buckets.values()) == [0, 1, 2, 2, 3]
    assert found['iris_call_duration_seconds_sum{call="call",iris_instance="prod"}'] == 60.55
    assert found['iris_errors_total{iris_instance="prod",kind="timeout"}'] == 1


def test_each_kind_of_error_is_there_from_the_start() -> None:
    """An increase from nothing would not be seen."""
    found = samples(CallDurations("prod"))
    assert found == {
        f'iris_errors_total{{iris_instance="prod",kind="{kind}"}}': 0 for kind in ErrorKind
    }


def test_names_of_calls_are_bounded() -> None:
    """Beyond the limit they are counted together."""
    durations = CallDurations("prod")
    for number in range(MAX_CALLS + 10):
        durations.observe(f"call {number}", 0.1, "")
    found = samples(durations)
    counts = {key: value for key, value in found.items() if "_count{" in key}
    assert len(counts) == MAX_CALLS + 1
    other = 'iris_call_duration_seconds_count{call="other",iris_instance="prod"}'
    assert counts[other] == 10


def test_both_formats_take_it() -> None:
    """As a histogram and as a counter."""
    durations = CallDurations("prod")
    durations.observe("open", 0.01, "")
    families = durations.families()
    strict = meaning(Renderer(OPENMETRICS).render(families) + b"# EOF\n", openmetrics=True)
    text = meaning(Renderer(TEXT).render(families))
    kinds = {"iris_call_duration_seconds": "histogram", "iris_errors": "counter"}
    assert {name: one[0] for name, one in strict.items()} == kinds
    assert {name: one[0] for name, one in text.items()} == kinds


def test_threads_lose_no_call() -> None:
    """Several count at once, while another reads."""
    durations = CallDurations("prod")
    start = threading.Barrier(5)

    def count() -> None:
        start.wait()
        for _ in range(500):
            durations.observe("call", 0.1, "server")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    for _ in range(50):
        durations.families()
    for thread in threads:
        thread.join()
    found = samples(durations)
    assert found['iris_call_duration_seconds_count{call="call",iris_instance="prod"}'] == 2000
    assert found['iris_errors_total{iris_instance="prod",kind="server"}'] == 2000
