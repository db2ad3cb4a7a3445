"""An instance, the session with it, and what tests of the control want to know of both."""

from __future__ import annotations

from typing import NamedTuple

from exporter.iris.access.session import Session
from exporter.iris.control import configure_monitoring
from exporter.iris.system_performance.observation import Observed, observe
from exporter.iris.system_performance.policy import DEFAULT_POLICY, MonitoringPolicy, TaskSchedule
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

MINUTE = 60
HOUR = 3600

INSTALLERS_RIGHTS = ("%Development:U", "%CREATE_FUNCTION", "%DROP_FUNCTION")

SCHEDULE = TaskSchedule()
SHORT = MonitoringPolicy(interval_seconds=10, duration_seconds=600, retention_seconds=1800)


class Monitored(NamedTuple):
    """The modelled instance is `instance`; `session` is logged in there with the real driver."""

    instance: Instance
    double: Double
    session: Session

    @property
    def active_runs(self) -> list[str]:
        """The runs that collect, of whomever."""
        return sorted(run.runid for run in self.instance.performance.running)

    @property
    def reports(self) -> list[str]:
        """The names of all reports."""
        paths = (path.rpartition("/")[2] for path in self.instance.files.paths)
        return [name for name in paths if ".html" in name]

    @property
    def task_names(self) -> list[str]:
        """The names of all tasks."""
        return [task["Name"] for task in self.instance.tasks.tasks.values()]

    def configure(self, policy: MonitoringPolicy = DEFAULT_POLICY) -> None:
        """Have it configured, and the first run started."""
        done, text = configure_monitoring(self.session, policy)
        assert done, text
        self.instance.advance(6 * MINUTE)

    def observe(self, policy: MonitoringPolicy = DEFAULT_POLICY) -> Observed:
        """Look."""
        return observe(self.session, policy)
