"""One reading of an instance: its sensors and its statistics, each for itself."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.families import Family
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.metrics.sensors import SensorOptions, Sensors, get_text, readings
from exporter.iris.metrics.statistics import Statistics
from exporter.iris.settings import InstanceSettings
from exporter.iris.system_performance.policy import PerformanceMetrics
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.iris")

SENSORS = "sensors"
"""What the sensors are called among the parts."""


class Poll:
    """Reads one instance again and again. For one thread."""

    def __init__(self, settings: InstanceSettings) -> None:
        self.metrics: PerformanceMetrics | None = None
        """CPU and memory of its host, as it said the last time; None where it did not."""
        self._name = settings.name
        self._url = settings.metrics_url
        options = SensorOptions(settings.process_metrics, settings.max_processes)
        self._sensors = Sensors(settings.name, options)
        self._statistics = Statistics(settings.name)
        self._withheld: frozenset[tuple[str, ErrorKind]] = frozenset()

    def read(self, session: Session, now: float) -> tuple[Family, ...]:
        """Read all that it gives. Raises IrisError only where the connection is lost."""
        failures: dict[str, IrisError] = {}
        sensors: list[Family] = []
        self.metrics = None
        try:
            sensors = self._take(get_text(session))
        except IrisError as error:
            if error.connection_lost:
                raise
            failures[SENSORS] = error
        statistics = self._statistics.collect(session, sensors, now)
        self._say_what_is_withheld(failures | self._statistics.failures)
        # Ours first: where a sensor has the name of one of ours, it is left out.
        return (*self._sensors.families(), *statistics, *sensors)

    def read_page(self, session: Session) -> tuple[Family, ...]:
        """Read the sensors from its page. Raises IrisError."""
        self.metrics = None
        sensors = self._take(session.fetch(self._url))
        return (*self._sensors.families(), *sensors)

    def _take(self, text: str) -> list[Family]:
        sensors = self._sensors.read(text)
        cpu, memory = readings(sensors)
        self.metrics = PerformanceMetrics(cpu_percent=cpu, memory_percent=memory, source="iris")
        return sensors

    def _say_what_is_withheld(self, failures: Mapping[str, IrisError]) -> None:
        """Log it once for each change."""
        before = self._withheld
        self._withheld = frozenset((part, error.kind) for part, error in failures.items())
        if self._withheld == before:
            return
        if not failures:
            log.info("instance gives all its data", instance=self._name)
            return
        reasons = {part: str(error) for part, error in failures.items()}
        log.warning("instance withholds data", instance=self._name, reasons=reasons)
