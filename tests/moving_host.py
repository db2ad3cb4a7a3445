"""A small host whose /proc moves: load and memory are what the test says they are.

The daemon keeps its descriptors open and reads from the start, so the files are rewritten in place:
one write of always the same length, never a rename, never a moment of half a file.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

CPUS = 2
MEMORY_KILOBYTES = 8_000_000
FILE_BYTES = 1024
STEP_SECONDS = 0.1
TICKS_PER_SECOND = 100


class MovingHost:
    """A host with two CPUs; both shares may be set at any time."""

    def __init__(self, root: Path) -> None:
        self.rest()
        self._procfs = root / "proc"
        self._sysfs = root / "sys"
        self._procfs.mkdir(parents=True)
        self._sysfs.mkdir()
        # Of one CPU; a host that has been up for a while.
        self._busy_ticks, self._idle_ticks = 100_000.0, 400_000.0
        self._moved_at = time.monotonic()
        self._left = threading.Event()
        self.move()

    @property
    def flags(self) -> tuple[str, ...]:
        """What makes the daemon watch this host, with the collectors that it has files for."""
        return (
            f"--path.procfs={self._procfs}",
            f"--path.sysfs={self._sysfs}",
            "--collector.disable-defaults",
            "--collector.cpu",
            "--collector.meminfo",
        )

    def rest(self) -> None:
        """Have little to do."""
        self.cpu_busy = 0.2
        self.memory_used = 0.5

    def move(self) -> None:
        """Let the CPUs have worked since the last time, and write the files."""
        now = time.monotonic()
        ticks = (now - self._moved_at) * TICKS_PER_SECOND
        self._moved_at = now
        self._busy_ticks += ticks * self.cpu_busy
        self._idle_ticks += ticks * (1 - self.cpu_busy)
        self._write("stat", self._stat())
        self._write("meminfo", self._meminfo())

    def keep_moving(self) -> None:
        """Move until the host is left."""
        while not self._left.wait(STEP_SECONDS):
            self.move()

    def leave(self) -> None:
        """End the motion."""
        self._left.set()

    def _stat(self) -> str:
        busy, idle = int(self._busy_ticks), int(self._idle_ticks)
        rows = [f"cpu  {busy * CPUS} 0 0 {idle * CPUS} 0 0 0 0 0 0"]
        rows += [f"cpu{cpu} {busy} 0 0 {idle} 0 0 0 0 0 0" for cpu in range(CPUS)]
        return "\n".join([*rows, "intr 0", "ctxt 0", "btime 1700000000", ""])

    def _meminfo(self) -> str:
        available = round(MEMORY_KILOBYTES * (1 - self.memory_used))
        return (
            f"MemTotal:       {MEMORY_KILOBYTES:>8} kB\n"
            f"MemFree:        {available // 2:>8} kB\n"
            f"MemAvailable:   {available:>8} kB\n"
        )

    def _write(self, name: str, text: str) -> None:
        descriptor = os.open(self._procfs / name, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(descriptor, text.encode().ljust(FILE_BYTES, b"\n"), 0)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def moving_host(root: Path) -> Iterator[MovingHost]:
    """Make a host below a directory and let it move until the end of the block."""
    host = MovingHost(root)
    motion = threading.Thread(target=host.keep_moving, daemon=True)
    motion.start()
    try:
        yield host
    finally:
        host.leave()
        motion.join()
