"""What it costs to watch an instance of IRIS: a worker's memory, a poll, configuring, a check.

    python -m tools.bench_iris --sensors page.txt

The instance is the double of the tests, so it needs a checkout and the driver, and no IRIS. The
daemon and its worker are processes of their own; their CPU time is told by their own clocks, and
what the double takes is not in it. Times that somebody waits are of the wall clock: the double's
part is in them, that of a network and of a real server is not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from exporter.bench.client import Scraper
from exporter.bench.perf import FEW
from exporter.bench.processes import Server, cpu_seconds, own_program, start
from exporter.iris.access.session import Session
from exporter.iris.control import check_resource_thresholds, configure_monitoring
from exporter.iris.settings import InstanceSettings
from exporter.iris.system_performance.policy import ResourceThresholds
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

MEGA = 1e-6
MILLI = 1e3

DEFAULTS = ResourceThresholds()

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.05

SETTLED_POLLS = 2
"""After so many it has connected and configured, and what follows is the same again and again."""

FAST_SECONDS = 1.0
"""The time between two polls where their cost is measured."""
MANY_SECONDS = 5.0
"""The same with many instances, at most."""
DIGESTION_SECONDS = 0.2
"""From an instance's answer until it is taken apart: what a poll takes is not the scrape's."""


class Row(NamedTuple):
    """One thing that was measured."""

    what: str
    unit: str
    values: Sequence[float]
    at_most: float | None = None


class SpeakingInstance(Instance):
    """An instance that counts how often it is read, and may have another's sensors."""

    def __init__(self, page: str | None) -> None:
        super().__init__()
        self.polls = 0
        self._page = page

    def sensors(self) -> str:
        """Give the page."""
        self.polls += 1
        return super().sensors() if self._page is None else self._page


class Watched(NamedTuple):
    """A daemon that watches an instance of its own, with its worker."""

    server: Server
    instance: SpeakingInstance

    def settle(self) -> None:
        """Wait until it does the same again and again."""
        _wait_for_polls([self.instance], SETTLED_POLLS)

    @property
    def worker(self) -> psutil.Process:
        """The process that holds the connection."""
        (worker,) = psutil.Process(self.server.pid).children()
        return worker

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time so far, of the daemon and of the worker."""
        return self.server.cpu_seconds(), cpu_seconds(self.worker.pid)


class Window(NamedTuple):
    """What was used in a time in which nobody scraped."""

    daemon: float
    worker: float
    polls: int


def main(words: Sequence[str]) -> int:
    """Measure and print a table."""
    options = _parse(words)
    page = options.sensors.read_text() if options.sensors else None
    rows = [
        *measure_calls(page, options.times),
        *measure_daemon(page, options.interval, options.seconds, options.scrapes),
        *measure_many(
            page, options.instances, min(options.interval, MANY_SECONDS), options.scrapes
        ),
    ]
    print(to_markdown(rows))
    return 0


def measure_calls(page: str | None, times: int) -> list[Row]:
    """Measure what somebody waits for, each time with a new instance and a new worker."""
    connect: list[float] = []
    configure: list[float] = []
    again: list[float] = []
    check: list[float] = []
    for _ in range(times):
        with (
            Double(SpeakingInstance(page)) as double,
            contextlib.closing(Session(double.connection())) as session,
        ):
            connect.append(_milliseconds(session.open))
            configure.append(_milliseconds(lambda: configure_monitoring(session)))
            again.append(_milliseconds(lambda: configure_monitoring(session)))
            check.append(_milliseconds(lambda: check_resource_thresholds(session, DEFAULTS)))
    return [
        Row("Starting a worker and logging in", "ms", connect),
        Row("Configuring a new instance", "ms", configure, 2000),
        Row("Configuring one where everything is as it should be", "ms", again),
        Row("Checking the thresholds", "ms", check, 100),
    ]


def measure_daemon(page: str | None, interval: float, seconds: float, scrapes: int) -> list[Row]:
    """Measure daemons at the same time: without IRIS, with the pace asked for, and a fast one.

    What the one without IRIS takes is subtracted from the others.
    """
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(start(own_program(), FEW))
        usual = stack.enter_context(watching(page, interval))
        fast = stack.enter_context(watching(page, FAST_SECONDS))
        for site in (usual, fast):
            site.settle()
        lasted, idle, windows = _use(base, [usual, fast], seconds)
        scraped = _scrape_milliseconds(base, fast.server, [fast.instance], scrapes)
        memory = usual.worker.memory_full_info()
        added = usual.server.resident_bytes() - base.resident_bytes()
    whole, polled = windows
    share = (whole.daemon - idle + whole.worker) / lasted
    return [
        Row("Worker, resident memory", "MB", [memory.rss * MEGA], 35),
        Row("Worker, its share of it (PSS)", "MB", [memory.pss * MEGA]),
        Row("Daemon, resident memory added", "MB", [added * MEGA]),
        Row("CPU of a poll, worker", "ms", [polled.worker / polled.polls * MILLI]),
        Row("CPU of a poll, daemon", "ms", [(polled.daemon - idle) / polled.polls * MILLI]),
        Row(f"CPU of all, a poll every {interval:g} s", "% of a core", [share * 100], 2),
        Row("CPU added to a scrape", "ms", scraped),
    ]


def measure_many(page: str | None, count: int, interval: float, scrapes: int) -> list[Row]:
    """Measure a daemon with several instances; what one without IRIS takes is subtracted."""
    instances = [SpeakingInstance(page) for _ in range(count)]
    with start(own_program(), FEW) as base, serving(instances, interval) as server:
        scraped = _scrape_milliseconds(base, server, instances, scrapes)
        workers = [one.memory_full_info() for one in psutil.Process(server.pid).children()]
        added = server.resident_bytes() - base.resident_bytes()
    return [
        Row(f"CPU added to a scrape, {count} instances", "ms", scraped, 30),
        Row(
            f"{count} workers, their share of memory (PSS)",
            "MB",
            [sum(one.pss for one in workers) * MEGA],
        ),
        Row(f"Daemon, resident memory added, {count} instances", "MB", [added * MEGA]),
    ]


@contextlib.contextmanager
def watching(page: str | None, interval: float) -> Iterator[Watched]:
    """Start a daemon that watches an instance of its own."""
    instance = SpeakingInstance(page)
    with serving([instance], interval) as server:
        yield Watched(server, instance)


@contextlib.contextmanager
def serving(instances: Sequence[SpeakingInstance], interval: float) -> Iterator[Server]:
    """Start a daemon that watches these instances."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perfwatch-bench-")))
        watched = {}
        for number, instance in enumerate(instances):
            double = stack.enter_context(Double(instance))
            password = folder / str(number)
            password.touch(0o600)
            password.write_text(instance.password)
            watched[f"iris-{number}"] = {
                "host": "127.0.0.1",
                "port": double.port,
                "username": instance.username,
                "password_file": str(password),
                "interval": f"{interval:g}s",
            }
        config = folder / "perfwatch.yml"
        config.write_text(json.dumps({"iris": {"instances": watched}}))
        yield stack.enter_context(start(own_program(), [*FEW, f"--config.file={config}"]))


def to_markdown(rows: Sequence[Row]) -> str:
    """Write a table: the median, and where there are several values, the worst."""
    lines = ["| | unit | median | worst | at most |", "|---|---|---|---|---|"]
    for what, unit, values, at_most in rows:
        worst = _number(max(values)) if len(values) > 1 else ""
        bound = "" if at_most is None else f"{at_most:g}"
        lines.append(f"| {what} | {unit} | {_number(median(values))} | {worst} | {bound} |")
    return "\n".join(lines)


def _use(
    base: Server, sites: Sequence[Watched], seconds: float
) -> tuple[float, float, list[Window]]:
    """Give how long it took, and what each has used meanwhile: a poll of each at least."""
    began, base_before = time.perf_counter(), base.cpu_seconds()
    before = [(*site.cpu_seconds(), site.instance.polls) for site in sites]
    time.sleep(seconds)
    _wait_for_polls([site.instance for site in sites])
    after = [(*site.cpu_seconds(), site.instance.polls) for site in sites]
    windows = [
        Window(later[0] - earlier[0], later[1] - earlier[1], later[2] - earlier[2])
        for earlier, later in zip(before, after, strict=True)
    ]
    return time.perf_counter() - began, base.cpu_seconds() - base_before, windows


def _scrape_milliseconds(
    base: Server, server: Server, instances: Sequence[SpeakingInstance], times: int
) -> list[float]:
    """Give the CPU time that a server spends more than another, each time with new numbers."""
    spent = []
    with Scraper(base.port) as plain, Scraper(server.port) as scraper:
        for _ in range(times + 1):
            _wait_for_polls(instances)
            time.sleep(DIGESTION_SECONDS)
            before = server.cpu_seconds() - base.cpu_seconds()
            plain.scrape()
            scraper.scrape()
            spent.append((server.cpu_seconds() - base.cpu_seconds() - before) * MILLI)
    return spent[1:]  # names and labels are encoded in the first one


def _wait_for_polls(instances: Sequence[SpeakingInstance], count: int = 1) -> None:
    """Wait until each is read so many times more."""
    wanted = [one.polls + count for one in instances]
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while any(one.polls < polls for one, polls in zip(instances, wanted, strict=True)):
        if time.perf_counter() > deadline:
            raise TimeoutError(f"an instance was not read within {PATIENCE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * MILLI


def _number(value: float) -> str:
    return f"{value:.3g}"


def _parse(words: Sequence[str]) -> argparse.Namespace:
    pace = InstanceSettings().interval
    parser = argparse.ArgumentParser("python -m tools.bench_iris", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--times", type=int, default=20, help="instances configured (20)")
    parser.add_argument(
        "--interval", type=float, default=pace, help=f"seconds between two polls ({pace:g})"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of CPU time (60)")
    parser.add_argument("--scrapes", type=int, default=10, help="each after a poll (10)")
    parser.add_argument("--instances", type=int, default=20, help="where there are many (20)")
    parser.add_argument("--sensors", type=Path, help="a page of /api/monitor/metrics to give")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
