"""Many hosts and other stores: discovery by file and HTTP, an agent, remote write."""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.daemon import Daemon, start_daemon
from tests.moving_host import moving_host
from tests.peers import find_peer
from tests.ports import free_port
from tests.prometheus import (
    CONFIG,
    Prometheus,
    hurried_rules,
    promtool,
    run_prometheus,
    wait_until,
)
from tests.web_page import serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

AGENT = CONFIG.with_name("prometheus_agent.yml")
RULES = CONFIG.with_name("alert_rules.yml")
SMALL = ("--collector.disable-defaults", "--collector.loadavg")


def with_examples(text: str) -> str:
    """Take away the # of the examples, as the file says that it is done."""
    return re.sub(r"(?m)^( *)#(?! \S|$)", r"\1", text)


def address(daemon: Daemon) -> str:
    """Where a daemon listens, as a target is written."""
    return daemon.url.removeprefix("http://")


@contextlib.contextmanager
def inventory(groups: list[dict[str, Any]]) -> Iterator[str]:
    """An inventory that answers over HTTP; gives its address."""
    with serve(lambda *_: json.dumps(groups).encode(), "application/json") as where:
        yield f"http://{where}"


@pytest.mark.parametrize("file", [CONFIG, AGENT], ids=lambda path: path.stem)
def test_the_examples_hold(file: Path, tmp_path: Path) -> None:
    """Each configuration is still one when all that is commented out is taken."""
    text = with_examples(file.read_text())
    assert len(text) < len(file.read_text())
    for part in ("targets", "scrape_configs"):
        (tmp_path / part).symlink_to(CONFIG.parent / part)
    for rules in CONFIG.parent.glob("*_rules*.yml"):
        (tmp_path / rules.name).symlink_to(rules)
    # A token that a store wants; promtool looks whether it is there.
    token = tmp_path / "token"
    token.touch()
    taken = tmp_path / file.name
    taken.write_text(re.sub(r"/run/secrets/\w+", str(token), text))
    promtool("check", "config", *(["--agent"] if file is AGENT else []), taken)


def test_hosts_are_found_by_file_and_over_http(tmp_path: Path) -> None:
    """A file that comes, and a host that an inventory names, are scraped without a reload."""
    with contextlib.ExitStack() as parts:
        first, second = (parts.enter_context(start_daemon(*SMALL)) for _ in range(2))
        listed = [{"targets": [address(second)], "labels": {"site": "two"}}]
        config = yaml.safe_load(with_examples(CONFIG.read_text()))
        (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "perfwatch"]
        job["http_sd_configs"][0]["url"] = parts.enter_context(inventory(listed))
        del job["relabel_configs"]
        small = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        (tmp_path / "targets").mkdir()
        prometheus = parts.enter_context(run_prometheus(tmp_path, small))
        # Written beside and moved, as a tool should: half a file would be refused.
        written = tmp_path / "targets" / "perfwatch-more.json.new"
        written.write_text(yaml.safe_dump([{"targets": [address(first)]}]))
        written.rename(tmp_path / "targets" / "perfwatch-more.yml")
        wait_until(lambda: len(prometheus.query("up == 1")) == 2, "both hosts are scraped")
        sites = {labels["instance"]: labels.get("site") for labels, _ in prometheus.query("up")}
        assert sites == {address(first): None, address(second): "two"}


@contextlib.contextmanager
def receiving_prometheus(folder: Path, port: int = 0) -> Iterator[Prometheus]:
    """A Prometheus that scrapes nothing, takes what is sent, and has the rules."""
    folder.mkdir()
    rules = folder / RULES.name
    rules.write_text(yaml.safe_dump(hurried_rules(RULES)))
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(rules)]}
    receive = "--web.enable-remote-write-receiver"
    with run_prometheus(folder, config, receive, port=port) as receiver:
        yield receiver


class VictoriaMetrics(Prometheus):
    """A running VictoriaMetrics: it answers as Prometheus does."""


@contextlib.contextmanager
def receiving_victoria_metrics(folder: Path) -> Iterator[VictoriaMetrics]:
    """A VictoriaMetrics that shows at once what it gets."""
    port = free_port()
    command = [
        str(find_peer("victoria-metrics")),
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'data'}",
        "-search.latencyOffset=0s",
    ]
    with VictoriaMetrics(command) as store:
        store.url = f"http://127.0.0.1:{port}"
        store.wait_for_lines(
            lambda lines: any("started server at" in line for line in lines) or None, "started"
        )
        yield store


@contextlib.contextmanager
def agent(folder: Path, target: str, receivers: Sequence[str]) -> Iterator[Prometheus]:
    """The shipped agent, with nothing changed but durations, addresses and how many they are."""
    config = yaml.safe_load(AGENT.read_text())
    config["global"] |= {"scrape_interval": "1s"}
    (write,) = config["remote_write"]
    hurry = {"queue_config": {"batch_send_deadline": "1s", "max_backoff": "1s"}}
    path = urllib.parse.urlsplit(write["url"]).path
    config["remote_write"] = [write | hurry | {"url": f"{url}{path}"} for url in receivers]
    (folder / "targets").mkdir(parents=True)
    (folder / "targets" / "perfwatch.yml").write_text(yaml.safe_dump([{"targets": [target]}]))
    with run_prometheus(folder, config, "--agent") as sender:
        yield sender


def arrives(store: Prometheus, target: str) -> None:
    """Wait until the host's samples are in a store, with the label of the agent."""
    selector = f'{{__name__="node_memory_MemTotal_bytes", instance="{target}"}}'
    ((labels, _),) = wait_until(lambda: store.query(selector), "samples arrive")
    assert labels["job"] == "perfwatch"
    assert labels["agent"] == "site-1"


def refused(lines: Sequence[str]) -> bool | None:
    """Whether a Prometheus has said that it cannot send."""
    return any("Failed to send batch" in line for line in lines) or None


def test_an_agent_sends_to_two_stores(tmp_path: Path) -> None:
    """VictoriaMetrics has the samples at once; Prometheus, which comes later, has the old ones too.

    The rules where the samples arrive see the host, and their queries are answered by both.
    """
    port = free_port()
    with contextlib.ExitStack() as parts:
        host = parts.enter_context(moving_host(tmp_path / "host"))
        host.memory_used = 0.97
        daemon = parts.enter_context(start_daemon(*host.flags))
        target = address(daemon)
        victoria = parts.enter_context(receiving_victoria_metrics(tmp_path / "victoria"))
        # The agent ends before the receiver that comes later: otherwise it would wait for it.
        late = parts.enter_context(contextlib.ExitStack())
        receivers = [victoria.url, f"http://127.0.0.1:{port}"]
        sender = parts.enter_context(agent(tmp_path / "agent", target, receivers))
        arrives(victoria, target)
        ((labels, value),) = wait_until(lambda: victoria.query(memory_rule()), "the query answers")
        assert labels["instance"] == target
        assert value == pytest.approx(0.97)
        sender.wait_for_lines(refused, "that nobody receives", 30)
        came = time.time()
        prometheus = late.enter_context(receiving_prometheus(tmp_path / "prometheus", port))
        arrives(prometheus, target)
        (series,) = prometheus.api("query", query=f'up{{instance="{target}"}}[5m]')["result"]
        assert series["values"][0][0] < came
        alert = "HostMemoryAboveAutoDisableThreshold"
        wait_until(lambda: prometheus.alerts().get(alert) == "firing", f"{alert} fires")


def memory_rule() -> str:
    """The shipped query for full memory."""
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    (query,) = [rule["expr"] for rule in rules if rule.get("alert", "").startswith("HostMemory")]
    return str(query)
