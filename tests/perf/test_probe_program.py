"""Which perf there is, and what it can do, found out before anything is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.perf.events import KNOWN
from exporter.perf.findings import NO_PERF, NOT_PERMITTED, NOT_SUPPORTED, Findings
from exporter.perf.probe import probe
from exporter.perf.rights import CONTAINER, PERFMON, Facts
from tests.perf.scripted_perf import Answer, ScriptedPerf

CLOCK, CYCLES, INSTRUCTIONS, LLC = (
    KNOWN[name] for name in ("cpu-clock", "cycles", "instructions", "LLC-loads")
)

SUPPORTED_NOT = Answer((("<not supported>",),))
GARBAGE = Answer(output="bananas\n")


@pytest.fixture
def perf(tmp_path: Path) -> ScriptedPerf:
    """A perf that can count all."""
    return ScriptedPerf(tmp_path)


@pytest.mark.parametrize("aggregation", ["none", "cpu"])
def test_an_old_perf_is_asked_for_columns(tmp_path: Path, aggregation: str) -> None:
    """Where -j is not known, all goes on with -x; that it is old is no reason to explain.

    With a line for each CPU it is -x from the start: it costs less.
    """
    perf = ScriptedPerf(tmp_path, "-j")
    perf.answer("instructions", SUPPORTED_NOT)
    if aggregation == "cpu":
        perf.answer("cpu-clock", Answer(output="CPU0;7;;cpu-clock;7;100.00;;\n"))
    found = probe(perf.path, [CYCLES, INSTRUCTIONS], aggregation=aggregation)
    assert found == Findings({CYCLES: "", INSTRUCTIONS: NOT_SUPPORTED}, ((CYCLES,),), False, "")
    tried = [] if aggregation == "cpu" else [True]
    assert ["-j" in words for words in perf.calls] == [*tried, False, False, False]


def test_objects_that_are_not_understood(perf: ScriptedPerf) -> None:
    """A perf whose -j is something else is asked for columns too."""
    perf.answer("cpu-clock", Answer(output="{}}\n"), Answer())
    assert probe(perf.path, [CYCLES], aggregation="none") == Findings(
        {CYCLES: ""}, ((CYCLES,),), False, ""
    )


def test_an_aggregation_that_perf_does_not_know(tmp_path: Path) -> None:
    """The explanation says that it is the aggregation, and since when there is one by node."""
    perf = ScriptedPerf(tmp_path, "--per-node")
    found = probe(perf.path, [CYCLES, LLC], aggregation="node")
    assert found.reasons == {CYCLES: NO_PERF, LLC: NO_PERF}
    assert found.groups == ()
    assert found.explanation == (
        f"{perf.path} cannot count for each node: a newer one can (--per-node since 5.5), or "
        "choose another aggregation (docs/collectors/perf.md)"
    )
    assert len(perf.calls) == 1


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        (
            Answer(code=2, errors="WARNING: perf not found for kernel 6.8.0-31\n\n  You may need"),
            (
                "{} is a script that finds no perf for this kernel: install it (Debian: apt-get "
                f"install linux-perf, Ubuntu: apt-get install linux-tools-{os.uname().release}, "
                "Fedora and RHEL: dnf install perf) or give its path (docs/collectors/perf.md)"
            ),
        ),
        (
            Answer(code=1, errors="E: linux-perf-5.10 is not installed."),
            "{} is a script that finds no perf for this kernel: install it (Debian: apt-get ",
        ),
        (
            Answer(code=127, errors="perf: error while loading shared libraries: libdw.so.1"),
            (
                "{} ended with 127: perf: error while loading shared libraries: libdw.so.1 "
                "(docs/collectors/perf.md)"
            ),
        ),
        (Answer(code=-11), "{} ended with -11: it said nothing (docs/collectors/perf.md)"),
        (
            Answer(code=129, errors="  Error: unknown switch `x'\n\n usage"),
            "{} ended with 129: Error: unknown switch `x' (docs/collectors/perf.md)",
        ),
        (GARBAGE, "{} prints what is no count: 'bananas\\n' (docs/collectors/perf.md)"),
        (Answer(output=""), "{} ended with 0: it said nothing (docs/collectors/perf.md)"),
    ],
    ids=["Ubuntu's script", "Debian's script", "libraries", "crash", "usage", "garbage", "silence"],
)
def test_a_perf_that_cannot_be_used(perf: ScriptedPerf, answer: Answer, explanation: str) -> None:
    """All events have that reason; the explanation says what it was, and nothing more is run."""
    perf.answer("cpu-clock", answer)
    found = probe(perf.path, [CYCLES, LLC], aggregation="none")
    assert found.reasons == {CYCLES: NO_PERF, LLC: NO_PERF}
    assert found.explanation.startswith(explanation.format(perf.path))
    assert set(perf.specs) == {"cpu-clock"}


def test_a_perf_that_does_not_end(tmp_path: Path) -> None:
    """It is ended at the deadline, and nothing more is run."""
    program = tmp_path / "perf"
    program.write_text("#!/bin/sh\necho started >> $0.calls\nexec sleep 600\n")
    program.chmod(0o755)
    found = probe(str(program), [CYCLES], aggregation="none")
    assert found.reasons == {CYCLES: NO_PERF}
    assert found.explanation == (
        f"{program} did not end within 4 s, or printed too much (docs/collectors/perf.md)"
    )
    assert (tmp_path / "perf.calls").read_text() == "started\n"


def test_a_perf_that_is_missing(tmp_path: Path) -> None:
    """Nothing can be counted, and the explanation says what to install."""
    found = probe(str(tmp_path / "perf"), [CYCLES], aggregation="none")
    assert found.reasons == {CYCLES: NO_PERF}
    assert found.groups == ()
    assert found.explanation.startswith(f"{tmp_path / 'perf'} is no program here: install it (")


def test_a_perf_that_cannot_be_started(perf: ScriptedPerf) -> None:
    """What the kernel says of starting it is passed on."""
    Path(perf.path).write_text("#!/no/such/interpreter\n")
    found = probe(perf.path, [CYCLES], aggregation="none")
    assert found.reasons == {CYCLES: NO_PERF}
    assert "cannot be started: [Errno 2] No such file or directory" in found.explanation


def test_the_remedy_names_the_program_by_its_path(
    perf: ScriptedPerf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """setcap(8) wants a path where the settings have a name that stands in PATH."""
    perf.answer("cpu-clock", Answer(code=255, errors="No permission to enable cpu-clock event."))
    monkeypatch.setenv("PATH", str(Path(perf.path).parent))
    found = probe("perf", [CLOCK], aggregation="none", read_facts=lambda: Facts(level=2, user=1))
    assert found.reasons == {CLOCK: NOT_PERMITTED}
    assert f"setcap cap_perfmon+ep {perf.path}" in found.explanation


@pytest.mark.parametrize(("level", "reason"), [(2, NOT_PERMITTED), (None, NOT_SUPPORTED)])
def test_a_call_that_is_missing(perf: ScriptedPerf, level: int | None, reason: str) -> None:
    """An event that every machine has is not supported: a filter, or a kernel without events."""
    perf.answer("cpu-clock", SUPPORTED_NOT)
    facts = Facts(level=level, place=CONTAINER, capabilities=PERFMON, is_filtered=True)
    found = probe(perf.path, [CYCLES, LLC], aggregation="none", read_facts=lambda: facts)
    assert found.reasons == {CYCLES: reason, LLC: reason}
    expected = "CONFIG_PERF_EVENTS" if level is None else "seccomp profile"
    assert expected in found.explanation
    assert perf.specs == ["cpu-clock"]
