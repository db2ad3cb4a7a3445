"""Tasks that the kernel has found hung.

Source: /proc/sys/kernel/hung_task_detect_count (Linux kernel/hung_task.c, since 6.13, with
CONFIG_DETECT_HUNG_TASK). Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.families import Digits, Filled
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integer
from exporter.table import Column, Table

COLUMNS = (
    Column(
        "node_kernel_hung_tasks_total",
        "Tasks found to be uninterruptible for longer than kernel.hung_task_timeout_secs.",
        "counter",
    ),
)


def parse_count(text: bytes) -> Digits:
    """Parse `3`. Raises ValueError when it is not a number."""
    return integer(text.strip())


class KernelHungCollector:
    """How often the kernel found a task hung."""

    name = "kernel_hung"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("sys/kernel/hung_task_detect_count")
        self._table = Table(COLUMNS, ())

    def collect(self) -> Iterator[Filled]:
        """Yield node_kernel_hung_tasks_total."""
        try:
            text = self._file.read()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoData(
                "this kernel does not count hung tasks: "
                "it is older than Linux 6.13, or built without their detection"
            ) from error
        yield self._table.fill({(): (parse_count(text),)})
