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

from tests.child import REPOSITORY
from tests.stack.dashboards import FILES, PAGES
from tools.dashboards import classic_schema
from tools.dashboards.frame import without_strays
from tools.dashboards.pages import TITLES

PROJECT = REPOSITORY / "tools" / "grafana_schema"


@pytest.mark.parametrize("page", TITLES)
def test_the_sdk_reads_all_that_stands_there(page: str) -> None:
    """Read and written again, nothing is lost: a key that it does not know would be."""
    register_default_plugins()
    read = classic_schema.Dashboard.from_json(json.loads(json.dumps(PAGES[page])))
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


def broken_page(folder: Path) -> Path:
    """A page with a key that does not exist, in a panel of it too, and a broken query."""
    page = json.loads(json.dumps(PAGES["overview"]))
    panel = next(one for one in page["panels"] if one["type"] == "table")
    page["colour"] = panel["options"]["colour"] = "red"
    panel["targets"].append({"datasource": {"type": "loki"}, "expr": '{job="a"} | | json'})
    path = folder / "broken.json"
    path.write_text(json.dumps(page))
    return path


@pytest.mark.timeout(120)
def test_grafana_knows_every_key(checker: Path, tmp_path: Path) -> None:
    """The types that Grafana publishes allow all that the dashboards say, and miss nothing.

    A broken page beside them shows that the check sees what it should. They share a run, which
    takes seconds to make the schema.
    """
    broken = broken_page(tmp_path)
    result = subprocess.run(
        ["node", checker, *FILES, broken], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, result.stderr
    lines = result.stdout.splitlines()
    seen = [line for line in lines if line.startswith(f"{broken}: ")]
    assert lines == seen
    assert sum('"additionalProperty":"colour"' in line for line in seen) == 2
    assert any("Firing alerts: no LogQL from character" in line for line in seen)
