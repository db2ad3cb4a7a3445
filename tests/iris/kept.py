"""Settings of an instance that a double speaks for, and a keeper whose clocks a test moves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from exporter.iris.access.session import Session
from exporter.iris.keeper import Keeper
from exporter.iris.metrics.sensors import performance_metrics
from exporter.iris.settings import GovernorSettings, InstanceSettings, MonitoringSettings
from exporter.kernel import KernelTree
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

TASK = "PerfWatch perfwatch"
"""Our schedule in IRIS."""


def settings_for(double: Double, **changes: Any) -> InstanceSettings:
    """How to reach a double: remote for the governor, unless a change says otherwise."""
    to = double.connection()
    settings = InstanceSettings(
        name="test",
        host=to.host,
        port=to.port,
        username=to.username,
        password=to.password,
        governor=GovernorSettings(local="false"),
    )
    return dataclasses.replace(settings, **changes)


class FakeMachine:
    """The /proc of a machine whose CPU and memory a test sets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle = self._busy = 0
        self.pass_time(20, 50)

    def kernel(self) -> KernelTree:
        """A tree that reads it."""
        return KernelTree(str(self._folder), str(self._folder))

    def pass_time(self, cpu: int, memory: int) -> None:
        """Let some time pass with these per cents in use."""
        self._busy += cpu
        self._idle += 100 - cpu
        numbers = f"{self._busy} 0 0 {self._idle} 0 0 0 0 0 0"
        (self._folder / "stat").write_text(f"cpu  {numbers}\ncpu0 {numbers}\nintr 1\nctxt 1\n")
        (self._folder / "meminfo").write_text(
            f"MemTotal: 1000 kB\nMemAvailable: {1000 - 10 * memory} kB\n"
        )


class Kept:
    """A keeper, its session, and the clocks of all: the daemon's two and that of the instance."""

    def __init__(self, double: Double, machine: FakeMachine, **changes: Any) -> None:
        self.double = double
        self.instance: Instance = double.instance  # type: ignore[assignment]
        self.machine = machine
        self.monotonic = 5000.0
        self.date = 1_800_000_000.0
        self.session = Session(double.connection())
        self.restart(**changes)

    def restart(self, *, acts: bool = True, **changes: Any) -> None:
        """Begin anew, as a daemon that was restarted."""
        settings = settings_for(self.double, **changes)
        self.keeper = Keeper(
            settings,
            self.machine.kernel(),
            acts=acts,
            now=lambda: self.monotonic,
            date=lambda: self.date,
        )

    @property
    def task(self) -> dict[str, Any]:
        """Our task as it stands in IRIS."""
        return self.instance.tasks.named(TASK)

    def presses(self) -> bool:
        """Whether this machine is to be spared."""
        return self.keeper.presses

    def turn(self) -> None:
        """Do what the thread of an instance does in ten seconds."""
        if not self.session.is_open:
            self.session.open()
            self.keeper.connected()
        self.keeper.look()
        if self.keeper.needs_metrics:
            self.keeper.take(performance_metrics(self.session))
        self.keeper.keep(self.session)
        self.monotonic += 10
        self.date += 10
        self.instance.advance(10)

    def minutes(self, count: int, *, cpu: int = 20, memory: int = 50) -> None:
        """Let minutes pass at a load, both as IRIS sees it and as this machine does."""
        self.instance.cpu, self.instance.memory = float(cpu), float(memory)
        for _ in range(6 * count):
            self.machine.pass_time(cpu, memory)
            self.turn()

    def samples(self) -> dict[tuple[str, ...], Any]:
        """What the page says: by name and labels but the instance."""
        return {
            (family.name, *values[1:]): number
            for family in self.keeper.families()
            for values, number in family.samples
        }


MONITORING_OFF = MonitoringSettings(enabled=False)
CONSENT = MonitoringSettings(install_wrapper=True)
HERE = GovernorSettings(local="true")
