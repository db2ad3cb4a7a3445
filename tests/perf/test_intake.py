"""The lines of one child, counted interval by interval."""

from __future__ import annotations

import pytest

from exporter.perf.child import OutputError
from exporter.perf.events import Event, select
from exporter.perf.findings import Findings
from exporter.perf.intake import Account, Intake
from exporter.perf.patience import Patience
from tests.perf.sampling import Changes, WatchedCounters
from tests.samples import read_samples

CYCLES, INSTRUCTIONS, FAULTS = EVENTS = select(["cycles", "instructions", "page-faults"])
[BRANCHES] = select(["branches"])


class Taking:
    """An intake, and what it has counted."""

    def __init__(self, *groups: tuple[Event, ...], aggregation: str = "none") -> None:
        findings = Findings({}, groups or tuple((event,) for event in EVENTS), False, "")
        self.counters = WatchedCounters(EVENTS, aggregation, Changes())
        self.account = Account()
        self.seconds = 42.0
        self.intake = Intake(
            findings,
            self.counters,
            self.account,
            aggregation=aggregation,
            patience=Patience(),
            now=lambda: self.seconds,
        )

    def take(self, *lines: str) -> list[list[int | float | None]]:
        """Take lines; give the counts of the intervals that they complete."""
        before = len(self.counters.intervals)
        self.intake.take(lines)
        return [[one.count for one in samples] for samples in self.counters.intervals[before:]]

    def settle(self) -> list[list[int | float | None]]:
        """Say that the interval is complete; give the counts that this brings."""
        before = len(self.counters.intervals)
        self.intake.settle()
        return [[one.count for one in samples] for samples in self.counters.intervals[before:]]


def row(seconds: int, event: Event, value: int | str, place: str = "") -> str:
    """A line of perf."""
    return f"     {seconds}.001132413;{place}{value};;{event.spec};100;100.00;;"


def interval(seconds: int, *values: int | str) -> list[str]:
    """The lines of an interval."""
    return [row(seconds, *one) for one in zip(EVENTS, values, strict=False)]


def test_an_interval_is_counted_as_a_whole() -> None:
    """The first one when it has settled; later ones as soon as as many lines have come."""
    taking = Taking()
    assert taking.take(*interval(1, 10, 20, 30)) == []
    assert taking.settle() == [[10, 20, 30]]
    assert taking.take(*interval(2, 11, 21, 31)[:2]) == []
    assert taking.take(*interval(2, 11, 21, 31)[2:]) == [[11, 21, 31]]
    assert taking.settle() == []


def test_an_interval_settles_while_more_of_it_may_come() -> None:
    """As long as lines wait to be counted."""
    taking = Taking()
    states = [taking.intake.is_settling]
    taking.take(*interval(1, 1))
    states.append(taking.intake.is_settling)
    taking.settle()
    states.append(taking.intake.is_settling)
    assert states == [False, True, False]


def test_several_intervals_at_once_are_counted_one_by_one() -> None:
    """Whatever comes together, and wherever it is cut."""
    taking = Taking()
    lines = [line for seconds in (1, 2, 3) for line in interval(seconds, 1, 2, 3)]
    assert taking.take(*lines) == [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
    taking = Taking()
    assert taking.take(*lines[:4]) == [[1, 2, 3]]
    assert taking.take(*lines[4:]) == [[1, 2, 3], [1, 2, 3]]


def test_a_larger_interval_is_counted_once() -> None:
    """More lines than usual, as when a CPU has come: none is lost, none is counted twice."""
    taking = Taking()
    taking.take(*interval(1, 1))
    assert taking.take(*interval(2, 2)) == [[1], [2]]
    assert taking.take(*interval(3, 3)) == [[3]]
    assert taking.take(*interval(3, 3, 4, 5)[1:]) == []
    assert taking.settle() == [[4, 5]]
    assert taking.take(*interval(4, 6)) == []
    assert taking.take(*interval(4, 6, 7, 8)[1:]) == [[6, 7, 8]]


def test_the_time_of_samples_is_known() -> None:
    """Of the first one, of the newest one, and for how long it has gone well."""
    taking = Taking()
    assert (taking.intake.first_at, taking.intake.sampled_at) == (None, None)
    assert taking.intake.good_seconds == 0
    taking.take(*interval(1, 1, 2, 3))
    taking.settle()
    taking.seconds += 10
    taking.take(*interval(2, 1, 2, 3))
    assert (taking.intake.first_at, taking.intake.sampled_at) == (42.0, 52.0)
    assert taking.intake.good_seconds == 10
    assert taking.account.sampled_at == 52.0


def test_lines_that_are_none_are_counted_as_such() -> None:
    """Garbage, a line that was cut, and rows of events that nobody asked for; comments are not."""
    taking = Taking()
    strange = row(1, BRANCHES, 7)
    lines = interval(1, 1, 2, 3)
    assert taking.take("lorem", *lines[:2], strange, "# started on", lines[2][:-20], lines[2]) == []
    assert taking.settle() == [[1, 2, 3]]
    assert taking.account.unparsed_lines == 3


def test_lines_of_json() -> None:
    """What a perf prints that knows -j."""
    taking = Taking()
    taking.intake = Intake(
        Findings({}, ((CYCLES,),), True, ""),
        taking.counters,
        taking.account,
        aggregation="none",
        patience=Patience(),
    )
    line = '{"interval" : 1.0, "counter-value" : "7.000000", "unit" : "", "event" : "cycles"}'
    assert taking.take(line, line) == []
    assert taking.settle() == [[7, 7]]


def test_garbage_has_an_end() -> None:
    """So many lines in a row, none of which makes sense, are not perf's."""
    taking = Taking()
    garbage = ["x" * 200] * 999
    taking.take(*garbage, row(1, CYCLES, 1), *garbage)
    with pytest.raises(OutputError, match=r"^1000 lines in a row .* the last one 'x{100}'$"):
        taking.take("x" * 200)
    assert taking.account.unparsed_lines == 1999


def test_what_is_not_counted_in_a_group_is_noticed() -> None:
    """After ten intervals in a row; one that is counted in between begins anew."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,))
    nothing = "<not counted>"
    for seconds in range(9):
        taking.take(*interval(seconds, nothing, nothing, nothing))
    taking.take(*interval(9, 1, nothing, nothing))
    taking.settle()
    assert taking.intake.uncounted() == {INSTRUCTIONS}
    for seconds in range(10, 20):
        assert CYCLES not in taking.intake.uncounted()
        taking.take(*interval(seconds, nothing, nothing, nothing))
    taking.settle()
    assert taking.intake.uncounted() == {CYCLES, INSTRUCTIONS}


def test_what_is_not_supported_is_not_in_want_of_room() -> None:
    """It would not be counted alone either."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,))
    for seconds in range(12):
        taking.take(*interval(seconds, "<not supported>", 1, 1))
    assert taking.intake.uncounted() == set()


def test_what_was_hardly_counted_is_hardly_to_be_trusted() -> None:
    """Perf rounds its share to nothing: it was to be counted for as long as the others were."""
    taking = Taking()
    taking.take(
        "1.000000000;8000000;;cycles;40000;0.00;;", "1.000000000;5;;page-faults;2000000000;100.00;;"
    )
    taking.settle()
    found = read_samples(taking.counters.families(fresh=True))
    assert found["perf_cycles_total"] == 8_000_000
    assert found['perf_event_running_ratio{event="cycles"}'] == pytest.approx(2e-5)
    assert found['perf_event_running_seconds_total{event="cycles"}'] == pytest.approx(4e-5)
    assert found['perf_event_enabled_seconds_total{event="cycles"}'] == pytest.approx(2)


def test_each_place_has_counters_of_its_own() -> None:
    """A group may find room on one CPU and none on another."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,), aggregation="cpu")
    for seconds in range(11):
        taking.take(
            row(seconds, CYCLES, 1, "CPU0;"), row(seconds, CYCLES, "<not counted>", "CPU1;")
        )
    taking.settle()
    assert taking.intake.uncounted() == {CYCLES}


def test_a_kind_of_core_is_nowhere_but_where_it_counts() -> None:
    """Perf says of each place that the other kind's events were not counted: that is no sample."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,), aggregation="cpu")
    performance, efficiency = (
        [Event("", f"{pmu}/{one.spec}/") for one in (CYCLES, INSTRUCTIONS)]
        for pmu in ("cpu_core", "cpu_atom")
    )
    nothing = "<not counted>"
    for seconds in range(12):
        taking.take(
            row(seconds, performance[0], 1, "CPU0;"),
            row(seconds, performance[0], nothing, "CPU1;"),
            row(seconds, efficiency[0], nothing, "CPU0;"),
            row(seconds, efficiency[0], 2, "CPU1;"),
            row(seconds, performance[1], nothing if seconds else 3, "CPU0;"),
            row(seconds, efficiency[1], nothing, "CPU0;"),
            row(seconds, FAULTS, nothing, "CPU1;"),
        )
    taking.settle()
    assert [
        (sample.event, sample.place, sample.pmu, sample.count)
        for sample in taking.counters.intervals[-1]
    ] == [
        (CYCLES, ("0",), "cpu_core", 1),
        (CYCLES, ("1",), "cpu_atom", 2),
        (INSTRUCTIONS, ("0",), "cpu_core", None),
        (FAULTS, ("1",), "", None),
    ]
    assert taking.intake.uncounted() == {INSTRUCTIONS}


def test_two_kinds_of_cores_keep_their_groups() -> None:
    """What perf says of cores of the other kind is no want of room."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,), aggregation="cpu")
    for seconds in range(12):
        for pmu, places in (("cpu_core", "01"), ("cpu_atom", "10")):
            for event in (CYCLES, INSTRUCTIONS):
                printed = Event("", f"{pmu}/{event.spec}/")
                taking.take(
                    row(seconds, printed, 1, f"CPU{places[0]};"),
                    row(seconds, printed, "<not counted>", f"CPU{places[1]};"),
                )
    taking.settle()
    assert len(taking.counters.intervals) == 12
    assert taking.intake.uncounted() == set()


@pytest.mark.parametrize("counted", [0, 2])
@pytest.mark.parametrize("aggregation", ["none", "cpu"])
def test_a_kind_of_core_may_be_in_want_of_room(counted: int, aggregation: str) -> None:
    """Others have its counters, from the start or later: that is said, and groups fall apart."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,), aggregation=aggregation)
    place = "CPU0;" if aggregation == "cpu" else ""
    for seconds in range(12):
        for event in (CYCLES, INSTRUCTIONS):
            printed = Event("", f"cpu_core/{event.spec}/")
            taking.take(row(seconds, printed, 1 if seconds < counted else "<not counted>", place))
        taking.take(row(seconds, FAULTS, 1, place))
    taking.settle()
    assert [sample.count for sample in taking.counters.intervals[-1]] == [None, None, 1]
    assert taking.intake.uncounted() == {CYCLES, INSTRUCTIONS}


def test_one_kind_of_core_may_be_in_want_of_room() -> None:
    """For the whole host, what the other kind has counted says nothing of it."""
    taking = Taking((CYCLES, INSTRUCTIONS), (FAULTS,))
    for seconds in range(11):
        for event in (CYCLES, INSTRUCTIONS):
            taking.take(
                row(seconds, Event("", f"cpu_core/{event.spec}/"), "<not counted>"),
                row(seconds, Event("", f"cpu_atom/{event.spec}/"), 1),
            )
    taking.settle()
    assert [sample.count for sample in taking.counters.intervals[-1]] == [None, 1, None, 1]
    assert taking.intake.uncounted() == {CYCLES, INSTRUCTIONS}
