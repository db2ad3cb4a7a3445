"""What `perfwatch bench` measures of perf: its synthetic CPUs, and what is subtracted from what."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.bench import synthetic_perf
from exporter.bench.many_cpus import open_somewhere
from exporter.bench.measures import Figure
from exporter.bench.perf import FEW, NotCountingError, Site, write_program
from exporter.bench.processes import Server, own_program, start
from exporter.bench.report import Goal, Report, describe_machine, judge
from exporter.perf.command import SEPARATOR, run, stat_command
from exporter.perf.events import group, select
from exporter.perf.findings import Findings
from exporter.perf.names import Translator
from exporter.perf.output import parse_line
from exporter.perf.perf_event import TYPE_SOFTWARE, Attributes, close_group
from exporter.perf.probe import probe
from tests.child import PATIENCE_SECONDS

EVENTS = select(["default"])

LAST = synthetic_perf.CPUS - 1


def test_the_synthetic_perf_prints_what_perf_does(tmp_path: Path) -> None:
    """The collector finds that each event can be counted, and each is, on each of its CPUs."""
    program = str(write_program(tmp_path))
    findings = probe(program, EVENTS, aggregation="cpu")
    assert set(findings.reasons.values()) == {""}, findings.explanation
    assert findings.groups == group(EVENTS)
    output = run(lambda descriptor: words(program, descriptor, None, findings), seconds=10).output
    separator = None if findings.json else SEPARATOR
    translator = Translator(EVENTS, "cpu")
    samples = [
        translator.sample(row)
        for line in output.splitlines()
        for row in parse_line(line, separator=separator, aggregation="cpu")
    ]
    assert {sample[:2] for sample in samples if sample and sample.count is not None} == {
        (event, (str(cpu),)) for event in EVENTS for cpu in range(LAST + 1)
    }
    assert len(samples) == len(EVENTS) * synthetic_perf.CPUS


def words(
    program: str, descriptor: int, interval_seconds: float | None, findings: Findings
) -> list[str]:
    """The collector's own command line."""
    return stat_command(
        program,
        findings.groups,
        aggregation="cpu",
        interval_seconds=interval_seconds,
        descriptor=descriptor,
        json=findings.json,
    )


def test_the_synthetic_perf_ends_when_nobody_reads() -> None:
    """It prints at each interval, with other numbers, until its pipe is closed."""
    findings = Findings({}, group(EVENTS), json=False, explanation="")
    read, write = os.pipe()
    with open(read, encoding="utf-8") as output:  # noqa: PTH123 -- a descriptor
        process = subprocess.Popen(
            [sys.executable, synthetic_perf.__file__, *words("perf", write, 0.1, findings)[1:]],
            pass_fds=[write],
        )
        os.close(write)
        lines = [output.readline() for _ in range(2 * len(EVENTS) * synthetic_perf.CPUS)]
    assert process.wait(PATIENCE_SECONDS) == 1
    assert len(set(lines)) == len(lines)


def test_a_cpu_that_is_not_there_is_counted_on_another() -> None:
    """The kernel counts for any number of a CPU."""
    cpu_clock = Attributes(TYPE_SOFTWARE, 0)
    try:
        descriptors = open_somewhere([cpu_clock], LAST)
    except PermissionError:
        pytest.skip("perf_event_open is not permitted here")
    close_group(descriptors)


def test_a_daemon_that_never_counts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sample, and without a word why there is none, it is not waited for any longer."""
    monkeypatch.setattr("exporter.bench.perf.FIRST_SAMPLE_SECONDS", 0.2)
    with start(own_program(), FEW) as server:
        site = Site(server, 1)
        with pytest.raises(NotCountingError, match="no sample came"):
            site.wait_for_sample()
        assert site.cpu_seconds() == pytest.approx(server.cpu_seconds(), rel=0.5)


def test_what_a_daemon_does_by_itself_is_no_cost_of_a_scrape() -> None:
    """What it takes in a window without scrapes is subtracted from one with them."""
    with subprocess.Popen(["true"]) as process:
        site = Site(Server(process, 1), scrapes=10)
    site.idle = [0.001, 0.002]
    site.scraped = [0.003, 0.012]
    assert site.idle_costs(5.0) == pytest.approx([200, 400])
    assert site.scrape_costs() == pytest.approx([200, 1000])


def test_what_could_not_be_measured_is_told() -> None:
    """A note stands in the place of the figure, and no goal is met or missed by it."""
    note = "not measured: not permitted"
    figures = [Figure("perf_stat_idle", "perf", "us", (), note)]
    assert figures[0].spread() is None
    report = Report(describe_machine(), (own_program(),), (b"up 1\n",), figures)
    assert report.figure_rows()[1] == ["perf", "us", note, "", ""]
    assert report.to_json()["figures"][0]["values"] == {}
    assert report.to_json()["figures"][0]["note"] == note
    assert report.goal_rows()[1][2:] == ["", "not measured"]
    assert judge(Goal("perf_stat_idle", "perf", 1, "at most"), figures[0]) == (None, None)
