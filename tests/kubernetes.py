"""What kustomize makes of deploy/kubernetes/, for tests of it."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.child import REPOSITORY
from tests.peers import find_peer

DEPLOY = REPOSITORY / "deploy" / "kubernetes"

VARIANTS = ("base", "overlays/perf", "overlays/iris", "overlays/plain", "alertmanager")
"""What can be installed, by its directory."""

WORKLOADS = {"DaemonSet", "Deployment"}

Object = dict[str, Any]


def build_directory(directory: Path) -> list[Object]:
    """Build any directory; kustomize has to be content with it."""
    result = subprocess.run(
        [find_peer("kustomize"), "build", directory], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "kustomize warns"
    return list(yaml.safe_load_all(result.stdout))


@functools.cache
def build(variant: str) -> list[Object]:
    """Build one of the variants, once for all tests: they only look at it."""
    return build_directory(DEPLOY / variant)


def name_of(one: Object) -> str:
    """Say which object it is."""
    return f"{one['kind']} {one['metadata'].get('namespace', '-')}/{one['metadata']['name']}"


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """The objects of some kinds."""
    return [one for one in objects if one["kind"] in kinds]


def workloads() -> dict[str, Object]:
    """Each workload of all variants, by its name."""
    found = (of_kind(build(variant), *WORKLOADS) for variant in ("overlays/perf", "overlays/iris"))
    return {one["metadata"]["name"]: one for objects in found for one in objects}


def pod_of(workload: Object) -> Object:
    """The specification of a workload's pods."""
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def container_of(workload: Object) -> Object:
    """The one container of a workload's pods."""
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def configuration_of(workload: Object, objects: list[Object]) -> str:
    """The daemon's configuration file, as the ConfigMap that a workload mounts has it."""
    (volume,) = [one for one in pod_of(workload)["volumes"] if one["name"] == "configuration"]
    maps = {one["metadata"]["name"]: one for one in of_kind(objects, "ConfigMap")}
    text: str = maps[volume["configMap"]["name"]]["data"]["perfwatch.yml"]
    return text


def variants_of(workload: str) -> Iterator[list[Object]]:
    """The variants that have a workload."""
    for variant in VARIANTS:
        objects = build(variant)
        if any(one["metadata"]["name"] == workload for one in of_kind(objects, *WORKLOADS)):
            yield objects
