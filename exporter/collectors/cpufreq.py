"""Clock frequencies and governors of the CPUs from /sys/devices/system/cpu/cpuN/cpufreq.

Source: Linux drivers/cpufreq/cpufreq.c, since 2.6.0; absent without a driver, as in most virtual
machines, and for CPUs that are offline. `cpuinfo_cur_freq`, what the hardware itself says, is for
root only and not given by every driver; everything else needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterable

from exporter.attributes import Attributes
from exporter.collectors._cpu_topology import CPUS, parse_cpu_list
from exporter.collectors._cpuinfo import FREQUENCY_HELP
from exporter.families import Digits, Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integer
from exporter.table import Column, Table

FILES = {
    "cpuinfo_cur_freq": Column("node_cpu_frequency_hertz", FREQUENCY_HELP, "gauge", 3),
    "cpuinfo_min_freq": Column(
        "node_cpu_frequency_min_hertz", "Lowest frequency that the CPU can have.", "gauge", 3
    ),
    "cpuinfo_max_freq": Column(
        "node_cpu_frequency_max_hertz", "Highest frequency that the CPU can have.", "gauge", 3
    ),
    "scaling_cur_freq": Column(
        "node_cpu_scaling_frequency_hertz", "Frequency of the CPU, as the driver says.", "gauge", 3
    ),
    "scaling_min_freq": Column(
        "node_cpu_scaling_frequency_min_hertz", "Lowest frequency now allowed.", "gauge", 3
    ),
    "scaling_max_freq": Column(
        "node_cpu_scaling_frequency_max_hertz", "Highest frequency now allowed.", "gauge", 3
    ),
}
GOVERNOR = Column(
    "node_cpu_scaling_governor", "Whether this governor chooses the CPU's frequency.", "gauge"
)


def parse_frequency(text: bytes) -> Digits | None:
    """Check a number of kHz; None for `<unknown>`, which a driver may say of itself."""
    return None if text == b"<unknown>" else integer(text)


class CpufreqCollector:
    """The frequency of each CPU, its limits and its governor."""

    name = "cpufreq"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, CPUS)
        self._online = kernel.sys(f"{CPUS}/online")
        self._cpus_online: bytes | None = None
        self._silent: list[str] = []
        """The folders of CPUs that had no frequency last time."""
        self._paths: dict[LabelValues, tuple[str, ...]] = {}
        self._frequencies = Table(tuple(FILES.values()), ("cpu",))
        self._governors = Table((GOVERNOR,), ("cpu", "governor"))
        self._choices: list[tuple[str | None, str | None]] = []

    def collect(self) -> Iterable[Filled]:
        """Yield up to six frequencies for each CPU that is online, and its governors."""
        try:
            online = self._online.read()
        except FileNotFoundError as error:
            raise NoData("this kernel does not tell which CPUs are online") from error
        # Those that had nothing last time have something now: a driver came, or was replaced.
        appeared = any(map(self._kernel.list_folder, self._silent))
        if appeared or online != self._cpus_online:
            self._find(online)
            self._cpus_online = online
        # x86 before 5.18 measures over 10 ms at each read of scaling_cur_freq, CPU by CPU, unless
        # it has done so for all at once within the last second, as it does when this is opened.
        self._kernel.touch_proc("cpuinfo")
        rows = {labels: self._read(paths) for labels, paths in self._paths.items()}
        self._silent = [f"{CPUS}/cpu{cpu}/cpufreq" for (cpu,), row in rows.items() if not any(row)]
        if len(self._silent) == len(rows):
            raise NoData("no CPU has cpufreq: this kernel has no driver for their frequency")
        yield self._frequencies.fill(rows)
        yield self._fill_governors()

    def _find(self, online: bytes) -> None:
        self._attributes.forget()
        self._choices = []
        self._paths = {
            (str(cpu),): tuple(f"cpu{cpu}/cpufreq/{file}" for file in FILES)
            for cpu in parse_cpu_list(online)
        }

    def _read(self, paths: Iterable[str]) -> list[Digits | None]:
        texts = map(self._attributes.read, paths)
        return [None if text is None else parse_frequency(text) for text in texts]

    def _fill_governors(self) -> Filled:
        text = self._attributes.text
        choices = [
            (
                text(f"cpu{cpu}/cpufreq/scaling_governor"),
                text(f"cpu{cpu}/cpufreq/scaling_available_governors"),
            )
            for (cpu,) in self._paths
        ]
        if choices != self._choices:
            rows = {
                (*labels, governor): [int(governor == chosen)]
                for labels, (chosen, available) in zip(self._paths, choices, strict=True)
                if chosen
                for governor in (available or chosen).split()
            }
            self._filled_governors = self._governors.fill(rows)
            self._choices = choices
        return self._filled_governors
