"""A real Prometheus finds the pods, with the operator's configuration and with our example."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.daemon import Daemon, start_daemon
from tests.kubernetes import DEPLOY, Object, build, of_kind, workloads
from tests.kubernetes_api import running_pod, serve_pods
from tests.prometheus import Prometheus, promtool, run_prometheus, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

EXAMPLE = DEPLOY / "prometheus-scrape.yml"

TARGETS = [
    {"job": "perfwatch", "instance": "node-1"},
    {"job": "perfwatch", "instance": "node-2"},
    {"job": "perfwatch", "instance": "node-1", "component": "perf"},
    {"job": "perfwatch", "instance": "perfwatch-iris"},
]
"""What Prometheus has to make of the pods: labels by which rules and dashboards select."""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One daemon that all pods stand for."""
    with start_daemon("--collector.disable-defaults", "--collector.uname") as daemon:
        yield daemon


def pods(port: int) -> list[Object]:
    """Two nodes, a daemon for perf on one of them, one for IRIS, and a pod that has ended."""
    found = workloads()
    return [
        running_pod(found["perfwatch"], "node-1", port),
        running_pod(found["perfwatch"], "node-2", port),
        running_pod(found["perfwatch"], "node-3", port, phase="Failed"),
        running_pod(found["perfwatch-perf"], "node-1", port),
        running_pod(found["perfwatch-iris"], "node-2", port),
    ]


def as_prometheus_writes(value: Any) -> Any:
    """Write the operator's names of fields as Prometheus has them: sourceLabels, source_labels."""
    if isinstance(value, list):
        return [as_prometheus_writes(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key): as_prometheus_writes(inner)
        for key, inner in value.items()
    }


def as_the_operator_does(monitor: Object) -> dict[str, Any]:
    """Make the job that Prometheus Operator makes of a PodMonitor: its relabelling, then ours."""
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    name, namespace = monitor["metadata"]["name"], monitor["metadata"]["namespace"]
    prefix = "__meta_kubernetes_pod"
    selected = [
        {
            "source_labels": [f"{prefix}_label_{re.sub('[^a-zA-Z0-9]', '_', label)}"],
            "regex": value,
            "action": "keep",
        }
        for label, value in monitor["spec"]["selector"]["matchLabels"].items()
    ]
    own = [
        {"source_labels": [f"{prefix}_phase"], "regex": "(Failed|Succeeded)", "action": "drop"},
        {
            "source_labels": [f"{prefix}_container_port_name"],
            "regex": endpoint["port"],
            "action": "keep",
        },
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": [f"{prefix}_container_name"], "target_label": "container"},
        {"source_labels": [f"{prefix}_name"], "target_label": "pod"},
        {"target_label": "job", "replacement": f"{namespace}/{name}"},
        {"target_label": "endpoint", "replacement": endpoint["port"]},
    ]
    return {
        "job_name": f"podMonitor/{namespace}/{name}/0",
        "metrics_path": endpoint["path"],
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [namespace]}}],
        "relabel_configs": selected + own + as_prometheus_writes(endpoint["relabelings"]),
        "metric_relabel_configs": as_prometheus_writes(endpoint.get("metricRelabelings", [])),
    }


def jobs_of_the_operator() -> list[dict[str, Any]]:
    """The jobs of all PodMonitors."""
    return [as_the_operator_does(one) for one in of_kind(build("overlays/iris"), "PodMonitor")]


def jobs_of_the_example() -> list[dict[str, Any]]:
    """The job of the file that is given to those without the operator."""
    jobs: list[dict[str, Any]] = yaml.safe_load(EXAMPLE.read_text())["scrape_configs"]
    return jobs


@contextlib.contextmanager
def discovering_prometheus(
    folder: Path, jobs: list[dict[str, Any]], api: str
) -> Iterator[Prometheus]:
    """Run a Prometheus that asks the stand-in, and is in a hurry."""
    for job in jobs:
        (discovery,) = job["kubernetes_sd_configs"]
        discovery["api_server"] = api
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
    with run_prometheus(folder, config) as prometheus:
        yield prometheus


@pytest.mark.parametrize("jobs", [jobs_of_the_operator, jobs_of_the_example])
def test_pods_become_the_targets_that_rules_select(
    jobs: Any, daemon: Daemon, tmp_path: Path
) -> None:
    """Each is scraped, is named by its node, and keeps no label that changes with its pod."""
    with (
        serve_pods(pods(daemon.port)) as api,
        discovering_prometheus(tmp_path, jobs(), api) as prometheus,
    ):
        wait_until(lambda: len(prometheus.query("up == 1")) == len(TARGETS), "all are scraped")
        found = [labels for labels, _ in prometheus.query("up")]
        named = prometheus.query('node_uname_info{instance="node-2"}')
    expected = [{"__name__": "up"} | labels for labels in TARGETS]
    assert sorted(map(str, map(sorted_items, found))) == sorted(
        map(str, map(sorted_items, expected))
    )
    # Not the name of the pod, which is what the daemon sees.
    assert [labels["nodename"] for labels, _ in named] == ["node-2"]


def sorted_items(labels: dict[str, str]) -> list[tuple[str, str]]:
    """Labels in an order that does not matter."""
    return sorted(labels.items())


@pytest.mark.parametrize("program", ["promtool", "stable/promtool"])
def test_promtool_accepts_the_example(program: str, tmp_path: Path) -> None:
    """As a file that the shipped kind of configuration takes in."""
    (tmp_path / "perfwatch.yml").write_text(EXAMPLE.read_text())
    (tmp_path / "prometheus.yml").write_text("scrape_config_files: [perfwatch.yml]\n")
    promtool("check", "config", "--lint=all", tmp_path / "prometheus.yml", program=program)
