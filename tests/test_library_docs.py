"""docs/library.md says what is: its examples run, and its lists are those of the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from monitoring.cleanup import CleanupRule, CleanupService
from monitoring.health_check import HealthMonitor
from monitoring.log_events import LogMetrics
from monitoring.metrics import Family
from monitoring.performance import PerformanceMonitor
from tests.child import PATIENCE_SECONDS, REPOSITORY

PAGE = (REPOSITORY / "docs" / "library.md").read_text()

LIBRARY = REPOSITORY / "monitoring"

PARTS = (
    "structured_logging",
    "health_check",
    "ready_checks",
    "graceful_shutdown",
    "performance",
    "cleanup",
    "testing",
)


class Example(NamedTuple):
    """A program on the page, and what the page says that it prints."""

    name: str
    program: str
    output: str


HEADING_OR_EXAMPLE = re.compile(
    r"^#+ (?P<heading>[^\n]+)$"
    r"|^```python\n(?P<program>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


def examples() -> Iterator[Example]:
    """Find the page's programs; one is called like the section it stands in, and numbered."""
    heading, number = "", 0
    for found in HEADING_OR_EXAMPLE.finditer(PAGE):
        if found["heading"]:
            heading, number = found["heading"], 0
        else:
            number += 1
            yield Example(f"{heading} {number}", found["program"], found["output"] or "")


EXAMPLES = list(examples())


def _pattern(output: str) -> str:
    """What the output must match: `...` is anything in its line, or any lines where it is alone."""
    return "".join(
        "(?:.*\n)*" if line == "...\n" else re.escape(line).replace(r"\.\.\.", ".*")
        for line in output.splitlines(keepends=True)
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_an_example_does_what_the_page_says(example: Example, tmp_path: Path) -> None:
    """It runs as it is, prints what follows it, and writes nothing but log records elsewhere."""
    program = tmp_path / "example.py"
    program.write_text(example.program)
    done = subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if not line.startswith("{")] == []
    assert re.fullmatch(_pattern(example.output), done.stdout), done.stdout


def test_every_block_of_code_is_an_example() -> None:
    """None is left out for being written in another way."""
    assert PAGE.count("```python") == len(EXAMPLES) >= 15
    assert PAGE.count("```text") == len([example for example in EXAMPLES if example.output])


def _public_names(part: str) -> Iterable[str]:
    module = importlib.import_module(f"monitoring.{part}")
    named: Iterable[str] | None = getattr(module, "__all__", None)
    if named is not None:
        return named
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == module.__name__
    ]


@pytest.mark.parametrize("part", PARTS)
def test_what_a_part_offers_is_on_the_page(part: str) -> None:
    """Each public function and class; what is not documented is not found."""
    words = set(re.findall(r"\w+", PAGE))
    assert f"monitoring.{part}" in PAGE
    assert [name for name in _public_names(part) if name not in words] == []


def _table(heading: str) -> list[list[str]]:
    """The rows of the table in a section, without its head."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\|(.+)\|$", section, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


class _Sessions:
    """A registry from which nothing expires, and which notes that it was asked."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def remove_expired(self, dry_run: bool) -> int:
        """Find nothing, dry or not."""
        self.asked.set()
        return int(dry_run)


@pytest.fixture
def families(tmp_path: Path) -> list[Family]:
    """What all parts give when they have something to say."""
    logs = LogMetrics()
    logs.security_event("login_failed")
    logs.alert("slow operation", "warning", ["default"])
    logs.dropped("shop", "sampled")
    health = HealthMonitor()
    health.register_check("disk")(lambda: True)
    health.run_all_checks()
    performance = PerformanceMonitor(["/"], namespace="NAMESPACE")
    performance.observe("/", "GET", 200, 0.01, 10)
    sessions = _Sessions()
    cleanup = CleanupService(first_delay_seconds=0)
    cleanup.add_folder(CleanupRule("reports", tmp_path, ("report-*",), max_files=1))
    cleanup.add_registry("sessions", sessions)
    with cleanup:
        assert sessions.asked.wait(PATIENCE_SECONDS), "its thread has planned and begun a run"
        cleanup.run_once()
        parts = (logs, health, performance, cleanup)
        return [family for part in parts for family in part.families()]


def test_the_list_of_metrics_is_what_the_parts_give(families: list[Family]) -> None:
    """Name, type, labels and meaning of each, in order."""
    given = [
        [f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), meaning]
        for name, meaning, kind, labels, _ in families
    ]
    assert _table("Metrics") == given


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_the_packages_it_needs_are_named() -> None:
    """All but the standard library's, and the one that only tests need."""
    own = {"monitoring"} | sys.stdlib_module_names
    needed = {name for path in LIBRARY.glob("*.py") for name in _imported(path)} - own
    rows = _table("Install")
    assert {row[0].strip("`") for row in rows} == needed
    lazy = [row[0].strip("`") for row in rows if row[2] != "at import"]
    program = "import sys\n" + "".join(
        f"import monitoring.{part}\n" for part in PARTS if part != "testing"
    )
    program += f"sys.exit(str(sorted(set({lazy!r}) & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "[]"
