"""Every query of every panel, asked of a real Prometheus that scrapes what there is to scrape.

That is a real daemon with nearly all collectors and an instance of IRIS, the captured hosts, a
host with hardware counters, and the programs of the stack that run here. A panel has data, or says
in its description why it may be empty.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from exporter.collectors import ALL
from tests.conftest import HOSTS, TESTS
from tests.daemon import start_daemon
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.prometheus import (
    ALERT_RULES,
    Prometheus,
    in_a_hurry,
    start_prometheus,
    wait_until,
    write_targets,
)
from tests.stack.alertmanager import start_alertmanager
from tests.stack.dashboards import EMPTY, Asked, chosen_on, queries, substituted
from tests.stack.test_recording_rules import counting_host
from tests.web_page import serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CAPTURED = {
    **{page.parent.name: page for page in sorted(HOSTS.glob("*/expected.prom"))},
    "iris": TESTS / "iris" / "page.prom",
}
"""Pages of hosts at work: all counters grow, whatever this machine does."""

STARTED = time.monotonic()

TIMES = {"__rate_interval": "5s", "__interval": "15s", "__range": "1m", "__range_s": "60"}
"""For scrapes each second."""

OFFSET = "2s"
"""How far back the dashboard Compare looks."""

NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}

HAS_NO_DATA: dict[str, str] = {
    "perf: Cache misses by cache": "the last level is counted too seldom there, on purpose",
    "security: Alerts of the log": "nothing is wrong",
    "security: Failed requests by path": "nobody asks for what is not there",
    "security: Lines of the log that were lost": "none is",
    "security: Refused requests by path": "nobody is refused",
    "security: Security events by kind": "there are none",
    "stack: Collectors that fail": "none does",
    "stack: Lines that Loki took in": "there is no Loki",
    "stack: Loki and Alloy answer": "there is neither",
    "stack: Lost lines of the log": "none is",
    "stack: Notifications": "nobody is to be told",
    "stack: Notifications that failed": "nobody is to be told",
    "stack: Requests to Grafana": "there is no Grafana",
    "stack: Requests to Loki": "there is no Loki",
    "stack: Sent to another store": "there is none",
    "stack: Time of a notification": "nobody is to be told",
}
"""Panels (`page: title`) that are empty here, each with the reason."""


def at_work(page: str) -> str:
    """The page with counters that have grown by a tenth of themselves each second."""
    counters = set(re.findall(r"^# TYPE (\w+) counter$", page, re.MULTILINE))
    factor = 1 + (time.monotonic() - STARTED) / 10

    def grown(line: re.Match[str]) -> str:
        return f"{line[1]} {float(line[3]) * factor!r}" if line[2] in counters else line[0]

    return re.sub(r"^((\w+)(?:\{.*\})?) (\S+)$", grown, page, flags=re.MULTILINE)


@contextlib.contextmanager
def captured_hosts() -> Iterator[list[dict[str, Any]]]:
    """Serve the pages; give a group of targets for each, as Prometheus has them."""

    def page(path: str, _body: bytes) -> bytes:
        return at_work(CAPTURED[path.split("/")[1]].read_text()).encode()

    with serve(page, "text/plain; version=0.0.4") as address:
        yield [
            {
                "targets": [address],
                "labels": {"instance": name, "__metrics_path__": f"/{name}/metrics"},
            }
            for name in CAPTURED
        ]


@contextlib.contextmanager
def watched_iris(folder: Path) -> Iterator[list[str]]:
    """An instance of IRIS with ECP and a mirror; give the daemon's flags."""
    instance = Instance()
    instance.ecp_connections = 2
    instance.statistics.mirror_status = "PRIMARY"
    with Double(instance) as double:
        settings = {
            "host": "127.0.0.1",
            "port": double.port,
            "username": instance.username,
            "interval": "1s",
            "governor": {"local": True},
        }
        collectors = {entry.name: True for entry in ALL if not entry.enabled}
        file = folder / "perfwatch.yml"
        file.write_text(yaml.safe_dump({"iris": settings, "collector": collectors}))
        yield [f"--config.file={file}"]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with all rules, whose targets are all that can be had here."""
    folder = tmp_path_factory.mktemp("dashboards")
    with contextlib.ExitStack() as parts:
        captured = parts.enter_context(captured_hosts())
        counting = parts.enter_context(counting_host())
        flags = parts.enter_context(watched_iris(folder))
        password = {"PERFWATCH_IRIS_PASSWORD": Instance.password}
        daemon = parts.enter_context(start_daemon(*flags, env=password))
        alertmanager = parts.enter_context(start_alertmanager(folder, NOBODY))
        target = daemon.url.removeprefix("http://")
        prometheus = parts.enter_context(start_prometheus(folder, target, rules=ALERT_RULES))
        more = [*captured, {"targets": [counting], "labels": {"instance": "counting"}}]
        (folder / "targets" / "perfwatch_more.yml").write_text(yaml.safe_dump(more))
        own = prometheus.address
        write_targets(
            folder,
            {"perfwatch": target, "prometheus": own, "alertmanager": alertmanager.address},
        )
        yield prometheus


class Shown(NamedTuple):
    """A panel that wants data."""

    name: str
    may_be_empty: bool
    queries: tuple[str, ...]


def as_asked(asked: Asked) -> str:
    """The query as Grafana would send it, in a hurry as all of this Prometheus is."""
    values = chosen_on(asked.page) | TIMES
    if "offset" in values:
        values["offset"] = OFFSET
    return substituted(in_a_hurry(asked.expression), values)


def shown() -> list[Shown]:
    """All panels that ask Prometheus."""
    found: dict[str, Shown] = {}
    for asked in queries():
        name = f"{asked.page}: {asked.panel['title']}"
        may_be_empty = EMPTY.search(asked.panel["description"]) is not None
        before = found.get(name, Shown(name, may_be_empty, ()))
        found[name] = before._replace(queries=(*before.queries, as_asked(asked)))
    return list(found.values())


def test_every_panel_has_data(prometheus: Prometheus) -> None:
    """Each query gives series, unless the panel says why it may give none."""
    waiting = {(panel.name, query) for panel in shown() for query in panel.queries}

    def all_have_data() -> bool:
        waiting.difference_update({one for one in waiting if prometheus.query(one[1])})
        return {name for name, _ in waiting} <= HAS_NO_DATA.keys()

    with contextlib.suppress(AssertionError):
        wait_until(all_have_data, "all panels have data", 45)
    empty = {name for name, _ in waiting}
    may_be = {panel.name for panel in shown() if panel.may_be_empty}
    print("empty, and may be:", *sorted(empty & may_be), sep="\n  ")
    missing = sorted(one for one in waiting if one[0] not in may_be)
    assert not missing, "\n".join(map(": ".join, missing))
    assert empty <= HAS_NO_DATA.keys()
