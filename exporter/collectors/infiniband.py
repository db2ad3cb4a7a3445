"""InfiniBand and RDMA ports.

Source: /sys/class/infiniband (Linux drivers/infiniband/core/sysfs.c, since 2.6.12); `counters_ext`
until 4.4, `hw_counters` since 4.6, of the drivers that have them. The attributes say `N/A (no PMA)`
for what a port does not count. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from exporter.attributes import Attributes
from exporter.collectors._infiniband_counters import COLUMNS, FACTORS, FILES
from exporter.families import Digits, Filled, LabelValues, Number
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integer, shorten
from exporter.table import Column, Table

INFO = (Column("node_infiniband_info", "Firmware and kind of the adapter; always 1.", "gauge"),)
STATES = (
    Column(
        "node_infiniband_state_id",
        "Logical state of the port: 1 down, 2 initializing, 3 armed, 4 active, 5 deferred.",
        "gauge",
    ),
    Column(
        "node_infiniband_physical_state_id",
        "Physical state of the port: 1 sleep, 2 polling, 3 disabled, 4 training, 5 link up,"
        " 6 link error recovery, 7 test.",
        "gauge",
    ),
    Column("node_infiniband_rate_bytes_per_second", "Rate of the link, for all lanes.", "gauge"),
)

NOT_COUNTED = b"N/A"
BYTES_PER_GIGABIT = 125_000_000
TENTHS = 10

_STATE = re.compile(rb"([0-9]{1,9}):")
_RATE = re.compile(rb"([0-9]{1,9})(?:\.([0-9]))? Gb/sec")


def parse_state(text: bytes) -> Digits:
    """Give the number of `4: ACTIVE`. Raises ValueError when there is none."""
    match = _STATE.match(text)
    if match is None:
        raise ValueError(f"/sys/class/infiniband: not a state: {shorten(text)}")
    return match[1]


def parse_rate(text: bytes) -> int:
    """Give the bytes per second of `2.5 Gb/sec (1X SDR)`. Raises ValueError when it is none."""
    match = _RATE.match(text)
    if match is None:
        raise ValueError(f"/sys/class/infiniband: not a rate: {shorten(text)}")
    return (int(match[1]) * TENTHS + int(match[2] or 0)) * BYTES_PER_GIGABIT // TENTHS


def parse_counter(text: bytes, factor: int = 1) -> Number | None:
    """Give a counter; None when the port does not count this. Raises ValueError on other text."""
    if text.startswith(NOT_COUNTED):
        return None
    digits = integer(text)
    return digits if factor == 1 else int(digits) * factor


class InfinibandCollector:
    """State, rate and counters of each port."""

    name = "infiniband"

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._attributes = Attributes(kernel, "class/infiniband")
        self._info = Table(INFO, ("device", "board_id", "firmware_version", "hca_type"))
        self._states = Table(STATES, ("device", "port"))
        self._counters = Table(COLUMNS, ("device", "port"))

    def collect(self) -> Iterator[Filled]:
        """Yield node_infiniband_info, the states of the ports, and their counters."""
        devices = self._attributes.names()
        if not devices:
            raise NoData("there are no InfiniBand or RDMA adapters")
        ports = [(device, port) for device in devices for port in self._list_ports(device)]
        described = [self._describe(device) for device in devices]
        yield self._info.fill({row: (1,) for row in described if any(row[1:])})
        yield self._states.fill({port: self._read_states(*port) for port in ports})
        yield self._counters.fill({port: self._read_counters(*port) for port in ports})

    def _list_ports(self, device: str) -> list[str]:
        return self._kernel.list_folder(f"class/infiniband/{device}/ports")

    def _describe(self, device: str) -> LabelValues:
        files = ("board_id", "fw_ver", "hca_type")
        return (device, *(self._attributes.text(f"{device}/{file}") or "" for file in files))

    def _read_states(self, device: str, port: str) -> Sequence[Number | None]:
        read = self._attributes.read
        folder = f"{device}/ports/{port}"
        state, physical = read(f"{folder}/state"), read(f"{folder}/phys_state")
        rate = read(f"{folder}/rate")
        return (
            parse_state(state) if state else None,
            parse_state(physical) if physical else None,
            parse_rate(rate) if rate else None,
        )

    def _read_counters(self, device: str, port: str) -> list[Number | None]:
        read = self._attributes.read
        folder = f"{device}/ports/{port}"
        contents = [read(f"{folder}/{file}") for file in FILES]
        return [
            parse_counter(content, factor) if content else None
            for content, factor in zip(contents, FACTORS, strict=True)
        ]
