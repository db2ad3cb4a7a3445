"""The dashboards against Grafana's own schema: that of its SDK, and that of its npm package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.child import REPOSITORY
from tests.stack.dashboards import FILES, PAGES
from tools.dashboards.frame import without_strays
from tools.dashboards.pages import TITLES

PROJECT = REPOSITORY / "tools" / "grafana_schema"


@pytest.mark.parametrize("page", TITLES)
def test_the_sdk_reads_all_that_stands_there(page: str) -> None:
    """Read and written again, nothing is lost: a key that it does not know would be."""
    register_default_plugins()
    read = Dashboard.from_json(json.loads(json.dumps(PAGES[page])))
    written = without_strays(json.loads(json.dumps(read, cls=JSONEncoder)))
    assert written == PAGES[page]


@pytest.fixture(scope="module")
def checker() -> Path:
    """The program that checks, with what it needs; that is fetched when its lock has changed."""
    npm = shutil.which("npm")
    if npm is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("npm is not here: apt-get install npm")
    folder = REPOSITORY / "build" / "grafana_schema"
    lock = folder / "package-lock.json"
    wanted = (PROJECT / lock.name).read_text()
    if not lock.exists() or lock.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(lock.name, "node_modules"))
        shutil.copy(PROJECT / lock.name, folder)
        try:
            subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True
            )
        except subprocess.CalledProcessError:
            lock.unlink()
            raise
    shutil.copy(PROJECT / "check.js", folder)
    return folder / "check.js"


@pytest.mark.timeout(120)
def test_grafana_knows_every_key(checker: Path) -> None:
    """The types that Grafana publishes allow all that the dashboards say, and miss nothing."""
    result = subprocess.run(["node", checker, *FILES], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(120)
def test_grafana_would_refuse_what_it_does_not_know(checker: Path, tmp_path: Path) -> None:
    """The check sees a key that does not exist, in the page and in a panel, and a broken query."""
    page = json.loads(json.dumps(PAGES["overview"]))
    panel = next(one for one in page["panels"] if one["type"] == "table")
    page["colour"] = panel["options"]["colour"] = "red"
    panel["targets"].append({"datasource": {"type": "loki"}, "expr": '{job="a"} | | json'})
    path = tmp_path / "page.json"
    path.write_text(json.dumps(page))
    result = subprocess.run(["node", checker, path], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.count('"additionalProperty":"colour"') == 2
    assert "Firing alerts: no LogQL from character" in result.stdout
