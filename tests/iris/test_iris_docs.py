"""The page about IRIS says what the program and the double take for granted, and no less."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from exporter.iris import control
from exporter.iris.access.errors import ErrorKind
from exporter.iris.check.assumptions import ASSUMPTIONS
from exporter.iris.check.checks import make_checks
from exporter.iris.cli.commands import COMMANDS, wrapper_text
from exporter.iris.condition import State
from exporter.iris.system_performance.marks import parse_mark
from tests.iris.double import assumptions as assumed
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/iris.md").read_text()


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_error_has_its_line(kind: ErrorKind) -> None:
    """Whoever sees the label finds what it means and what helps."""
    rows = re.findall(rf"^\| `{kind}` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 1


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_line(state: State) -> None:
    """So does who sees a state."""
    section = PAGE.partition("### `iris_state`")[2].partition("\n## ")[0]
    assert len(re.findall(rf"^\| `{state}` \| .+ \|$", section, re.MULTILINE)) == 1


def test_the_table_of_assumptions_is_that_of_the_program() -> None:
    """What a record judges can be looked up by its name, with its evidence."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (DOC|REF|SRC|MEAS|INF) \|$", PAGE, re.MULTILINE)
    assert rows == [(one.id, one.text, one.evidence) for one in ASSUMPTIONS]


def test_the_assumptions_of_the_double_are_on_the_page() -> None:
    """What the tests rest on is not hidden in them."""
    rows = re.findall(r"^\| (\S.*) \| (\S.*) \| (\w+) \|$", PAGE, re.MULTILINE)
    wanted = [(one.about, one.sentence, one.evidence) for one in assumed.ASSUMPTIONS]
    assert [row for row in rows if row[2] in get_args(assumed.Evidence)] == wanted


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_line(name: str) -> None:
    """The page lists what `perfwatch iris` can do, words that share a line included."""
    first, *rest = name.split()
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| `perfwatch iris {first}")]
    assert [row for row in rows if all(re.search(rf"\b{word}\b", row) for word in rest)]


def test_every_grant_that_a_check_names_is_in_the_table_of_privileges() -> None:
    """Nobody is asked for a right that the page does not explain."""
    privileges = PAGE.partition("## Privileges")[2].partition("\n## ")[0]
    named = {
        resource
        for check in make_checks()
        for resource in re.findall(r"%\w+:[A-Z]+|%SYS\.Task", check.grant)
    }
    assert named
    assert sorted(one for one in named if one not in privileges) == []


def test_descriptions_of_the_task_are_those_that_are_written() -> None:
    """What the page shows of the task's description is read as such."""
    section = PAGE.partition("### On, off, and by whom")[2].partition("\n### ")[0]
    shown = re.findall(r"^\| `(PerfWatch: [^`]+)`", section, re.MULTILINE)
    assert len(shown) == 5
    marks = [parse_mark(text.replace("<time>", "2026-11-21T23:00:00Z")) for text in shown]
    assert [mark and (mark.state, mark.by) for mark in marks] == [
        ("on", ""),
        ("off", "governor"),
        ("off", "operator"),
        ("kept_off", "operator"),
        ("kept_on", "operator"),
    ]


def test_the_script_for_the_role_is_the_one_that_is_printed() -> None:
    """An administrator gets the same from the checkout and from the command."""
    assert (ROOT / "deploy/iris/role.script").read_text() == wrapper_text("role")


def test_the_library_s_functions_have_their_lines() -> None:
    """Each is called as the page shows it, and none is left out."""
    section = PAGE.partition("## As a library")[2].partition("\n## ")[0]
    shown = dict(re.findall(r"`(\w+)\(([^`]*)\)`", section))
    public = {name: getattr(control, name) for name in control.__all__}
    assert shown.keys() == public.keys()
    for name, arguments in shown.items():
        words = [argument.partition("=")[0] for argument in arguments.split(", ")]
        assert list(inspect.signature(public[name]).parameters)[: len(words)] == words


def test_the_example_of_the_library_works(
    instance: Instance, double: Double, tmp_path: Path
) -> None:
    """As it stands on the page, but for the address."""
    example = PAGE.partition("```python\n")[2].partition("```")[0]
    password = tmp_path / "password"
    password.write_text(instance.password)
    for there, here in (
        ('host="db1"', f'host="127.0.0.1", port={double.port}'),
        ("/etc/perfwatch/iris.password", str(password)),
    ):
        assert there in example
        example = example.replace(there, here)
    values: dict[str, Any] = {}
    exec(example, values)
    assert values["done"]
    assert values["collects"]
    assert values["said"].startswith("make the profile perfwatch\ncreate the task ")
