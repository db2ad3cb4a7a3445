"""Connects again and again, and prints what that has left behind, as JSON.

    python -m tests.iris.reconnecting 1000

A process of its own, without coverage, which makes a worker's start three times as long.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import tracemalloc
from pathlib import Path
from typing import NamedTuple

from exporter.iris.access.errors import IrisError
from exporter.iris.access.session import Session
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double

WARM_UP = 8


def reconnect(session: Session, double: Double, number: int) -> None:
    """Lose the connection, each time in another way, and open it again."""
    match number % 4:
        case 0:
            session.close()
        case 1:
            double.drop_connections()
        case 2:
            double.drop_connections(reset=True)
        case _:
            os.kill(session.pid or 0, signal.SIGKILL)
    with contextlib.suppress(IrisError):
        session.get_global("Node")
    session.open()
    session.get_global("Node")
    double.requests.clear()


def descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def has_children() -> bool:
    """Whether a process is left, running or not reaped."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


class Held(NamedTuple):
    """What this process has."""

    descriptors: int
    allocated_bytes: int
    resident_bytes: int


def look() -> Held:
    """Count, without what the garbage collector would find."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    allocated, _ = tracemalloc.get_traced_memory()
    return Held(descriptors(), allocated, pages * os.sysconf("SC_PAGE_SIZE"))


def main(count: int) -> None:
    """Do it so many times."""
    tracemalloc.start()
    with Double(Scripted()) as double:
        session = Session(double.connection())
        session.open()
        for number in range(WARM_UP):
            reconnect(session, double, number)
        session.close()
        before = look()
        session.open()
        for number in range(count):
            reconnect(session, double, number)
        session.close()
        double.wait_for(lambda: double.open_connections == 0)
        after = look()
    more = {f"more_{name}": after[i] - before[i] for i, name in enumerate(Held._fields)}
    print(json.dumps({"logins": double.logins, "has_children": has_children(), **more}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
