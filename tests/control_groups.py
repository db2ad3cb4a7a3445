"""Hosts with control groups, and the samples expected of them."""

from __future__ import annotations

from exporter.collectors.cgroups import CgroupsCollector, Options
from tests.collectors.conftest import FakeHost

ROOT = "sys/fs/cgroup"


def add_group(host: FakeHost, path: str, **files: str) -> None:
    """Make a group of version 2 with these files, whose dots are written as __."""
    host.write(f"{ROOT}/cgroup.controllers", "cpu io memory pids\n")
    host.write(f"{ROOT}{path}/cgroup.controllers", "cpu io memory pids\n")
    for name, content in files.items():
        host.write(f"{ROOT}{path}/{name.replace('__', '.')}", content)


def collect(host: FakeHost, **options: object) -> dict[str, float]:
    """Collect once with these options; only what is said of the groups."""
    samples = host.samples(CgroupsCollector(host.kernel, Options(**options)))  # type: ignore[arg-type]
    return {name: value for name, value in samples.items() if name.startswith("node_cgroup_")}


def of_group(path: str, **values: float) -> dict[str, float]:
    """Name the samples of a group."""
    return {f'node_cgroup_{name}{{cgroup="{path}"}}': value for name, value in values.items()}


def counted(shown: int, left_out: int, walked: int) -> dict[str, float]:
    """Name the samples that every page has."""
    return {
        "node_cgroup_shown_groups": shown,
        "node_cgroup_left_out_groups": left_out,
        "node_cgroup_walked_groups": walked,
    }
