"""Reports of ours: found by name, fetched whole, removed when they are old."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance import reports
from exporter.iris.system_performance.reports import CHUNK_BYTES, MAX_PREVIEWS, Report
from exporter.iris.system_performance.runs import (
    active_runids,
    ended_runids,
    parse_runid,
    read_ended,
)
from exporter.iris.system_performance.runs import ours as ours_of
from tests.iris.monitored import MINUTE, SHORT, Monitored

DIRECTORY = "/usr/irissys/mgr/"
RUNID = "20261121_070000_perfwatch"


class Characters(bytes):
    """A file that comes as characters."""

    def __getitem__(self, _: object) -> Any:
        return self

    def decode(self, *_: object, **__: object) -> str:
        """Give one that is no byte."""
        return "\u20ac"


def end_run(monitored: Monitored, profile: str = "perfwatch", minutes: int = 10) -> str:
    """Let a run of a profile run to its end."""
    performance = monitored.instance.performance
    performance.addprofile(profile, "", 10, minutes * 6)
    runid = performance.run(profile)
    monitored.instance.advance(minutes * MINUTE)
    return str(runid)


def find(monitored: Monitored, runid: str) -> Report | None:
    """Find the report of a run."""
    run = parse_runid(runid)
    assert run is not None
    host = reports.find_host(monitored.session)
    return reports.find_report(monitored.session, host, read_ended(monitored.session, run))


def found(monitored: Monitored, runid: str) -> Report:
    """Find a report that is there."""
    report = find(monitored, runid)
    assert report is not None
    return report


def test_a_report_is_found_with_its_size_and_time(monitored: Monitored) -> None:
    """In the directory that the history names."""
    monitored.instance.performance.setlogdir("/var/reports")
    report = found(monitored, runid := end_run(monitored))
    assert report.path == f"/var/reports/irishost_IRIS_{runid}.html"
    assert report.size_bytes == len(monitored.instance.files.read(report.path) or b"")
    assert report.modified == monitored.instance.clock.now


def test_a_compressed_report_is_found(monitored: Monitored) -> None:
    """Its name says that it is compressed."""
    plain = found(monitored, runid := end_run(monitored)).path
    monitored.instance.files.remove(plain)
    monitored.instance.files.write(plain + ".gz", b"\x1f\x8b")
    assert found(monitored, runid).path == plain + ".gz"


def test_a_report_of_a_windows_host_is_looked_for_there(monitored: Monitored) -> None:
    """With its own separator."""
    path = f"C:\\IRIS\\mgr\\irishost_IRIS_{RUNID}.html"
    monitored.instance.files.write(path, b"x")
    where = "67895,1^C:\\IRIS\\mgr"
    monitored.instance.globals.set("IRIS.SystemPerformance", "history", RUNID, value=where)
    assert found(monitored, RUNID).path == path


def test_without_a_report_there_is_none(monitored: Monitored) -> None:
    """Neither where it was removed, nor where the history does not say where it was."""
    runid = end_run(monitored)
    monitored.instance.files.remove(found(monitored, runid).path)
    assert find(monitored, runid) is None
    monitored.instance.globals.set("IRIS.SystemPerformance", "history", runid, value="67895,1")
    assert find(monitored, runid) is None


def test_the_list_has_ours_alone(monitored: Monitored) -> None:
    """The oldest first; others' are left out, and what is still active."""
    ours = [end_run(monitored) for _ in range(2)]
    end_run(monitored, "nightly")
    monitored.instance.performance.run("perfwatch")
    host = reports.find_host(monitored.session)
    listed = reports.list_reports(monitored.session, host, "perfwatch")
    assert [report.run.runid for report in listed] == ours
    assert len(active_runids(monitored.session)) == 1
    assert len(ended_runids(monitored.session, 2)) == 2


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 1])
def test_a_report_is_fetched_whole(monitored: Monitored, tmp_path: Path, size: int) -> None:
    """Byte by byte, whatever bytes; its file is for us alone, and nothing else is left."""
    report = found(monitored, runid := end_run(monitored))
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    monitored.instance.files.write(report.path, content)
    target = tmp_path / "report.html"
    told: list[tuple[int, int | None]] = []
    reports.fetch(
        monitored.session,
        found(monitored, runid),
        target,
        progress=lambda *numbers: told.append(numbers),
    )
    assert target.read_bytes() == content
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]
    assert told[-1] == (size, size)


def test_a_report_that_shrinks_meanwhile_is_not_taken(monitored: Monitored, tmp_path: Path) -> None:
    """Half a file is none, and what was there stays."""
    report = found(monitored, end_run(monitored))
    target = tmp_path / "report.html"
    target.write_text("the one before")
    monitored.instance.files.write(report.path, b"short")
    with pytest.raises(IrisError, match="and 5 came"):
        reports.fetch(monitored.session, report, target)
    assert target.read_text() == "the one before"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_larger_than_it_said_is_not_read_to_its_end(
    monitored: Monitored, tmp_path: Path
) -> None:
    """It might have none, and fill this host's disk."""
    report = found(monitored, end_run(monitored))._replace(size_bytes=1)
    monitored.instance.files.write(report.path, b"x" * (3 * CHUNK_BYTES))
    with pytest.raises(IrisError, match=f"has 1 bytes, and {CHUNK_BYTES} came"):
        reports.fetch(monitored.session, report, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_report_of_characters_is_not_taken(monitored: Monitored, tmp_path: Path) -> None:
    """Bytes are asked for; what came instead would be another file."""
    report = found(monitored, end_run(monitored))
    monitored.instance.files.write(report.path, Characters(b"x"))
    with pytest.raises(IrisError, match="characters that are no bytes"):
        reports.fetch(monitored.session, report, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_directory_that_is_gone_is_told(monitored: Monitored, tmp_path: Path) -> None:
    """In the words of IRIS."""
    report = found(monitored, end_run(monitored))._replace(path="/no/such/report.html")
    with pytest.raises(IrisError, match=r"IRIS cannot read /no/such/report\.html: ERROR #5019"):
        reports.fetch(monitored.session, report, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("previews_made", [0, 2, MAX_PREVIEWS])
def test_removing_takes_what_belongs_to_the_run(monitored: Monitored, previews_made: int) -> None:
    """Report, previews and logs; the files of other runs stay."""
    runid = end_run(monitored)
    other = end_run(monitored)
    files = monitored.instance.files
    stem = f"{DIRECTORY}irishost_IRIS_{runid}"
    previews = [f"{stem}_P{number}.html" for number in range(1, previews_made + 1)]
    for name in (*previews, f"{DIRECTORY}{runid}.log"):
        files.write(name, b"x")
    host = reports.find_host(monitored.session)
    removed = reports.remove(monitored.session, host, found(monitored, runid))
    assert removed == previews_made + 2
    assert files.paths == [f"{DIRECTORY}irishost_IRIS_{other}.html"]


def test_what_cannot_be_removed_is_told(monitored: Monitored) -> None:
    """With what helps."""
    report = found(monitored, end_run(monitored))
    monitored.instance.files.undeletable.add(report.path)
    host = reports.find_host(monitored.session)
    with pytest.raises(IrisError, match=f"IRIS cannot remove {report.path}") as raised:
        reports.remove(monitored.session, host, report)
    assert raised.value.kind is ErrorKind.REJECTED
    assert "account that runs IRIS" in raised.value.remedy


def test_what_somebody_else_removes_first_is_removed(monitored: Monitored) -> None:
    """It is what was wanted."""
    report = found(monitored, end_run(monitored))
    monitored.instance.files.remove(report.path)
    host = reports.find_host(monitored.session)
    assert reports.remove(monitored.session, host, report) == 1


@pytest.mark.parametrize(
    "runid",
    ["/etc/20200101_0700_perfwatch", "20200101_0700_*", "*", "20200101_0700_/../perfwatch"],
)
def test_the_schedule_removes_nothing_that_a_forged_history_names(
    monitored: Monitored, runid: str
) -> None:
    """Runids that are none of ours, however they look, and whatever directory they have.

    Nor does the daemon take them for ours, where it removes reports itself.
    """
    files = monitored.instance.files
    report = "/etc/irishost_IRIS_20200101_0700_perfwatch.html"
    others = {"/etc/passwd", "/perfwatch", f"{DIRECTORY}a_IRIS_b.html", f"{report}.keep"}
    ours = {f"{report}.gz", "/etc/20200101_0700_perfwatch.log"}
    for path in others | ours:
        files.write(path, b"x")
    history = ("IRIS.SystemPerformance", "history")
    monitored.instance.globals.set(*history, runid, value="1,1^/")
    monitored.instance.globals.set(*history, "20200101_0700_perfwatch", value="1,1^/etc/")
    monitored.configure(SHORT)
    monitored.instance.advance(10 * MINUTE)
    assert not ours_of([runid], "perfwatch")
    assert others <= set(files.paths)
    assert not ours & set(files.paths)


def test_the_schedule_removes_what_is_old_and_ours(monitored: Monitored) -> None:
    """While nobody is connected: others' reports stay, and so do those that are young."""
    end_run(monitored, "nightly")
    monitored.configure(SHORT)
    old = monitored.active_runs[0]
    monitored.instance.advance(2 * 3600)
    names = monitored.reports
    assert not [name for name in names if old in name]
    assert [name for name in names if "nightly" in name]
    ages = [
        monitored.instance.clock.now - run.started
        for name in names
        if (run := parse_runid(name.removeprefix("irishost_IRIS_").removesuffix(".html")))
        and run.profile == "perfwatch"
    ]
    assert ages
    assert max(ages).total_seconds() < SHORT.retention_seconds + SHORT.duration_seconds + 600
