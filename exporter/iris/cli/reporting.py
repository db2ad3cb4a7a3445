"""Runs and reports on the screen, and a report fetched."""

from __future__ import annotations

import argparse

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.cli.calling import Context, Result
from exporter.iris.cli.output import duration, new_file, size, table
from exporter.iris.system_performance.observation import observe
from exporter.iris.system_performance.reports import (
    Report,
    fetch,
    find_host,
    find_report,
    list_reports,
)
from exporter.iris.system_performance.runs import ours, read_ended
from exporter.iris.system_performance.status_document import report_document, run_document


def list_runs(context: Context) -> Result:
    """List our runs: the active ones, and those whose reports are there."""
    observed = observe(context.session, context.instance.policy())
    reports = _reports(context)
    active = [run_document(run) for run in observed.runs or ()]
    ended = [run_document(report.run) for report in reports]
    rows = [
        *((run, "active", duration(run["remaining_seconds"])) for run in active),
        *((run, "ended", None) for run in ended),
    ]
    lines = [(run["runid"], word, run["started"], run["ended"], left) for run, word, left in rows]
    text = table(("RUN", "STATE", "STARTED", "ENDED", "ENDS IN"), lines) if lines else "no runs"
    return Result([*active, *ended], text)


def list_our_reports(context: Context) -> Result:
    """List our reports."""
    found = [report_document(report) for report in _reports(context)]
    rows = [(one["runid"], size(one["size_bytes"]), one["modified"], one["path"]) for one in found]
    text = table(("RUN", "SIZE", "WRITTEN", "FILE"), rows) if rows else "no reports"
    return Result(found, text)


def _reports(context: Context) -> list[Report]:
    context.show("looking for reports")
    session = context.session
    return list_reports(session, find_host(session), context.instance.policy().name)


def declare_fetch(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("runid", metavar="RUNID", help="as `perfwatch iris report list` has it")
    parser.add_argument("--output", metavar="FILE", help="default: RUNID and the report's ending")


def fetch_report(context: Context) -> Result:
    """Copy a report into a file that must not be there yet."""
    session, runid = context.session, context.options.runid
    runs = ours([runid], context.instance.policy().name)
    if not runs:
        raise ValueError(f"{runid!r} is no run of ours: see `perfwatch iris report list`")
    report = find_report(session, find_host(session), read_ended(session, runs[0]))
    if report is None:
        raise IrisError(
            ErrorKind.ABSENT,
            f"there is no report of {runid}",
            "it may not have ended yet, or has been removed; see `perfwatch iris report list`",
        )
    ending = report.path.rpartition(runid)[2]  # the last: the directory may have it in its name
    target = new_file(context.options.output or f"{runid}{ending}", "--output")

    def progress(done: int, whole: int | None) -> None:
        context.show(f"{size(done)} of {size(whole)}")

    fetch(session, report, target, progress=progress)
    written = target.stat().st_size
    return Result({"file": str(target), "size_bytes": written}, f"{target}: {size(written)}")
