"""The kernel's and the host's names.

Source: /proc/sys/kernel (Linux kernel/utsname_sysctl.c; arch since 6.1), and uname(2) for what is
missing there. Both show the names of the daemon's own UTS namespace. Needs no rights.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from exporter.families import Filled, LabelValues, Layout, Series
from exporter.kernel import KernelTree

FILES = {
    "domainname": "domainname",
    "machine": "arch",
    "nodename": "hostname",
    "release": "osrelease",
    "sysname": "ostype",
    "version": "version",
}
"""Our label, and the kernel's word for it."""

CHANGEABLE = ("domainname", "nodename")
"""What may change while the kernel runs, and is read each time."""


class UnameCollector:
    """One series that names the kernel and the host."""

    name = "uname"

    def __init__(
        self, kernel: KernelTree, *, uname: Callable[[], os.uname_result] = os.uname
    ) -> None:
        self._files = {label: kernel.proc(f"sys/kernel/{name}") for label, name in FILES.items()}
        self._uname = uname
        self._values: dict[str, str] = {}

    def collect(self) -> Iterator[Filled]:
        """Yield node_uname_info."""
        wanted = CHANGEABLE if self._values else FILES
        values = self._values | {label: self._read(label) for label in wanted}
        if values != self._values:
            self._info = _fill(tuple(values[label] for label in FILES))
            self._values = values
        yield self._info

    def _read(self, label: str) -> str:
        try:
            return self._files[label].read().decode("utf-8", "replace").strip()
        except (FileNotFoundError, PermissionError):
            # Older than 6.1 (arch), or /proc/sys is hidden. Python's uname has no domain name.
            return getattr(self._uname(), label, "")


def _fill(values: LabelValues) -> Filled:
    series = Series(
        "node_uname_info",
        "The names of the kernel and the host, as uname(2) gives them; always 1.",
        "gauge",
        tuple(FILES),
        [values],
    )
    return Layout([series]).fill((1,))
