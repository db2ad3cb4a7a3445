"""The page about Kubernetes: what it tells people to write is built, and what it names is there."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.child import REPOSITORY
from tests.kubernetes import (
    DEPLOY,
    WORKLOADS,
    build_directory,
    configuration_of,
    container_of,
    of_kind,
)

PAGE = (REPOSITORY / "docs" / "kubernetes.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(# mine/kustomization\.yaml.*?)```", PAGE, re.DOTALL)


def make_example(text: str, folder: Path) -> Path:
    """Write an example as somebody would, with files of their own beside it."""
    mine = folder / "mine"
    mine.mkdir()
    there = os.path.relpath(REPOSITORY, mine)
    (mine / "kustomization.yaml").write_text(text.replace("../perfwatch/", f"{there}/"))
    shutil.copy(DEPLOY / "base" / "daemon" / "perfwatch.yml", mine)
    (mine / "iris.yml").write_text("iris: {instances: {prod: {host: db1.example.org}}}\n")
    return mine


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_are_built(text: str, tmp_path: Path) -> None:
    """Each directory of one's own gives pods of one's own images."""
    found = of_kind(build_directory(make_example(text, tmp_path)), *WORKLOADS)
    assert found
    for one in found:
        assert container_of(one)["image"].startswith("registry.example.org/perfwatch")


def test_a_configuration_of_ones_own_replaces_ours(tmp_path: Path) -> None:
    """The pods of the second example mount the file that lies beside it."""
    assert len(EXAMPLES) == 2
    objects = build_directory(make_example(EXAMPLES[1], tmp_path))
    (deployment,) = of_kind(objects, "Deployment")
    settings = yaml.safe_load(configuration_of(deployment, objects))
    assert settings["iris"]["instances"] == {"prod": {"host": "db1.example.org"}}


def test_the_directories_are_there() -> None:
    """Each that the table names can be built; none is forgotten."""
    rows = [line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    directories = {name for name in named if (DEPLOY / name / "kustomization.yaml").is_file()}
    own = {str(path.parent.relative_to(DEPLOY)) for path in DEPLOY.rglob("kustomization.yaml")}
    # Those that only gather others are named in the text of their row, and one lies below another.
    gathering = {"overlays/perf", "overlays/iris", "base/operator/rules"}
    assert own - directories == gathering
    assert "../../config/monitoring/grafana/dashboards" in directories
