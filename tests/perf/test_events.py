"""The events that are asked for, and which of them are counted at the same time."""

from __future__ import annotations

import re

import pytest

from exporter.perf.events import (
    DIVIDED,
    KNOWN,
    MAX_EVENTS,
    SETS,
    SYNONYMS,
    Event,
    canonical,
    given_name,
    group,
    select,
)


def names(*words: str) -> list[str]:
    """The names of the events that words ask for."""
    return [event.name for event in select(words)]


def test_the_default_is_all_that_is_documented() -> None:
    """The 22 default events, in the order of their sets."""
    assert [event.spec for event in select(["default"])] == [
        *("cpu-clock", "task-clock", "context-switches", "cpu-migrations"),
        *("page-faults", "minor-faults", "major-faults"),
        *("cycles", "instructions", "branches", "branch-misses"),
        *("cache-references", "cache-misses", "L1-dcache-loads", "L1-dcache-load-misses"),
        *("LLC-loads", "LLC-load-misses", "L1-icache-loads"),
        *("dTLB-loads", "dTLB-load-misses", "iTLB-loads", "iTLB-load-misses"),
    ]


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_its_events(name: str) -> None:
    """The name of a set stands for its events."""
    assert select([name]) == SETS[name]


def test_metrics_are_named_after_events() -> None:
    """`-` becomes `_`; clocks count seconds."""
    assert [event.metric for event in select(["cpu-clock", "L1-dcache-load-misses", "x=r1a8"])] == [
        "perf_cpu_clock_seconds_total",
        "perf_L1_dcache_load_misses_total",
        "perf_x_total",
    ]


def test_events_are_given_once_in_the_order_asked_for() -> None:
    """What a set has already is not added again."""
    assert names("cycles", "core", "cycles", "x=r1a8", "x=r1a8") == [
        "cycles",
        "instructions",
        "branches",
        "branch_misses",
        "x",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        "r1a8",
        "sched:sched_switch",
        "uncore_imc_*/cas_count_read/",
        "cpu/event=0x2e,umask=0x41/",
        "cpu/event=0x2e,umask=0x41,name=my_name/u",
        "uncore_imc_0/cas_count_read/",
        "msr/tsc/",
        "power/energy-pkg/",
        "cycles:u",
        "mem_load_retired.l3_miss",
        "duration_time",
    ],
)
def test_own_events_have_an_alias(spec: str) -> None:
    """Any event of perf can be counted, under a name of its own."""
    assert select([f"my_alias2={spec}"]) == (Event("my_alias2", spec),)


def test_a_clock_under_an_alias_stays_a_clock() -> None:
    """What it counts is time, whatever its name."""
    (event,) = select(["busy=task-clock"])
    assert event.metric == "perf_busy_seconds_total"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected at least one event, such as default"),
        (["nosuch"], "'nosuch' is no known event: expected a set (default, software, core, "),
        (["cpu/event=0x3c/"], "'cpu/event=0x3c/' is no known event: expected a set"),
        (["sched:x=y"], "'sched:x=y' is no known event: expected a set"),
        (["Cycles=r1a8"], "'Cycles' cannot be an alias: expected up to 60 of a-z, 0-9 and _"),
        (["a-b=r1a8"], "'a-b' cannot be an alias"),
        (["=r1a8"], "'' cannot be an alias"),
        ([f"{'a' * 61}=r1a8"], "cannot be an alias"),
        (["x\n=r1a8"], "cannot be an alias"),
        (["x_total=r1a8"], "'x_total' cannot be an alias"),
        (["up=r1a8"], "'up' cannot be an alias"),
        (["suspended=r1a8"], "'suspended' cannot be an alias"),
        (["event_available=r1a8"], "'event_available' cannot be an alias"),
        (["unparsed_lines=r1a8"], "'unparsed_lines' cannot be an alias"),
        (["x="], "'' is no single event: expected one as perf list shows it, such as r1a8"),
        (["x=cycles,instructions"], "'cycles,instructions' is no single event"),
        (["x=msr/tsc/,cycles"], "'msr/tsc/,cycles' is no single event"),
        (["x={cycles,instructions}"], "is no single event"),
        (["x=syscalls:sys_enter_*"], "'syscalls:sys_enter_*' is no single event"),
        (["x=sched:sched_swi?ch"], "'sched:sched_swi?ch' is no single event"),
        (["x=msr/tsc"], "'msr/tsc' is no single event"),
        (["x=msr/tsc/;id"], "is no single event"),
        (["x=-a"], "'-a' is no single event"),
        (["x=cycles\n"], "is no single event"),
        ([f"x={'r' * 201}"], "is no single event"),
        (["cycles", "cycles=r1a8"], "perf_cycles_total would be two events: choose another alias"),
        (["x=r1a8", "y=r1a8"], "x and y would both be r1a8 in what perf prints: remove one"),
        (["core", "y=cycles"], "cycles and y would both be cycles"),
        (["core", "y=cpu-cycles"], "cycles and y would both be cycles"),
        (["x=cs:u", "y=context-switches:u"], "x and y would both be context-switches:u"),
        (["x=a:b", "y=a:b:k"], "x and y would both be a:b in what perf prints: remove one"),
        (["x=msr/tsc,name=n/", "y=msr/aperf,name=n/"], "both be n in what perf prints"),
        ([f"x{number}=r{number:x}" for number in range(101)], "expected 100 events at most"),
    ],
)
def test_what_cannot_be_counted_is_refused(words: list[str], message: str) -> None:
    """The message says what is wrong and what was expected."""
    with pytest.raises(ValueError, match=re.escape(message)):
        select(words)


def test_as_many_events_as_allowed() -> None:
    """The bound itself is within it."""
    assert len(select(f"x{number}=r{number:x}" for number in range(MAX_EVENTS))) == MAX_EVENTS


def test_one_event_may_be_counted_in_several_ways() -> None:
    """Modifiers and names make events of their own."""
    words = ["cycles", "user=cycles:u", "kernel=cycles:k", "again=cycles/name=other/"]
    assert names(*words) == ["cycles", "user", "kernel", "again"]


def test_what_is_divided_is_grouped() -> None:
    """Each pair stands where its first event stood, and every other event alone."""
    groups = group(select(["default"]))
    assert {tuple(event.spec for event in one) for one in groups if len(one) > 1} == set(DIVIDED)
    assert [event for one in groups for event in one] == list(select(["default"]))
    assert all(len(one) <= 2 for one in groups)


def test_half_a_pair_stays_alone() -> None:
    """A miss without its accesses is counted for itself, and a pair is one wherever it stands."""
    specs = ["branch-misses", "instructions", "cpu-clock", "cycles"]
    groups = [[event.spec for event in one] for one in group(select(specs))]
    assert groups == [["branch-misses"], ["cpu-clock"], ["cycles", "instructions"]]


def test_own_events_are_not_grouped() -> None:
    """Under an alias an event is another one, though perf knows it."""
    events = select(["x=cycles", "instructions"])
    assert group(events) == tuple((event,) for event in events)


def test_no_events_make_no_groups() -> None:
    """Where nothing can be counted, nothing is grouped."""
    assert group([]) == ()


def test_synonyms_lead_to_one_name() -> None:
    """The name that is used is none that has another one; modifiers stay."""
    assert not SYNONYMS.keys() & KNOWN.keys()
    assert not SYNONYMS.keys() & set(SYNONYMS.values())
    assert canonical("cpu-cycles:uk") == "cycles:uk"
    assert canonical("sched:sched_switch") == "sched:sched_switch"


def test_a_given_name_is_found() -> None:
    """Among the terms of a PMU's event, wherever it stands; another term is none."""
    assert given_name("cpu/event=0x3c,name=mine/u") == "mine"
    assert given_name("cpu/name=mine,event=0x3c/") == "mine"
    assert given_name("cpu/event=0x3c,rename=mine/") == ""
    assert given_name("name=mine") == ""
