"""How a child ends."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from itertools import count
from pathlib import Path

import psutil

from exporter.perf.child import Child
from exporter.perf.command import stat_command
from exporter.perf.events import KNOWN
from tests.child import PATIENCE_SECONDS
from tests.perf.real_perf import find_perf
from tests.perf.running import has_ended, read_all, read_until, running


def test_told_to_end_it_prints_what_is_left() -> None:
    """Its last lines are given by the end, once."""
    program = """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        say("a\\n")
        signal.sigwait({signal.SIGINT})
        say("last\\n")
        sys.exit(7)
        """
    with running(program) as child:
        assert read_until(child, bool) == ["a"]
        assert child.end(PATIENCE_SECONDS) == ["last"]
        assert child.exit_code == 7
        assert child.end(PATIENCE_SECONDS) == []


def test_being_woken_does_not_shorten_its_time() -> None:
    """Whoever has it ended has woken whoever waits for it: that is over now."""
    program = """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        say("a\\n")
        signal.sigwait({signal.SIGINT})
        say("last\\n")
        """
    wakeup = os.eventfd(1)
    # Its time is up after a few looks at the clock, however short the time between them is.
    with running(program, wakeup=wakeup, now=partial(next, count())) as child:
        read_until(child, bool)
        assert child.end(8.0) == ["last"]
    os.close(wakeup)


def test_its_own_end_is_its_exit_code() -> None:
    """One that closes its output before it ends is given the time for it."""
    program = """
        signal.signal(signal.SIGINT, lambda *_: os._exit(3))
        os.close(int(sys.argv[1]))
        pause_for_ever()
        """
    with running(program) as child:
        assert read_all(child) == []
        child.end(PATIENCE_SECONDS)
        assert child.exit_code == 3


def test_what_ignores_the_signal_is_killed() -> None:
    """Its output until then is not lost."""
    program = """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say("a\\n")
        pause_for_ever()
        """
    with running(program) as child:
        child.wait(PATIENCE_SECONDS)
        assert child.end(0.01) == ["a"]
        assert child.exit_code == -signal.SIGKILL


def test_what_it_has_started_is_killed() -> None:
    """A process that it leaves behind holds the pipes; it goes, too."""
    program = """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.fork() == 0:
            say(f"{os.getpid()}\\n")
            pause_for_ever()
        """
    with running(program) as child:
        [pid] = read_until(child, bool)
        left_behind = os.pidfd_open(int(pid))
        child.end(0.01)
        assert has_ended(left_behind)
        os.close(left_behind)


def test_a_stopped_one_is_continued_to_end() -> None:
    """It counts on while it is stopped, and can still say what."""
    program = """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        say("a\\n")
        os.kill(os.getpid(), signal.SIGSTOP)
        signal.sigwait({signal.SIGINT})
        say("last\\n")
        """
    with running(program) as child:
        read_until(child, bool)
        os.waitid(os.P_PID, child._process.pid, os.WSTOPPED | os.WNOWAIT)
        assert child.end(PATIENCE_SECONDS) == ["last"]
        assert child.exit_code == 0


def test_one_that_somebody_else_has_reaped_ends() -> None:
    """Its number may be another process's by now: nothing is sent to it."""
    with running("say('a\\n')") as child:
        os.waitpid(child._process.pid, 0)
        assert child.end(PATIENCE_SECONDS) == ["a"]


def test_the_real_perf_prints_its_last_interval() -> None:
    """Told to end between two intervals, it gives what it has counted since the last one."""
    program = find_perf()

    def command(output: int) -> list[str]:
        return stat_command(
            program,
            [[KNOWN["cpu-clock"]]],
            aggregation="none",
            interval_seconds=60.0,
            descriptor=output,
            json=False,
        )

    child = Child(command, interval_seconds=60.0)
    wait_until_it_counts(child)
    [line] = child.end(PATIENCE_SECONDS)
    assert ";cpu-clock;" in line
    assert child.exit_code == -signal.SIGINT
    assert child.message == ""


def wait_until_it_counts(child: Child) -> None:
    """Wait until perf has opened its events and waits for the end of the interval."""
    perf = psutil.Process(child._process.pid)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while perf.status() != psutil.STATUS_SLEEPING or "perf_event" not in targets(perf.pid):
        assert time.monotonic() < deadline


def targets(pid: int) -> str:
    """What the descriptors of a process are."""
    return " ".join(str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir())
