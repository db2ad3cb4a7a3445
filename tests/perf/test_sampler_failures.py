"""The life of perf when something is wrong with it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from exporter.perf.findings import NOT_PERMITTED
from tests.perf.fake_perf import DENIAL, FakePerf
from tests.perf.running import has_ended
from tests.perf.sampling import IMPATIENT, Clock, Sampling, sampling

QUICK = IMPATIENT._replace(silent_intervals=0, silent_seconds=0.3)
"""For tests in which perf hangs; long enough for it to start."""


def assert_all_was_counted_once(perf: FakePerf, working: Sampling) -> None:
    """What was printed in complete lines is what was counted, over all restarts."""
    assert working.counters.totals == perf.printed
    assert perf.overlaps == []


def test_it_dies_at_once(tmp_path: Path) -> None:
    """It is started again, after all was tried anew; the log says once what is wrong."""
    perf = FakePerf(tmp_path, ["exit 3 first"], ["exit 4 second"], ["exit 5 third"], ["count"])
    with sampling(perf.path) as working:
        working.sampler.wait(10)
        working.until_logged("perf recovered")
        assert working.sampler.read()[:3:2] == (True, 3)
        ended = working.log.of("perf ended")
    assert len(perf.starts) == 4
    assert len(perf.probed) == 12
    assert ended == {
        "reason": "it ended",
        "exit_code": 3,
        "message": "first",
        "next_try_seconds": 0.0,
    }
    assert working.log.messages == ["perf ended", "perf recovered"]
    assert_all_was_counted_once(perf, working)


def test_it_dies_after_a_while(tmp_path: Path) -> None:
    """The counters go on from where they were, and what is known to be countable is not tried."""
    perf = FakePerf(tmp_path, ["count 3", "exit 1"], ["count 2", "exit 1"], ["count"])
    with sampling(perf.path) as working:
        working.sampler.read()
        working.until_logged("perf recovered", times=2)
        working.until_counted(2)
        assert working.sampler.read().restarts == 2
    assert len(perf.probed) == 3
    assert working.log.messages == [
        "perf is counting",
        *["perf ended", "perf recovered"] * 2,
    ]
    assert_all_was_counted_once(perf, working)


def test_it_dies_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """The part of a line is not counted, and harms none of the next ones."""
    perf = FakePerf(tmp_path, ["count 2", "tear", "exit 1"], ["count"])
    with sampling(perf.path) as working:
        working.sampler.read()
        working.until_logged("perf recovered")
        working.until_counted(2)
        assert working.sampler.read().unparsed_lines == 0
    assert_all_was_counted_once(perf, working)


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        (["hang"], "it gives no samples"),
        (["stop", "count"], "it gives no samples"),
        (["babble"], "it printed 1000 lines in a row that are none of its own, .* 'lorem ipsum'"),
        (["drone"], "it printed a line of more than 65536 bytes"),
    ],
)
def test_it_does_what_perf_does_not(tmp_path: Path, acts: list[str], reason: str) -> None:
    """One that hangs, or prints what perf does not, is replaced; the counters stay right."""
    perf = FakePerf(tmp_path, ["count 2", *acts], ["count"])
    with sampling(perf.path, patience=QUICK) as working:
        working.sampler.read()
        ended = working.until_logged("perf ended")
        working.until_logged("perf recovered")
        assert working.sampler.read()[:3:2] == (True, 1)
    assert re.fullmatch(reason, ended["reason"])
    assert_all_was_counted_once(perf, working)


def test_it_floods(tmp_path: Path) -> None:
    """What looks like perf's own, but is far too much, is not counted for ever."""
    perf = FakePerf(tmp_path, ["count 2", "flood"], ["count"])
    with sampling(perf.path) as working:
        working.sampler.read()
        ended = working.until_logged("perf ended")
        working.until_logged("perf recovered")
    assert ended["reason"] == "it printed more than 16777216 bytes at once"
    assert perf.overlaps == []


def test_what_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    """Closing takes the time that perf is given to end, and no longer."""
    perf = FakePerf(tmp_path, ["ignore"])
    with sampling(perf.path) as working:
        working.sampler.wait(10)
        working.until_counted(2)
    assert_all_was_counted_once(perf, working)


def test_what_it_leaves_behind_is_killed(tmp_path: Path) -> None:
    """A process that holds its pipes open hides that perf has died, but not for long."""
    perf = FakePerf(tmp_path, ["fork", "count 2", "exit 1"], ["count"])
    with sampling(perf.path, patience=QUICK) as working:
        working.sampler.wait(10)
        left_behind = os.pidfd_open(perf.pids[-1])
        working.until_logged("perf recovered")
        assert has_ended(left_behind)
        os.close(left_behind)
        assert working.log.of("perf ended")["reason"] == "it gives no samples"
    assert_all_was_counted_once(perf, working)


def test_rights_are_taken_away(tmp_path: Path) -> None:
    """What perf is denied, it is not started for; the log says how to mend it, and that it was."""
    perf = FakePerf(tmp_path, ["count 2", "deny", "exit 1"], [f"exit 255 {DENIAL}"], ["count"])
    patience = IMPATIENT._replace(retry_seconds=0.01)
    with sampling(perf.path, patience=patience) as working:
        working.sampler.wait(10)
        said = working.until_logged("perf cannot count")
        assert "docs/collectors/perf.md" in said["explanation"]
        assert set(said["missing"].values()) == {NOT_PERMITTED}
        assert not working.sampler.read().is_up
        perf.refuse()
        working.until_logged("perf recovered")
        working.until_counted(2)
    assert working.log.messages == [
        "perf is counting",
        "perf ended",
        "perf cannot count",
        "perf recovered",
    ]
    assert_all_was_counted_once(perf, working)


def test_rights_are_given(tmp_path: Path) -> None:
    """Events that were refused are tried again after a failure; nothing else is, and not before."""
    perf = FakePerf(tmp_path, ["count"], ["count"], ["count"])
    perf.refuse("context-switches")
    with sampling(perf.path) as working:
        working.sampler.wait(10)
        working.online = b"0-2\n"
        working.until_logged("perf replaced")
        working.until_counted(2)
        perf.refuse()
        os.kill(perf.pids[-1], signal.SIGKILL)
        recovered = working.until_logged("perf recovered")
    assert recovered["events"] == ["page_faults", "context_switches"]
    assert recovered["missing"] == {}
    assert perf.probed == [
        *["cpu-clock", "page-faults", "context-switches"],
        *["cpu-clock", "context-switches"],
    ]
    assert [start[-1] for start in perf.starts] == [
        "page-faults",
        "page-faults",
        "page-faults,context-switches",
    ]


def test_an_event_that_perf_does_not_know_any_more(tmp_path: Path) -> None:
    """After an upgrade perf may refuse the whole command: then each event is tried again."""
    perf = FakePerf(tmp_path, ["exit 129 event syntax error"], ["count"])
    with sampling(perf.path) as working:
        working.sampler.read()
        ended = working.until_logged("perf ended")
        assert (ended["exit_code"], ended["message"]) == (129, "event syntax error")
        working.until_logged("perf recovered")
    assert len(perf.probed) == 6


def test_it_was_removed_while_it_ran(tmp_path: Path) -> None:
    """What is not there any more is not counted with, and the log says how to get it."""
    perf = FakePerf(tmp_path, ["count 2", "vanish", "exit 1"])
    with sampling(perf.path) as working:
        working.sampler.read()
        said = working.until_logged("perf cannot count")
        assert "is no program here: install it" in said["explanation"]


def test_lines_that_make_no_sense_are_counted(tmp_path: Path) -> None:
    """Those between them are counted as ever."""
    perf = FakePerf(tmp_path, ["misprint", "count 2", "misprint", "misprint", "count"])
    with sampling(perf.path) as working:
        working.sampler.wait(10)
        working.until_counted(4)
        assert working.sampler.read()[2:4] == (0, 3)
    assert_all_was_counted_once(perf, working)


def test_a_mistake_of_ours_is_not_the_end(tmp_path: Path) -> None:
    """Whatever happens in the thread, it goes on; the log has the traceback."""
    errors = [RuntimeError("unexpected")]

    def read_online() -> bytes:
        if errors:
            raise errors.pop()
        return b"0\n"

    perf = FakePerf(tmp_path)
    with sampling(perf.path, read_online=read_online) as working:
        working.sampler.read()
        working.until_logged("perf recovered")
        [ended] = [one for one in working.log.records if one["message"] == "perf ended"]
        assert ended["data"]["reason"] == "RuntimeError: unexpected"
        assert "read_online" in str(ended)
    assert_all_was_counted_once(perf, working)


def test_an_old_sample_is_not_up(tmp_path: Path) -> None:
    """A sample that is older than a few intervals says nothing of now."""
    perf = FakePerf(tmp_path, ["count 1", "hang"])
    clock = Clock()
    patience = IMPATIENT._replace(silent_seconds=1e5)
    with sampling(perf.path, patience=patience, now=clock) as working:
        working.sampler.wait(10)
        clock.ahead += 3600
        reading = working.sampler.read()
        assert not reading.is_up
        assert reading.age_seconds is not None
        assert reading.age_seconds > 3599
