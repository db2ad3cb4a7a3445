"""What tools/generate_kubernetes.py writes is up to date, and it notices when it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.child import REPOSITORY
from tools.generate_kubernetes import (
    ALERTMANAGER,
    DASHBOARDS,
    MONITORING,
    MOVED,
    ROOT,
    RULES,
    main,
    render,
    stale,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the generator reads, with all that it writes."""
    shutil.copytree(REPOSITORY / MONITORING, tmp_path / MONITORING)
    assert main(["--root", str(tmp_path)]) == 0
    return tmp_path


def test_what_is_committed_is_up_to_date() -> None:
    """Rules, dashboards and Alertmanager's configuration have not changed since."""
    assert stale(ROOT, render(ROOT)) == [], "run: make kubernetes"


def test_check_accepts_what_was_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files just written are up to date, and are not written again."""
    capsys.readouterr()
    assert main(["--check", "--root", str(project)]) == 0
    assert main(["--root", str(project)]) == 0
    assert capsys.readouterr() == ("", "")


def test_check_names_what_fell_behind(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed rule, a rule that is gone and a new dashboard are told, and nothing is touched."""
    with (project / MONITORING / "alert_rules.yml").open("a") as rules:
        rules.write("# changed\n")
    (project / MONITORING / "recording_rules.yml").unlink()
    (project / DASHBOARDS / "new.json").write_text("{}")
    assert main(["--check", "--root", str(project)]) == 1
    told = capsys.readouterr().err
    assert {line.partition(":")[0] for line in told.splitlines()} == {
        str(RULES / "alert_rules.yaml"),
        str(RULES / "recording_rules.yaml"),
        str(RULES / "kustomization.yaml"),
        str(DASHBOARDS / "kustomization.yaml"),
    }
    assert "make kubernetes" in told
    assert main(["--root", str(project)]) == 0
    assert not (project / RULES / "recording_rules.yaml").exists()
    assert main(["--check", "--root", str(project)]) == 0


def test_rules_keep_their_comments(project: Path) -> None:
    """The reasons for the thresholds are there for whoever reads them in the cluster's files."""
    (project / MONITORING / "alert_rules_new.yml").write_text(
        "groups:\n  # Why.\n  - name: new\n    rules: []\n"
    )
    text = render(project)[RULES / "alert_rules_new.yaml"]
    assert "  groups:\n    # Why.\n    - name: new\n" in text
    assert yaml.safe_load(text)["metadata"]["name"] == "perfwatch-alert-rules-new"


def test_every_path_of_alertmanager_is_moved() -> None:
    """No path is left that is not there in the operator's Alertmanager."""
    source = (REPOSITORY / MONITORING / "alertmanager.yml").read_text()
    assert all(here in source for here in MOVED)
    written = render(ROOT)[ALERTMANAGER]
    assert not any(here in written for here in MOVED)
