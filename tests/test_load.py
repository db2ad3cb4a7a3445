"""The whole daemon under many scrapers and many scrapes."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import select
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import HOSTS
from tests.daemon import Daemon, start_daemon
from tests.expositions import meaning
from tests.hanging import LOADAVG, NEVER, HangingFile, by_name, make_host, scrape, watch

OPENMETRICS = {"Accept": "application/openmetrics-text"}
GZIP = {"Accept-Encoding": "gzip"}

SCRAPERS = 64

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.contextmanager
def connect(daemon: Daemon) -> Iterator[list[http.client.HTTPConnection]]:
    """As many open connections as there are scrapers."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(SCRAPERS):
            connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=15)
            connection.connect()
            connections.append(stack.enter_context(contextlib.closing(connection)))
        yield connections


@pytest.mark.parametrize(
    ("flags", "served"), [([], 40), (["--web.max-requests=0"], 64), (["--web.max-requests=3"], 3)]
)
def test_scrapers_in_parallel_get_whole_pages_up_to_the_limit(
    flags: list[str], served: int, tmp_path: Path
) -> None:
    """64 at once, all while one collection runs: 200 up to --web.max-requests, else 503."""
    procfs = make_host(tmp_path)
    with watch(procfs, *flags) as daemon, connect(daemon) as connections:
        hanging = HangingFile(procfs / "loadavg", LOADAVG)
        for connection in connections:
            connection.request("GET", "/metrics", headers=OPENMETRICS | NEVER)
        wait_for_answers([connection.sock for connection in connections], SCRAPERS - served)
        hanging.release()
        answers = [connection.getresponse() for connection in connections]
        pages = [(answer.status, answer.read()) for answer in answers]
        statuses = Counter(status for status, _ in pages)
        assert statuses == Counter({200: served, 503: SCRAPERS - served})
        for status, page in pages:
            if status == 200:
                said = meaning(page, openmetrics=True)
                assert "node_memory_MemTotal_bytes" in said
                assert len(said["node_scrape_collector_success"][3]) == 2
        after = scrape(daemon)
        assert after["perfwatch_scrapes_rejected_total"] == SCRAPERS - served
        assert after["perfwatch_scrapes_in_flight"] == 1


def wait_for_answers(sockets: list[socket.socket], count: int) -> None:
    """Wait until so many of the sockets have something to read."""
    poller = select.poll()
    if not count:
        return
    for one in sockets:
        poller.register(one, select.POLLIN)
    while len(poller.poll(15_000)) < count:
        pass


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_thousands_of_scrapes_leave_no_descriptor_and_no_memory_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """5,000 of all kinds after the warm-up, among them reloads, errors and broken connections."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # its memory is not the daemon's
    host = HOSTS / "vm"
    with start_daemon(
        f"--path.procfs={host / 'proc'}",
        f"--path.sysfs={host / 'sys'}",
        "--no-collector.filesystem",
        "--web.enable-lifecycle",
    ) as daemon:
        scrape_many(daemon, 1000)
        before = measure(daemon)
        scrape_many(daemon, 5000)
        after = measure(daemon)
        print(f"descriptors, threads, KiB: {before} -> {after}")
        assert after[2] - before[2] < 4096
        # A thread that was told to end may take a moment.
        assert any(is_no_more(measure(daemon), before) for _ in range(100))
        assert not [line for line in daemon.log_lines() if '"error"' in line]


def scrape_many(daemon: Daemon, count: int) -> None:
    """Scrape over one connection, as Prometheus does, with other clients in between."""
    connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=15)
    headers = [
        {},
        OPENMETRICS,
        {"Accept-Encoding": "gzip"},
        OPENMETRICS | {"Accept-Encoding": "gzip"},
    ]
    with contextlib.closing(connection):
        for number in range(count):
            connection.request("GET", "/metrics", headers=headers[number % 4])
            answer = connection.getresponse()
            page = answer.read()
            assert answer.status == 200
            if number % 100 == 0:
                disturb(daemon)
                page = gzip.decompress(page) if answer.headers["Content-Encoding"] else page
                assert b"node_memory_MemTotal_bytes" in page


def disturb(daemon: Daemon) -> None:
    """What else comes to a port: selections, mistakes, half requests, silence, reloads."""
    assert daemon.get("/metrics?collect[]=loadavg").status == 200
    assert daemon.get("/metrics?collect[]=nothing").status == 400
    assert daemon.get("/nothing").status == 404
    for words in (
        b"",
        b"GET /met",
        b"nonsense\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection((daemon.host, daemon.port)) as client:
            client.sendall(words)
    assert daemon.get("/-/reload", method="POST").status == 200


def is_no_more(now: tuple[int, int, int], before: tuple[int, int, int]) -> bool:
    """Tell whether there are no more descriptors and threads than before."""
    return now[0] <= before[0] and now[1] <= before[1]


def measure(daemon: Daemon) -> tuple[int, int, int]:
    """Open descriptors, threads, and resident KiB."""
    page = by_name(daemon.get("/metrics").body)
    threads = len(os.listdir(f"/proc/{daemon.pid}/task"))  # noqa: PTH208 -- a count
    return (
        int(page["process_open_fds"]),
        threads,
        int(page["process_resident_memory_bytes"]) // 1024,
    )
