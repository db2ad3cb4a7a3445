"""`perfwatch bench`: its report is complete, and its parts measure what they say.

No figure is judged here: how fast anything is says nothing about whether it was measured.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporter.bench import bench
from exporter.bench.client import BadAnswerError, Scraper
from exporter.bench.measures import Figure
from exporter.bench.processes import (
    Program,
    StartError,
    find_peer,
    own_program,
    peer_program,
    start,
)
from exporter.bench.report import GOALS, Goal, Report, describe_machine, judge
from exporter.cli import main

REPOSITORY = Path(__file__).parent.parent

RECORDED = (REPOSITORY / "docs" / "performance.md").read_text()

SCRAPED = {
    f"{figure}_{way}" for figure in ("cpu", "p50", "p99") for way in ("warm", "connection", "gzip")
}
OTHERS = {"start", "start_cpu", "resident_start", "resident", "cpu_gaps", "idle"}
LIBRARY = {"middleware", "cleanup"}
PERF = {"perf_cpus"} | {
    f"perf_{backend}_{figure}"
    for backend in ("stat", "syscall", "stat_128", "syscall_128")
    for figure in ("events", "idle", "scrape", "resident")
}
"""These two the peer does not have."""

GROWTH = {
    f"growth_{step}"
    for step in (
        *("cpus_128", "cpus_512"),
        *("disks_100", "disks_500"),
        *("interfaces_100", "interfaces_500"),
    )
}
MACHINES = {
    f"{figure}_{field}"
    for figure in ("linear", "descriptors")
    for field in ("cpus", "disks", "interfaces")
}


def run_bench(
    folder: Path, *flags: str, env: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the command on its own, as small as it can be; give what it printed and its JSON."""
    path = folder / "report.json"
    command = [sys.executable, "-m", "exporter", "bench", "--quick", "--scrapes=2"]
    done = subprocess.run(
        [*command, "--rounds=3", f"--json={path}", *flags],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | (env or {}),
        capture_output=True,
        text=True,
        timeout=160,
        check=False,
    )
    return done, json.loads(path.read_text() or "{}")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_report_is_complete(tmp_path: Path) -> None:
    """The quick form measures everything: the daemon, and node_exporter when it is found."""
    peer = find_peer()
    done, report = run_bench(tmp_path, f"--peer={peer or 'none'}", "--markdown")
    assert done.returncode == 0, done.stderr
    names = ["perfwatch", "node_exporter"] if peer else ["perfwatch"]
    assert [program["name"] for program in report["programs"]] == names
    assert all(program["version"] and program["samples"] > 100 for program in report["programs"])
    figures = {figure["key"]: figure for figure in report["figures"]}
    assert figures.keys() == SCRAPED | OTHERS | LIBRARY | PERF | GROWTH | MACHINES
    for key, figure in figures.items():
        if key in PERF and figure["note"]:  # this machine may forbid it
            assert figure["values"] == {}
            continue
        assert list(figure["values"]) == (names[:1] if key in LIBRARY | PERF else names)
        for value in figure["values"].values():
            # Idle may be nothing at all; growth, and what perf adds, are differences.
            assert math.isfinite(value)
            assert value > 0 or key in GROWTH | MACHINES | PERF | {"idle"}
        row = f"| {figure['title']} | {figure['unit']} |"
        assert row in done.stdout
        assert row in RECORDED, "docs/performance.md holds another table: measure anew"
    assert [goal["figure"] for goal in report["goals"]] == [goal.figure for goal in GOALS]
    if peer:
        judged = [goal for goal in report["goals"] if not figures[goal["figure"]]["note"]]
        assert all(isinstance(goal["met"], bool) for goal in judged)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_without_peer_and_perf_the_rest_is_measured(tmp_path: Path) -> None:
    """It says that node_exporter and perf are missing, and compares nothing."""
    done, report = run_bench(tmp_path, "--no-growth", env={"PATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "node_exporter is not here" in done.stderr
    notes = {figure["key"]: figure["note"] for figure in report["figures"]}
    assert notes.keys() == SCRAPED | OTHERS | LIBRARY | PERF
    assert notes["perf_stat_idle"] == "not measured: perf cannot be run"
    assert notes["perf_stat_128_idle"] == ""
    assert f"  {notes['perf_stat_idle']}" in done.stdout
    assert all(figure["ratio"] is None for figure in report["figures"])
    met = {goal["figure"]: goal["met"] for goal in report["goals"]}
    assert met["cpu_warm"] is None
    assert met["perf_stat_idle"] is None
    assert isinstance(met["start"], bool)
    assert "not measured" in done.stdout


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--rounds=0", "expected a whole number"),
        ("--scrapes=many", "expected a whole number"),
        ("--peer=/nowhere/node_exporter", "/nowhere/node_exporter is no program"),
        ("--json=/nowhere/report.json", "cannot write /nowhere/report.json"),
        ("--fast", "--fast"),
    ],
)
def test_a_wrong_option_is_explained(
    flag: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong option ends with exit code 2 and one line: what is wrong, and where to read on."""
    assert main(["bench", flag]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"perfwatch: [^\n]+\n", said)
    assert message in said
    assert "(try: perfwatch bench --help; see " in said


def test_a_server_that_fails_ends_the_measurement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that does not start is named with what it wrote; the exit code is 1."""
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "node_exporter"
    broken.write_text("#!/bin/sh\necho no collectors left >&2\nexit 3\n")
    broken.chmod(0o755)
    assert bench(["--quick", "--peer=./node_exporter"]) == 1
    said = capsys.readouterr().err
    assert "node_exporter ended with code 3 before its first page: no collectors left" in said


def test_a_server_is_ended_when_measuring_fails() -> None:
    """Whatever goes wrong while a server is measured, its process does not stay."""
    pids = []

    def measure() -> None:
        with start(own_program()) as server:
            pids.append(server.pid)
            assert server.cpu_seconds() > 0
            assert server.start_seconds > 0
            assert server.resident_bytes() > 2**20
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_program_that_gives_no_page_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs and never answers is ended after a while."""
    monkeypatch.setattr("exporter.bench.processes.START_SECONDS", 0.2)
    silent = Program("silent", (sys.executable, "-c", "import signal; signal.pause()"))
    with pytest.raises(StartError, match="silent gave no page within"), start(silent):
        pass


@contextlib.contextmanager
def answering(*pieces: bytes) -> Iterator[int]:
    """A server for one connection that sends these pieces, and closes; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na", b" 1\n"), b"a 1\n"),
        ((b"HTTP/1.1 200 OK\r\nx: y\r", b"\ncontent-length: 4\r\n\r\na 1\n"), b"a 1\n"),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0", b"\r\n\r\n"),
            b"4\r\na 1\n\r\n0\r\n\r\n",
        ),
    ],
)
def test_the_scraper_reads_to_the_end(pieces: Sequence[bytes], body: bytes) -> None:
    """A page is whole, whether it comes with a length or in chunks, and however it is divided."""
    with answering(*pieces) as port, Scraper(port) as scraper:
        assert scraper.scrape() > 0
    assert scraper.body == body


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", "expected a page, got: b'HTTP/1.1 503"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "closed in the middle"),
    ],
)
def test_the_scraper_refuses_what_is_no_page(piece: bytes, message: str) -> None:
    """Another status, and a page that breaks off, are no measurement."""
    with (
        answering(piece) as port,
        Scraper(port) as scraper,
        pytest.raises(BadAnswerError, match=message),
    ):
        scraper.scrape()


def test_a_peer_gets_the_collectors_by_name() -> None:
    """Those that are on by default here: packages of node_exporter turn on more."""
    command = peer_program("/usr/bin/node_exporter").command
    assert {"--collector.disable-defaults", "--collector.cpu"} <= set(command)
    assert not {"--collector.systemd", "--collector.topprocesses"} & set(command)


def test_a_figure_compares_round_by_round() -> None:
    """The ratio is the median of the rounds' ratios, not the ratio of the medians."""
    figure = Figure("x", "X", "us", ([1.0, 2.0, 4.0], [10.0, 4.0, 12.0]))
    assert figure.value(0) == 2.0
    assert figure.value(1) == 10.0
    assert figure.ratio() == 3.0
    assert figure.spread() == pytest.approx((6.5 - 2.5) / 3.0)


def test_nothing_is_divided_by_nothing() -> None:
    """A figure of 0, or without a peer, has no ratio; two rounds have no spread."""
    assert Figure("idle", "", "us", ([0.0], [1.0])).ratio() is None
    assert Figure("idle", "", "us", ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])).spread() is None
    alone = Figure("x", "", "us", ([1.0, 2.0],))
    assert alone.ratio() is None
    assert alone.spread() is None


@pytest.mark.parametrize(
    ("kind", "bound", "expected"),
    [
        ("ratio at least", 5, (5.0, True)),
        ("ratio at least", 5.1, (5.0, False)),
        ("share at most", 0.2, (0.2, True)),
        ("share at most", 0.1, (0.2, False)),
        ("at most", 2, (2.0, True)),
        ("at most", 1, (2.0, False)),
    ],
)
def test_goals_are_judged(kind: str, bound: float, expected: tuple[float, bool]) -> None:
    """Each kind of goal is met at its bound and not beyond it."""
    figure = Figure("x", "X", "us", ([2.0], [10.0]))
    assert judge(Goal("x", "X", bound, kind), figure) == expected


def test_a_noisy_machine_is_told() -> None:
    """When the rounds lie far apart, the report warns; when they agree, it does not."""

    def warnings(ours: list[float]) -> list[str]:
        figures = [Figure("cpu_warm", "CPU", "us", (ours,))]
        return Report(describe_machine(), (own_program(),), (b"up 1\n",), figures).warnings()

    assert warnings([10.0, 10.1, 10.2]) == []
    assert "noisy" in warnings([10.0, 20.0, 30.0])[0]
