"""What can be counted: SYS.Stats samples, journal, licence, mirror, databases, state.

Each counter grows by a rate of its own while the clock moves, and begins anew at a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.iris.double.clock import Clock, horolog
from tests.iris.double.hooks import Reference, User, WithOutputs
from tests.iris.double.licence import Licence
from tests.iris.double.objects import ModelObject
from tests.iris.double.status import OK, error_status

MEGABYTE = 1_048_576

GLOBAL_RATES = {
    "RefLocal": 5000,
    "RefUpdateLocal": 800,
    "RefPrivate": 300,
    "RefUpdatePrivate": 100,
    "RefRemote": 40,
    "RefUpdateRemote": 4,
    "LogicalBlocks": 9000,
    "PhysBlockReads": 120,
    "PhysBlockWrites": 90,
    "WIJWrites": 30,
    "ThrottleCnt": 1,
    "JrnEntries": 700,
    "JrnBlocks": 12,
}
GLOBAL_GAUGES = {
    "ThrottleCur": 2,
    "ThrottleMax": 100,
    "UpdateCnt": 1,
    "UpdateLock": 0,
    "WDWake": 1,
    "WDQueueSize": 7,
}
ROUTINE_RATES = {
    "RtnCommands": 90_000,
    "RtnCallsLocal": 2500,
    "RtnCallsRemote": 3,
    "RtnFetchLocal": 20,
    "RtnFetchRemote": 2,
    "RtnNotCached": 1,
}
DASHBOARD_RATES = {
    "GloRefs": 5000,
    "GloSets": 800,
    "RouRefs": 2500,
    "LogicalReads": 9000,
    "DiskReads": 120,
    "DiskWrites": 90,
    "JournalEntries": 700,
}
ECP_CLIENT_RATES = {
    "GloRef": 40,
    "ByteRcvd": 900,
    "ByteSent": 700,
    "BlockAdd": 5,
    "BlockBuffPurge": 2,
    "BlockSvrPurge": 1,
}
ECP_SERVER_RATES = {
    "GloRef": 60,
    "ReqRcvd": 30,
    "BlockSent": 8,
    "ByteRcvd": 500,
    "ByteSent": 1500,
    "LockGrant": 6,
    "LockFail": 1,
}
BUFFER_GAUGES = {"Avail": 900, "WrtQSz": 7, "WrtSz": 64, "WrtMax": 128, "BatchQ": 1, "Interact": 2}
BUFFER_SIZES = {8192: 25_600, 16_384: 0, 32_768: 0, 65_536: 128}
RESOURCES = ("Per-BDB", "Global", "Routine", "Journal")
SEIZE_RATES = {"Seize": 600, "Nseize": 5, "Aseize": 9, "Bseize": 2, "BusySets": 11}

DATABASE_MEGABYTES = {"/usr/irissys/mgr/": 159, "/data/r&d/": 1211}
JOURNAL_DIRECTORY = "/usr/irissys/mgr/journal/"


class Statistics:
    """The values, which tests may change, and the classes that tell them."""

    def __init__(self, clock: Clock, licence: Licence) -> None:
        self._clock = clock
        self._licence = licence
        self.started: datetime = clock.now
        self.journal_state = 0
        self.system_state = 0
        self.mirror_status = "NOTINIT"
        self.dashboard_texts = {
            "DatabaseSpace": "Normal",
            "JournalStatus": "Normal",
            "JournalSpace": "Normal",
            "LockTable": "Normal",
            "WriteDaemon": "Normal",
            "ECPAppServer": "OK",
            "ECPDataServer": "OK",
            "LastBackup": "",
        }
        self.databases: dict[str, int] = {
            "/usr/irissys/mgr/": 40 * MEGABYTE,
            "/data/r&d/": 900 * MEGABYTE,
        }
        """Free bytes of each database by its directory."""
        self.write_daemons = 1

    def restart(self) -> None:
        """Count from 0 again."""
        self.started = self._clock.now

    def class_methods(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        """What can be called by name."""
        return {
            ("SYS.Stats.Dashboard", "Sample"): lambda _: self._dashboard(),
            ("SYS.Stats.Global", "Sample"): lambda _: _sample(
                "SYS.Stats.Global", {**self._counted(GLOBAL_RATES), **GLOBAL_GAUGES}
            ),
            ("SYS.Stats.Routine", "Sample"): lambda _: _sample(
                "SYS.Stats.Routine", self._counted(ROUTINE_RATES)
            ),
            ("SYS.Stats.WriteDaemon", "Sample"): lambda _, number=1: self._write_daemon(number),
            ("SYS.Stats.Buffer", "Sample"): lambda _, size: self._buffer(int(size)),
            ("SYS.Stats.Resource", "Sample"): lambda _, number: self._resource(int(number)),
            ("SYS.Stats.ECPAppSvr", "Sample"): lambda _: self._ecp(
                "SYS.Stats.ECPAppSvr", ECP_CLIENT_RATES
            ),
            ("SYS.Stats.ECPDataSvr", "Sample"): lambda _: self._ecp(
                "SYS.Stats.ECPDataSvr", ECP_SERVER_RATES
            ),
            ("%SYS.Journal.System", "GetState"): lambda _: self.journal_state,
            ("%SYS.Journal.System", "GetCurrentFileName"): lambda _: (
                f"{JOURNAL_DIRECTORY}{self._clock.now:%Y%m%d}.001"
            ),
            ("%SYS.Journal.System", "GetCurrentFileOffset"): lambda _: 131_072 * self._seconds,
            ("%SYS.Journal.System", "GetFreeSpace"): lambda _: 20_000 * MEGABYTE,
            ("%SYS.Journal.System", "GetPrimaryDirectory"): lambda _: JOURNAL_DIRECTORY,
            ("%SYSTEM.Mirror", "IsMember"): lambda _: int(self.mirror_status != "NOTINIT"),
            ("%SYSTEM.Mirror", "IsPrimary"): lambda _: int(self.mirror_status == "PRIMARY"),
            ("%SYSTEM.Mirror", "IsBackup"): lambda _: int(self.mirror_status == "BACKUP"),
            ("%SYSTEM.Mirror", "GetStatus"): lambda _: self.mirror_status,
            ("%SYSTEM.Monitor", "State"): lambda _: self.system_state,
            ("%SYSTEM.Monitor", "Alerts"): lambda _: 3,
            ("SYS.Lock", "GetLockSpaceInfo"): lambda _: "5242880,5240000,2880",
            ("SYS.Database", "%OpenId"): self._database,
            ("%SYS.DatabaseQuery", "GetDatabaseFreeSpace"): self._free_space,
            ("%SYS.DatabaseQuery", "GetFreeSpace"): self._free_space_and_blocks,
        }

    @property
    def _seconds(self) -> int:
        return int((self._clock.now - self.started).total_seconds())

    def _counted(self, rates: Mapping[str, int]) -> dict[str, int]:
        """What has come together since the start, beginning at a second's worth."""
        return {name: rate * (1 + self._seconds) for name, rate in rates.items()}

    def _dashboard(self) -> Reference:
        hours, minutes = self._seconds // 3600, self._seconds // 60 % 60
        values = {
            **self._counted(DASHBOARD_RATES),
            **self.dashboard_texts,
            "GloRefsPerSec": DASHBOARD_RATES["GloRefs"],
            "CacheEfficiency": Decimal("98.7"),
            "ECPAppSrvRate": 0,
            "ECPDataSrvRate": 0,
            "SystemUpTime": f"{hours // 24}d {hours % 24:2}h {minutes:02}m",
            "Processes": 37,
            "CSPSessions": 2,
            "SeriousAlerts": 3,
            "ApplicationErrors": 5,
            "LicenseLimit": self._licence.limit,
            "LicenseType": "Concurrent User",
            "LicenseCurrent": self._licence.used,
            "LicenseHigh": self._licence.most_used,
            "LicenseCurrentPct": 100 * self._licence.used // max(self._licence.limit, 1),
            "LicenseHighPct": 100 * self._licence.most_used // max(self._licence.limit, 1),
        }
        return _sample("SYS.Stats.Dashboard", values)

    def _write_daemon(self, number: Any) -> Reference:
        index = int(number) if 1 <= int(number) <= self.write_daemons else 0
        values = {
            "Index": index,
            "CurBlk": 12,
            "CycleBlk": 40,
            "VolumeQ": "",
            "Wake": 0,
            "WakeStart": "",
            "CycleTime": 150,
            "CycleStart": horolog(self._clock.utc),
            "Phase": 0,
            **self._counted({"TotBlk": 90, "Cycles": 1}),
        }
        return _sample("SYS.Stats.WriteDaemon", values if index else {**values, "CurBlk": ""})

    def _buffer(self, size: int) -> Reference:
        return _sample(
            "SYS.Stats.Buffer", {"NumSize": BUFFER_SIZES[size], "Min": 1, **BUFFER_GAUGES}
        )

    def _resource(self, number: int) -> Reference:
        name = RESOURCES[number - 1] if 1 <= number <= len(RESOURCES) else ""
        return _sample("SYS.Stats.Resource", {"Name": name, **self._counted(SEIZE_RATES)})

    def _ecp(self, class_name: str, rates: Mapping[str, int]) -> Reference:
        return _sample(class_name, {"MaxConn": 2, "ActConn": 0, **self._counted(rates)})

    def _database(self, _: User, directory: str, *__: Any) -> Reference | None:
        if directory not in self.databases:
            return None
        megabytes = DATABASE_MEGABYTES[directory]
        values = {"Directory": directory, "Size": megabytes, "MaxSize": 0, "Mounted": 1, "Full": 0}
        return _sample("SYS.Database", values)

    def _free_space(self, _: User, directory: str, *__: Any) -> WithOutputs:
        free = self.databases.get(directory)
        if free is None:
            return WithOutputs(error_status(5019, directory), [0])
        return WithOutputs(OK, [Decimal(free) / MEGABYTE])

    def _free_space_and_blocks(self, user: User, directory: str, *__: Any) -> WithOutputs:
        status, (megabytes,) = self._free_space(user, directory)
        return WithOutputs(status, [megabytes, int(megabytes * MEGABYTE // 8192)])


def _sample(class_name: str, values: Mapping[str, Any]) -> Reference:
    return Reference(ModelObject(values), class_name)
