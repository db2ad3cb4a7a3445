"""Hosts with processes, as /proc shows them."""

from __future__ import annotations

import shutil

from exporter.collectors.topprocesses import Options, TopprocessesCollector
from exporter.kernel import KernelTree
from exporter.process_files import ProcessFiles
from tests.collectors.conftest import FakeHost

PREFIX = "node_topprocesses_"


def stat_line(
    pid: int,
    name: str,
    *,
    user: int = 0,
    system: int = 0,
    start: int = 100,
    pages: int = 0,
    threads: int = 1,
    faults: int = 0,
    kernel: bool = False,
) -> str:
    """Write /proc/<pid>/stat."""
    flags = 0x00208040 if kernel else 0x00400100
    return (
        f"{pid} ({name}) S 1 {pid} {pid} 0 -1 {flags} 7 0 {faults} 0 {user} {system} 3 4 20 0"
        f" {threads} 0 {start} 4096000 {pages} 18446744073709551615 1 1 0 0 0 0 0 0 0 17 1 0 0\n"
    )


def status_text(voluntary: int = 0, involuntary: int = 0) -> str:
    """Write /proc/<pid>/status, shortened."""
    return (
        "Name:\tsome\nState:\tS (sleeping)\n"
        f"voluntary_ctxt_switches:\t{voluntary}\nnonvoluntary_ctxt_switches:\t{involuntary}\n"
    )


def io_text(read: int = 0, written: int = 0) -> str:
    """Write /proc/<pid>/io."""
    return (
        f"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: {read}\nwrite_bytes: {written}\n"
        "cancelled_write_bytes: 5\n"
    )


def add_process(host: FakeHost, pid: int, name: str, **values: int) -> None:
    """Start a process, or let it go on."""
    host.write("proc/stat", "cpu 1 2\nbtime 1000\n")
    host.write(f"proc/{pid}/stat", stat_line(pid, name, **values))  # type: ignore[arg-type]


def end_process(host: FakeHost, pid: int) -> None:
    """End a process."""
    shutil.rmtree(host.root / f"proc/{pid}")


class Refused(ProcessFiles):
    """Files of which some may not be read."""

    def __init__(self, kernel: KernelTree, *refused: str) -> None:
        super().__init__(kernel)
        self.refused = refused

    def read(self, pid: str, name: str) -> bytes:
        """Refuse, or read."""
        self._check(f"{pid}/{name}")
        return super().read(pid, name)

    def count_descriptors(self, pid: str) -> int:
        """Refuse, or count."""
        self._check(f"{pid}/fd")
        return super().count_descriptors(pid)

    def _check(self, path: str) -> None:
        if path in self.refused:
            raise PermissionError(path)


class Watched:
    """A collector whose clock is set by hand."""

    def __init__(self, host: FakeHost, *refused: str, **options: object) -> None:
        self.time = 0.0
        self._host = host
        add_process(host, 1, "init")
        self.collector = TopprocessesCollector(
            host.kernel,
            Options(**options),  # type: ignore[arg-type]
            now=lambda: self.time,
            page_size=4096,
            files=Refused(host.kernel, *refused),
        )

    def look(self, seconds: float = 0.0) -> dict[str, float]:
        """Collect after some time."""
        self.time += seconds
        samples = self._host.samples(self.collector)
        return {name.removeprefix(PREFIX): value for name, value in samples.items()}

    def cpu(self, seconds: float = 0.0) -> dict[str, float]:
        """Collect; only the CPU time in user mode, by group."""
        head, tail = 'cpu_seconds_total{group="', '",mode="user"}'
        return {
            name.removeprefix(head).removesuffix(tail): value
            for name, value in self.look(seconds).items()
            if name.endswith(tail)
        }
