"""node_exporter's command line is ours too, as far as it can be."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.arguments import Parser, read_settings
from exporter.node_exporter import COLLECTORS, REFUSED, RENAMED, WITHOUT_EFFECT, translate
from exporter.settings import SettingsError, all_keys
from tests.peers import find_peer

OURS = frozenset(key.flag for key in all_keys())

ITS_OWN_HELP = {"help", "help-long", "help-man", "version"}


class Flag(NamedTuple):
    """A flag as node_exporter's help gives it."""

    name: str
    value: str | None
    """Its default or the name of its value; None when it takes none."""


def ask(program: Path, flag: str) -> str:
    """What the program prints; older ones print their help on stderr."""
    done = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def node_exporters_flags() -> list[Flag]:
    """Ask the real program; one that is newer than what we know has flags that we do not."""
    program = find_peer("node_exporter")
    if tuple(map(int, re.findall(r"\d+", ask(program, "--version"))[:2])) > (1, 11):
        pytest.skip("node_exporter is newer than 1.11: renew exporter/node_exporter.py")
    text = ask(program, "--help")
    found = re.findall(r"^ +(?:-\w, +)?--([\w.-]+)(?:=(\".*?\"(?=\s)|\S+))?", text, re.MULTILINE)
    return [
        Flag(name, (json.loads(value) if value[0] == '"' else value) if value else None)
        for name, value in found
    ]


def read(*words: str) -> list[str]:
    """Read a command line as `perfwatch run` does, and give the warnings."""
    return read_settings(Parser("perfwatch", ""), words)[1]


def test_every_flag_of_node_exporter_has_an_answer() -> None:
    """Each one, with its default, is obeyed, warned of, or refused for a reason we know."""
    flags = [flag for flag in node_exporters_flags() if flag.name not in ITS_OWN_HELP]
    assert len(flags) > 100
    refused = set()
    for name, value in flags:
        word = f"--{name}" if value is None else f"--{name}={value or 'x'}"
        if name == "log.format":
            word = "--log.format=json"  # its default, logfmt, is none of our forms
        try:
            warnings = read(word)
        except SettingsError as error:
            assert "not there yet" in str(error), word  # noqa: PT017 -- most are accepted
            refused.add(name)
        else:
            assert bool(warnings) == (name not in OURS), word
    assert refused == set(REFUSED)


def test_the_collectors_are_node_exporters() -> None:
    """The list holds every collector that the real program has flags for."""
    names = {flag.name for flag in node_exporters_flags() if flag.name.startswith("collector.")}
    assert {name.split(".")[1] for name in names} - {"disable-defaults"} <= COLLECTORS


def test_all_our_flags_stay() -> None:
    """Nothing of ours is set aside, whatever node_exporter calls it."""
    words = [f"--{name}" for name in sorted(OURS)]
    assert translate(words, OURS) == (words, [])


@pytest.mark.parametrize(
    "words",
    [
        ["--collector.systemd"],
        ["--no-collector.systemd"],
        ["--collector.systemd.unit-include=.+"],
        ["--collector.systemd.unit-include", ".+"],
        ["--collector.netclass_rtnl.with-stats"],
        ["--runtime.gomaxprocs=2"],
    ],
)
def test_flags_without_a_counterpart_are_set_aside(words: list[str]) -> None:
    """They go with their value, and what stands around them is left alone."""
    kept, warnings = translate(["--web.max-requests=3", *words, "--collector.cpu"], OURS)
    assert kept == ["--web.max-requests=3", "--collector.cpu"]
    name = words[0].split("=")[0].removeprefix("--").removeprefix("no-")
    assert len(warnings) == 1
    assert warnings[0].startswith(f"--{name} is node_exporter's and has no effect here: ")


def test_the_warning_says_why() -> None:
    """A collector that is missing and an option that is missing are told apart."""
    words = ["--collector.ntp.server=x", "--collector.netclass_rtnl.with-stats"]
    _, warnings = translate(words, OURS)
    assert [warning.partition(": ")[2] for warning in warnings] == [
        "there is no ntp collector yet",
        "the netdev collector shows the statistics",
    ]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_former_names_are_obeyed(old: str, new: str) -> None:
    """A name that node_exporter gave up still works, with the advice to change it."""
    assert translate([f"--{old}=^x", f"--{old}", "^y"], OURS) == (
        [f"--{new}=^x", f"--{new}", "^y"],
        [f"--{old} is deprecated: use --{new}"] * 2,
    )
    assert new in OURS


@pytest.mark.parametrize("word", ["--web.config.file=x", "--web.systemd-socket"])
def test_what_must_not_be_ignored_is_refused(word: str) -> None:
    """Serving plain text to everybody who asked for TLS would be worse than not to start."""
    with pytest.raises(SettingsError, match=r"not there yet: remove it, and .*docs/configuration"):
        translate([word], OURS)


@pytest.mark.parametrize("word", ["--web.config.file=", "--no-web.systemd-socket"])
def test_what_is_refused_may_be_off(word: str) -> None:
    """Asking for the absence of what we do not have is fine."""
    assert translate([word], OURS) == ([], [])


@pytest.mark.parametrize(
    "words",
    [
        ["--collector.cpu.gest"],
        ["--collector.bogus"],
        ["--web.bogus=1"],
        ["collector.systemd"],
        ["--", "-x", "--=", "--no-"],
    ],
)
def test_what_nobody_knows_is_left_to_the_parser(words: list[str]) -> None:
    """A misspelt option of a collector that we have is an error, not a warning."""
    assert translate(words, OURS) == (words, [])


def test_what_is_set_aside_is_not_ours() -> None:
    """The lists of exceptions name nothing that works here."""
    assert not OURS & (WITHOUT_EFFECT.keys() | RENAMED.keys() | REFUSED.keys())
