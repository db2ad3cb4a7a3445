"""What a child prints, and how it is started."""

from __future__ import annotations

import os
import signal
from functools import partial
from itertools import count

import pytest

from exporter.perf.child import MAX_BURST, MAX_LINE, MAX_MESSAGE, Child, OutputError
from tests.child import PATIENCE_SECONDS
from tests.perf.running import open_descriptors, read_all, read_until, running


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


def test_what_came_before_is_not_lost() -> None:
    """Lines that were complete when it began to go wrong are given first."""
    program = f"""
        say("a;10\\n" + "x" * 60_000)
        say("x" * {MAX_LINE})
        """
    with running(program) as child:
        assert read_until(child, bool) == ["a;10"]
        with pytest.raises(OutputError, match="a line of more than"):
            read_all(child)


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
