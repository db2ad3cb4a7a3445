"""A forked child logs, whatever the threads of its parent were doing at that moment."""

from __future__ import annotations

import subprocess
import sys

from tests.child import REPOSITORY
from tests.logs import records

BEGIN = """
import logging, os, sys, threading
from monitoring import log_stream
from monitoring.structured_logging import StructuredLogger, configure

inside, go_on = threading.Event(), threading.Event()

def hold():
    inside.set()
    go_on.wait(10)

def fork_and_end(work):
    holder.start()
    inside.wait(10)
    child = os.fork()
    if not child:
        work()
        sys.exit()
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    go_on.set()
    holder.join()
    sys.exit(ended)
"""

GATE = """
def clock():
    if threading.current_thread() is holder:
        hold()
    return 0.0

log = StructuredLogger("gate", SHARE, random=lambda: 0.0, clock=clock).rate_limited(5)
configure(stream="stdout")
holder = threading.Thread(target=log.info, args=("of the parent",))
fork_and_end(lambda: log.info("of the child"))
"""

WRITE = """
class Slow:
    encoding = "utf-8"
    def write(self, text):
        if "of the parent" in text:
            hold()
        sys.stdout.write(text)
    def flush(self):
        sys.stdout.flush()

def work():
    # The first thread of a child gets the number that the thread of the parent had.
    thread = threading.Thread(target=log.info, args=("of a thread of the child",))
    thread.start()
    thread.join()
    log.info("of the child")

log = StructuredLogger("write")
configure(stream=Slow())
holder = threading.Thread(target=log.info, args=("of the parent",))
fork_and_end(work)
"""

DROPPED = """
class Broken:
    broken = True
    def write(self, text):
        if self.broken:
            raise OSError
        sys.stdout.write(text)
    def flush(self):
        sys.stdout.flush()

stream = Broken()
configure(stream=stream)
log = StructuredLogger("dropped")
log.info("lost")
stream.broken = False
holder = threading.Thread(target=hold)
inside.set()
go_on.set()
fork_and_end(lambda: log.info("of the child"))
"""

INTERRUPTED = """
class Forking:
    forked = False
    def write(self, text):
        if not self.forked:
            self.forked = True
            self.child = os.fork()
            if not self.child:
                log.info("nested")
        sys.stdout.write(text)
    def flush(self):
        sys.stdout.flush()

stream = Forking()
configure(stream=stream)
log = StructuredLogger("interrupted")
log.info("outer")
if stream.child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(stream.child, 0)[1]))
"""


def messages(program: str) -> list[str]:
    """Run a program that forks; give the messages that it and its child have logged."""
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert (child.returncode, child.stderr) == (0, "")
    return [record["message"] for record in records(child.stdout)]


def test_a_limited_or_sampled_logger_works() -> None:
    """Though a thread of the parent was in it."""
    for share in ("0.5", "1.0"):
        assert messages(GATE.replace("SHARE", share)) == ["of the child", "of the parent"]


def test_a_write_of_the_parent_is_the_parents() -> None:
    """The child's lines are written, the parent's once."""
    assert messages(WRITE) == ["of a thread of the child", "of the child", "of the parent"]


def test_what_the_parent_has_dropped_is_the_parents() -> None:
    """The child does not account for it."""
    assert messages(DROPPED) == ["of the child"]


def test_a_fork_in_the_middle_of_a_write_is_no_error() -> None:
    """As by a signal handler: both finish their line, and the child's own comes after."""
    assert sorted(messages(INTERRUPTED)) == ["nested", "outer", "outer"]
