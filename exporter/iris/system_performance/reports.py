"""Reports of our runs: found, fetched, and removed when they are old. Nobody else's, ever.

They are files of the host that IRIS runs on. Their names are made from those of the host and of
the instance and from the runid, so they are asked for by name: to list a directory would need
%Development:USE.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from exporter.iris.access.calls import Invoke, Value
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance.runs import (
    Run,
    active_runids,
    ended_runids,
    from_horolog,
    ours,
    read_ended,
)
from exporter.iris.system_performance.statuses import check_status

FILE = "%Library.File"
STREAM = "%Stream.FileBinary"

ENDINGS = (".html", ".html.gz", ".html.zip")
"""Of a report: as it is, or compressed."""

LEFTOVERS = (".log", ".mgst")
"""What a run may leave beside its report."""

MAX_PREVIEWS = 20

CHUNK_BYTES = 131_072
"""Of a file, in one answer."""

REMEDY = "the account that runs IRIS must be able to read and write the directory of the reports"

PREFIX = "perfwatch-"
"""Of the local file while it is being written: what is left of it, the cleaning up removes."""


class Host(NamedTuple):
    """What names of reports begin with."""

    node: str
    instance: str


class Report(NamedTuple):
    """A report of ours, on the instance's host."""

    run: Run
    path: str
    size_bytes: int | None
    modified: datetime | None
    """In the server's local time."""


def find_host(session: Session) -> Host:
    """Ask for the names."""
    return Host(
        str(session.call("%SYS.System", "GetNodeName")),
        str(session.call("%SYS.System", "GetInstanceName")),
    )


def find_report(session: Session, host: Host, run: Run) -> Report | None:
    """Find the report of a run that has ended; None where there is none any more."""
    if not run.directory:
        return None
    for ending in ENDINGS:
        path = _stem(host, run) + ending
        if _exists(session, path):
            size = session.call(FILE, "GetFileSize", path)
            modified = session.call(FILE, "GetFileDateModified", path)
            return Report(run, path, _size(size), from_horolog(modified))
    return None


def list_reports(session: Session, host: Host, profile: str) -> list[Report]:
    """List the reports of ours that are there, the oldest first."""
    active = set(active_runids(session))
    runs = [run for run in ours(ended_runids(session), profile) if run.runid not in active]
    found = (find_report(session, host, read_ended(session, run)) for run in runs)
    return [report for report in found if report is not None]


def fetch(
    session: Session,
    report: Report,
    target: Path,
    *,
    progress: Callable[[int, int | None], None] = lambda *_: None,
) -> None:
    """Copy a report into a local file, which appears when it is complete; only we may read it.

    `progress` is told the bytes that are there, and the size. Raises OSError too.
    """
    handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _copy(session, report, file, progress)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def remove(session: Session, host: Host, report: Report) -> int:
    """Remove a report of ours and what its run has left beside it; how many files went.

    Raises REJECTED for what cannot be removed: then nothing newer is removed before it.
    """
    removed = 0
    for path in _files(session, host, report):
        if session.call(FILE, "Delete", path) != 1 and _exists(session, path):
            raise IrisError(ErrorKind.REJECTED, f"IRIS cannot remove {path}", REMEDY)
        removed += 1
    return removed


def _files(session: Session, host: Host, report: Report) -> Iterator[str]:
    """What there is of a run. The report comes last, as it shows that something is left."""
    stem = _stem(host, report.run)
    for number in range(1, MAX_PREVIEWS + 1):
        path = f"{stem}_P{number}.html"
        if not _exists(session, path):
            break
        yield path
    for ending in LEFTOVERS:
        path = _join(report.run.directory, report.run.runid + ending)
        if _exists(session, path):
            yield path
    yield report.path


def _copy(
    session: Session,
    report: Report,
    file: BinaryIO,
    progress: Callable[[int, int | None], None],
) -> None:
    done, size = 0, report.size_bytes
    while True:
        linked, _, text = session.with_object(
            STREAM,
            "%New",
            (),
            [
                Invoke("LinkToFile", (report.path,)),
                Invoke("MoveTo", (done + 1,)),
                Invoke("Read", (CHUNK_BYTES,)),
            ],
        )
        check_status(session, linked, f"IRIS cannot read {report.path}", REMEDY)
        chunk = _bytes(text, report)
        file.write(chunk)
        done += len(chunk)
        progress(done, size)
        if len(chunk) < CHUNK_BYTES or (size is not None and done > size):
            break
    if size is not None and done != size:
        raise IrisError(
            ErrorKind.SERVER,
            f"{report.path} has {size} bytes, and {done} came",
            "the report may have been removed meanwhile: list the reports again",
        )


def _bytes(text: Value, report: Report) -> bytes:
    """Give the bytes of a piece: each is a character."""
    try:
        return ("" if text is None else str(text)).encode("latin-1")
    except UnicodeEncodeError as error:
        raise IrisError(
            ErrorKind.SERVER, f"{report.path} came with characters that are no bytes", REMEDY
        ) from error


def _exists(session: Session, path: str) -> bool:
    return session.call(FILE, "Exists", path) == 1


def _size(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value >= 0 else None


def _stem(host: Host, run: Run) -> str:
    return _join(run.directory, f"{host.node}_{host.instance}_{run.runid}")


def _join(directory: str, name: str) -> str:
    """Add a name to a directory of the server's, which may be a Windows one."""
    separator = "\\" if "\\" in directory and "/" not in directory else "/"
    return directory + ("" if directory.endswith(separator) else separator) + name
