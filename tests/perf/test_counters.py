"""The totals: sums that never go back, and what is left out where nothing is known."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import TEXT, Renderer
from exporter.perf.counters import INTERVALS_UNTIL_GONE, MAX_TOTALS, Counters, Sample
from exporter.perf.events import KNOWN, Event
from exporter.perf.findings import NOT_PERMITTED, NOT_SUPPORTED
from exporter.perf.help_texts import describe
from tests.samples import read_samples

CYCLES = KNOWN["cycles"]
INSTRUCTIONS = KNOWN["instructions"]
CPU_CLOCK = KNOWN["cpu-clock"]
OWN = Event("slow_path", "r1a8")
EVENTS = (CYCLES, INSTRUCTIONS, CPU_CLOCK, OWN)


def make(aggregation: str = "none") -> Counters:
    """Make totals, all of whose events can be counted."""
    made = Counters(EVENTS, aggregation)
    made.set_availability(dict.fromkeys(EVENTS, ""))
    return made


def counted(event: Event, count: float, *place: str, part: float = 1.0, pmu: str = "") -> Sample:
    """A sample of an event that was counted for a part of two seconds."""
    return Sample(event, place, pmu, True, count, 2.0, 2.0 * part)


def read(made: Counters, *, fresh: bool = True) -> dict[str, float]:
    """The samples that are shown, by name and labels."""
    return read_samples(made.families(fresh=fresh))


def test_counters_are_the_sums_of_all_intervals() -> None:
    """Each interval adds its count and its time."""
    made = make()
    made.add([counted(CYCLES, 700), counted(CPU_CLOCK, 2.5)])
    made.add([counted(CYCLES, 11), counted(CPU_CLOCK, 0.25)])
    found = read(made)
    assert found["perf_cycles_total"] == 711
    assert found["perf_cpu_clock_seconds_total"] == 2.75
    assert found['perf_event_enabled_seconds_total{event="cycles"}'] == 4
    assert found['perf_event_running_seconds_total{event="cycles"}'] == 4
    assert found['perf_event_running_ratio{event="cycles"}'] == 1


def test_whole_numbers_stay_whole() -> None:
    """A count beyond what a float can hold is shown to the last digit."""
    made = make()
    made.add([counted(CYCLES, 2**60)])
    made.add([counted(CYCLES, 2**60 - 1)])
    page = Renderer(TEXT).render(made.families(fresh=True))
    assert b"\nperf_cycles_total 2305843009213693951\n" in page


def test_what_was_never_counted_is_absent() -> None:
    """An event has no counter before its first count, and is available all the same."""
    made = make()
    assert read(made) == dict.fromkeys(
        (f'perf_event_available{{event="{event.name}"}}' for event in EVENTS), 1
    )
    made.add([Sample(CYCLES, (), "")])
    found = read(made)
    assert "perf_cycles_total" not in found
    assert found['perf_event_running_ratio{event="cycles"}'] == 0


def test_before_it_was_tried_nothing_is_said_of_an_event() -> None:
    """Whether it is available is absent while nobody knows."""
    assert read(Counters(EVENTS, "none")) == {}


def test_what_is_not_counted_adds_no_count_but_its_time() -> None:
    """Where others had the CPU's counters, the total stays, and its confidence falls."""
    made = make("cpu")
    made.add([counted(CYCLES, 5, "0"), counted(CYCLES, 6, "1")])
    others = Sample(INSTRUCTIONS, ("0",), "", count=1, enabled_seconds=0.5, running_seconds=0.5)
    none = Sample(CYCLES, ("0",), "", running_seconds=0.0)
    made.add([none, others, counted(OWN, 1, "0"), counted(OWN, 1, "1")])
    found = read(made)
    assert found['perf_cycles_total{cpu="0"}'] == 5
    assert found['perf_event_running_ratio{cpu="0",event="cycles"}'] == 0
    assert found['perf_event_running_seconds_total{cpu="0",event="cycles"}'] == 2
    assert found['perf_event_enabled_seconds_total{cpu="0",event="cycles"}'] == 4
    assert found['perf_event_running_ratio{cpu="1",event="cycles"}'] == 1


def test_without_times_there_is_no_confidence() -> None:
    """Old versions of perf say nothing of it, except of what was not counted at all."""
    made = make()
    made.add([Sample(CYCLES, (), "", count=9), Sample(OWN, (), "")])
    found = {key: value for key, value in read(made).items() if "available" not in key}
    assert found == {"perf_cycles_total": 9, 'perf_event_running_ratio{event="slow_path"}': 0}


def test_a_total_without_time_has_no_ratio() -> None:
    """Nothing is divided by zero."""
    made = make()
    made.add([Sample(CYCLES, (), "", count=0, enabled_seconds=0.0, running_seconds=0.0)])
    found = read(made)
    assert found["perf_cycles_total"] == 0
    assert 'perf_event_running_ratio{event="cycles"}' not in found


def test_events_that_take_turns_are_shown_with_their_share() -> None:
    """The ratio is that of the newest interval; the two times are those of all."""
    made = make()
    made.add([counted(CYCLES, 90, part=1 / 3)])
    made.add([counted(CYCLES, 90, part=1 / 4)])
    found = read(made)
    assert found["perf_cycles_total"] == 180
    assert found['perf_event_running_ratio{event="cycles"}'] == 0.25
    assert found['perf_event_running_seconds_total{event="cycles"}'] == pytest.approx(7 / 6)
    assert found['perf_event_enabled_seconds_total{event="cycles"}'] == 4


def test_what_cannot_be_counted_has_its_reason() -> None:
    """It has one series without a place; what is unsupported at one place has it there."""
    made = Counters(EVENTS, "cpu")
    made.set_availability({CYCLES: "", INSTRUCTIONS: NOT_SUPPORTED, OWN: NOT_PERMITTED})
    made.add([counted(CYCLES, 5, "0"), Sample(CYCLES, ("1",), "", is_supported=False)])
    assert {key: value for key, value in read(made).items() if "available" in key} == {
        'perf_event_available{cpu="0",event="cycles"}': 1,
        f'perf_event_available{{cpu="1",event="cycles",reason="{NOT_SUPPORTED}"}}': 0,
        f'perf_event_available{{event="instructions",reason="{NOT_SUPPORTED}"}}': 0,
        f'perf_event_available{{event="slow_path",reason="{NOT_PERMITTED}"}}': 0,
    }
    assert [key for key in read(made) if 'cpu="1"' in key and "available" not in key] == []


def test_what_was_found_out_later_holds() -> None:
    """An event that cannot be counted any more leaves; when it can again, its total goes on."""
    made = make()
    made.add([counted(CYCLES, 5)])
    assert read(made)["perf_cycles_total"] == 5
    made.set_availability({CYCLES: NOT_PERMITTED})
    assert read(made) == {f'perf_event_available{{event="cycles",reason="{NOT_PERMITTED}"}}': 0}
    made.set_availability({CYCLES: ""})
    made.add([counted(CYCLES, 5)])
    assert read(made)["perf_cycles_total"] == 10


def test_what_is_not_fresh_is_not_shown() -> None:
    """Of a dead source only stays what can be counted: flat counters would look like silence."""
    made = make()
    made.add([counted(event, 1) for event in EVENTS])
    assert len(read(made)) > len(EVENTS)
    stale = read(made, fresh=False)
    assert {key.partition("{")[0] for key in stale} == {"perf_event_available"}
    assert len(stale) == len(EVENTS)


def test_kinds_of_cores_are_told_apart() -> None:
    """On a hybrid CPU one event has a total for each PMU."""
    made = make()
    made.add([counted(CYCLES, 5, pmu="cpu_core"), counted(CYCLES, 6, pmu="cpu_atom")])
    made.add([Sample(CYCLES, (), "cpu_core"), counted(INSTRUCTIONS, 6, pmu="cpu_atom")])
    found = read(made)
    assert found['perf_cycles_total{pmu="cpu_core"}'] == 5
    assert found['perf_cycles_total{pmu="cpu_atom"}'] == 6
    # Nothing was counted by that PMU: how long it was to be is not known.
    assert found['perf_event_enabled_seconds_total{event="cycles",pmu="cpu_core"}'] == 2


@pytest.mark.parametrize(
    ("aggregation", "place", "labels"),
    [
        ("core", ("1", "0", "12"), 'core="12",die="0",socket="1"'),
        ("socket", ("1",), 'socket="1"'),
        ("node", ("1",), 'node="1"'),
    ],
)
def test_places_are_labels(aggregation: str, place: tuple[str, ...], labels: str) -> None:
    """Where something was counted is in the labels that the aggregation has."""
    made = make(aggregation)
    made.add([counted(CYCLES, 5, *place)])
    found = read(made)
    assert found[f"perf_cycles_total{{{labels}}}"] == 5
    assert any(key.startswith("perf_event_running_ratio{") and place[-1] in key for key in found)


def test_places_are_in_the_order_of_their_numbers() -> None:
    """CPU 2 comes before CPU 10, in whatever order perf names them."""
    made = make("cpu")
    made.add([counted(CYCLES, 1, cpu) for cpu in ("10", "2", "0")])
    shown = [key for key in read(made) if key.startswith("perf_cycles_total")]
    assert shown == [f'perf_cycles_total{{cpu="{cpu}"}}' for cpu in ("0", "2", "10")]


def test_a_cpu_that_goes_leaves_and_goes_on_when_it_is_back() -> None:
    """An offline CPU has no series after a while; back again, its total has not gone back."""
    made = make("cpu")
    made.add([counted(CYCLES, 5, "0"), counted(CYCLES, 7, "1")])
    assert len([key for key in read(made) if 'cpu="1"' in key]) == 5
    for _ in range(2 * INTERVALS_UNTIL_GONE):
        read(made)
        made.add([counted(CYCLES, 1, "0")])
    assert [key for key in read(made) if 'cpu="1"' in key] == []
    made.add([counted(CYCLES, 3, "1")])
    assert read(made)['perf_cycles_total{cpu="1"}'] == 10


def test_one_line_that_is_missing_takes_no_series_away() -> None:
    """A place that perf leaves out for less than the ten intervals stays."""
    made = make("cpu")
    for _ in range(2 * INTERVALS_UNTIL_GONE):
        made.add([counted(CYCLES, 1, "0"), counted(CYCLES, 1, "1")])
    for _ in range(INTERVALS_UNTIL_GONE - 1):
        made.add([counted(CYCLES, 1, "0")])
        assert read(made)['perf_cycles_total{cpu="1"}'] == 2 * INTERVALS_UNTIL_GONE


def test_places_are_bounded() -> None:
    """Whatever is printed, there is an end to what is kept of it; what is known goes on."""
    made = make("cpu")
    made.add(counted(CYCLES, 1, str(cpu)) for cpu in range(MAX_TOTALS + 10))
    made.add(counted(CYCLES, 1, str(cpu)) for cpu in (0, MAX_TOTALS))
    (filled, _) = made.families(fresh=True)
    cycles = next(filled.families())
    assert len(cycles.samples) == MAX_TOTALS
    assert cycles.samples[0] == (("0", ""), 2)


def test_nothing_is_laid_out_anew_while_the_series_stay() -> None:
    """At a scrape only numbers are filled in, unless an event or a place came or went."""
    made = make("cpu")
    made.add([counted(CYCLES, 1, "0")])
    first = [filled.layout for filled in made.families(fresh=True)]
    for _ in range(3 * INTERVALS_UNTIL_GONE):
        made.add([counted(CYCLES, 1, "0")])
        assert [filled.layout for filled in made.families(fresh=True)] == first
    made.add([counted(CYCLES, 1, "0"), counted(CYCLES, 1, "1")])
    assert first[0] not in [filled.layout for filled in made.families(fresh=True)]


def test_threads_lose_nothing() -> None:
    """What several threads add while others read is all there, and is never seen to go back."""
    made = make()
    seen: list[float] = []

    def add() -> None:
        for _ in range(200):
            made.add([counted(CYCLES, 1), counted(INSTRUCTIONS, 2)])

    def look() -> None:
        for _ in range(100):
            made.set_availability(dict.fromkeys(EVENTS, ""))
            seen.append(read(made).get("perf_cycles_total", 0))

    threads = [threading.Thread(target=work) for work in (add, add, look, add)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    found = read(made)
    assert (found["perf_cycles_total"], found["perf_instructions_total"]) == (600, 1200)


seconds = st.none() | st.floats(0, 1e6)
samples = st.builds(
    Sample,
    event=st.sampled_from(EVENTS),
    place=st.sampled_from([("0",), ("1",)]),
    pmu=st.sampled_from(["", "cpu_core"]),
    is_supported=st.booleans(),
    count=st.none() | st.integers(0, 2**60) | st.floats(0, 2.0**60),
    enabled_seconds=seconds,
    running_seconds=seconds,
)


@given(st.lists(st.lists(samples, max_size=6), max_size=25))
def test_whatever_comes_nothing_goes_back(intervals: list[list[Sample]]) -> None:
    """Counters only grow, and a ratio is one, for any samples in any order."""
    made = make("cpu")
    before: dict[str, float] = {}
    for interval in intervals:
        made.add(interval)
        now = read(made)
        totals = {key: value for key, value in now.items() if "_total" in key}
        assert all(value >= before.get(key, 0) for key, value in totals.items())
        assert all(0 <= value <= 1 for key, value in now.items() if "_total" not in key)
        before |= totals


def test_every_event_is_described() -> None:
    """Known events in words of their own, others by what perf calls them; all say how."""
    texts = [describe(event) for event in KNOWN.values()]
    assert len(set(texts)) == len(KNOWN)
    assert not [text for text in texts if text.startswith("The event")]
    assert describe(OWN).startswith("The event r1a8 of perf. As of the newest sample")
