"""The real node_exporter beside us: how it is started, and what its page says."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.peers import find_peer

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A series: its name, and its labels without empty values."""

ABOUT_ITSELF = (
    "go_",
    "promhttp_",
    "process_",
    "node_exporter_build_info",
    "node_scrape_collector_",
)
"""What its page says of itself, and of how its own collectors fared."""

OURS_ALONE = frozenset({"topprocesses"})
"""The collectors that it does not have."""

OTHER_NAMES = frozenset({"perf"})
"""The collectors whose metrics have other names there: docs/migrating-from-node_exporter.md."""

FROM_FILES = (
    "--no-collector.netdev.netlink",
    "--no-collector.arp.netlink",
)
"""For a tree that is not this machine's: by netlink it would ask this machine's kernel."""


@contextlib.contextmanager
def start_node_exporter(collectors: Iterable[str], *flags: str) -> Iterator[str]:
    """Start it on a free port with the given collectors only; give the URL of its metrics."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            find_peer("node_exporter"),
            f"--web.listen-address=127.0.0.1:{port}",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in collectors),
            *flags,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Listening on" in line:
                break
        else:
            pytest.fail("node_exporter ended before it listened")
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def read_page(url: str) -> tuple[dict[Key, float], dict[str, str]]:
    """Scrape: the series, and the type of each family."""
    with urllib.request.urlopen(url, timeout=20) as response:
        return parse_page(response.read().decode())


def parse_page(text: str) -> tuple[dict[Key, float], dict[str, str]]:
    """Take a page apart into its series and the types of its families."""
    series = {}
    types = {}
    for family in text_string_to_metric_families(text):
        types[family.name] = family.type
        for sample in family.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if v))
            series[sample.name, labels] = sample.value
    return series, types


def is_compared(name: str) -> bool:
    """Whether a series of its page has to be ours too."""
    return name.startswith("node_") and not name.startswith(ABOUT_ITSELF)
