"""Which event a printed name means, and what its count is in base units."""

from __future__ import annotations

import pytest

from exporter.perf.command import spec_of
from exporter.perf.counters import Sample
from exporter.perf.events import Event, select
from exporter.perf.names import MAX_REMEMBERED, Translator
from exporter.perf.output import COUNTED, NOT_COUNTED, NOT_SUPPORTED, Row
from tests.perf.recorded_streams import RECORDED, read_stream


def samples(stem: str, part: str, *words: str) -> list[Sample]:
    """What a part of a recorded stream says of the events that words ask for."""
    lines = [line for line in read_stream("recorded", stem) if line.part == part]
    translator = Translator(select(words), lines[0].aggregation)
    found = [translator.sample(row) for line in lines for row in line.parse()]
    assert None not in found
    return [sample for sample in found if sample]


def sample_of(row: Row, *words: str, aggregation: str = "none") -> Sample | None:
    """The sample of a row, where words were asked for."""
    return Translator(select(words), aggregation).sample(row)


def meaning(printed: str, *words: str) -> tuple[str, str] | None:
    """The event and the PMU that a printed name means."""
    sample = sample_of(Row(printed, COUNTED, 1), *words)
    return (sample.event.name, sample.pmu) if sample else None


@pytest.mark.parametrize("stem", RECORDED)
def test_every_recorded_event_is_known_again(stem: str) -> None:
    """The default events come back in their order, none twice, none of a PMU of its own."""
    found = samples(stem, "none events", "default")
    assert [sample.event for sample in found] == list(select(["default"]))
    assert {sample.pmu for sample in found} == {""}
    assert {sample.place for sample in found} == {()}
    assert [sample.is_supported for sample in found] == [True] * 7 + [False] * 15


@pytest.mark.parametrize("stem", RECORDED)
@pytest.mark.parametrize(
    ("part", "places"),
    [
        ("cpu events", [("0",), ("1",)]),
        ("core events", [("0", "0", "0"), ("0", "0", "1")]),
        ("socket events", [("0",)]),
        ("node events", [("0",)]),
    ],
)
def test_places_are_numbers(stem: str, part: str, places: list[tuple[str, ...]]) -> None:
    """A place is what the labels have, whatever perf prints around the numbers."""
    words = ["cpu-clock", "context-switches", "cycles", "branch-misses"]
    found = samples(stem, part, *words)
    assert list(dict.fromkeys(sample.place for sample in found)) == places
    assert {sample.pmu for sample in found} == {""}


@pytest.mark.parametrize("stem", RECORDED)
def test_clocks_are_seconds(stem: str) -> None:
    """A fifth of a second of two CPUs is as long for each version."""
    clock, *_ = samples(stem, "none events", "default")
    assert clock.count == pytest.approx(0.4, rel=0.02)
    assert clock.running_seconds == pytest.approx(0.4, rel=0.02)
    assert clock.enabled_seconds == clock.running_seconds


@pytest.mark.parametrize("stem", [stem for stem in RECORDED if not stem.startswith("5.")])
def test_clocks_of_perf_itself_are_seconds(stem: str) -> None:
    """Perf 7 does not print their unit, and puts the name of a PMU before them with -A."""
    words = ["elapsed=duration_time", "user=user_time", "system=system_time"]
    duration = samples(stem, "none tools", *words)[0]
    assert duration.event.name == "elapsed"
    assert duration.count == pytest.approx(0.2, rel=0.02)
    by_cpu = samples(stem, "cpu tools", "elapsed=duration_time", "cpu-clock")[0]
    assert (by_cpu.event.name, by_cpu.place, by_cpu.pmu) == ("elapsed", ("0",), "")
    assert by_cpu.count == pytest.approx(0.2, rel=0.02)


def test_the_run_time_of_perfs_own_clocks_is_none() -> None:
    """Perf 7 prints how often they were read, which is no time."""
    row = Row("duration_time", COUNTED, 200402686, "", "", 1, 100.0)
    sample = sample_of(row, "elapsed=duration_time")
    assert sample is not None
    assert (sample.enabled_seconds, sample.running_seconds) == (None, None)


@pytest.mark.parametrize("stem", RECORDED)
def test_both_names_of_an_event_mean_it(stem: str) -> None:
    """Asked for by its usual name, it is found by the other one, with modifiers or without."""
    words = ["core", "software", "load=LLC-load", "l1=l1d-loads", "raw=r1a8"]
    found = samples(stem, "none synonyms", *words)
    names = "cycles branches context_switches cpu_migrations page_faults load l1"
    assert [sample.event.name for sample in found] == [
        *names.split(),
        "cpu_clock",
        "context_switches",
        "raw",
    ]


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("cycles", ("cycles", "")),
        ("cycles:u", ("cycles", "")),
        ("cpu-cycles", ("cycles", "")),
        ("cpu-cycles:uk", ("cycles", "")),
        ("cpu/cycles/", ("cycles", "")),
        ("cpu_core/cycles/", ("cycles", "cpu_core")),
        ("cpu_atom/cycles/u", ("cycles", "cpu_atom")),
        ("cpu_atom/cpu-cycles/:u", ("cycles", "cpu_atom")),
        ("cycles [cpu_core]", ("cycles", "cpu_core")),
        ("armv8_cortex_a53/cycles/", ("cycles", "armv8_cortex_a53")),
        ("cs [software]", ("context_switches", "")),
        ("CPU-migrations", ("cpu_migrations", "")),
        ("r1a8", ("raw", "")),
        ("cpu_core/r1a8/", ("raw", "cpu_core")),
        ("sched:sched_switch", ("switched", "")),
        ("perf_reads", ("reads", "")),
        ("uncore_imc_0/perf_reads/", ("reads", "")),
        ("perf_reads [uncore_imc_1]", ("reads", "")),
        ("uncore_imc/cas_count_read/", ("reads", "")),
        ("mine", ("named", "")),
        ("cpu_core/mine/", ("named", "cpu_core")),
        ("perf_core_only", ("core_only", "")),
        ("cpu_core/perf_core_only/", ("core_only", "")),
        ("own_cycles", ("by_name", "")),
        ("cpu_atom/own_cycles/", ("by_name", "cpu_atom")),
        ("cyc", None),
        ("instructions:u2", None),
        ("sched:sched_wakeup", None),
        ("cpu_core/instructions", None),
        ("uncore_imc_0/perf_writes/", None),
        ("reads", None),
        ("", None),
    ],
)
def test_a_name_means_an_event_and_a_pmu(printed: str, expected: tuple[str, str] | None) -> None:
    """The PMU counts where the event was not asked for on one of its own."""
    assert expected == meaning(
        printed,
        "cycles",
        "software",
        "raw=r1a8",
        "switched=sched:sched_switch",
        "reads=uncore_imc/cas_count_read/",
        "named=cpu/event=0x3c,name=mine/",
        "core_only=cpu_core/event=0x3c/",
        "by_name=cycles/name=own_cycles/",
    )


def test_an_event_asked_for_with_modifiers_is_another_one() -> None:
    """What has the modifiers is not what has none."""
    words = ["cycles", "user_cycles=cycles:u"]
    assert meaning("cycles", *words) == ("cycles", "")
    assert meaning("cycles:u", *words) == ("user_cycles", "")
    assert meaning("cpu_core/cycles/u", *words) == ("user_cycles", "cpu_core")


def test_a_tracepoint_asked_for_with_modifiers() -> None:
    """It is printed without them."""
    assert meaning("sched:sched_switch", "x=sched:sched_switch:ku") == ("x", "")
    assert meaning("mem:0x1000:rw", "x=mem:0x1000:rw", "y=mem:0x1000:w") == ("x", "")


def test_each_event_knows_its_own_spec() -> None:
    """What is put on perf's command line means the event again, and so does its name there."""
    events = [Event("tsc", "msr/tsc/"), Event("x", "cpu/event=0x3c,name=y/u"), Event("z", "r1a8")]
    translator = Translator(events, "none")
    for event in events:
        sample = translator.sample(Row(event.spec, COUNTED, 1))
        assert sample is not None
        assert sample.event is event
    assert [spec_of(event) for event in events] == [
        "msr/tsc,name=perf_tsc/",
        "cpu/event=0x3c,name=y/u",
        "r1a8",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "count"),
    [
        (2000, "msec", 2.0),
        (2000, "", 2.0),  # of a clock, before 4.19
        (2, "sec", 2),
        (2_000_000, "us", 2.0),
        (2_000_000_000, "ns", 2.0),
    ],
)
def test_a_clock_is_in_seconds_whatever_its_unit(value: int, unit: str, count: float) -> None:
    """Without a unit it is milliseconds."""
    sample = sample_of(Row("cpu-clock", COUNTED, value, unit), "cpu-clock")
    assert sample is not None
    assert sample.count == pytest.approx(count, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "unit", "count"),
    [
        (3, "KiB", 3072),
        (1.5, "MiB", 1572864),
        (2, "GiB", 2147483648),
        (7, "Joules", 7),
        (7, "", 7),
        (7, "Cel", 7),
    ],
)
def test_sizes_are_in_bytes(value: float, unit: str, count: float) -> None:
    """Units that are base units, or unknown, stay as they are."""
    sample = sample_of(Row("perf_reads", COUNTED, value, unit), "reads=uncore_imc/cas_count_read/")
    assert sample is not None
    assert sample.count == count


@pytest.mark.parametrize(
    ("running", "percent", "expected"),
    [
        (500_000_000, 25.0, (2.0, 0.5)),
        (500_000_000, 100.0, (0.5, 0.5)),
        (500_000_000, 100.01, (0.5, 0.5)),
        (500_000_000, 0.0, (None, 0.5)),
        (500_000_000, None, (None, 0.5)),
        (None, None, (None, None)),
    ],
)
def test_times_follow_from_the_share(
    running: int | None, percent: float | None, expected: tuple[float | None, float | None]
) -> None:
    """How long it was to be counted is known where perf says which share of it was."""
    sample = sample_of(Row("cycles", COUNTED, 1, "", "", running, percent), "cycles")
    assert sample is not None
    assert (sample.enabled_seconds, sample.running_seconds) == expected


def test_what_was_not_counted_ran_for_no_time() -> None:
    """Not counted is told from not supported, and neither has a count."""
    event = select(["cycles"])[0]
    assert sample_of(Row("cycles", NOT_COUNTED, None, "", "", 0), "cycles") == Sample(
        event, (), "", running_seconds=0.0
    )
    assert sample_of(Row("cycles", NOT_SUPPORTED, None, "", "", 0), "cycles") == Sample(
        event, (), "", is_supported=False
    )


@pytest.mark.parametrize(
    ("aggregation", "printed", "place"),
    [
        ("core", "S1-C3", ("1", "", "3")),
        ("core", "S1-D2-C3", ("1", "2", "3")),
        ("core", "S-1-D0-C-1", ("", "0", "")),  # firmware that does not tell
        ("socket", "S-1", ("",)),
        ("cpu", "S0-D0-C0", None),  # an event that is counted percore
        ("cpu", "", None),
        ("none", "CPU0", None),
    ],
)
def test_a_place_of_another_kind_is_none(
    aggregation: str, printed: str, place: tuple[str, ...] | None
) -> None:
    """What was counted elsewhere than was asked for is left out; old versions have no dies."""
    row = Row("cycles", COUNTED, 1, "", printed)
    sample = sample_of(row, "cycles", aggregation=aggregation)
    assert (sample and sample.place) == place


def test_more_places_and_names_than_are_remembered_are_understood() -> None:
    """The bound of what is remembered is none of what is understood."""
    translator = Translator(select(["cycles"]), "cpu")
    for number in range(MAX_REMEMBERED + 2):
        row = Row(f"cpu_{number}/cycles/", COUNTED, 1, "", f"CPU{number}")
        sample = translator.sample(row)
        assert sample is not None
        assert (sample.place, sample.pmu) == ((str(number),), f"cpu_{number}")
