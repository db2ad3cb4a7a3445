"""What can be counted: events and groups of a scripted perf."""

from __future__ import annotations

import signal
from itertools import count
from pathlib import Path

import pytest

from exporter.perf.events import KNOWN, Event
from exporter.perf.findings import NO_PERF, NOT_PERMITTED, NOT_SUPPORTED, UNKNOWN_EVENT, Findings
from exporter.perf.probe import probe
from exporter.perf.rights import Facts
from tests.perf.scripted_perf import Answer, ScriptedPerf

CYCLES, INSTRUCTIONS, CPU_CLOCK, LLC = (
    KNOWN[name] for name in ("cycles", "instructions", "cpu-clock", "LLC-loads")
)
TSC = Event("tsc", "msr/tsc/")
TSC_SPEC = "msr/tsc,name=perf_tsc/"
SWITCHES = Event("switches", "sched:sched_switch")

SUPPORTED_NOT = Answer((("<not supported>",),))
COUNTED_NOT = Answer((("<not counted>",),))
REFUSED = Answer(
    code=255,
    errors="Error:\nAccess to performance monitoring and observability operations is limited.\n"
    "perf_event_paranoid setting is 2:",
)
REFUSED_BY_NUMBER = Answer(code=255, errors="Error:\nNo permission to enable cycles event.\n")
REFUSED_OF_OLD = Answer(
    code=255, errors="  Error: You may not have permission to collect system-wide stats.\n"
)
KILLED = Answer(code=-signal.SIGSYS)
NO_SUCH_EVENT = Answer(code=129, errors="event syntax error: 'x'\n   \\___ parser error\n")
BAD_EVENT = Answer(code=129, errors="event syntax error: 'x'\n   \\___ Bad event or PMU\n")
NO_SUCH_PMU = Answer(code=129, errors="event syntax error: 'x'\n \\___ Cannot find PMU `cpu'.\n")
NO_TRACING = Answer(
    code=129, errors="event syntax error: 'x'\n   \\___ can't access trace events\n"
)
NOT_HERE = Answer(code=255, errors="Error:\nThe cycles event is not supported.\n")
INVALID = Answer(
    code=255, errors="Error:\nThe sys_perf_event_open() syscall returned with 22 (Invalid argument)"
)
TOO_MANY = Answer(code=255, errors="Error:\nToo many events are opened.\n")
GARBAGE = Answer(output="bananas\n")
SILENT = Answer(output="")

FACTS = Facts(level=2)


def find(perf: ScriptedPerf, *events: Event, aggregation: str = "none") -> Findings:
    """Probe events on a host without rights."""
    return probe(perf.path, events, aggregation=aggregation, read_facts=lambda: FACTS)


@pytest.fixture
def perf(tmp_path: Path) -> ScriptedPerf:
    """A perf that can count all."""
    return ScriptedPerf(tmp_path)


def test_events_that_are_divided_are_counted_together(perf: ScriptedPerf) -> None:
    """Each is tried on its own, then the group; what can be counted has no reason."""
    found = find(perf, CPU_CLOCK, CYCLES, INSTRUCTIONS, LLC)
    events = (CPU_CLOCK, CYCLES, INSTRUCTIONS, LLC)
    assert found.reasons == dict.fromkeys(events, "")
    assert found.groups == ((CPU_CLOCK,), (CYCLES, INSTRUCTIONS), (LLC,))
    assert (found.json, found.explanation) == (True, "")
    specs = ["cpu-clock", *(event.spec for event in events), "{cycles,instructions}"]
    assert perf.specs == specs
    workload = ["--", perf.path, "--version"]
    assert all(words[:3] == ["stat", "-a", "-j"] for words in perf.calls)
    assert all(words[-3:] == workload for words in perf.calls)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (SUPPORTED_NOT, NOT_SUPPORTED),
        (NOT_HERE, NOT_SUPPORTED),
        (INVALID, NOT_SUPPORTED),
        (SILENT, NOT_SUPPORTED),
        (BAD_EVENT, NOT_SUPPORTED),
        (REFUSED, NOT_PERMITTED),
        (REFUSED_BY_NUMBER, NOT_PERMITTED),
        (REFUSED_OF_OLD, NOT_PERMITTED),
        (KILLED, NOT_PERMITTED),
        (TOO_MANY, NO_PERF),
        (GARBAGE, NO_PERF),
    ],
)
def test_an_event_that_every_perf_knows(perf: ScriptedPerf, answer: Answer, reason: str) -> None:
    """Its reason is told from how perf ends and what it says; the others are not affected.

    A name that is called wrong is one for which the CPU has no event.
    """
    perf.answer("cycles", answer)
    found = find(perf, CYCLES, LLC)
    assert found.reasons == {CYCLES: reason, LLC: ""}
    assert found.groups == ((LLC,),)
    assert ("docs/collectors/perf.md" in found.explanation) is (reason != NOT_SUPPORTED)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NO_SUCH_EVENT, UNKNOWN_EVENT),
        (BAD_EVENT, UNKNOWN_EVENT),
        (NO_SUCH_PMU, NOT_SUPPORTED),
        (NO_TRACING, NOT_PERMITTED),
        (SUPPORTED_NOT, NOT_SUPPORTED),
    ],
)
def test_an_event_of_ones_own(perf: ScriptedPerf, answer: Answer, reason: str) -> None:
    """A name that is called wrong is unknown, unless perf says that it is the machine."""
    perf.answer("sched:sched_switch", answer)
    assert find(perf, SWITCHES).reasons == {SWITCHES: reason}


def test_unknown_events_are_named(perf: ScriptedPerf) -> None:
    """The explanation has them as they were given, and where to look for others."""
    perf.answer("sched:sched_switch", NO_SUCH_EVENT)
    perf.answer(TSC_SPEC, NO_SUCH_EVENT)
    assert find(perf, SWITCHES, CYCLES, TSC).explanation == (
        f"{perf.path} does not know sched:sched_switch, msr/tsc/: perf list shows what it knows "
        "(docs/collectors/perf.md)"
    )


def test_a_refusal_is_explained_once(perf: ScriptedPerf) -> None:
    """Rights are explained for all events together, tracefs apart from them."""
    for spec in ("cycles", "instructions"):
        perf.answer(spec, REFUSED)
    perf.answer("sched:sched_switch", NO_TRACING)
    found = find(perf, CYCLES, INSTRUCTIONS, SWITCHES, LLC)
    assert found.groups == ((LLC,),)
    assert found.explanation == (
        "kernel.perf_event_paranoid is 2 and CAP_PERFMON is missing. As root: sysctl "
        f"kernel.perf_event_paranoid=0, or setcap cap_perfmon+ep {perf.path} "
        "(docs/collectors/perf.md); tracepoints are looked up in tracefs, which is for root only: "
        "mount -o remount,gid=0,mode=750 /sys/kernel/tracing (docs/collectors/perf.md)"
    )


def test_a_pmu_that_refuses_for_want_of_rights(perf: ScriptedPerf) -> None:
    """Without rights perf asks for user space only, and uncore PMUs call that not supported."""
    perf.answer(TSC_SPEC, SUPPORTED_NOT)
    assert find(perf, TSC).reasons == {TSC: NOT_SUPPORTED}
    perf.answer("cpu-clock", REFUSED)
    assert find(perf, TSC).reasons == {TSC: NOT_PERMITTED}
    perf.answer(TSC_SPEC, NO_SUCH_PMU)
    perf.answer("cycles", SUPPORTED_NOT)
    assert find(perf, TSC, CYCLES).reasons == {TSC: NOT_SUPPORTED, CYCLES: NOT_SUPPORTED}


def test_an_event_that_others_keep_from_being_counted(perf: ScriptedPerf) -> None:
    """It is tried twice, and then taken for one that can be counted later."""
    perf.answer("cycles", COUNTED_NOT)
    assert find(perf, CYCLES).groups == ((CYCLES,),)
    assert perf.specs == ["cpu-clock", "cycles", "cycles"]


def test_an_event_of_one_kind_of_core(perf: ScriptedPerf) -> None:
    """On a hybrid CPU a row is printed for each kind; one that counts is enough."""
    perf.answer("LLC-loads", Answer((("<not supported>", "12"),)))
    assert find(perf, LLC).reasons == {LLC: ""}


@pytest.mark.parametrize(
    "answers",
    [
        [Answer((("7",), ("<not supported>",)))],
        [Answer((("7",), ("<not counted>",)))],
        [Answer((("7",), ("7", "<not counted>")))],
        [NOT_HERE],
        [TOO_MANY],
        [SILENT],
        [GARBAGE],
    ],
    ids=["a member", "the counters", "on one CPU", "at all", "in number", "silently", "unreadably"],
)
def test_a_group_that_the_cpu_does_not_hold_falls_apart(
    perf: ScriptedPerf, answers: list[Answer]
) -> None:
    """Its members are counted one by one."""
    perf.answer("{cycles,instructions}", *answers)
    found = find(perf, CYCLES, LLC, INSTRUCTIONS)
    assert found.groups == ((CYCLES,), (INSTRUCTIONS,), (LLC,))
    assert found.reasons == {CYCLES: "", LLC: "", INSTRUCTIONS: ""}


def test_a_group_gets_a_second_try(perf: ScriptedPerf) -> None:
    """Others may have had the counters for a moment."""
    perf.answer("{cycles,instructions}", Answer((("7",), ("<not counted>",))), Answer())
    assert find(perf, CYCLES, INSTRUCTIONS).groups == ((CYCLES, INSTRUCTIONS),)


def test_a_group_needs_all_its_members(perf: ScriptedPerf) -> None:
    """Where one cannot be counted, the other is counted alone, without another try."""
    perf.answer("instructions", SUPPORTED_NOT)
    assert find(perf, CYCLES, INSTRUCTIONS).groups == ((CYCLES,),)
    assert perf.specs == ["cpu-clock", "cycles", "instructions"]


def test_a_perf_that_goes_meanwhile(perf: ScriptedPerf) -> None:
    """An upgrade takes it away for a moment: events that were not probed by then say so."""
    turns = count()

    def remove() -> bool:
        if next(turns) == 1:
            Path(perf.path).unlink()
        return False

    found = probe(perf.path, [CYCLES, LLC], aggregation="none", is_stopping=remove)
    assert found.reasons == {CYCLES: "", LLC: NO_PERF}
    assert "No such file or directory" in found.explanation


@pytest.mark.parametrize(("after", "runs"), [(0, 1), (1, 2), (2, 3)])
def test_it_stops_when_told(perf: ScriptedPerf, after: int, runs: int) -> None:
    """Between two runs it looks whether it is to stop."""
    turns = count()
    found = probe(
        perf.path,
        [CYCLES, INSTRUCTIONS],
        aggregation="none",
        is_stopping=lambda: next(turns) >= after,
    )
    assert len(perf.calls) == runs
    assert found.groups == ()
    assert len(found.reasons) == after


def test_each_trial_but_the_first_is_of_the_whole_host(perf: ScriptedPerf) -> None:
    """By CPU, perf may say of each core that the other kind's events were not counted there."""
    perf.answer("cpu-clock", Answer(output="CPU0;1.00;msec;cpu-clock;1000000;100.00;;\n"))
    found = find(perf, CYCLES, INSTRUCTIONS, aggregation="cpu")
    assert found.groups == ((CYCLES, INSTRUCTIONS),)
    assert ["-A" in words for words in perf.calls] == [True, False, False, False]
