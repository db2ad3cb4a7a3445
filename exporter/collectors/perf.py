"""Counters of the CPU and of the kernel: cycles, cache misses, context switches, page faults.

Source: `perf stat -a -I`, one process that runs all the time (perf since Linux 3.4), or
perf_event_open(2) without it (since Linux 3.14). Without CAP_PERFMON (before Linux 5.8:
CAP_SYS_ADMIN), and with kernel.perf_event_paranoid above 0, nothing can be counted; most virtual
machines have software events only. What cannot be counted is absent, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from exporter.families import Family, Filled, Layout, Series, gauge
from exporter.kernel import KernelTree
from exporter.options import one_of, option, parse_seconds, parse_text, parse_words, shown
from exporter.perf.counters import PLACE_LABELS, Counters
from exporter.perf.events import DEFAULT, Event, select
from exporter.perf.source import Source

DOCUMENTATION = "docs/collectors/perf.md"

MIN_INTERVAL_SECONDS = 0.1
"""perf itself warns of less: it would use up what it measures."""
MAX_INTERVAL_SECONDS = 60.0

MakeSource = Callable[[tuple[Event, ...], Counters], Source]


def parse_events(raw: Any) -> tuple[str, ...]:
    """Take sets of events, known events, and ALIAS=EVENT."""
    words = parse_words(raw)
    try:
        select(words)
    except ValueError as error:
        raise ValueError(f"{error}; {DOCUMENTATION} has examples") from error
    return words


def parse_interval(raw: Any) -> float:
    """Take the time between two samples."""
    seconds = parse_seconds(raw)
    if not MIN_INTERVAL_SECONDS <= seconds <= MAX_INTERVAL_SECONDS:
        raise ValueError(
            f"expected from {MIN_INTERVAL_SECONDS:g} to {MAX_INTERVAL_SECONDS:g} seconds, such as "
            f"1 or 500ms, got {shown(raw)}; {DOCUMENTATION} tells what it costs"
        )
    return seconds


def parse_command(raw: Any) -> str:
    """Take the name of a program, or where it is."""
    text = parse_text(raw)
    if not text or "\0" in text or ("/" in text and not text.startswith("/")):
        raise ValueError(
            f"expected the name of a program such as perf, or an absolute path, got {shown(raw)}; "
            f"{DOCUMENTATION} tells where to get it"
        )
    return text


@dataclass(frozen=True, slots=True)
class Options:
    """What is counted, where, how often, and by what."""

    events: tuple[str, ...] = option(
        (DEFAULT,),
        "What to count: sets (software, core, cache, tlb, default), events of those, and others as "
        "ALIAS=EVENT; may be repeated.",
        parse=parse_events,
    )
    aggregation: str = option(
        "none",
        "For what to count apart: none (the whole host), cpu, core, socket or node.",
        parse=one_of(*PLACE_LABELS),
    )
    interval: float = option(
        1.0, "Time between two samples, from 0.1 to 60 seconds.", parse=parse_interval
    )
    idle_timeout: float = option(
        300.0, "Time without a scrape after which counting stops until the next one; 0: never."
    )
    command: str = option(
        "perf", "The perf program: its name in PATH, or an absolute path.", parse=parse_command
    )
    backend: str = option(
        "stat",
        "What counts: stat (the perf program) or syscall (perf_event_open, without a process).",
        parse=one_of("stat", "syscall"),
    )

    def __post_init__(self) -> None:
        """Refuse to stop before there can be a sample."""
        if 0 < self.idle_timeout <= self.interval:
            raise ValueError(
                f"idle-timeout is {self.idle_timeout:g} s and interval {self.interval:g} s: "
                "expected a longer idle-timeout, or 0 for never"
            )


STATE = Layout(
    [
        Series(
            "perf_up",
            "Whether events are being counted: it runs, and its newest sample is young.",
            "gauge",
        ),
        Series("perf_suspended", "Whether counting is suspended, as under pressure.", "gauge"),
        Series(
            "perf_child_restarts_total",
            "Times that perf was started again: it had ended by itself, or CPUs had come or gone.",
            "counter",
        ),
        Series("perf_unparsed_lines_total", "Lines of perf that were not understood.", "counter"),
    ]
)


class PerfCollector:
    """The counters, and the state of what counts."""

    name = "perf"

    def __init__(
        self, kernel: KernelTree, options: Options, *, make_source: MakeSource | None = None
    ) -> None:
        """Start nothing: the first collection does."""
        events = select(options.events)
        self._counters = Counters(events, options.aggregation)
        make_source = make_source or _source_of(kernel, options)
        self._source = make_source(events, self._counters)

    def collect(self) -> Iterator[Family | Filled]:
        """Yield what was counted until now, and how it is counted."""
        reading = self._source.read()
        # First what is never to be cut off where there are more series than may be.
        yield STATE.fill(
            [
                int(reading.is_up),
                int(reading.is_suspended),
                reading.restarts,
                reading.unparsed_lines,
            ]
        )
        if reading.age_seconds is not None:
            yield gauge(
                "perf_sample_age_seconds",
                "How long ago the newest sample was taken.",
                reading.age_seconds,
            )
        yield from self._counters.families(fresh=reading.is_up)

    def wait(self, seconds: float) -> None:
        """Have counting begin, and wait for the first sample, or until none is to be expected."""
        self._source.wait(seconds)

    def suspend(self) -> None:
        """Count nothing until `resume`: no process runs meanwhile, and the totals stay."""
        self._source.suspend()

    def resume(self) -> None:
        """Count again."""
        self._source.resume()

    def close(self) -> None:
        """End what counts."""
        self._source.close()


def _source_of(kernel: KernelTree, options: Options) -> MakeSource:
    """Choose what counts. Its module is imported here: the other's costs memory for nothing."""
    if options.backend == "syscall":
        from exporter.perf.syscall import SyscallSource

        return lambda events, counters: SyscallSource(
            events, counters, aggregation=options.aggregation, kernel=kernel
        )
    from exporter.perf.sampler import Sampler

    return lambda events, counters: Sampler(
        options.command,
        events,
        counters,
        aggregation=options.aggregation,
        interval_seconds=options.interval,
        idle_seconds=options.idle_timeout,
        read_online=kernel.sys("devices/system/cpu/online").read,
    )
