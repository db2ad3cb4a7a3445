"""Packets that each CPU processed, dropped and put off, from /proc/net/softnet_stat.

Source: Linux net/core/net-procfs.c, since 2.6. `received_rps` came with 2.6.35, `flow_limit` with
3.11, the length of the backlog and the number of the CPU with 5.10. There is a line for each CPU
that is online. Needs no rights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from exporter.collectors._cpu_topology import parse_cpu_list
from exporter.families import Filled, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.parsing import hexadecimal_columns, shorten

COLUMNS = (
    (0, "processed_total", "Packets that the CPU took in, of all devices.", "counter"),
    (1, "dropped_total", "Packets dropped because the backlog of the CPU was full.", "counter"),
    (
        2,
        "times_squeezed_total",
        "Times that work was put off for lack of budget or time while packets were waiting.",
        "counter",
    ),
    (
        8,
        "cpu_collision_total",
        "Times that the lock of a device was taken when a packet was to be sent.",
        "counter",
    ),
    (
        9,
        "received_rps_total",
        "Times that another CPU woke this one to process packets (RPS).",
        "counter",
    ),
    (
        10,
        "flow_limit_count_total",
        "Packets dropped because one flow had filled much of the backlog of the CPU.",
        "counter",
    ),
    (11, "backlog_len", "Packets waiting in the backlog of the CPU.", "gauge"),
)
"""The columns that are shown, by their position."""

CPU = 12
"""The column with the number of the CPU."""

MIN_WIDTH = 9


def parse_softnet_stat(text: bytes) -> list[tuple[int, ...]]:
    """Split the table into its columns. Raises ValueError when it is not one."""
    width = len(text.partition(b"\n")[0].split())
    if width < MIN_WIDTH:
        raise ValueError(f"/proc/net/softnet_stat: expected {MIN_WIDTH} columns: {shorten(text)}")
    return hexadecimal_columns(text, width)


class SoftnetCollector:
    """What each CPU did with the packets it received."""

    name = "softnet"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.net("softnet_stat")
        self._online = kernel.sys("devices/system/cpu/online")
        self._text = b""
        self._shape: tuple[int, Sequence[int]] | None = None
        self._layout = Layout(())

    def collect(self) -> Iterable[Filled]:
        """Yield one family for each column that this kernel has."""
        try:
            text = self._file.read()
        except FileNotFoundError as error:
            raise NoData("this kernel has no /proc/net/softnet_stat") from error
        if text != self._text:
            self._filled = self._fill(parse_softnet_stat(text))
            self._text = text
        yield self._filled

    def _fill(self, columns: Sequence[tuple[int, ...]]) -> Filled:
        shown = [column for column in COLUMNS if column[0] < len(columns)]
        cpus = columns[CPU] if len(columns) > CPU else self._count(len(columns[0]))
        if (len(columns), cpus) != self._shape:
            rows = [(str(cpu),) for cpu in cpus]
            self._layout = Layout(
                [
                    Series(f"node_softnet_{name}", help_text, kind, ("cpu",), rows)
                    for _, name, help_text, kind in shown
                ]
            )
            self._shape = (len(columns), cpus)
        numbers: list[int] = []
        for column in shown:
            numbers += columns[column[0]]
        return self._layout.fill(numbers)

    def _count(self, lines: int) -> Sequence[int]:
        """Number the lines of an older kernel, which does not say of which CPUs they are."""
        with contextlib.suppress(OSError):
            online = parse_cpu_list(self._online.read())
            if len(online) == lines:
                return online
        return range(lines)
