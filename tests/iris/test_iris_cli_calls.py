"""Wrong calls of `perfwatch iris`, its help, and the form of what it prints."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cli import main
from exporter.iris.cli.commands import COMMANDS
from exporter.iris.cli.output import Progress, cell, duration, size, table

pytestmark = pytest.mark.usefixtures("own_environment")

HOST = "--iris.host=db1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "iris: no command: expected one of status, configure, "),
        (["bogus", HOST], "iris: unknown command bogus: expected one of status, "),
        (["report", "burn"], "iris: unknown command report burn: expected one of "),
        (["status"], "no instance of IRIS is configured: name its host with --iris.host, "),
        (["status", HOST, "--instance=x"], "--instance: expected one of iris, got 'x' "),
        (["status", "--iris.hots=x"], "unknown argument --iris.hots: did you mean --iris.host?"),
        (["enable", HOST, "--for=soon"], "argument --for: expected a duration up to 3650d such "),
        (["enable", HOST, "--for=0"], "argument --for: expected at least a second, got '0' "),
        (["install", HOST, "--print=all"], "argument --print: invalid choice: 'all' "),
        (["tasks", "delete", "", HOST], "argument ID: it is empty: leave it out for the task that"),
        (["report", "fetch", HOST], "the following arguments are required: RUNID "),
        (["status", "--iris.password=x", HOST], "--iris.password does not exist, as others would"),
    ],
)
def test_a_wrong_call_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what is wrong and where to read on, and asks no instance; the code is 2."""
    assert main(["iris", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"perfwatch: [^\n]+ docs/\w+\.md\)\n", err)
    assert err.startswith(f"perfwatch: {message}")


@pytest.mark.parametrize("words", ["uninstall", "tasks delete", "check --record=x"])
def test_of_several_instances_one_has_to_be_named(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is hard to take back, or writes one file, is done to one that is meant."""
    file = tmp_path / "perfwatch.yml"
    file.write_text("iris: {instances: {a: {host: db1}, b: {host: db2}}}\n")
    assert main(["iris", *words.split(), f"--config.file={file}"]) == 2
    expected = "there are several instances: say which by --instance, one of a, b (see docs/iris."
    assert expected in capsys.readouterr().err


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it does."""
    with pytest.raises(SystemExit) as ended:
        main(["iris", "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []


def test_help_of_a_command_leaves_out_what_is_not_about_iris(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The flags of the daemon are taken, and not listed: there are hundreds."""
    with pytest.raises(SystemExit):
        main(["iris", "disable", "--help"])
    out = capsys.readouterr().out
    assert "--reason TEXT" in out
    assert "--iris.host VALUE" in out
    assert "--config.file FILE" in out
    assert not re.search(r"--(no-)?(collector|web|log|cleanup|storage|path|timeout)\b", out)


@given(st.text())
def test_a_cell_is_printable_and_never_empty(text: str) -> None:
    """Whatever a server calls its things."""
    assert cell(text).isprintable()
    assert cell(text)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (True, "yes"), (False, "no"), (12.34, "12.3"), (7, "7")]
)
def test_a_cell_says_what_is_known(value: object, text: str) -> None:
    """What is unknown is a dash, not 0."""
    assert cell(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0 s"), (59.6, "1 min"), (4230, "1 h 10 min"), (3 * 86400, "3 d")],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, text: str) -> None:
    """As people say it."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**40, "5120.0 GiB")],
)
def test_a_size_has_the_unit_that_suits_it(count: float | None, text: str) -> None:
    """Up to the largest."""
    assert size(count) == text


def test_columns_are_aligned() -> None:
    """Below their titles, without spaces at the end of a line."""
    assert table(("A", "LONG"), [("longer", 1), (None, "x")]) == (
        "A       LONG\nlonger  1\n-       x"
    )


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_progress_on_a_terminal_is_one_line_that_goes() -> None:
    """Each takes the place of the one before, and nothing is left."""
    stream = Terminal()
    progress = Progress(verbose=False, stream=stream)
    progress("long line")
    progress("short\x1b")
    progress.done()
    progress.done()
    assert stream.getvalue() == "\rlong line\rshort\\x1b\r         \r"


def test_progress_is_silent_where_nobody_looks() -> None:
    """Into a file or pipe nothing is told, unless it is asked for."""
    stream = io.StringIO()
    for verbose in (False, True):
        progress = Progress(verbose=verbose, stream=stream)
        progress("working")
        progress.done()
    assert stream.getvalue() == "working\n"
