"""Command lines, and short runs of a program that may do anything."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from exporter.perf.command import (
    MAX_ERRORS,
    MAX_OUTPUT,
    Finished,
    environment,
    find_program,
    run,
    spec_of,
    stat_command,
)
from exporter.perf.events import KNOWN, Event, select
from tests.child import PATIENCE_SECONDS
from tests.perf.real_perf import find_perf

CYCLES, INSTRUCTIONS, CPU_CLOCK = (KNOWN[name] for name in ("cycles", "instructions", "cpu-clock"))


def run_code(code: str, *, seconds: float = PATIENCE_SECONDS) -> Finished:
    """Run Python code that knows its `descriptor`."""

    def words(descriptor: int) -> list[str]:
        # No site: what coverage installs there would write to the descriptors.
        program = f"import os, sys\ndescriptor = {descriptor}\n{code}"
        return [sys.executable, "-I", "-S", "-c", program]

    return run(words, seconds=seconds)


def test_a_program_is_found_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked for in PATH, and the whole path is given."""
    (tmp_path / "counter").write_text("#!/bin/sh\n")
    (tmp_path / "counter").chmod(0o755)
    monkeypatch.setenv("PATH", f"/nowhere:{tmp_path}")
    assert find_program("counter") == str(tmp_path / "counter")


def test_a_program_is_found_at_its_path(tmp_path: Path) -> None:
    """A path is taken as it is, a link with its own name."""
    (tmp_path / "perf_5.10").symlink_to(sys.executable)
    assert find_program(str(tmp_path / "perf_5.10")) == str(tmp_path / "perf_5.10")


@pytest.mark.parametrize("name", ["no-such-program", "/etc/passwd", "/no/such/perf"])
def test_a_missing_program_has_a_remedy(name: str) -> None:
    """The error says what to install, with the kernel's release, and where it is documented."""
    with pytest.raises(FileNotFoundError) as caught:
        find_program(name)
    message = str(caught.value)
    assert message.startswith(f"{name} is no program here: ")
    assert f"linux-tools-{os.uname().release}" in message
    assert "docs/collectors/perf.md" in message


def test_secrets_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds the language, the path and perf's configuration, and nothing else."""
    monkeypatch.setenv("PERFWATCH_SECRET", "swordfish")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/somewhere")
    expected = {"LC_ALL": "C", "PATH": "/somewhere", "PERF_CONFIG": "/dev/null"}
    assert environment() == expected
    finished = run_code("os.write(descriptor, repr(dict(os.environ)).encode())")
    # Python itself adds one in the C locale.
    assert {name for name in expected if f"'{name}'" in finished.output} == set(expected)
    assert "swordfish" not in finished.output


@pytest.mark.parametrize(
    ("event", "spec"),
    [
        (CYCLES, "cycles"),
        (Event("slow", "r1a8"), "r1a8"),
        (Event("switches", "sched:sched_switch"), "sched:sched_switch"),
        (Event("tsc", "msr/tsc/"), "msr/tsc,name=perf_tsc/"),
        (Event("all", "msr//"), "msr/name=perf_all/"),
        (
            Event("kernel", "cpu/event=0x2e,umask=0x41/k"),
            "cpu/event=0x2e,umask=0x41,name=perf_kernel/k",
        ),
        (Event("own", "msr/tsc,name=mine/"), "msr/tsc,name=mine/"),
        (Event("first", "msr/name=mine,tsc/u"), "msr/name=mine,tsc/u"),
        (Event("rename", "foo/rename=1/"), "foo/rename=1,name=perf_rename/"),
    ],
)
def test_an_event_of_a_pmu_gets_a_name(event: Event, spec: str) -> None:
    """Its terms and modifiers stay, a name that it has too; other events are left as they are."""
    assert spec_of(event) == spec


@pytest.mark.parametrize("alias", ["2x", "123", "0x1f", "read", "r1a8", "time", "name", "_"])
def test_perf_takes_each_alias(alias: str) -> None:
    """The real perf prints the name, also where the alias is a keyword or a number to it."""
    program = find_perf()
    event = Event(alias, "software/config=0/")

    def words(descriptor: int) -> list[str]:
        return stat_command(
            program,
            [[event]],
            aggregation="none",
            interval_seconds=None,
            descriptor=descriptor,
            json=False,
            workload=[program, "--version"],
        )

    finished = run(words, seconds=PATIENCE_SECONDS)
    assert (finished.code, finished.errors) == (0, "")
    assert finished.output.split(";")[2] == f"perf_{alias}"


@pytest.mark.parametrize(
    ("aggregation", "json", "words"),
    [
        ("none", True, "-j -I 1000"),
        ("none", False, "-x ; -I 1000"),
        ("cpu", True, "-A -j -I 1000"),
        ("core", True, "--per-core -j -I 1000"),
        ("socket", False, "--per-socket -x ; -I 1000"),
        ("node", True, "--per-node -j -I 1000"),
    ],
)
def test_the_words_of_a_long_run(aggregation: str, json: bool, words: str) -> None:
    """One -e names all events, those of a group between braces; it runs until it is ended."""
    command = stat_command(
        "/usr/bin/perf",
        [(CPU_CLOCK,), (CYCLES, INSTRUCTIONS), (Event("tsc", "msr/tsc/"),)],
        aggregation=aggregation,
        interval_seconds=1.0,
        descriptor=7,
        json=json,
    )
    events = "cpu-clock,{cycles,instructions},msr/tsc,name=perf_tsc/"
    assert command == ["/usr/bin/perf", "stat", "-a", *words.split(), "--log-fd", "7", "-e", events]


def test_the_words_of_a_short_run() -> None:
    """Without an interval the workload says when it ends, its words apart."""
    command = stat_command(
        "/perf",
        [(CPU_CLOCK,)],
        aggregation="none",
        interval_seconds=None,
        descriptor=3,
        json=True,
        workload=["/perf", "--version"],
    )
    expected = "/perf stat -a -j --log-fd 3 -e cpu-clock -- /perf --version"
    assert command == expected.split()


def test_an_interval_is_in_milliseconds() -> None:
    """A fraction of a second is rounded to whole milliseconds."""
    command = stat_command(
        "perf",
        [(CPU_CLOCK,)],
        aggregation="none",
        interval_seconds=0.2505,
        descriptor=3,
        json=True,
    )
    assert command[command.index("-I") + 1] == "250"


def test_output_and_errors_stay_apart() -> None:
    """What goes to the descriptor is the output, and what goes to stdout is thrown away."""
    finished = run_code("os.write(descriptor, b'1;x\\n'); print('noise'); sys.exit('no')")
    assert finished == Finished(1, "1;x\n", "no\n")


def test_bytes_that_are_no_text_are_replaced() -> None:
    """Whatever is printed becomes a text."""
    finished = run_code("os.write(descriptor, b'a\\xffb'); os.write(2, b'\\xfe')")
    assert finished == Finished(0, "a\N{REPLACEMENT CHARACTER}b", "\N{REPLACEMENT CHARACTER}")


def test_a_signal_is_told() -> None:
    """A program that a signal ended has its number, negative."""
    finished = run_code("import signal; signal.raise_signal(signal.SIGTERM)")
    assert finished.code == -signal.SIGTERM


@pytest.mark.parametrize(
    "ending",
    ["", "os.close(descriptor); os.close(2)"],
    ids=["writes nothing", "closes all"],
)
def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path, ending: str) -> None:
    """At the deadline nothing of its group is left: the pipe that they all hold has ended."""
    fifo = tmp_path / "held"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        finished = run_code(
            "import signal, threading\n"
            f"os.open({str(fifo)!r}, os.O_WRONLY)\n"
            "os.write(descriptor, b'started')\n"
            "for number in (signal.SIGTERM, signal.SIGINT):\n"
            "    signal.signal(number, signal.SIG_IGN)\n"
            f"os.fork()\n{ending}\n"
            "threading.Event().wait()\n",
            seconds=2.0,
        )
        assert finished == Finished(None, "started", "")
        os.set_blocking(reading, True)
        assert os.read(reading, 1) == b""
    finally:
        os.close(reading)


@pytest.mark.parametrize("descriptor", ["descriptor", "2"])
def test_a_program_that_floods_is_ended(descriptor: str) -> None:
    """What it prints is bounded, on either descriptor."""
    finished = run_code(f"while True: os.write({descriptor}, b'x' * 50000)")
    assert finished.code is None
    assert len(finished.output) <= MAX_OUTPUT + 65536
    assert len(finished.errors) <= MAX_ERRORS + 65536
    assert bool(finished.output) != bool(finished.errors)


def open_descriptors() -> set[str]:
    """The descriptors of this process."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_nothing_is_left_open(tmp_path: Path) -> None:
    """Neither a run nor one that could not be started costs a descriptor."""
    before = open_descriptors()
    assert run_code("pass") == Finished(0, "", "")
    with pytest.raises(FileNotFoundError):
        run(lambda _: [str(tmp_path / "absent")], seconds=1)
    with pytest.raises(PermissionError):
        run(lambda _: [str(tmp_path)], seconds=1)
    assert open_descriptors() == before


@pytest.mark.parametrize("home", ["broken", "missing"])
def test_a_configuration_of_perf_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """The real perf neither reads the user's own configuration nor misses it."""
    (tmp_path / ".perfconfig").write_text("[stat]\n no equals sign ===\n!!!\n")
    if home == "broken":
        monkeypatch.setenv("HOME", str(tmp_path))
    else:
        monkeypatch.delenv("HOME")
    program = find_perf()

    def words(descriptor: int) -> list[str]:
        return stat_command(
            program,
            [select(["page-faults"])],
            aggregation="none",
            interval_seconds=None,
            descriptor=descriptor,
            json=True,
            workload=[program, "--version"],
        )

    finished = run(words, seconds=PATIENCE_SECONDS)
    assert (finished.code, finished.errors) == (0, "")
    assert json.loads(finished.output)["event"] == "page-faults"
