"""Hardware bugs of the CPUs and what the kernel does about them.

Source: /sys/devices/system/cpu/vulnerabilities (Linux arch/x86/kernel/cpu/bugs.c and those of other
architectures), since 4.15. A bug that this kernel does not know has no file. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.attributes import Attributes
from exporter.collectors._cpu_topology import CPUS
from exporter.families import Filled, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.parsing import shorten
from exporter.table import Column, Table

INFO = Column(
    "node_cpu_vulnerabilities_info",
    "Whether the CPUs have the bug, and what is done about it; always 1.",
    "gauge",
)

_STATE = re.compile(r"(Vulnerable|Mitigation|Unknown)\b[:;,]?\s*(.*)")


class Vulnerability(NamedTuple):
    """Labels of a bug."""

    state: str
    mitigation: str


def parse_vulnerability(text: bytes) -> Vulnerability:
    """Parse `Mitigation: PTI`. Raises ValueError when it is not text.

    What begins in another way, as `KVM: Mitigation: VMX disabled`, is of unknown state.
    """
    try:
        line = text.decode().strip().partition("\n")[0]
    except UnicodeDecodeError as error:
        raise ValueError(f"not the state of a vulnerability: {shorten(text)}") from error
    if line.startswith("Not affected"):
        return Vulnerability("not affected", "")
    if match := _STATE.match(line):
        return Vulnerability(match[1].lower(), match[2])
    return Vulnerability("unknown", line)


class CpuVulnerabilitiesCollector:
    """The state of each known bug."""

    name = "cpu_vulnerabilities"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, f"{CPUS}/vulnerabilities")
        self._table = Table((INFO,), ("codename", "state", "mitigation"))

    def collect(self) -> Iterable[Filled]:
        """Yield one series for each bug that the kernel knows."""
        texts = {name: self._attributes.read(name) for name in self._attributes.names()}
        rows: dict[LabelValues, list[int]] = {
            (name, *parse_vulnerability(text)): [1]
            for name, text in texts.items()
            if text is not None
        }
        if not rows:
            raise NoData("this kernel does not tell of vulnerabilities")
        yield self._table.fill(rows)
