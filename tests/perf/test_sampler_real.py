"""The life of the real perf."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import NamedTuple

import psutil
import pytest

from exporter.perf.findings import NOT_SUPPORTED
from exporter.perf.patience import Patience
from tests.child import Child
from tests.perf.real_perf import find_perf
from tests.perf.running import child_processes, has_ended
from tests.perf.sampling import sampling

SERVICE = """
import atexit, signal, sys
import psutil
from exporter.perf.counters import Counters
from exporter.perf.events import select
from exporter.perf.sampler import Sampler

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
atexit.register(lambda: print(len(psutil.Process().children()), "left", file=sys.stderr))
events = select(["context-switches"])
sampler = Sampler(
    sys.argv[1], events, Counters(events, "none"), aggregation="none", interval_seconds=0.1,
    idle_seconds=0, read_online=lambda: b"",
)
sampler.wait(10)
print("counts", file=sys.stderr, flush=True)
signal.sigwait({signal.SIGUSR1})
"""
"""A daemon that does not close what it has opened; SIGUSR1 ends it."""


class Service(NamedTuple):
    """The daemon, and its perf."""

    daemon: Child
    perf: int
    """A descriptor of the process."""


@contextlib.contextmanager
def serving() -> Iterator[Service]:
    """Start the daemon, and wait until it counts."""
    with Child([sys.executable, "-c", SERVICE, find_perf()]) as daemon:
        daemon.wait_for_lines(lambda lines: "counts" in lines or None, "counts")
        [process] = psutil.Process(daemon.pid).children(recursive=True)
        perf = os.pidfd_open(process.pid)
        yield Service(daemon, perf)
        os.close(perf)


@pytest.mark.parametrize("aggregation", ["none", "cpu", "core", "socket"])
def test_it_counts(aggregation: str) -> None:
    """The kernel's own events are counted at each place, and nothing is left in the end."""
    program = find_perf()
    events = "context-switches,cpu-clock,cycles"
    with sampling(program, events, aggregation=aggregation, interval_seconds=0.05) as working:
        working.sampler.wait(10)
        working.until_counted(4)
        reading = working.sampler.read()
        assert (reading.is_up, reading.restarts, reading.unparsed_lines) == (True, 0, 0)
        totals = working.counters.totals
        assert totals["cpu-clock"] > 0
        assert totals["context-switches"] > 0
        sizes = {len(samples) for samples in working.counters.intervals}
    assert len(sizes) == 1
    assert working.log.messages == ["perf is counting"]
    assert working.log.of("perf is counting")["missing"] in ({}, {"cycles": NOT_SUPPORTED})


def test_it_is_replaced_when_it_is_killed() -> None:
    """Whoever kills perf finds another one in its place."""
    patience = Patience(first_pause_seconds=0.01)
    others = child_processes()
    with sampling(find_perf(), "cpu-clock", interval_seconds=0.05, patience=patience) as working:
        working.sampler.wait(10)
        [process] = child_processes() - others
        before = working.counters.totals["cpu-clock"]
        process.kill()
        ended = working.until_logged("perf ended")
        working.until_logged("perf recovered")
        assert ended["exit_code"] == -signal.SIGKILL
        assert working.counters.totals["cpu-clock"] > before


def test_it_ends_with_the_daemon() -> None:
    """A daemon that ends without closing anything ends its perf first."""
    with serving() as service:
        service.daemon.signal(signal.SIGUSR1)
        assert service.daemon.wait() == 0
        assert service.daemon.log_lines() == ["counts", "0 left"]
        assert has_ended(service.perf)


def test_it_ends_when_the_daemon_is_killed() -> None:
    """Nobody is left to end it: it does so itself, as nobody reads what it prints."""
    with serving() as service:
        service.daemon.signal(signal.SIGKILL)
        service.daemon.wait()
        assert has_ended(service.perf)
