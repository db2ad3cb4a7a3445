"""States of an instance: its health, journal, mirror, lock table, licence.

Source: SYS.Stats.Dashboard, %SYSTEM.Monitor, %SYS.Journal.System, %SYSTEM.Mirror, SYS.Lock and
%SYSTEM.License in %SYS. What a sensor shows as well (sessions, processes, licences in use per cent)
is not asked for again.
"""

from __future__ import annotations

import re

from exporter.iris.access.calls import Get, Value
from exporter.iris.access.session import Session
from exporter.iris.metrics.rows import OTHER, Head, Rows, counter, state, to_number

UNIX_EPOCH_DAY = 47_117
"""1 January 1970 as the first part of $HOROLOG, which counts days from 31 December 1840."""
DAY_SECONDS = 86_400

DASHBOARD_WORDS = ("normal", "warning", "troubled")
"""For the first of them SYS.Monitor.SystemSubscriber, which fills it, is documented to say OK."""
JOURNAL_STATES = ("normal", "disabled", "suspended", "frozen", "paused")
"""By the number that GetState gives."""
HEALTH_STATES = {0: "ok", 1: "warning", 2: "alert", -1: "hung"}
MIRROR_STATES = (
    *("notinit", "primary", "backup", "connected", "transition"),
    *("synchronizing", "waiting", "stopped", "crashed"),
)

DASHBOARD_STATES = {
    "DatabaseSpace": state(
        "iris_database_space_state",
        "Room in the databases: warning below 5 MB, troubled below 2 MB "
        "(SYS.Stats.Dashboard: DatabaseSpace).",
    ),
    "JournalSpace": state(
        "iris_journal_space_state",
        "Room for the journal: warning below 250 MB, troubled below 50 MB "
        "(SYS.Stats.Dashboard: JournalSpace).",
    ),
    "LockTable": state(
        "iris_lock_table_state",
        "Lock table: warning above 85 %, troubled above 95 % (SYS.Stats.Dashboard: LockTable).",
    ),
    "WriteDaemon": state(
        "iris_write_daemon_state",
        "Write daemon: troubled when it does not get on (SYS.Stats.Dashboard: WriteDaemon).",
    ),
    "ECPAppServer": state(
        "iris_ecp_client_state",
        "Connections to data servers, all together (SYS.Stats.Dashboard: ECPAppServer).",
    ),
    "ECPDataServer": state(
        "iris_ecp_server_state",
        "Connections of application servers, all together (SYS.Stats.Dashboard: ECPDataServer).",
    ),
}
DASHBOARD_NUMBERS = {
    "SeriousAlerts": Head(
        "iris_serious_alerts", "Serious alerts posted (SYS.Stats.Dashboard: SeriousAlerts)."
    ),
    "ApplicationErrors": Head(
        "iris_application_errors",
        "Application errors in the log (SYS.Stats.Dashboard: ApplicationErrors).",
    ),
    "LicenseLimit": Head(
        "iris_license_limit", "Licence units of the key (SYS.Stats.Dashboard: LicenseLimit)."
    ),
    "LicenseCurrent": Head(
        "iris_license_used", "Licence units in use (SYS.Stats.Dashboard: LicenseCurrent)."
    ),
    "LicenseHigh": Head(
        "iris_license_max_used",
        "Most licence units in use at once since startup (SYS.Stats.Dashboard: LicenseHigh).",
    ),
}
UPTIME = Head(
    "iris_uptime_seconds",
    "How long the instance has been running, in whole minutes (SYS.Stats.Dashboard: SystemUpTime).",
)
_UPTIME = re.compile(r"(\d+)d\s+(\d+)h\s+(\d+)m")

HEALTH = state(
    "iris_health_state", "What the instance thinks of its health (%SYSTEM.Monitor: State)."
)
ALERTS = counter(
    "iris_alerts_total",
    "Alerts posted to the log; clearing them looks like a start (%SYSTEM.Monitor: Alerts).",
)
JOURNAL = state("iris_journal_state", "State of the journal (%SYS.Journal.System: GetState).")
JOURNAL_FREE = Head(
    "iris_journal_free_bytes", "Room for journal files (%SYS.Journal.System: GetFreeSpace)."
)
JOURNAL_OFFSET = Head(
    "iris_journal_file_offset_bytes",
    "End of the last record in the current journal file (%SYS.Journal.System: "
    "GetCurrentFileOffset).",
)
MIRROR = state(
    "iris_mirror_state", "State of this mirror member; notinit is no member (%SYSTEM.Mirror)."
)
LOCKS_USED = Head(
    "iris_lock_table_used_bytes", "Lock table in use (SYS.Lock: GetLockSpaceInfo, third part)."
)
LOCKS_FREE = Head(
    "iris_lock_table_usable_bytes",
    "Lock table that can still be used (SYS.Lock: GetLockSpaceInfo, second part).",
)
LICENCE_EXPIRES = Head(
    "iris_license_expiration_timestamp_seconds",
    "Day on which the key expires, in Unix time, as if the instance were in UTC "
    "(%SYSTEM.License: KeyExpirationDate).",
)


def read_dashboard(session: Session, rows: Rows) -> None:
    """What the System Dashboard of the Management Portal shows, in one round trip."""
    names = (*DASHBOARD_STATES, *DASHBOARD_NUMBERS, "SystemUpTime")
    values = session.with_object("SYS.Stats.Dashboard", "Sample", [], [*map(Get, names)])
    found = dict(zip(names, values, strict=True))
    for name, head in DASHBOARD_STATES.items():
        word = found[name]
        rows.add_state(head, DASHBOARD_WORDS, "normal" if word == "OK" else word)
    for name, head in DASHBOARD_NUMBERS.items():
        rows.add(head, found[name])
    rows.add(UPTIME, parse_uptime(found["SystemUpTime"]))


def read_health(session: Session, rows: Rows) -> None:
    """The state of the system, and its alerts; the log's cursor stays where it is."""
    number = to_number(session.call("%SYSTEM.Monitor", "State"))
    if number is not None:
        current = HEALTH_STATES.get(int(number), OTHER)
        rows.add_state(HEALTH, tuple(HEALTH_STATES.values()), current)
    rows.add(ALERTS, session.call("%SYSTEM.Monitor", "Alerts"))


def read_journal(session: Session, rows: Rows) -> None:
    """Whether the journal is written, and how much room it has."""
    number = to_number(session.call("%SYS.Journal.System", "GetState"))
    if number is not None:
        current = dict(enumerate(JOURNAL_STATES)).get(int(number), OTHER)
        rows.add_state(JOURNAL, JOURNAL_STATES, current)
    rows.add(JOURNAL_FREE, session.call("%SYS.Journal.System", "GetFreeSpace"))
    rows.add(JOURNAL_OFFSET, session.call("%SYS.Journal.System", "GetCurrentFileOffset"))


def read_mirror(session: Session, rows: Rows) -> None:
    """The state of a mirror member."""
    rows.add_state(MIRROR, MIRROR_STATES, session.call("%SYSTEM.Mirror", "GetStatus"))


def read_locks(session: Session, rows: Rows) -> None:
    """How full the lock table is: `available,usable,used` in bytes."""
    text = session.call("SYS.Lock", "GetLockSpaceInfo")
    parts = str(text).split(",")
    if len(parts) == len(("available", "usable", "used")):
        rows.add(LOCKS_FREE, parts[1])
        rows.add(LOCKS_USED, parts[2])


def read_licence(session: Session, rows: Rows) -> None:
    """When the key expires."""
    day = session.call("%SYSTEM.License", "KeyExpirationDate")
    number = to_number(str(day).partition(",")[0])
    if number:
        rows.add(LICENCE_EXPIRES, (int(number) - UNIX_EPOCH_DAY) * DAY_SECONDS)


def parse_uptime(text: Value) -> int | None:
    """Take `23d 23h 07m`; anything else is unknown."""
    found = _UPTIME.fullmatch(str(text).strip())
    if found is None:
        return None
    days, hours, minutes = map(int, found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60
