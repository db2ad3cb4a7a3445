"""A program in Python as a child, and what a test reads of it."""

from __future__ import annotations

import contextlib
import select
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from exporter.perf.child import Child
from tests.child import PATIENCE_SECONDS

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


def child_processes() -> set[psutil.Process]:
    """What this process has started, and what that has: multiprocessing keeps some for good."""
    return set(psutil.Process().children(recursive=True))


@contextlib.contextmanager
def running(
    program: str, *, wakeup: int | None = None, now: Callable[[], float] = time.monotonic
) -> Iterator[Child]:
    """Run a program in Python; afterwards neither a process nor a descriptor is left of it."""
    descriptors, processes = open_descriptors(), child_processes()
    words = [sys.executable, "-ISc", PRELUDE + textwrap.dedent(program)]
    child = Child(
        lambda output: [*words, str(output)], interval_seconds=60.0, wakeup=wakeup, now=now
    )
    try:
        yield child
    finally:
        child.end(0.0)
    assert child_processes() <= processes
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


def has_ended(pidfd: int) -> bool:
    """Wait until a process has ended; False when it goes on for long."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(PATIENCE_SECONDS * 1000))
