"""Answers of the classes that statistics are read from, with every property that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from exporter.families import Family
from exporter.iris.access.errors import IrisError
from exporter.iris.access.session import Session
from exporter.iris.metrics.sensors import Sensors
from exporter.iris.metrics.statistics import Statistics
from tests.iris.double.hooks import Reference, ServerError, WithOutputs
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.samples import read_samples

Method = Callable[..., Any]

GLOBAL = {
    "RefLocal": 5_000_000_000,
    "RefPrivate": "300",
    "RefRemote": 40,
    "RefUpdateLocal": 800,
    "RefUpdatePrivate": 100,
    "RefUpdateRemote": 4,
    "LogicalBlocks": 9000,
    "PhysBlockReads": 120,
    "PhysBlockWrites": 90,
    "WIJWrites": 30,
    "ThrottleCnt": 1,
    "ThrottleCur": 2,
    "ThrottleMax": 100,
    "JrnEntries": 700,
    "JrnBlocks": 12,
    "WDQueueSize": None,
}
ROUTINE = {
    "RtnCommands": 90_000,
    "RtnCallsLocal": 2500,
    "RtnCallsRemote": 3,
    "RtnFetchLocal": 20,
    "RtnFetchRemote": 2,
    "RtnNotCached": 1,
}
DASHBOARD = {
    "DatabaseSpace": "Normal",
    "JournalSpace": "Warning",
    "LockTable": "Troubled",
    "WriteDaemon": "Napping",
    "ECPAppServer": "OK",
    "ECPDataServer": "Normal",
    "SeriousAlerts": 0,
    "ApplicationErrors": 5,
    "LicenseLimit": 8,
    "LicenseCurrent": 3,
    "LicenseHigh": 4,
    "SystemUpTime": "23d 23h 07m",
}
ECP = {
    "GloRef": 40,
    "ByteRcvd": 900,
    "ByteSent": 700,
    "BlockAdd": 5,
    "BlockBuffPurge": 6,
    "BlockSvrPurge": 7,
    "ReqRcvd": 8,
    "BlockSent": 9,
    "LockGrant": 10,
    "LockFail": 11,
}
BUFFERS = {8192: 25_600, 65_536: 128}
RESOURCES = ("Global", "Routine")
DATABASES = {
    "/usr/irissys/mgr/": (159, 1, Decimal("8.25")),
    "/data/closed/": (11, 0, None),
}
"""Size and free space in MB, and whether it is mounted, by directory."""


def sample(class_name: str, values: dict[str, Any]) -> Reference:
    """Give an object with properties."""
    return Reference(dict(values), class_name)


def methods() -> dict[tuple[str, str], Method]:
    """All that is asked for; a test takes away or changes what it likes."""
    return {
        ("SYS.Stats.Global", "Sample"): lambda _: sample("SYS.Stats.Global", GLOBAL),
        ("SYS.Stats.Routine", "Sample"): lambda _: sample("SYS.Stats.Routine", ROUTINE),
        ("SYS.Stats.Dashboard", "Sample"): lambda _: sample("SYS.Stats.Dashboard", DASHBOARD),
        ("SYS.Stats.ECPAppSvr", "Sample"): lambda _: sample("SYS.Stats.ECPAppSvr", ECP),
        ("SYS.Stats.ECPDataSvr", "Sample"): lambda _: sample("SYS.Stats.ECPDataSvr", ECP),
        ("SYS.Stats.WriteDaemon", "Sample"): _write_daemon,
        ("SYS.Stats.Buffer", "Sample"): _buffers,
        ("SYS.Stats.Resource", "Sample"): _resource,
        ("%SYSTEM.Monitor", "State"): lambda _: 1,
        ("%SYSTEM.Monitor", "Alerts"): lambda _: 3,
        ("%SYS.Journal.System", "GetState"): lambda _: 0,
        ("%SYS.Journal.System", "GetFreeSpace"): lambda _: 359_769_714_688,
        ("%SYS.Journal.System", "GetCurrentFileOffset"): lambda _: 131_072,
        ("%SYSTEM.Mirror", "GetStatus"): lambda _: "NOTINIT",
        ("SYS.Lock", "GetLockSpaceInfo"): lambda _: "305653680,305645056,6224",
        ("%SYSTEM.License", "KeyExpirationDate"): lambda _: 67_725,
        ("SYS.Database", "%OpenId"): _database,
        ("%SYS.DatabaseQuery", "GetDatabaseFreeSpace"): _free_space,
    }


def _write_daemon(_: object, number: int) -> Reference:
    index = number if number <= len(("main", "auxiliary")) else 0
    values = {"Index": index, "TotBlk": 90 * number, "Cycles": number}
    return sample("SYS.Stats.WriteDaemon", values)


def _buffers(_: object, size: int) -> Reference:
    count = BUFFERS.get(size, 0)
    return sample("SYS.Stats.Buffer", {"NumSize": count, "Avail": count // 2})


def _resource(_: object, number: int) -> Reference:
    name = RESOURCES[number - 1] if number <= len(RESOURCES) else ""
    values = {"Name": name, "Seize": 600 * number, "Nseize": 5, "Aseize": 9}
    return sample("SYS.Stats.Resource", values)


def _database(_: object, directory: str) -> Reference | None:
    if directory not in DATABASES:
        return None
    size, mounted, _free = DATABASES[directory]
    return sample("SYS.Database", {"Size": size, "Mounted": mounted})


def _free_space(_: object, directory: str, *__: object) -> WithOutputs:
    return WithOutputs(1, [DATABASES[directory][2]])


def refuse(*_: object) -> None:
    """Be a method that is not permitted."""
    raise ServerError("<PROTECT> *")


SENSORS = (
    "iris_ecp_conn 2\niris_ecps_conn 1\n"
    'iris_db_size_mb{id="IRISSYS",dir="/usr/irissys/mgr/"} 159\n'
    'iris_db_size_mb{id="CLOSED",dir="/data/closed/"} 11\n'
    'iris_db_size_mb{id="NODIR"} 1\n'
)


def sensors(text: str = SENSORS) -> list[Family]:
    """What the sensors say of ECP and databases."""
    return Sensors("prod").read(text)


class Talk(NamedTuple):
    """An instance, the double that speaks for it, and a session with the real driver."""

    instance: Scripted
    double: Double
    session: Session


@contextmanager
def talk_to_instance() -> Iterator[Talk]:
    """Have all three, for the tests of a file."""
    instance = Scripted()
    with Double(instance) as double, Session(double.connection(name="prod")) as session:
        yield Talk(instance, double, session)


def collect_statistics(
    session: Session, sensors: Sequence[Family]
) -> tuple[list[Family], dict[str, IrisError]]:
    """Read all parts once; give the families, and why a part is absent."""
    statistics = Statistics(session.connection.name)
    return statistics.collect(session, sensors, 0.0), statistics.failures


def collect(talk: Talk, text: str = SENSORS) -> dict[str, float]:
    """Read everything once; nothing fails."""
    families, failures = collect_statistics(talk.session, sensors(text))
    assert failures == {}
    return short(families)


def short(families: list[Family]) -> dict[str, float]:
    """Samples without the label of the instance."""
    return {
        key.replace('iris_instance="prod",', "")
        .replace(',iris_instance="prod"', "")
        .replace('{iris_instance="prod"}', ""): value
        for key, value in read_samples(families).items()
    }


def states_of(found: dict[str, float], name: str) -> list[str]:
    """The states that a stateset says it is in."""
    return [key for key, value in found.items() if key.startswith(f"{name}{{") and value == 1]
