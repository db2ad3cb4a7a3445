"""The life of perf while nothing is wrong with it."""

from __future__ import annotations

import threading
from pathlib import Path

from exporter.perf import sampler
from exporter.perf.findings import NO_PERF, NOT_PERMITTED
from tests.perf.fake_perf import FakePerf
from tests.perf.sampling import IMPATIENT, THREAD, Clock, Sampling, sampling

STEADY = IMPATIENT._replace(silent_seconds=1e5, first_pause_seconds=1e5)
"""For tests in which perf never fails: it would not be started again."""


def test_nothing_runs_before_the_first_reading(tmp_path: Path) -> None:
    """Making a sampler, and closing it, costs no thread and no process."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path):
        assert THREAD not in {thread.name for thread in threading.enumerate()}
    assert perf.probed == []


def test_it_counts_from_the_first_reading_on(tmp_path: Path) -> None:
    """What can be counted is tried first; the log says once that all is well."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path) as working:
        first = working.sampler.read()
        assert (first.is_up, first.age_seconds) == (False, None)
        working.until_logged("perf is counting")
        reading = working.sampler.read()
        assert (reading.is_up, reading.restarts, reading.unparsed_lines) == (True, 0, 0)
        assert reading.age_seconds is not None
        assert reading.age_seconds >= 0
        working.until_counted(3)
    assert perf.probed == ["cpu-clock", "page-faults", "context-switches"]
    assert [start[-1] for start in perf.starts] == ["page-faults,context-switches"]
    assert working.log.messages == ["perf is counting"]
    assert working.log.of("perf is counting") == {
        "events": ["page_faults", "context_switches"],
        "missing": {},
        "explanation": "",
    }


def test_it_wakes_up_once_in_an_interval(tmp_path: Path) -> None:
    """And then looks which CPUs are online: it neither turns in a circle nor looks at each line."""
    looks = []

    def read_online() -> bytes:
        looks.append(1)
        return b"0\n"

    perf = FakePerf(tmp_path)
    with sampling(perf.path, patience=STEADY, read_online=read_online) as working:
        working.sampler.wait(10)
        working.until_counted(10)
    assert len(looks) <= len(working.counters.intervals) + 4


def test_the_last_partial_interval_is_counted_once(tmp_path: Path) -> None:
    """Whatever perf has printed is in the counters, what it prints when told to end, too."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path) as working:
        working.sampler.wait(10)
        working.until_counted(2)
    assert working.counters.totals == perf.printed
    assert perf.printed["page-faults"] % 3 == 2  # as often 3, and once 5


def test_waiting_ends_with_the_first_sample(tmp_path: Path) -> None:
    """Whoever collects only once has something to show."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path) as working:
        working.sampler.wait(10)
        assert working.counters.totals["page-faults"] >= 3


def test_waiting_ends_when_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    """Neither where nothing can be counted nor once it is closed is there a sample."""
    with sampling(str(tmp_path / "perf")) as working:
        working.sampler.wait(3600)
        assert working.log.messages == ["perf cannot count"]
        working.close()
        working.sampler.wait(3600)


def test_other_cpus_online(tmp_path: Path) -> None:
    """The events are opened when perf starts: it is replaced, at once and without any doubt."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path, patience=STEADY) as working:
        working.sampler.wait(10)
        working.online = b"0-2\n"
        replaced = working.until_logged("perf replaced")
        working.until_counted(2)
        assert working.sampler.read().restarts == 1
    assert replaced == {"reason": "other CPUs are online"}
    assert len(perf.starts) == 2
    assert len(perf.probed) == 3
    assert perf.overlaps == []
    assert working.counters.totals == perf.printed
    assert working.log.messages == ["perf is counting", "perf replaced"]


def test_a_host_that_does_not_say_which_cpus_are_online(tmp_path: Path) -> None:
    """Then they are taken for the same."""

    def read_online() -> bytes:
        raise FileNotFoundError

    perf = FakePerf(tmp_path)
    with sampling(perf.path, patience=STEADY, read_online=read_online) as working:
        working.sampler.wait(10)
        working.until_counted(2)
    assert len(perf.starts) == 1


def test_a_group_without_room_falls_apart(tmp_path: Path) -> None:
    """What is never counted together is counted alone from then on, after later failures, too."""
    perf = FakePerf(tmp_path, ["crowd"], ["count 2", "exit 1"], ["count"])
    with sampling(perf.path, "cycles,instructions,page-faults") as working:
        working.sampler.read()
        replaced = working.until_logged("perf replaced")
        working.until_logged("perf recovered")
        working.until_counted(12)
        assert working.sampler.read().restarts == 2
    assert replaced["reason"].endswith("at the same time: cycles, instructions")
    assert [start[-1] for start in perf.starts] == [
        "{cycles,instructions},page-faults",
        "cycles,instructions,page-faults",
        "cycles,instructions,page-faults",
    ]


def test_nobody_reads(tmp_path: Path) -> None:
    """After a while perf is ended, and started again with the next reading; that is no failure."""
    perf = FakePerf(tmp_path)
    clock = Clock()
    with sampling(perf.path, patience=STEADY, now=clock, idle_seconds=3600) as working:
        working.sampler.wait(10)
        working.until_counted(2)
        clock.ahead += 4000
        working.until_logged("perf is idle")
        assert working.counters.totals == perf.printed
        assert not working.sampler.read().is_up
        working.until_logged("perf is counting", times=2)
        assert working.sampler.read()[:3:2] == (True, 0)
    assert len(perf.starts) == 2
    assert perf.overlaps == []


def test_idle_is_never_when_it_is_zero(tmp_path: Path) -> None:
    """Then perf counts whether somebody reads or not."""
    perf = FakePerf(tmp_path)
    clock = Clock()
    with sampling(perf.path, patience=STEADY, now=clock, idle_seconds=0) as working:
        working.sampler.wait(10)
        clock.ahead += 1e6
        working.until_counted(5)


def test_suspended_and_resumed(tmp_path: Path) -> None:
    """Told so, it ends perf, keeps what was counted, and goes on from there."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path, patience=STEADY) as working:
        working.sampler.wait(10)
        working.sampler.suspend()
        working.sampler.suspend()
        assert not working.sampler.read().is_up  # even while perf is about to end
        working.changes.until(lambda: not working.sampler._is_running, "ended")
        reading = working.sampler.read()
        assert (reading.is_up, reading.is_suspended) == (False, True)
        assert working.counters.totals == perf.printed
        working.sampler.resume()
        working.sampler.resume()
        working.until_counted(3)
        reading = working.sampler.read()
        assert (reading.is_up, reading.is_suspended, reading.restarts) == (True, False, 0)
    assert working.log.messages == ["perf is counting", "counting suspended", "counting resumed"]
    assert perf.overlaps == []
    assert working.counters.totals == perf.printed


def test_suspended_before_the_first_reading(tmp_path: Path) -> None:
    """Then nothing is started before it is resumed, not even to find out what can be counted."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path) as working:
        working.sampler.suspend()
        assert working.sampler.read().is_suspended
        working.sampler.resume()
        working.until_logged("perf is counting")
    assert len(perf.probed) == 3


def test_suspended_while_it_finds_out_what_can_be_counted(tmp_path: Path) -> None:
    """That is ended, and begun anew when it is resumed."""
    perf = FakePerf(tmp_path)
    perf.hold_probes()
    with sampling(perf.path) as working:
        working.sampler.read()
        with perf.while_probed():
            working.sampler.suspend()
        working.changes.until(lambda: not sampler._perf.locked(), "given up")
        working.sampler.resume()
        working.until_logged("perf is counting")
    assert perf.probed == ["cpu-clock", "cpu-clock", "page-faults", "context-switches"]
    assert working.log.messages == ["counting suspended", "counting resumed", "perf is counting"]


def test_closed_while_it_finds_out_what_can_be_counted(tmp_path: Path) -> None:
    """Then nothing is started to count."""
    perf = FakePerf(tmp_path)
    perf.hold_probes()
    with sampling(perf.path) as working:
        working.sampler.read()
        with perf.while_probed():
            working.sampler.close()
    assert perf.probed == ["cpu-clock"]
    assert perf.starts == []
    assert working.log.messages == []


def test_closed_for_good(tmp_path: Path) -> None:
    """After that a reading starts nothing."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path) as working:
        working.sampler.close()
        working.sampler.read()
        working.sampler.wait(0)
        working.sampler.close()
    assert perf.probed == []


def test_a_new_sampler_waits_for_the_end_of_the_old_one(tmp_path: Path) -> None:
    """After a reload, too, there is only one perf at a time."""
    (tmp_path / "perf").mkdir()
    perf = FakePerf(tmp_path / "perf", ["ignore"], ["count"])
    with sampling(perf.path) as old, sampling(perf.path) as new:
        old.sampler.wait(10)
        new.sampler.read()
        old.sampler.close()
        new.sampler.wait(10)
        assert old.sampler._thread is not None
        assert not old.sampler._is_running
        assert new.sampler.read().is_up
        new.close()
        old.close()
    assert len(perf.starts) == 2
    assert perf.overlaps == []


def test_a_new_sampler_need_not_wait_when_it_is_closed(tmp_path: Path) -> None:
    """Its thread ends while the old one's perf runs on."""
    perf = FakePerf(tmp_path)
    with sampling(perf.path) as old:
        old.sampler.wait(10)
        new = Sampling(perf.path, "page-faults")
        new.sampler.read()
        new.close()
        assert old.sampler.read().is_up
    assert len(perf.starts) == 1


def test_no_perf_until_it_is_installed(tmp_path: Path) -> None:
    """The log says once how to get it; it is looked for again every few minutes."""
    patience = IMPATIENT._replace(retry_seconds=0.01)
    with sampling(str(tmp_path / "perf"), patience=patience) as working:
        working.sampler.wait(10)
        said = working.until_logged("perf cannot count")
        assert "docs/collectors/perf.md" in said["explanation"]
        assert said["missing"] == {"page_faults": NO_PERF, "context_switches": NO_PERF}
        working.changes.until(lambda: len(working.counters.findings) > 2, "tried again")
        perf = FakePerf(tmp_path)
        recovered = working.until_logged("perf recovered")
        assert recovered["missing"] == {}
    assert working.log.messages == ["perf cannot count", "perf recovered"]
    assert len(perf.starts) == 1


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """The log and the counters know what was refused, and why; the rest is counted."""
    perf = FakePerf(tmp_path)
    perf.refuse("context-switches")
    with sampling(perf.path) as working:
        working.sampler.read()
        said = working.until_logged("perf is counting")
        families = [
            family
            for filled in working.counters.families(fresh=False)
            for family in filled.families()
        ]
    assert said["events"] == ["page_faults"]
    assert said["missing"] == {"context_switches": NOT_PERMITTED}
    assert said["explanation"]
    [available] = families
    assert available.samples == [
        (("", "page_faults", ""), 1),
        (("", "context_switches", NOT_PERMITTED), 0),
    ]
