"""A small host whose files a test can make hang, and daemons that watch it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.daemon import Daemon, start_daemon
from tests.expositions import values

LOADAVG = "0.50 0.25 0.125 1/100 4242\n"
MEMINFO = "MemTotal:       2048 kB\nMemFree:        1024 kB\n"

NEVER = {"X-Prometheus-Scrape-Timeout-Seconds": "60"}
"""A scrape with this header waits half a minute for a hanging collector: longer than any test."""

SOON = {"X-Prometheus-Scrape-Timeout-Seconds": "2"}


class HangingFile:
    """A file whose opening hangs, as on a dead server or in a stuck driver, until it is released.

    In truth a named pipe that nobody writes to.
    """

    def __init__(self, path: Path, content: str) -> None:
        self._path = path
        self._content = content
        self._pipe = path.with_name(f"{path.name}.pipe")
        os.mkfifo(self._pipe)
        path.unlink(missing_ok=True)
        path.hardlink_to(self._pipe)

    def release(self) -> None:
        """Wait until a call hangs, let it go, and be an ordinary file from now on."""
        ordinary = self._path.with_name(f"{self._path.name}.ordinary")
        ordinary.write_text(self._content)
        writer = os.open(self._pipe, os.O_WRONLY)
        ordinary.replace(self._path)
        os.close(writer)


def make_host(path: Path) -> Path:
    """A procfs with little in it; loadavg is missing as yet."""
    procfs = path / "proc"
    procfs.mkdir()
    (procfs / "meminfo").write_text(MEMINFO)
    return procfs


@contextlib.contextmanager
def watch(procfs: Path, *flags: str) -> Iterator[Daemon]:
    """A ready daemon with the collectors loadavg (which fails, until there is one) and meminfo."""
    with start_daemon(
        f"--path.procfs={procfs}",
        "--collector.disable-defaults",
        "--collector.loadavg",
        "--collector.meminfo",
        *flags,
    ) as daemon:
        yield daemon


def scrape(daemon: Daemon, **headers: str) -> dict[str, float]:
    """The values of a scrape by name, with `collector` where there is that label."""
    answer = daemon.get("/metrics", headers)
    assert answer.status == 200
    return by_name(answer.body)


def by_name(page: bytes) -> dict[str, float]:
    """The values of a page by name, with `collector` where there is that label."""
    return {
        " ".join([name, *(value for label, value in labels if label == "collector")]): number
        for (name, labels), number in values(page).items()
    }


def wait_until_full(daemon: Daemon) -> None:
    """Wait until as many scrapes are in flight as may be.

    Until then the daemon reads the selection, and refuses this one; afterwards it does not even
    look at it.
    """
    while daemon.get("/metrics?collect[]=none").status != 503:
        pass
