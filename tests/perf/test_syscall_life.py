"""A source that counts by system calls: refusals, suspending, descriptors that run out, its end."""

from __future__ import annotations

import errno
import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.perf.findings import NO_PERF, NOT_PERMITTED, NOT_SUPPORTED, UNKNOWN_EVENT
from exporter.perf.perf_event import TYPE_HARDWARE
from monitoring import structured_logging
from tests.logs import records
from tests.perf.pmu_machine import Host, Machine, descriptors, unavailable

CYCLES = 0


@contextmanager
def limited_descriptors(number: int) -> Iterator[None]:
    """Let this process have fewer descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, NOT_PERMITTED),
        (errno.EPERM, NOT_PERMITTED),
        (errno.ENOENT, NOT_SUPPORTED),
        (errno.EOPNOTSUPP, NOT_SUPPORTED),
        (errno.ENODEV, NOT_SUPPORTED),
        (errno.EINVAL, NOT_SUPPORTED),
        (errno.ENOSYS, NO_PERF),
    ],
)
def test_an_event_that_is_refused_is_absent_with_its_reason(
    tmp_path: Path, number: int, reason: str
) -> None:
    """Each event is tried on its own, and all others are counted."""
    machine = Machine(refuse=lambda members, _: number if members[0].type == TYPE_HARDWARE else 0)
    host = Host(tmp_path, machine, "cycles", "page-faults")
    found = host.read()
    assert found[unavailable("cycles", reason)] == 0
    assert found['perf_event_available{event="page_faults"}'] == 1
    assert not any(name.startswith("perf_cycles") for name in found)
    host.source.close()


def test_an_event_that_only_perf_knows_by_name(tmp_path: Path, stream: io.StringIO) -> None:
    """Names of the CPU's maker are compiled into perf: unknown here, and said so."""
    structured_logging.configure(stream=stream)
    host = Host(tmp_path, Machine(), "misses=l2_rqsts.miss", "page-faults")
    assert host.read()[unavailable("misses", UNKNOWN_EVENT)] == 0
    (record,) = records(stream.getvalue())
    assert record["message"] == "perf is counting"
    assert "l2_rqsts.miss: not known to the kernel" in record["data"]["explanation"]
    assert "--collector.perf.backend=stat" in record["data"]["explanation"]
    host.source.close()


def test_a_machine_whose_system_call_is_not_known(tmp_path: Path) -> None:
    """Nothing is counted there, and nothing fails."""

    class Unknown(Machine):
        def open(self, *_: object) -> list[int]:
            raise LookupError("the number of perf_event_open(2) is not known")

    host = Host(tmp_path, Unknown(), "cycles")
    assert host.read() == {unavailable("cycles", NO_PERF): 0}
    assert not host.source.read().is_up


def test_refusals_are_logged_once_with_the_remedy(tmp_path: Path, stream: io.StringIO) -> None:
    """The log says what was refused and how to mend it, and does not repeat it at each scrape."""
    structured_logging.configure(stream=stream)
    host = Host(tmp_path, Machine(refuse=lambda *_: errno.EACCES), "cycles", "page-faults")
    host.read()
    host.seconds += 61
    host.read()
    (record,) = records(stream.getvalue())
    assert record["message"] == "perf cannot count"
    assert "docs/collectors/perf.md" in record["data"]["explanation"]


def test_what_was_refused_is_tried_again_after_a_while(tmp_path: Path) -> None:
    """Where nothing could be counted, rights that came meanwhile are noticed."""
    machine = Machine(refuse=lambda *_: errno.EACCES)
    host = Host(tmp_path, machine, "cycles")
    assert unavailable("cycles", NOT_PERMITTED) in host.read()
    machine.refuse = lambda _members, _cpu: 0
    host.seconds += 59
    assert unavailable("cycles", NOT_PERMITTED) in host.read()
    host.seconds += 1
    assert host.read()["perf_cycles_total"] == 0
    host.source.close()


def test_too_many_descriptors_are_refused_before_they_are_opened(
    tmp_path: Path, stream: io.StringIO
) -> None:
    """More than half of the limit would be missing elsewhere: nothing is opened, and it is said."""
    structured_logging.configure(stream=stream)
    machine = Machine()
    host = Host(tmp_path, machine, "software", online="0-99")
    with limited_descriptors(1024):
        found = host.read()
    assert machine.opened() == []
    assert found[unavailable("page_faults", NO_PERF)] == 0
    (record,) = records(stream.getvalue())
    assert "makes 700, and of 1024 only half" in record["data"]["explanation"]
    assert "LimitNOFILE" in record["data"]["explanation"]


@pytest.mark.parametrize("first", [True, False])
def test_without_descriptors_the_next_reading_tries_again(tmp_path: Path, first: bool) -> None:
    """A reading fails when there are no descriptors left, on a trial or later; then all is well."""
    machine = Machine(refuse=lambda _, cpu: errno.EMFILE if first or cpu == 1 else 0)
    host = Host(tmp_path, machine, "cycles")
    with pytest.raises(OSError, match="Too many open files"):
        host.source.read()
    host.source.wait(1)  # says nothing: the collection that follows does
    machine.refuse = lambda _members, _cpu: 0
    host.read()
    assert machine.opened() == [(0, (CYCLES,)), (1, (CYCLES,))]
    host.source.close()


def test_suspended_it_has_no_descriptors(tmp_path: Path) -> None:
    """Suspending counts up to that moment and gives all back; resuming goes on from there."""
    before = descriptors()
    machine = Machine()
    host = Host(tmp_path, machine, "cycles", "page-faults")
    host.read()
    machine.run(1, {CYCLES: 10})
    host.source.suspend()
    host.source.suspend()
    assert machine.opened() == []
    assert descriptors() <= before
    host.seconds += 7
    reading = host.source.read()
    assert reading.is_suspended
    assert not reading.is_up
    assert reading.age_seconds == 7
    assert descriptors() <= before
    host.source.resume()
    host.source.resume()
    machine.run(1, {CYCLES: 1})
    assert host.read()["perf_cycles_total"] == 22
    assert not host.source.read().is_suspended
    host.source.close()
    assert descriptors() <= before


def test_resuming_begins_nothing_that_nobody_wanted(tmp_path: Path) -> None:
    """What was never read counts nothing after it was suspended and resumed either."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles")
    host.source.suspend()
    host.source.resume()
    assert machine.opened() == []
    assert host.source.read().is_up
    host.source.close()


def test_resuming_without_descriptors_leaves_it_to_the_next_reading(tmp_path: Path) -> None:
    """Whoever resumes it is not told of what a scrape will tell."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles")
    host.read()
    host.source.suspend()
    machine.refuse = lambda _members, _cpu: errno.EMFILE
    host.source.resume()
    machine.refuse = lambda _members, _cpu: 0
    assert host.source.read().is_up
    host.source.close()


def test_closed_it_stays_closed(tmp_path: Path) -> None:
    """A scrape that is late opens nothing any more."""
    machine = Machine()
    host = Host(tmp_path, machine, "cycles")
    host.read()
    host.source.suspend()
    host.source.close()
    host.source.close()
    host.source.resume()
    assert not host.source.read().is_up
    assert machine.opened() == []
