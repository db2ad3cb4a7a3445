"""The pages about metrics say what the collectors do; tools/generate_docs.py sees to it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from exporter.collectors import ALL, Entry
from exporter.families import Family
from exporter.kernel import KernelTree, NoData
from tools.documented_iris import find_iris_metrics
from tools.documented_metrics import NothingFoundError, find_metrics, flag_of
from tools.generate_docs import (
    BEGIN,
    DOCS,
    END,
    OVERVIEW,
    PAGES,
    Page,
    PageError,
    fill_page,
    main,
)

every_collector = pytest.mark.parametrize("entry", ALL, ids=[entry.name for entry in ALL])


def entry_of(name: str) -> Entry:
    """Find a collector."""
    return next(entry for entry in ALL if entry.name == name)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Pages that are up to date, to spoil."""
    (tmp_path / "collectors").mkdir()
    for page in PAGES:
        (tmp_path / page.path).write_text(f"# {page.path}\n\n{BEGIN}\n{END}\n")
    assert main(["--docs", str(tmp_path)]) == 0
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_page_is_up_to_date(page: Page) -> None:
    """The table of metrics is the one that the collectors give now."""
    _, text, wanted = fill_page(page, DOCS)
    assert text.splitlines() == wanted.splitlines(), "run: python -m tools.generate_docs"


@every_collector
def test_every_option_is_on_the_page(entry: Entry) -> None:
    """An option that is not documented is not found."""
    text = (DOCS / f"collectors/{entry.name}.md").read_text()
    fields = dataclasses.fields(entry.options) if entry.options else ()
    assert [flag for field in fields if (flag := flag_of(entry, field)) not in text] == []


def test_every_page_has_its_collector() -> None:
    """A page of a collector that was renamed or removed does not stay."""
    found = {path.stem for path in (DOCS / "collectors").glob("*.md")}
    assert found == {entry.name for entry in ALL}


def index_rows() -> list[list[str]]:
    """Read the lines of the index of collectors: link, what it shows, default, rights."""
    lines = (DOCS / "collectors.md").read_text().splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| [")]


def test_the_index_has_every_collector_once() -> None:
    """Each collector is in the index, with its page, and with whether it is on by default."""
    assert sorted((link, default) for link, _, default, *_ in index_rows()) == sorted(
        (f"[{one.name}](collectors/{one.name}.md)", "on" if one.enabled else "off") for one in ALL
    )


@every_collector
def test_the_index_tells_of_rights_as_the_page_does(entry: Entry) -> None:
    """Whoever reads only the index learns of each collector that needs rights."""
    (needs,) = [bool(row[3:]) for row in index_rows() if row[0].startswith(f"[{entry.name}]")]
    page = (DOCS / f"collectors/{entry.name}.md").read_text()
    rights = re.search(r"^\| Rights \| (.*?) \|$", page, re.MULTILINE)
    assert rights is not None
    assert needs != bool(re.match("none($|:)", rights[1]))


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


def test_the_overview_has_every_metric_of_every_collector() -> None:
    """Each metric has a line with its type, its labels and the page that is about it."""
    rows = table_of(DOCS / OVERVIEW.path)
    pages = [(f"[{one.name}](collectors/{one.name}.md)", find_metrics(one)) for one in ALL]
    pages.append(("[iris](iris.md)", find_iris_metrics()))
    assert sorted((*row[:4], row[5]) for row in rows) == sorted(
        (*metric.cells[:3], page, metric.cells[3]) for page, metrics in pages for metric in metrics
    )


def table_of(page: Path) -> list[list[str]]:
    """Read the lines of a page's table, cell by cell."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    return [re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |")) for line in lines]


@pytest.mark.parametrize(
    ("metric", "default"),
    [
        ("node_load1", "on"),
        ("node_cpu_info", "off"),  # an option of a collector that is on
        ("node_processes_pids", "off"),
        ("node_sysctl_kernel_pid_max", "off"),
    ],
)
def test_the_overview_tells_what_is_there_by_default(metric: str, default: str) -> None:
    """On is what a host gives without any setting."""
    rows = {row[0]: row for row in table_of(DOCS / OVERVIEW.path)}
    assert rows[f"`{metric}`"][4] == default


class Silent:
    """A collector for which no host has anything."""

    name = "silent"

    def __init__(self, kernel: KernelTree) -> None:
        self.kernel = kernel

    def collect(self) -> list[Family]:
        """Say so."""
        raise NoData("nowhere")


class SilentEntry(Entry):
    """That collector, as it would be listed."""

    @property
    def make(self) -> type[Silent]:
        """Give its class."""
        return Silent


def test_a_collector_without_data_cannot_be_documented(tmp_path: Path) -> None:
    """It is named, with what to do, instead of having an empty table."""
    silent = SilentEntry("silent", "Silent")
    with pytest.raises(NothingFoundError, match="collector silent has no data on any captured"):
        find_metrics(silent)
    (tmp_path / "metrics.md").write_text(f"{BEGIN}\n{END}\n")
    with pytest.raises(PageError, match=r"metrics\.md: the collector silent"):
        fill_page(Page("metrics.md", (entry_of("loadavg"), silent)), tmp_path)


def test_check_accepts_what_was_written(docs: Path) -> None:
    """Pages just written are up to date."""
    assert main(["--check", "--docs", str(docs)]) == 0


@pytest.mark.parametrize("name", ["collectors/loadavg.md", "metrics.md"])
def test_check_names_the_stale_page(
    docs: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that fell behind is named, with the command that helps, and is not touched."""
    page = docs / name
    stale = page.read_text().replace("node_load5", "node_load_five")
    page.write_text(stale)
    assert main(["--check", "--docs", str(docs)]) == 1
    message = capsys.readouterr().err
    assert f"{name}: not up to date" in message
    assert "python -m tools.generate_docs" in message
    assert page.read_text() == stale


def test_missing_page_is_an_error(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A collector without a page cannot be forgotten."""
    (docs / "collectors/uname.md").unlink()
    assert main(["--docs", str(docs)]) == 2
    assert "uname.md: missing" in capsys.readouterr().err


def test_page_without_markers_is_an_error(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the table belongs is marked exactly once."""
    page = docs / "collectors/time.md"
    page.write_text(page.read_text() * 2)
    assert main(["--check", "--docs", str(docs)]) == 2
    assert "time.md: expected one block" in capsys.readouterr().err
