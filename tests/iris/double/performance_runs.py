"""^SystemPerformance: profiles, runs, reports, and the global in which they are found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.iris.double.clock import Clock, horolog
from tests.iris.double.files import MANAGER_DIRECTORY, Files
from tests.iris.double.globals import Globals
from tests.iris.double.report import report

GLOBAL = "IRIS.SystemPerformance"
VERSION = "15"

MAX_INTERVAL_SECONDS = 300
MAX_RUN_SECONDS = 86_400
MAX_EVERY_SECOND_SECONDS = 3600
"""Only runs up to this long may sample every second."""

SHIPPED = {
    "12hours": ("12 hour run sampling every 10 seconds", 10, 4320),
    "24hours": ("24 hour run sampling every 10 seconds", 10, 8640),
    "30mins": ("30 minute run sampling every second", 1, 1800),
    "4hours": ("4 hour run sampling every 5 seconds", 5, 2880),
    "8hours": ("8 hour run sampling every 10 seconds", 10, 2880),
    "test": ("5 minute TEST run sampling every 30 seconds", 30, 10),
}
"""Made when the routine is first used, not when the instance is."""

NO_RUN = "0^no such runid"
NO_PROFILE = "0^profile name does not exist"
PROTECTED_PROFILE = "0^profile can not be changed"

SYSTEM_JOBS = 5
"""Of a run with operating-system data: vmstat and the like."""
IRIS_JOBS = 2


@dataclass
class Run:
    """A run that collects, or that a restart has left to be collected."""

    runid: str
    profile: str
    interval_seconds: int
    count: int
    started: datetime
    has_system_data: bool
    is_running: bool = True

    @property
    def ends(self) -> datetime:
        """When it has all samples."""
        return self.started + timedelta(seconds=self.interval_seconds * self.count)


class SystemPerformance:
    """The routine. Its entry points give what `$$name^SystemPerformance` gives."""

    def __init__(self, clock: Clock, nodes: Globals, files: Files) -> None:
        self.host = "irishost"
        self.instance_name = "IRIS"
        self._clock = clock
        self._nodes = nodes
        self._files = files
        self.runs: dict[str, Run] = {}

    def version(self) -> str:
        """Give the routine's version."""
        return VERSION

    def addprofile(self, name: str, description: str, interval: int, count: int) -> int | str:
        """Make a profile; white space in its name and what exceeds the limits go silently."""
        self._ship()
        name = "".join(name.split())
        if self._profile(name) is not None:
            return "0^profile name exists already"
        self._write(name, description, interval, count)
        return 1

    def editprofile(
        self, name: str, description: str = "", interval: int = 0, count: int = 0
    ) -> int | str:
        """Change a profile; what is left out stays."""
        self._ship()
        found = self._profile(name)
        if found is None:
            return NO_PROFILE
        if name == "test":
            return PROTECTED_PROFILE
        old_description, old_interval, old_count = found
        self._write(
            name, description or old_description, interval or old_interval, count or old_count
        )
        return 1

    def delprofile(self, name: str) -> int | str:
        """Remove a profile."""
        if self._profile(name) is None:
            return NO_PROFILE
        if name == "test":
            return PROTECTED_PROFILE
        self._nodes.kill(GLOBAL, "profile", name)
        return 1

    def run(self, profile: str, *, has_system_data: bool = True) -> str | int:
        """Begin a run: its runid; 0 for no such profile, and for a second run in one second."""
        self._ship()
        found = self._profile(profile)
        runid = f"{self._clock.now:%Y%m%d_%H%M%S}_{profile}"
        if found is None or self._nodes.data(GLOBAL, "run", runid):
            return 0
        _, interval, count = found
        self.runs[runid] = Run(runid, profile, interval, count, self._clock.now, has_system_data)
        self._nodes.set(GLOBAL, "run", runid, value=1)
        for log in self._logs(runid):
            self._files.write(log, b"")
        return runid

    def literun(self, profile: str) -> str | int:
        """Begin a run without data of the operating system."""
        return self.run(profile, has_system_data=False)

    def waittime(self, runid: str) -> str:
        """Say how long a run still needs."""
        run = self.runs.get(runid)
        if run is None:
            ended = self._nodes.data(GLOBAL, "history", runid)
            return "ready now" if ended else "-2^no such runid"
        if not run.is_running:
            return "ready now"
        left = int((run.ends - self._clock.now).total_seconds())
        parts = {"hours": left // 3600, "minutes": left // 60 % 60, "seconds": left % 60}
        return " ".join(f"{number} {unit}" for unit, number in parts.items() if number)

    def collect(self, runid: str) -> str:
        """Write the report of a run that has ended, which after a restart nobody else does."""
        run = self.runs.get(runid)
        if run is None:
            return NO_RUN
        if run.is_running:
            return "0^not ready"
        return f"1^{self._finish(run)}"

    def preview(self, runid: str) -> str:
        """Write a report of what a run has so far."""
        run = self.runs.get(runid)
        if run is None or not run.is_running:
            return NO_RUN
        path = self._report_path(runid).replace(".html", "_P1.html")
        self._files.write(path, self._report(run))
        return f"1^{path}"

    def stop(self, runid: str, *, keep_logs: bool = False) -> str:
        """End a run; without its logs there is no report."""
        run = self.runs.get(runid)
        if run is None:
            return NO_RUN
        system_jobs = SYSTEM_JOBS if run.has_system_data and run.is_running else 0
        iris_jobs = IRIS_JOBS if run.is_running else 0
        if keep_logs:
            self._finish(run)
            return f"{system_jobs}:0:0:0_{iris_jobs}:0:0:0"
        self._forget(run)
        return f"{system_jobs}:0:{system_jobs}:0_{iris_jobs}:0:{iris_jobs}:0"

    def setlogdir(self, directory: str) -> None:
        """Choose where reports go; a relative path is one below the manager's directory."""
        path = directory if directory.startswith("/") else MANAGER_DIRECTORY + directory
        path = path.rstrip("/") + "/"
        self._files.directories.add(path)
        self._nodes.set(GLOBAL, "logdir", value=path)

    def getlogdir(self) -> str:
        """Tell where reports go."""
        return str(self._nodes.get(GLOBAL, "logdir") or MANAGER_DIRECTORY)

    def clrlogdir(self) -> None:
        """Let reports go to the manager's directory again."""
        self._nodes.kill(GLOBAL, "logdir")

    @property
    def running(self) -> list[Run]:
        """The runs that collect at this moment."""
        return [run for run in self.runs.values() if run.is_running]

    @property
    def next_end(self) -> datetime | None:
        """When the next run ends."""
        return min((run.ends for run in self.running), default=None)

    def end_due_runs(self) -> None:
        """Let the runs end whose time has come: they write their reports by themselves."""
        for run in self.running:
            if run.ends <= self._clock.now:
                self._finish(run)

    def interrupt(self) -> None:
        """Lose the jobs, as in a restart: the runs are still listed and wait for Collect."""
        for run in self.running:
            run.is_running = False

    def _ship(self) -> None:
        if not self._nodes.data(GLOBAL, "profile"):
            for name, (description, interval, count) in SHIPPED.items():
                self._write(name, description, interval, count)

    def _profile(self, name: str) -> tuple[str, int, int] | None:
        found: tuple[str, int, int] | None = self._nodes.get(GLOBAL, "profile", name)
        return found

    def _write(self, name: str, description: str, interval: int, count: int) -> None:
        interval = min(max(interval, 1), MAX_INTERVAL_SECONDS)
        if interval == 1 and count > MAX_EVERY_SECOND_SECONDS:
            interval = 2
        count = min(count, MAX_RUN_SECONDS // interval)
        self._nodes.set(GLOBAL, "profile", name, value=(description, interval, count))

    def _finish(self, run: Run) -> str:
        path = self._report_path(run.runid)
        self._files.write(path, self._report(run))
        ended = f"{horolog(self._clock.now)}^{self.getlogdir()}"
        self._forget(run)
        self._nodes.set(GLOBAL, "history", run.runid, value=ended)
        return path

    def _forget(self, run: Run) -> None:
        for log in self._logs(run.runid):
            self._files.remove(log)
        del self.runs[run.runid]
        self._nodes.kill(GLOBAL, "run", run.runid)

    def _report(self, run: Run) -> bytes:
        passed = int((self._clock.now - run.started).total_seconds()) // run.interval_seconds
        return report(
            instance=self.instance_name,
            host=self.host,
            profile=run.profile,
            started=run.started,
            interval_seconds=run.interval_seconds,
            count=min(passed, run.count),
        )

    def _report_path(self, runid: str) -> str:
        return f"{self.getlogdir()}{self.host}_{self.instance_name}_{runid}.html"

    def _logs(self, runid: str) -> list[str]:
        return [f"{self.getlogdir()}{runid}{ending}" for ending in (".log", ".mgst")]
