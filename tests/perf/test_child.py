from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import psutil
import pytest

from exporter.perf.child import MAX_BURST, MAX_LINE, MAX_MESSAGE, Child, OutputError
from exporter.perf.command import stat_command
from exporter.perf.events import KNOWN
from tests.child import PATIENCE_SECONDS
from tests.perf.real_perf import find_perf

PRELUDE = """
import os, signal, sys

def say(text):
    os.write(int(sys.argv[1]), text.encode())

def pause_for_ever():
    while True:
        signal.pause()

"""


def open_descriptors() -> set[Path]:
    """The descriptors of this process."""
    return set(Path("/proc/self/fd").iterdir())


@contextlib.contextmanager
def running(
    program: str, *, wakeup: int | None = None, now: Callable[[], float] = time.monotonic
) -> Iterator[Child]:
    """Run a program in Python; afterwards neither a process nor a descriptor is left of it."""
    descriptors = open_descriptors()
    words = [sys.executable, "-ISc", PRELUDE + textwrap.dedent(program)]
    child = Child(
        lambda output: [*words, str(output)], interval_seconds=60.0, wakeup=wakeup, now=now
    )
    try:
        yield child
    finally:
        child.end(0.0)
    assert psutil.Process().children(recursive=True) == []
    assert open_descriptors() <= descriptors


def read_until(child: Child, is_enough: Callable[[list[str]], object]) -> list[str]:
    """Read until the lines are enough, or no more will come."""
    lines: list[str] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_enough(lines) and not child.has_closed:
        assert time.monotonic() < deadline, lines[:10]
        child.wait(PATIENCE_SECONDS)
        lines += child.read_lines()
    return lines


def read_all(child: Child) -> list[str]:
    """Read until it has closed its output."""
    return read_until(child, lambda _: False)


def test_lines_are_given_when_they_are_complete() -> None:
    """The beginning of a line waits for its end, which is a line feed and nothing else."""
    with running("say('a;1'); say('0\\nb;\\x85\\r2\\nc'); say(';3\\n')") as child:
        assert read_all(child) == ["a;10", "b;\x85\r2", "c;3"]


def test_a_last_line_that_was_cut_off_is_not_given() -> None:
    """What has no end is no line: half of a number is another number."""
    with running("say('a;10\\nb;2')") as child:
        assert read_all(child) == ["a;10"]
        assert child.end(PATIENCE_SECONDS) == []
        assert child.exit_code == 0


def test_nothing_to_read_is_no_line() -> None:
    """Whoever has waited in vain gets nothing, at once."""
    with running("pause_for_ever()") as child:
        child.wait(0.0)
        assert child.read_lines() == []
        assert not child.has_closed


def test_waiting_ends_when_it_is_woken() -> None:
    """A descriptor given as wakeup ends the waiting, and does not disturb the end."""
    wakeup = os.eventfd(1)
    with running("say('a\\n'); pause_for_ever()", wakeup=wakeup) as child:
        assert child.wait(PATIENCE_SECONDS)
        read_until(child, bool)
    os.close(wakeup)


def test_a_line_without_end_is_refused() -> None:
    """It would fill the memory."""
    refused = pytest.raises(OutputError, match=f"a line of more than {MAX_LINE} bytes")
    with running("say('a;10\\n'); [say('x' * 1000) for _ in range(1000)]") as child, refused:
        read_all(child)


def test_a_line_that_ends_too_late_is_refused() -> None:
    """It is too long as a whole, too."""
    refused = pytest.raises(OutputError, match="a line of more than")
    with running(f"say('x' * {MAX_LINE}); say('x\\n')") as child, refused:
        read_all(child)


def test_lines_without_end_are_refused() -> None:
    """More than any host counts in an interval is a flood; it is not read on, and ends quickly."""
    program = """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            say("x;1\\n" * 10_000)
        """
    with running(program) as child:
        with pytest.raises(OutputError, match=f"more than {MAX_BURST} bytes at once"):
            read_all(child)
        assert child.end(PATIENCE_SECONDS) == []
        assert child.exit_code == -signal.SIGKILL


def test_messages_without_end_are_refused() -> None:
    """A flood of messages is one, too."""
    refused = pytest.raises(OutputError, match="at once")
    with running("while True: os.write(2, b'x' * 65536)") as child, refused:
        read_all(child)


def test_what_hundreds_of_cpus_print_is_no_flood() -> None:
    """100 events on 512 CPUs, as long as perf prints them, are read in full."""
    row = "x" * 219
    with running(f"for _ in range(512): say('{row}\\n' * 100)") as child:
        assert read_all(child) == [row] * 51_200


def test_what_comes_in_many_intervals_is_no_flood() -> None:
    """Each interval has the bound for itself."""
    lines, line = 6000, "x" * 999
    program = f"""
        for _ in range(4):
            say("{line}\\n" * {lines})
            os.kill(os.getpid(), signal.SIGSTOP)
        """
    with running(program, now=partial(next, count(step=60))) as child:
        for _ in range(4):
            assert read_until(child, lambda found: len(found) == lines) == [line] * lines
            assert child.read_lines() == []
            os.waitid(os.P_PID, child._process.pid, os.WSTOPPED)
            os.kill(child._process.pid, signal.SIGCONT)
    assert 4 * lines * len(line) > MAX_BURST


def test_the_end_of_what_it_says_is_kept() -> None:
    """As much is kept as a log line takes; the process is not held up when it says more."""
    with running("os.write(2, b'no\\xff' + b'x' * 500_000 + b' the end\\n'); say('a\\n')") as child:
        read_all(child)
        child.end(PATIENCE_SECONDS)
        assert child.message.endswith("x the end")
        assert len(child.message) <= MAX_MESSAGE


def test_bytes_that_are_no_text_harm_nothing() -> None:
    """They are replaced."""
    with running("os.write(2, b'a\\xff'); os.write(int(sys.argv[1]), b'b\\xff\\n')") as child:
        assert read_all(child) == ["b\ufffd"]
        child.end(PATIENCE_SECONDS)
        assert child.message == "a\ufffd"


def test_it_inherits_nothing() -> None:
    """It has a session of its own, no standard input or output, and none of our variables."""
    program = """
        say(f"{os.getsid(0) == os.getpid()} {sorted(os.environ)} {os.read(0, 1)!r}\\n")
        os.write(1, b"unseen")
        descriptors = {int(one) for one in os.listdir("/proc/self/fd")}
        is_open = {one for one in descriptors if os.path.exists(f"/proc/self/fd/{one}")}
        say(f"{is_open == {0, 1, 2, int(sys.argv[1])}}\\n")
        """
    with running(program) as child:
        assert read_all(child) == ["True ['LC_ALL', 'PATH', 'PERF_CONFIG'] b''", "True"]


def test_a_program_that_is_not_there_leaves_nothing() -> None:
    """Whoever starts it learns why it cannot be started, and no descriptor stays open."""
    descriptors = open_descriptors()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Child(lambda output: ["/nowhere/perf", str(output)], interval_seconds=1.0)
    assert open_descriptors() <= descriptors


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


def has_ended(pidfd: int) -> bool:
    """Wait until a process has ended; False when it goes on for long."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(PATIENCE_SECONDS * 1000))


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
