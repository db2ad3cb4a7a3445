"""The pods of the manifests, made by hand of namespaces, with the real daemon in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.expositions import values
from tests.kubernetes import build, configuration_of, workloads
from tests.pod import POD_NAME, run_in_pod

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

ONCE = ("once", "--config.file=/etc/perfwatch/perfwatch.yml")

Page = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(page: Page, metric: str, label: str) -> dict[str, float]:
    """The values of a metric by one of its labels."""
    return {
        dict(labels).get(label, ""): value
        for (name, labels), value in page.items()
        if name == metric
    }


def test_the_node_is_seen_from_the_pod(tmp_path: Path) -> None:
    """As nobody, in namespaces of its own, the daemon tells of the machine, and nothing fails."""
    workload = workloads()["perfwatch"]
    text = configuration_of(workload, build("base"))
    page = values(run_in_pod(workload, tmp_path, text, *ONCE).encode())
    success = samples(page, "node_scrape_collector_success", "collector")
    assert {name for name, value in success.items() if not value} == set()
    cables = re.compile(yaml.safe_load(text)["collector"]["netdev"]["device_exclude"])
    lines = Path("/proc/1/net/dev").read_text().splitlines()[2:]
    devices = {line.partition(":")[0].strip() for line in lines}
    assert samples(page, "node_network_receive_bytes_total", "device").keys() == {
        device for device in devices if not cables.search(device)
    }
    sizes = samples(page, "node_filesystem_size_bytes", "mountpoint")
    assert sizes == {path: size_of(path) for path in sizes}
    # The reason for the relabelling of this one series.
    (name,) = samples(page, "node_uname_info", "nodename")
    assert name == POD_NAME


def size_of(path: str) -> float:
    """The size of a file system as this process sees it."""
    answer = os.statvfs(path)
    return answer.f_blocks * answer.f_frsize


@pytest.mark.parametrize("backend", ["stat", "syscall"])
def test_perf_counts_without_anything_of_the_node(backend: str, tmp_path: Path) -> None:
    """Root with CAP_PERFMON alone, which mounts nothing, counts what root on the machine can."""
    if backend == "stat" and shutil.which("perf") is None:
        pytest.skip("the perf program is not installed")
    workload = workloads()["perfwatch-perf"]
    text = configuration_of(workload, build("overlays/perf"))
    flag = f"--collector.perf.backend={backend}"
    page = values(run_in_pod(workload, tmp_path, text, *ONCE, flag).encode())
    only = ("--collector.disable-defaults", "--collector.perf", flag)
    command = [sys.executable, "-m", "exporter", "once", *only]
    on_the_machine = values(subprocess.run(command, capture_output=True, check=True).stdout)
    available = samples(on_the_machine, "perf_event_available", "event")
    assert available
    assert samples(page, "perf_event_available", "event") == available
