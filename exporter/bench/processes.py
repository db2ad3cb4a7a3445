"""The servers that are measured: how they are found, started, watched and ended."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import exporter
from exporter import collectors
from exporter.bench.client import BadAnswerError, Scraper
from exporter.kernel import KernelTree

PEER_NAMES = ("prometheus-node-exporter", "node_exporter")
FETCHED_PEERS = Path("build/peers/root/usr/bin")
"""Where `make peers` puts them."""

START_SECONDS = 20.0
END_SECONDS = 5.0
POLL_SECONDS = 0.001

_RESIDENT = re.compile(rb"^Rss: +([0-9]+) kB$", re.MULTILINE)


class StartError(Exception):
    """A server gave no page: which, and what it wrote."""


class Program(NamedTuple):
    """What is measured."""

    name: str
    command: tuple[str, ...]
    tree_flags: tuple[str, ...] = ()
    """What it needs besides the paths to read a tree that is not this machine's."""


def own_program() -> Program:
    """This daemon, run by this Python."""
    return Program("perfwatch", (sys.executable, "-m", "exporter", "run", "--log.level=error"))


def peer_program(path: str) -> Program:
    """A node_exporter with the same collectors: its own default ones.

    Named, because packages turn others on besides. Debian's also has a directory for text files,
    without which it logs an error at each scrape.
    """
    flags = [f"--collector.{entry.name}" for entry in collectors.ALL if entry.enabled]
    flags.append("--collector.textfile.directory=")
    return Program(
        "node_exporter",
        (path, "--log.level=error", "--collector.disable-defaults", *flags),
        # It asks the kernel by netlink, which knows this machine's interfaces only.
        ("--no-collector.netdev.netlink", "--no-collector.arp.netlink"),
    )


def find_peer(path: str | None = None) -> str | None:
    """Find the given program, or node_exporter where it usually is; None when it is not there."""
    if path is not None:
        found = shutil.which(path)
    else:
        places = (None, str(FETCHED_PEERS))
        tried = (shutil.which(name, path=place) for name in PEER_NAMES for place in places)
        found = next(filter(None, tried), None)
    return str(Path(found).absolute()) if found else None  # it is started in another directory


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, those that have ended too.

    The times in its stat file come in ticks of 10 ms, twenty scrapes long. The kernel has a
    clock for each process, exact to the nanosecond, whose number is made of the process id:
    clock_getcpuclockid(3), and CPUCLOCK_SCHED (2) in Linux include/linux/posix-timers.h.
    Raises OSError when there is no such process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Resident memory: the exact sum, since 4.14; `status` is off by some pages per CPU."""
    file = KernelTree().proc(f"{pid}/smaps_rollup")
    try:
        match = _RESIDENT.search(file.read())
    finally:
        file.close()
    if match is None:
        raise ValueError(f"{file.path}: expected a line with Rss")
    return int(match[1]) * 1024


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.pid = process.pid
        self.port = port
        self.start_seconds = 0.0
        """From before it was started to its first page."""
        self._process = process

    def cpu_seconds(self) -> float:
        """CPU time of all its threads, those that have ended too."""
        return cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Resident memory."""
        return resident_bytes(self.pid)

    def count_descriptors(self) -> int:
        """How many files and sockets it has open."""
        return KernelTree().proc(f"{self.pid}/fd").count_entries()

    def wait_for_page(self, started: float) -> str:
        """Ask until the first page comes; when none does, give what happened instead."""
        while True:
            try:
                with Scraper(self.port) as scraper:
                    scraper.scrape()
            except (OSError, BadAnswerError) as error:
                if self._process.poll() is not None:
                    return f"ended with code {self._process.returncode} before its first page"
                if time.perf_counter() - started > START_SECONDS:
                    return f"gave no page within {START_SECONDS:.0f} seconds ({error})"
                time.sleep(POLL_SECONDS)
            else:
                self.start_seconds = time.perf_counter() - started
                return ""


@contextlib.contextmanager
def start(program: Program, flags: Sequence[str] = ()) -> Iterator[Server]:
    """Start a server, wait for its first page, and end it on every path."""
    port = _free_port()
    command = [*program.command, f"--web.listen-address=127.0.0.1:{port}", *flags]
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=Path(exporter.__file__).parent.parent,  # so that Python finds this very package
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            server = Server(process, port)
            failure = server.wait_for_page(started)
            if failure:
                raise StartError(f"{program.name} {failure}: {_read_end(log)}")
            yield server
        finally:
            _end(process)


def _read_end(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", "replace").strip()[-2000:]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """The environment without what configures a daemon or ties it to systemd."""
    foreign = ("PERFWATCH_", "NOTIFY_SOCKET", "WATCHDOG_", "GOMAXPROCS")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
