"""What the collector `perf` costs, by both of its backends: here, and with 128 CPUs.

Each is a daemon of its own, beside one without the collector, whose cost is subtracted. With 128
CPUs the program is a synthetic one, whose own cost is left out, and the counters of the system call
are those of this machine's CPUs, opened often enough.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from exporter.bench import synthetic_perf
from exporter.bench.client import Scraper
from exporter.bench.measures import MEBI, MICRO, Figure, Plan, take_turns
from exporter.bench.processes import (
    Program,
    Server,
    cpu_seconds,
    own_program,
    resident_bytes,
    start,
)

FEW = ("--collector.disable-defaults", "--collector.loadavg")
"""Of all daemons here: one collector there has to be."""

FIRST_SAMPLE_SECONDS = 20.0
"""Each event is tried on its own first, which takes perf half a second in all."""
POLL_SECONDS = 0.1

TURNS = 10
"""In which the daemons are scraped in a window, as the speed of a machine drifts."""

_AVAILABLE = re.compile(
    rb'^perf_event_available\{[^}\n]*event="(\w+)"(?:,reason="([^"\n]*)")?\} [01]$', re.MULTILINE
)
_UP = re.compile(rb"^perf_up 1$", re.MULTILINE)


class NotCountingError(Exception):
    """A daemon counts nothing: why."""


class Variant(NamedTuple):
    """A way of counting."""

    key: str
    title: str
    backend: str
    has_many_cpus: bool = False

    @property
    def has_child(self) -> bool:
        """Whether a process that the daemon has started is part of the cost."""
        return self.backend == "stat" and not self.has_many_cpus


VARIANTS = (
    Variant("perf_stat", "perf by stat", "stat"),
    Variant("perf_syscall", "perf by syscall", "syscall"),
    *(
        Variant(
            f"perf_{backend}_{synthetic_perf.CPUS}",
            f"perf by {backend}, {synthetic_perf.CPUS} synthetic CPUs",
            backend,
            has_many_cpus=True,
        )
        for backend in ("stat", "syscall")
    ),
)


class Site:
    """A running daemon, and what it has used in windows of time, all of the same length."""

    def __init__(self, server: Server, scrapes: int) -> None:
        self.events = 0
        """How many it counts."""
        self.scrapes_in_turn = max(1, scrapes // TURNS)
        self.idle: list[float] = []
        """CPU seconds in each window without scrapes."""
        self.scraped: list[float] = []
        """CPU seconds in each window with scrapes."""
        self._port = server.port
        self._pids = [server.pid]

    def wait_for_sample(self) -> None:
        """Scrape until it counts. Raises NotCountingError when it says why it will not."""
        deadline = time.perf_counter() + FIRST_SAMPLE_SECONDS
        while not _UP.search(page := self.scrape(1)):
            told = _AVAILABLE.findall(page)
            if told and all(reason for _, reason in told):
                raise NotCountingError(told[0][1].decode())  # of cpu-clock, which every machine has
            if time.perf_counter() > deadline:
                raise NotCountingError("no sample came")
            time.sleep(POLL_SECONDS)
        self.events = len({event for event, reason in _AVAILABLE.findall(page) if not reason})

    def add_child(self) -> None:
        """Have what the daemon has started count to its cost."""
        self._pids += [child.pid for child in psutil.Process(self._pids[0]).children()]

    def scrape(self, times: int) -> bytes:
        """Scrape back to back; give the last page."""
        with Scraper(self._port) as scraper:
            for _ in range(times):
                scraper.scrape()
            return scraper.body

    def cpu_seconds(self) -> float:
        """CPU time so far."""
        return sum(cpu_seconds(pid) for pid in self._pids)

    def resident_bytes(self) -> int:
        """Resident memory."""
        return sum(resident_bytes(pid) for pid in self._pids)

    def idle_costs(self, seconds: float) -> list[float]:
        """CPU time of a second without scrapes, window by window."""
        return [used / seconds * MICRO for used in self.idle]

    def scrape_costs(self) -> list[float]:
        """CPU time of a scrape, window by window: without what it does by itself meanwhile."""
        return [
            (used - idle) / (TURNS * self.scrapes_in_turn) * MICRO
            for used, idle in zip(self.scraped, self.idle, strict=True)
        ]


def measure_perf(plan: Plan) -> list[Figure]:
    """Measure all variants side by side.

    What cannot be measured, as without perf or without rights, has a note instead of a number.
    """
    sites: dict[Variant, Site] = {}
    notes: dict[Variant, str] = {}
    with (
        tempfile.TemporaryDirectory(prefix="perfwatch-bench-") as folder,
        contextlib.ExitStack() as stack,
    ):
        base = Site(stack.enter_context(start(own_program(), FEW)), plan.scrapes)
        for variant in VARIANTS:
            try:
                server = stack.enter_context(start(*_command(variant, Path(folder))))
                sites[variant] = _begin(variant, server, plan)
            except (NotCountingError, PermissionError) as error:
                notes[variant] = f"not measured: {error}"
        _take_windows([base, *sites.values()], plan)
        return [
            Figure("perf_cpus", "CPUs of this machine", "", ([float(os.cpu_count() or 1)],)),
            *(
                figure
                for variant in VARIANTS
                for figure in _figures(
                    variant, base, sites.get(variant), notes.get(variant, ""), plan
                )
            ),
        ]


def _begin(variant: Variant, server: Server, plan: Plan) -> Site:
    """Wait until it counts. Raises PermissionError where its child has rights that we lack."""
    # With many CPUs a quarter of the scrapes: their pages are a hundred times as long.
    site = Site(server, plan.scrapes // 4 if variant.has_many_cpus else plan.scrapes)
    site.wait_for_sample()
    if variant.has_child:
        site.add_child()
    site.resident_bytes()
    return site


def _command(variant: Variant, folder: Path) -> tuple[Program, tuple[str, ...]]:
    """Give the daemon that counts in this way, and its flags."""
    flags: tuple[str, ...]
    flags = (*FEW, "--collector.perf", f"--collector.perf.backend={variant.backend}")
    program = own_program()
    if not variant.has_many_cpus:
        return program, flags
    flags = (*flags, "--collector.perf.aggregation=cpu")
    if variant.backend == "stat":
        return program, (*flags, f"--collector.perf.command={write_program(folder)}")
    python, option, _, *words = program.command
    program = program._replace(command=(python, option, "exporter.bench.many_cpus", *words))
    online = folder / "sys/devices/system/cpu/online"
    online.parent.mkdir(parents=True)
    online.write_text(f"0-{synthetic_perf.CPUS - 1}\n")
    return program, (*flags, f"--path.sysfs={folder / 'sys'}")


def write_program(folder: Path) -> Path:
    """Make the synthetic perf a program: the daemon takes a path, and no words with it."""
    path = folder / "perf"
    words = shlex.join([sys.executable, synthetic_perf.__file__])
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o700)
    return path


def _take_windows(sites: Sequence[Site], plan: Plan) -> None:
    for _ in range(plan.gap_rounds):
        for site, used in zip(sites, _use(sites, plan, is_scraped=False), strict=True):
            site.idle.append(used)
        for site, used in zip(sites, _use(sites, plan, is_scraped=True), strict=True):
            site.scraped.append(used)


def _use(sites: Sequence[Site], plan: Plan, *, is_scraped: bool) -> list[float]:
    """Give what each uses in a window of time."""
    ends_at = time.perf_counter() + plan.idle_seconds
    before = [site.cpu_seconds() for site in sites]
    for number in range(TURNS if is_scraped else 0):
        for index in take_turns(len(sites), number):
            sites[index].scrape(sites[index].scrapes_in_turn)
    time.sleep(max(0.0, ends_at - time.perf_counter()))
    return [site.cpu_seconds() - earlier for site, earlier in zip(sites, before, strict=True)]


def _figures(
    variant: Variant, base: Site, site: Site | None, note: str, plan: Plan
) -> list[Figure]:
    """Say what a variant adds to a daemon without the collector."""
    whose = "daemon and child" if variant.has_child else "daemon"
    added = _added(site, base, plan) if site else {}
    return [
        Figure(
            f"{variant.key}_{key}",
            f"{variant.title}: {what}",
            unit,
            (added[key],) if added else (),
            note,
        )
        for key, what, unit in (
            ("events", "default events counted", ""),
            ("idle", f"CPU per second, {whose}", "us"),
            ("scrape", "CPU per scrape", "us"),
            ("resident", f"resident memory, {whose}", "MiB"),
        )
    ]


def _added(site: Site, base: Site, plan: Plan) -> dict[str, list[float]]:
    # The median of the daemon without the collector: twice a minute it checks its own health,
    # which falls into one window or another.
    idle = median(base.idle_costs(plan.idle_seconds))
    scrapes = zip(site.scrape_costs(), base.scrape_costs(), strict=True)
    return {
        "events": [float(site.events)],
        "idle": [cost - idle for cost in site.idle_costs(plan.idle_seconds)],
        "scrape": [cost - other for cost, other in scrapes],
        "resident": [(site.resident_bytes() - base.resident_bytes()) * MEBI],
    }
