"""Sizes of databases, as they are now: the sensors' free space is of once a day.

Source: SYS.Database and %SYS.DatabaseQuery.GetDatabaseFreeSpace in %SYS (needs %Admin_Operate:U).
Which databases there are is taken from the sensors. Two calls for each: this is for rare use.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.families import Family
from exporter.iris.access.calls import Get, Out
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.metrics.rows import Head, Rows, to_number

SENSOR = "iris_db_size_mb"
"""Names the databases."""

MAX_DATABASES = 500

MEBIBYTE = 2**20
"""IRIS says MB."""

LABELS = ("id", "dir")
"""As the sensors of databases have them."""

SIZE = Head("iris_database_size_bytes", "Size of a database (SYS.Database: Size).", labels=LABELS)
MOUNTED = Head(
    "iris_database_mounted", "Whether a database is mounted (SYS.Database: Mounted).", labels=LABELS
)
FREE = Head(
    "iris_database_free_bytes",
    "Room in a mounted database, as of a few minutes ago "
    "(%SYS.DatabaseQuery: GetDatabaseFreeSpace).",
    labels=LABELS,
)


def find_databases(sensors: Iterable[Family]) -> list[tuple[str, str]]:
    """List the names and directories of databases that the sensors name."""
    databases = [
        (labels.get("id", ""), labels.get("dir", ""))
        for family in sensors
        if family.name == SENSOR
        for labels in (
            dict(zip(family.labels, values, strict=True)) for values, _ in family.samples
        )
    ]
    return [one for one in databases if one[1]][:MAX_DATABASES]


def read_databases(session: Session, rows: Rows, databases: Iterable[tuple[str, str]]) -> None:
    """Add what is known of each; one that fails does not keep the others back.

    Raises IrisError at once where all would fail, and else the last one, at the end.
    """
    failure: IrisError | None = None
    for database in databases:
        try:
            _read_database(session, rows, database)
        except IrisError as error:
            if error.connection_lost or error.kind is ErrorKind.PRIVILEGE:
                raise
            failure = error
    if failure is not None:
        raise failure


def _read_database(session: Session, rows: Rows, database: tuple[str, str]) -> None:
    directory = database[1]
    size, mounted = session.with_object(
        "SYS.Database", "%OpenId", [directory], [Get("Size"), Get("Mounted")]
    )
    _add_megabytes(rows, SIZE, to_number(size), database)
    rows.add(MOUNTED, mounted, *database)
    if to_number(mounted):
        status, (free,) = session.call_with_outputs(
            "%SYS.DatabaseQuery", "GetDatabaseFreeSpace", directory, Out()
        )
        if to_number(status) == 1:
            _add_megabytes(rows, FREE, to_number(free), database)


def _add_megabytes(
    rows: Rows, head: Head, megabytes: float | None, database: tuple[str, str]
) -> None:
    if megabytes is not None:
        rows.add(head, round(megabytes * MEBIBYTE), *database)
