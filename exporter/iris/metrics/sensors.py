"""The sensors of an instance: the text of its /api/monitor/metrics as families.

Source: the class method PrometheusMetrics() of SYS.Monitor.SAM.Sensors in %SYS, which gives the
text that the endpoint serves (since IRIS 2019.4; needs %Native_ClassExecution). Names and labels
stay as IRIS has them. Its text is classic Prometheus text with some slips: types that are wrong,
lines `# UNIT` that are none of this format, possibly no line break at its end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.families import Family, HistogramValue, LabelValues, Number, SummaryValue
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance.policy import MAX_PERCENT, PerformanceMetrics
from exporter.text_format import TextFamily, parse_text_format

CLASS = "SYS.Monitor.SAM.Sensors"
METHOD = "PrometheusMetrics"

INSTANCE = "iris_instance"
"""The label that all families of an instance have first."""

MAX_CHARACTERS = 8 * 2**20
"""Twice as much as a string of IRIS can hold; the endpoint could give more."""

CPU = "iris_cpu_usage"
MEMORY = "iris_phys_mem_percent_used"

WRONG_COUNTERS = frozenset({"iris_ecps_lock_que"})
"""Published as counters, though they go down; so are rates, which their names tell."""
_RATE = re.compile(r"_per_sec(?:ond)?\Z")

RESERVED_PREFIXES = ("node_", "perf_", "perfwatch_", "process_", "python_")
"""Of what the daemon says of the host and of itself: sensors of one's own can have any name."""

_COUNT = "iris_process_count"
"""Of all processes together."""
_OF_PROCESS = re.compile(r"^iris_process(?!_count\b)(?:_\w+)?\{.*\n", re.MULTILINE)

_Value = Number | HistogramValue | SummaryValue


@dataclass(frozen=True, slots=True)
class SensorOptions:
    """How much of a text is shown."""

    processes: bool = False
    """Whether to show the sensors of single processes: eight series for each, which come and go."""
    max_processes: int = 100
    """Of these the ones that executed most commands."""
    max_series: int = 20_000


DEFAULT_OPTIONS = SensorOptions()


def get_text(session: Session) -> str:
    """Ask the instance for the text. Raises IrisError."""
    text = session.call(CLASS, METHOD)
    if isinstance(text, str):
        return text
    raise IrisError(
        ErrorKind.ABSENT,
        f"{CLASS}.{METHOD}() gave no text",
        "see whether the instance's /api/monitor/metrics works",
    )


class Sensors:
    """Makes families of one instance's text, at each poll; counts what it has to leave out."""

    def __init__(self, instance: str, options: SensorOptions = DEFAULT_OPTIONS) -> None:
        self.problem = ""
        """What is wrong with the first line of the newest text that was not understood."""
        self._instance = instance
        self._options = options
        self._unparsed = 0
        self._dropped = {"limit": 0, "processes": 0, "reserved": 0}

    def read(self, text: str) -> list[Family]:
        """Give what a text says. A line that is not understood costs itself alone.

        Raises IrisError when the text is too large.
        """
        self.problem = ""
        parsed = self._parse(text)
        if self._options.processes:
            self._keep_busiest(parsed)
        families = []
        room = self._options.max_series
        for one in parsed:
            if one.name.startswith(RESERVED_PREFIXES):
                self._dropped["reserved"] += len(one.series)
            else:
                self._dropped["limit"] += max(len(one.series) - room, 0)
                families.append(self._convert(one, room))
                room = max(room - len(one.series), 0)
        return [family for family in families if family.samples]

    def families(self) -> list[Family]:
        """What was left out so far."""
        return [
            Family(
                "iris_unparsed_lines_total",
                "Lines of the instance's sensors that were not understood.",
                "counter",
                (INSTANCE,),
                (((self._instance,), self._unparsed),),
            ),
            Family(
                "iris_dropped_series_total",
                "Series of sensors that were left out, by why: over the limit of an instance, of "
                "processes beyond their limit, or under a name that is not the instance's to give.",
                "counter",
                (INSTANCE, "reason"),
                [((self._instance, why), count) for why, count in self._dropped.items()],
            ),
        ]

    def _parse(self, text: str) -> list[TextFamily]:
        if len(text) > MAX_CHARACTERS:
            raise _too_large(f"{len(text)} characters")
        text = text.replace("\r\n", "\n")
        if not text.endswith("\n"):
            text += "\n"
        if not self._options.processes:
            text = _OF_PROCESS.sub("", text)
        try:
            return parse_text_format(text.encode(errors="replace"), self._note)
        except ValueError as error:
            raise _too_large(str(error)) from error

    def _note(self, error: ValueError) -> None:
        self._unparsed += 1
        self.problem = self.problem or str(error)

    def _keep_busiest(self, parsed: list[TextFamily]) -> None:
        """Take out the processes beyond the limit: those that executed fewest commands."""
        of_processes = [one for one in parsed if _is_of_process(one.name)]
        commands: dict[str, float] = {}
        for family in of_processes:
            for pairs, value in family.series.items():
                number = _finite(value) if family.name == "iris_process_commands" else None
                id_ = dict(pairs).get("id", "")
                commands[id_] = max(commands.get(id_, -1.0), -1.0 if number is None else number)
        busiest = sorted(commands, key=commands.__getitem__, reverse=True)
        shown = set(busiest[: self._options.max_processes])
        for family in of_processes:
            kept = {
                pairs: value
                for pairs, value in family.series.items()
                if dict(pairs).get("id", "") in shown
            }
            self._dropped["processes"] += len(family.series) - len(kept)
            family.series = kept

    def _convert(self, text: TextFamily, room: int) -> Family:
        series = list(text.series.items())[:room]
        names = sorted({name for pairs, _ in series for name, _ in pairs})
        samples: list[tuple[LabelValues, _Value]] = []
        for pairs, value in series:
            of = dict(pairs)
            samples.append(((self._instance, *(of.get(name, "") for name in names)), value))
        labels = (INSTANCE, *_rename_own(names))
        return Family(text.name, text.help or "", mend_type(text), labels, samples)


def mend_type(family: TextFamily) -> str:
    """Give the type that a family has in truth."""
    if family.type != "counter":
        return family.type
    wrong = family.name in WRONG_COUNTERS or _RATE.search(family.name)
    # OpenMetrics takes no counter that is below zero, or not a number.
    return "gauge" if wrong or not all(map(_is_count, family.series.values())) else "counter"


def readings(families: Iterable[Family]) -> tuple[float | None, float | None]:
    """Find CPU and memory of the host in per cent; None is unknown, or no such share."""
    found = {family.name: family for family in families if family.name in {CPU, MEMORY}}
    return _percent(found.get(CPU)), _percent(found.get(MEMORY))


def performance_metrics(session: Session) -> PerformanceMetrics:
    """Ask the instance for CPU and memory of its host. Raises IrisError.

    The sensors are the only cheap source: SYS.History.SysData takes a second for a sample.
    """
    cpu, memory = readings(Sensors("").read(get_text(session)))
    return PerformanceMetrics(cpu_percent=cpu, memory_percent=memory, source="iris")


def _percent(family: Family | None) -> float | None:
    number = _finite(family.samples[0][1]) if family else None
    return number if number is not None and 0 <= number <= MAX_PERCENT else None


def _finite(value: _Value) -> float | None:
    if isinstance(value, HistogramValue | SummaryValue):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _is_count(value: _Value) -> bool:
    return not isinstance(value, HistogramValue | SummaryValue) and float(value) >= 0


def _is_of_process(name: str) -> bool:
    return name == "iris_process" or (name.startswith("iris_process_") and name != _COUNT)


def _rename_own(names: list[str]) -> Iterator[str]:
    """Name a sensor's own label `iris_instance` as Prometheus names a label that is taken."""
    taken = {INSTANCE, *names}
    for name in names:
        shown = name
        while name == INSTANCE and shown in taken:
            shown = f"exported_{shown}"
        yield shown


def _too_large(what: str) -> IrisError:
    return IrisError(
        ErrorKind.SERVER,
        f"the instance's sensors are too many: {what}",
        "leave out groups of them with SYS.Monitor.SAM.Config.ExcludeMetrics",
    )
