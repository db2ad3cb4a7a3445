"""The command line as a user meets it: messages, exit codes, help, checking a file."""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter import __version__
from exporter.cli import COMMANDS, main
from exporter.options import parse_regexp
from exporter.settings import all_keys, with_documentation

pytestmark = pytest.mark.usefixtures("own_environment")

ROOT = Path(__file__).parent.parent
CONFIG = Path(__file__).parent / "config"
KEYS = tuple(all_keys())


def perfwatch(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bogus"], "unknown command bogus: expected one of run, once, check-config, bench, "),
        (["run", "bogus"], "unknown argument bogus: remove it"),
        (["--web.max-request=3"], "unknown argument --web.max-request: did you mean --web.max-req"),
        (["--collector.cpu.gest"], "unknown argument --collector.cpu.gest: did you mean --collec"),
        (
            ["--web.max-requests=x"],
            "--web.max-requests: expected a whole number, 0 or more, got 'x'",
        ),
        (["--web.max-requests"], "argument --web.max-requests: expected one argument"),
        (["--collector.cpu=true"], "argument --collector.cpu/--no-collector.cpu: ignored explicit"),
        (["--web.config.file=x"], "--web.config.file: TLS and authentication are not there yet: "),
        (["--config.file=/no"], "/no: cannot be read: No such file or directory; check --config.f"),
        (["--web.listen-address=no-such-host.invalid:0"], "--web.listen-address=no-such-host.inv"),
        (["--web.listen-address=192.0.2.1:0"], "--web.listen-address=192.0.2.1:0: not an address "),
        ([f"--web.listen-address={'a' * 64}.b:0"], f"--web.listen-address={'a' * 64}.b:0: no addr"),
        (
            ["--collector.netdev.device-include=a", "--collector.netdev.device-exclude=b"],
            "collector",
        ),
        (["two\nlines"], r"unknown command two\nlines: "),
        (["--\x1b[31m"], r"unknown argument --\x1b[31m: "),
        (["check-config"], "the following arguments are required: FILE"),
        (["check-config", "a", "b"], "unrecognized arguments: b"),
        (["version", "x"], "unrecognized arguments: x"),
        (
            ["once", "--format=xml"],
            "argument --format: invalid choice: 'xml' (choose from 'text', ",
        ),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(words: list[str], message: str) -> None:
    """The line says what is wrong, and where to read on or what to do; nothing is started."""
    done = perfwatch(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"perfwatch: [^\n]+\n", done.stderr)
    assert done.stderr.startswith(f"perfwatch: {message}")


def test_a_port_in_use_is_said_at_once() -> None:
    """Somebody else listens there: one line says so and how to find out who."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = perfwatch("run", f"--web.listen-address={address}")
    assert done.returncode == 2
    assert done.stderr == (
        f"perfwatch: --web.listen-address={address}: the port is in use: "
        "stop what listens there (ss -ltnp shows it), or choose another "
        "(see docs/configuration.md)\n"
    )


def test_the_environment_is_read_by_the_process() -> None:
    """A wrong variable stops the daemon from starting, with its name."""
    done = subprocess.run(
        [sys.executable, "-m", "exporter"],
        cwd=ROOT,
        env=os.environ | {"PERFWATCH_LOG_LEVEL": "loud"},
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("perfwatch: environment variable PERFWATCH_LOG_LEVEL: expected ")


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version_is_printed(words: list[str]) -> None:
    """Both spellings print it in the same form and succeed."""
    done = perfwatch(*words)
    assert done.returncode == 0
    assert re.fullmatch(
        rf"perfwatch {re.escape(__version__)} \(Python 3\.\d+\.\d+, \w+\)\n", done.stdout
    )


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["run", "--help"]])
def test_help_lists_commands_and_flags(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One page shows a new user everything that can be said to the daemon."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    page = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(command.summary)}$", page, re.MULTILINE)
    for key in KEYS:
        assert f"--{key.flag}" in page


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "run"])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`perfwatch COMMAND --help` says what it does."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    page = capsys.readouterr().out
    assert page.startswith(f"usage: perfwatch {name}")
    assert COMMANDS[name].summary in page


def test_a_valid_file_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """check-config succeeds and says how many collectors the file leaves on."""
    file = CONFIG / "all-sections.good.yml"
    assert main(["check-config", str(file)]) == 0
    assert capsys.readouterr() == (f"{file} is valid: 3 collectors enabled\n", "")


@pytest.mark.parametrize("file", sorted(CONFIG.glob("*.bad.yml")), ids=lambda file: file.name)
def test_an_invalid_file_is_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check-config fails with exit code 2 and the message in the file's first line."""
    with file.open("rb") as lines:
        expected = lines.readline().decode().removeprefix("# ").rstrip()
    assert main(["check-config", str(file)]) == 2
    assert capsys.readouterr() == ("", f"perfwatch: {file}: {with_documentation(expected)}\n")


def test_a_help_with_percent_signs_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern in a default is not taken for a format."""
    patterns = [key for key in KEYS if key.parse is parse_regexp and key.default is not None]
    assert patterns
    with pytest.raises(SystemExit):
        main(["once", "--help"])
    shown = "".join(capsys.readouterr().out.split())
    assert all(key.shown_default in shown for key in patterns)


@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_file_is_valid_or_one_line(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the file holds, check-config ends with 0, or with 2 and one line."""
    file = tmp_path_factory.getbasetemp() / "any.yml"
    file.write_bytes(content)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["check-config", str(file)])
    lines = (out if code == 0 else err).getvalue()
    assert code in {0, 2}
    assert re.fullmatch(r"[^\n]+\n", lines)
