from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import once
from exporter.cli import main
from tests.expositions import meaning

ROOT = Path(__file__).parent.parent
HOST = Path(__file__).parent / "hosts" / "bare-metal-128"

COLLECTORS = ("loadavg", "meminfo", "pressure", "stat", "vmstat")
"""Enough to tell one from another, and none that asks the machine the tests run on."""


@pytest.fixture(autouse=True)
def _put_logging_back(stream: io.StringIO) -> None:
    """The command configures the log of its process, which here is that of all tests."""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A captured host, to be damaged."""
    shutil.copytree(HOST / "proc", tmp_path / "proc")
    (tmp_path / "sys").mkdir()
    return tmp_path


def flags(host: Path, *more: str) -> list[str]:
    """The words that make `once` read the host."""
    chosen = [f"--collector.{name}" for name in COLLECTORS]
    return [
        "once",
        f"--path.procfs={host}/proc",
        f"--path.sysfs={host}/sys",
        "--collector.disable-defaults",
        *chosen,
        *more,
    ]


def test_everything_is_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Without options all enabled collectors are printed in the text format."""
    assert main(flags(HOST)) == 0
    printed = capsys.readouterr()
    names = meaning(printed.out.encode()).keys()
    assert {"node_load1", "node_memory_MemTotal_bytes", "node_boot_time_seconds"} <= names
    assert printed.err == ""


def test_openmetrics_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    """The OpenMetrics form passes the strict parser, which wants the end mark."""
    assert main(flags(HOST, "--format=openmetrics")) == 0
    names = meaning(capsys.readouterr().out.encode(), openmetrics=True).keys()
    assert {"node_load1", "node_vmstat_pgfault"} <= names


def test_json_holds_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON form has the families with their samples, and numbers as numbers."""
    assert main(flags(HOST, "--format=json", "--collector=loadavg", "--collector=pressure")) == 0
    families = {family["name"]: family for family in json.loads(capsys.readouterr().out)}
    load = (HOST / "proc" / "loadavg").read_text().split()[0]
    assert families["node_load1"]["type"] == "gauge"
    assert families["node_load1"]["samples"] == [{"labels": {}, "value": float(load)}]
    assert any(name.startswith("node_pressure_") for name in families)


def test_json_keeps_labels(capsys: pytest.CaptureFixture[str]) -> None:
    """Labels are an object, and whole numbers stay whole."""
    assert main(flags(HOST, "--format=json", "--collector=stat", "--collector.stat.softirq")) == 0
    families = {family["name"]: family for family in json.loads(capsys.readouterr().out)}
    softirqs = families["node_softirqs_total"]["samples"]
    assert {"vector": "timer"} in [sample["labels"] for sample in softirqs]
    assert all(isinstance(sample["value"], int) for sample in softirqs)


def test_only_the_named_collectors_are_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """--collector chooses, may be repeated, and naming one twice prints it once."""
    words = ["--collector=loadavg", "--collector=stat", "--collector=loadavg"]
    assert main(flags(HOST, *words)) == 0
    page = capsys.readouterr().out
    assert page.count("# TYPE node_load1 ") == 1
    assert "node_boot_time_seconds" in page
    assert "node_memory_MemTotal_bytes" not in page


def test_an_unknown_collector_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that no collector has gives exit code 2 and those there are."""
    assert main(flags(HOST, "--collector=cpus")) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "perfwatch: --collector cpus: there is no such collector; "
        f"enabled are {', '.join(COLLECTORS)} (see docs/configuration.md)\n"
    )


def test_a_collector_that_is_off_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A collector that is turned off is not asked by accident; the line says how to turn it on."""
    assert main(flags(HOST, "--collector=cpu")) == 2
    assert capsys.readouterr() == (
        "",
        (
            "perfwatch: --collector cpu: this collector is off: turn it on with --collector.cpu "
            "(see docs/configuration.md)\n"
        ),
    )


def test_a_failing_collector_costs_only_itself(
    host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is printed, the failure is said on stderr, and the exit code is 1."""
    (host / "proc" / "loadavg").write_text("broken\n")
    assert main(flags(host)) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("perfwatch: loadavg: ValueError: ")
    assert "node_load1" not in printed.out
    assert "node_memory_MemTotal_bytes" in printed.out


def test_a_host_that_lacks_a_source_is_no_failure(
    host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kernel without pressure stall information is said to be one, with exit code 0."""
    shutil.rmtree(host / "proc" / "pressure")
    assert main(flags(host)) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("perfwatch: pressure: no data on this host: ")
    assert "node_pressure" not in printed.out
    assert "node_load1" in printed.out


def test_flags_of_node_exporter_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    """A flag that has no effect here does not get in the way of the page."""
    assert main(flags(HOST, "--collector=loadavg", "--collector.ntp.server=x")) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("perfwatch: --collector.ntp.server is node_exporter's and has no")
    assert "node_load1" in printed.out


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_has_enough_is_no_error(form: str) -> None:
    """`perfwatch once | head` ends without a word when the pipe is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "exporter", *flags(HOST, f"--format={form}")],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=15,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert done.stderr == b""


def test_a_collector_that_does_not_return_is_left_behind(
    host: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is printed, with success 0 for what hangs, and the exit code is 1."""
    monkeypatch.setattr(once, "PATIENCE_SECONDS", 0.2)
    (host / "proc/loadavg").unlink()
    os.mkfifo(host / "proc/loadavg")
    try:
        assert main(flags(host)) == 1
        printed = capsys.readouterr()
        assert printed.err == "perfwatch: loadavg: has not returned within 0.2 s\n"
        assert 'node_scrape_collector_success{collector="loadavg"} 0\n' in printed.out
        assert 'node_scrape_collector_success{collector="meminfo"} 1\n' in printed.out
    finally:
        # Lets the thread go: opening succeeds once somebody writes.
        os.close(os.open(host / "proc/loadavg", os.O_WRONLY))


def test_a_full_disk_is_said_in_one_line() -> None:
    """What cannot be written is an error without a traceback."""
    words = [sys.executable, "-m", "exporter", *flags(HOST)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert done.stderr == b"perfwatch: [Errno 28] No space left on device\n"


def test_a_closed_output_is_said_in_one_line() -> None:
    """`>&-` leaves nowhere to print to."""
    words = [sys.executable, "-m", "exporter", *flags(HOST)]
    command = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *words]
    done = subprocess.run(command, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"perfwatch: once: standard output is closed")
    assert done.stderr.count(b"\n") == 1


def test_text_files_repeat_no_other_collector(
    host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such a file is left out as on the daemon's page; the log of it is not among the metrics."""
    (tmp_path / "a.prom").write_text("node_load1 1\n")
    (tmp_path / "b.prom").write_text("b 1\n")
    words = ("--collector.textfile", f"--collector.textfile.directory={tmp_path}")
    assert main(flags(host, *words)) == 0
    printed = capsys.readouterr()
    names = [line.split()[2] for line in printed.out.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert {"b", "node_load1"} <= set(names)
    assert printed.out.startswith("# HELP node_load1 ")
    assert "text file left out" in printed.err


def test_json_has_no_number_that_json_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readers but Python's refuse NaN and Infinity: they are texts."""
    histogram = 'h_bucket{le="+Inf"} 2\nh_sum NaN\nh_count 2\n'
    (tmp_path / "a.prom").write_text(f"n NaN\nm -Inf\n# TYPE h histogram\n{histogram}")
    words = ("--collector.textfile", f"--collector.textfile.directory={tmp_path}")
    assert main(flags(HOST, "--format=json", "--collector=textfile", *words)) == 0
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    values = {family["name"]: family["samples"][0]["value"] for family in printed[:3]}
    assert values == {"n": "NaN", "m": "-Inf", "h": [["+Inf"], [2], "NaN"]}
