"""The collectors' pages say what the collectors do; tools/generate_docs.py sees to it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from exporter.collectors import ALL, Entry
from tools.generate_docs import BEGIN, END, PAGES, fill_page, find_metrics, flag_of, main

every_collector = pytest.mark.parametrize("entry", ALL, ids=[entry.name for entry in ALL])


def entry_of(name: str) -> Entry:
    """Find a collector."""
    return next(entry for entry in ALL if entry.name == name)


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Pages that are up to date, to spoil."""
    for entry in ALL:
        (tmp_path / f"{entry.name}.md").write_text(f"# {entry.name}\n\n{BEGIN}\n{END}\n")
    assert main(["--pages", str(tmp_path)]) == 0
    return tmp_path


@every_collector
def test_page_is_up_to_date(entry: Entry) -> None:
    """The table of metrics is the one that the collector gives now."""
    _, text, wanted = fill_page(entry, PAGES)
    assert text.splitlines() == wanted.splitlines(), "run: python -m tools.generate_docs"


@every_collector
def test_every_option_is_on_the_page(entry: Entry) -> None:
    """An option that is not documented is not found."""
    text = (PAGES / f"{entry.name}.md").read_text()
    fields = dataclasses.fields(entry.options) if entry.options else ()
    assert [flag for field in fields if (flag := flag_of(entry, field)) not in text] == []


def test_every_page_has_its_collector() -> None:
    """A page of a collector that was renamed or removed does not stay."""
    assert {path.stem for path in PAGES.glob("*.md")} == {entry.name for entry in ALL}


def test_labels_are_those_of_all_hosts() -> None:
    """A label that only one host fills is in the table."""
    metrics = {metric.name: metric for metric in find_metrics(entry_of("diskstats"))}
    assert {"device", "serial", "rotational"} <= set(metrics["node_disk_info"].labels)
    assert "node_disk_ata_write_cache" in metrics


def test_optional_metrics_name_their_option() -> None:
    """A metric that is off by default says how it is turned on."""
    flags = {metric.name: metric.flag for metric in find_metrics(entry_of("cpu"))}
    assert flags["node_cpu_info"] == "--collector.cpu.info"
    assert flags["node_cpu_flag_info"] == "--collector.cpu.info.flags-include"
    assert flags["node_cpu_seconds_total"] == ""


def test_check_accepts_what_was_written(pages: Path) -> None:
    """Pages just written are up to date."""
    assert main(["--check", "--pages", str(pages)]) == 0


def test_check_names_the_stale_page(pages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that fell behind is named, with the command that helps, and is not touched."""
    page = pages / "loadavg.md"
    stale = page.read_text().replace("node_load5", "node_load_five")
    page.write_text(stale)
    assert main(["--check", "--pages", str(pages)]) == 1
    message = capsys.readouterr().err
    assert "loadavg.md: not up to date" in message
    assert "python -m tools.generate_docs" in message
    assert page.read_text() == stale


def test_missing_page_is_an_error(pages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A collector without a page cannot be forgotten."""
    (pages / "uname.md").unlink()
    assert main(["--pages", str(pages)]) == 2
    assert "uname.md: missing" in capsys.readouterr().err


def test_page_without_markers_is_an_error(pages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the table belongs is marked exactly once."""
    shutil.copy(pages / "time.md", pages / "copy")
    (pages / "time.md").write_text((pages / "copy").read_text() * 2)
    assert main(["--check", "--pages", str(pages)]) == 2
    assert "time.md: expected one block" in capsys.readouterr().err
