"""Which collectors' modules are imported: those that are used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from exporter.arguments import relevant_keys
from exporter.settings import all_keys
from tests.child import REPOSITORY


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--config.file=x.yml"]])
def test_whoever_may_mean_any_option_gets_all(words: list[str]) -> None:
    """Help lists all, and a configuration file may name any."""
    assert [key.flag for key in relevant_keys(words)] == [key.flag for key in all_keys()]


@pytest.mark.parametrize(
    ("words", "environment", "imported"),
    [
        ([], "", False),
        (["--collector.cgroups"], "", True),
        (["--collector.cgroups.max-groups=5"], "", True),
        ([], "PERFWATCH_COLLECTOR_CGROUPS_MAX_GROUPS=5", True),
    ],
)
def test_collectors_that_are_off_are_not_imported(
    words: list[str], environment: str, imported: bool
) -> None:
    """They cost neither time at the start nor memory, until somebody mentions them."""
    name, _, value = environment.partition("=")
    script = (
        "import sys\n"
        "from exporter.arguments import Parser, read_settings\n"
        "from exporter.parts import make_collectors\n"
        "make_collectors(read_settings(Parser('x', ''), sys.argv[1:])[0])\n"
        "print('exporter.collectors.cgroups' in sys.modules)\n"
        "assert 'exporter.collectors.cpu' in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env={"PATH": os.environ["PATH"]} | ({name: value} if name else {}),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(imported)
