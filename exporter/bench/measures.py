"""What is measured, and the figures that come of it.

The servers take turns within a round, and in every other round in the other order, because a
machine's speed drifts: figures are compared within a round, and the median of the rounds' ratios
is what counts.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import NamedTuple

from exporter.bench.client import Scraper
from exporter.bench.processes import Program, Server, start

MICRO = 1e6
MILLI = 1e3
MEBI = 1 / 2**20
"""From seconds and bytes to the units that are shown."""

WARM_UP_SCRAPES = 20


class Plan(NamedTuple):
    """How much is measured."""

    rounds: int
    scrapes: int
    """In a round, in each way of scraping."""
    gap_rounds: int
    gap_scrapes: int
    """In a round, each with a second before the next."""
    idle_seconds: float
    growth_scrapes: int
    """In a round, of a tree."""


THOROUGH = Plan(7, 200, gap_rounds=3, gap_scrapes=5, idle_seconds=5, growth_scrapes=10)
QUICK = Plan(3, 40, gap_rounds=1, gap_scrapes=3, idle_seconds=1, growth_scrapes=3)


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured, for one or two programs, in some rounds."""

    key: str
    title: str
    unit: str
    rounds: tuple[list[float], ...]
    """For each program, in the order in which the programs are given."""
    note: str = ""
    """Why there are no rounds: what could not be measured here."""

    def value(self, program: int) -> float:
        """The median of a program's rounds."""
        return median(self.rounds[program])

    def ratios(self) -> list[float]:
        """The peer's figure by ours, round by round; empty when there is nothing to divide."""
        if len(self.rounds) < 2 or not all(self.rounds[0]):
            return []
        return [peer / own for own, peer in zip(*self.rounds, strict=True)]

    def ratio(self) -> float | None:
        """The median of the ratios."""
        ratios = self.ratios()
        return median(ratios) if ratios else None

    def spread(self) -> float | None:
        """How far the rounds lie apart: the middle half of their ratios, by the median.

        Without a peer it is that of our own figures.
        """
        values = self.ratios() or next(iter(self.rounds), [])
        if len(values) < 3 or not median(values):
            return None
        lower, _, upper = quantiles(values, n=4, method="inclusive")
        return (upper - lower) / median(values)


class Way(NamedTuple):
    """A way of scraping back to back."""

    key: str
    title: str
    encoding: str
    keep_alive: bool


WAYS = (
    Way("warm", "keep-alive", "identity", keep_alive=True),
    Way("connection", "a new connection each", "identity", keep_alive=False),
    Way("gzip", "keep-alive, gzip", "gzip", keep_alive=True),
)


def take_turns(count: int, number: int) -> Iterable[int]:
    """The order in which programs are measured in a round."""
    order = range(count)
    return reversed(order) if number % 2 else order


def rows_for(programs: Sequence[object]) -> tuple[list[float], ...]:
    """An empty list of rounds for each program."""
    return tuple([] for _ in programs)


def measure_starts(programs: Sequence[Program], plan: Plan) -> list[Figure]:
    """Start each program several times, after once unmeasured: that fills the disk cache."""
    seconds, cpu, resident = rows_for(programs), rows_for(programs), rows_for(programs)
    for program in programs:
        with start(program):
            pass
    for number in range(plan.rounds):
        for index in take_turns(len(programs), number):
            with start(programs[index]) as server:
                cpu[index].append(server.cpu_seconds() * MILLI)
                seconds[index].append(server.start_seconds * MILLI)
                resident[index].append(server.resident_bytes() * MEBI)
    return [
        Figure("start", "Start to the first page", "ms", seconds),
        Figure("start_cpu", "CPU until then", "ms", cpu),
        Figure("resident_start", "Resident memory after the first page", "MiB", resident),
    ]


def measure_scrapes(
    programs: Sequence[Program], plan: Plan
) -> tuple[list[Figure], tuple[bytes, ...]]:
    """Scrape running servers in every way; give the figures and the last page of each."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(start(program)) for program in programs]
        scrapers = [stack.enter_context(Scraper(server.port)) for server in servers]
        for scraper in scrapers:
            for _ in range(WARM_UP_SCRAPES):
                scraper.scrape()
        figures = [
            *(figure for way in WAYS for figure in _measure_way(servers, way, plan)),
            _measure_gaps(servers, scrapers, plan),
            _measure_idle(servers, plan),
            Figure(
                "resident",
                "Resident memory after all these",
                "MiB",
                tuple([server.resident_bytes() * MEBI] for server in servers),
            ),
        ]
        return figures, tuple(scraper.body for scraper in scrapers)


def _measure_way(servers: Sequence[Server], way: Way, plan: Plan) -> list[Figure]:
    cpu, half, tail = rows_for(servers), rows_for(servers), rows_for(servers)
    for number in range(plan.rounds):
        for index in take_turns(len(servers), number):
            before = servers[index].cpu_seconds()
            seconds = sorted(_scrape(servers[index].port, way, plan.scrapes))
            used = servers[index].cpu_seconds() - before
            cpu[index].append(used / plan.scrapes * MICRO)
            half[index].append(median(seconds) * MICRO)
            tail[index].append(seconds[math.ceil(0.99 * len(seconds)) - 1] * MICRO)
    return [
        Figure(f"cpu_{way.key}", f"CPU per scrape, {way.title}", "us", cpu),
        Figure(f"p50_{way.key}", f"Latency p50, {way.title}", "us", half),
        Figure(f"p99_{way.key}", f"Latency p99, {way.title}", "us", tail),
    ]


def _scrape(port: int, way: Way, count: int) -> list[float]:
    """Scrape back to back; a new connection counts to the latency of its scrape."""
    if way.keep_alive:
        with Scraper(port) as scraper:
            return [scraper.scrape(way.encoding) for _ in range(count)]
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        with Scraper(port) as scraper:
            scraper.scrape(way.encoding)
        seconds.append(time.perf_counter() - started)
    return seconds


def _measure_gaps(servers: Sequence[Server], scrapers: Sequence[Scraper], plan: Plan) -> Figure:
    """Scrape once a second, the servers at different times of it.

    This is nearer to real life than back to back: the processor's caches have forgotten the
    program. What it does by itself in the meantime counts too.
    """
    pause = 1 / len(servers)

    def scrape_with_gaps() -> None:
        for _ in range(plan.gap_scrapes):
            for scraper in scrapers:
                scraper.scrape()
                time.sleep(pause)

    rows = rows_for(servers)
    for _ in range(plan.gap_rounds):
        for row, used in zip(rows, _cpu_during(servers, scrape_with_gaps), strict=True):
            row.append(used / plan.gap_scrapes * MICRO)
    return Figure("cpu_gaps", "CPU per scrape, one a second", "us", rows)


def _measure_idle(servers: Sequence[Server], plan: Plan) -> Figure:
    used = _cpu_during(servers, lambda: time.sleep(plan.idle_seconds))
    return Figure(
        "idle",
        "CPU when idle, per second",
        "us",
        tuple([seconds / plan.idle_seconds * MICRO] for seconds in used),
    )


def _cpu_during(servers: Sequence[Server], act: Callable[[], None]) -> list[float]:
    before = [server.cpu_seconds() for server in servers]
    act()
    return [server.cpu_seconds() - earlier for server, earlier in zip(servers, before, strict=True)]
