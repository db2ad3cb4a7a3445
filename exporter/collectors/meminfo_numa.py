"""Memory of each NUMA node.

Source: /sys/devices/system/node/node*/meminfo and numastat (Linux drivers/base/node.c, since 2.6.0;
kernels with CONFIG_NUMA). The set of fields depends on version and configuration, so all are shown.
Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from exporter.attributes import Attributes
from exporter.families import Digits, Family, LabelValues, Number
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integers, shorten

_FIELD = re.compile(rb"^Node [0-9]+ ([A-Za-z0-9_()]+): +([0-9]{1,20})( kB)?$", re.MULTILINE)
_NODE = re.compile(r"node([0-9]+)\Z")

KILOBYTE = 1024


def parse_node_meminfo(text: bytes) -> dict[str, int]:
    """Give the fields of lines such as `Node 0 Active(anon):  1568 kB`, in bytes.

    The number of huge pages has no unit. Raises ValueError when there is no such line.
    """
    fields = {
        name.decode().replace("(", "_").replace(")", ""): int(number) * (KILOBYTE if unit else 1)
        for name, number, unit in _FIELD.findall(text)
    }
    if not fields:
        raise ValueError(f"meminfo of a NUMA node: no field in {shorten(text)}")
    return fields


def parse_numastat(text: bytes) -> dict[str, Digits]:
    """Give the counters of lines such as `numa_hit 84544411`. Raises ValueError on others."""
    words = text.split()
    names, numbers = words[::2], words[1::2]
    if len(names) != len(numbers) or not b"".join(names).replace(b"_", b"").isalpha():
        raise ValueError(f"numastat of a NUMA node: expected names and numbers: {shorten(text)}")
    return {name.decode(): number for name, number in zip(names, integers(numbers), strict=True)}


class MeminfoNumaCollector:
    """Memory of each node, and where allocations went."""

    name = "meminfo_numa"

    def __init__(self, kernel: KernelTree) -> None:
        self._attributes = Attributes(kernel, "devices/system/node")

    def collect(self) -> Iterator[Family]:
        """Yield node_memory_numa_<field>, and with `_total` the counters of allocations."""
        nodes = {
            match[1]: name for name in self._attributes.names() if (match := _NODE.match(name))
        }
        if not nodes:
            raise NoData("this kernel does not tell about memory nodes (CONFIG_NUMA)")
        fields = _Samples()
        counters = _Samples()
        for node, name in nodes.items():
            if meminfo := self._attributes.read(f"{name}/meminfo"):
                fields.add(node, parse_node_meminfo(meminfo))
            if numastat := self._attributes.read(f"{name}/numastat"):
                counters.add(node, parse_numastat(numastat))
        for field, samples in fields.items():
            text = f"Field {field} of the memory of a node."
            yield Family(f"node_memory_numa_{field}", text, "gauge", ("node",), samples)
        for field, samples in counters.items():
            text = f"Counter {field} of the memory of a node, in pages."
            yield Family(f"node_memory_numa_{field}_total", text, "counter", ("node",), samples)


class _Samples(dict[str, list[tuple[LabelValues, Number]]]):
    """The samples of each field, node after node."""

    def add(self, node: str, numbers: Mapping[str, Number]) -> None:
        for field, number in numbers.items():
            self.setdefault(field, []).append(((node,), number))
