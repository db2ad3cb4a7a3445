"""The words behind `perfwatch iris`: the command, its options, and the instances it is about."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from exporter.arguments import Parser, read_settings
from exporter.iris.access.errors import DOCUMENTATION
from exporter.iris.access.session import Server, Session
from exporter.iris.cli.output import Show
from exporter.iris.settings import InstanceSettings
from exporter.settings import SettingsError


class Context(NamedTuple):
    """What a command gets, for one instance."""

    session: Session
    """Open."""
    server: Server
    instance: InstanceSettings
    options: argparse.Namespace
    show: Show
    """Tells on stderr what it is about, where somebody looks."""


class Result(NamedTuple):
    """What a command gives, for one instance."""

    document: Any
    text: str
    is_done: bool = True


class Command(NamedTuple):
    """What is done behind a word, or two."""

    execute: Callable[[Context], Result]
    summary: str
    declare: Callable[[argparse.ArgumentParser], object] = lambda _: None
    for_one: bool = False
    """Whether it has to be said which instance, where there are several."""
    prints: Callable[[argparse.Namespace], str | None] = lambda _: None
    """A text that needs no instance, where the options ask for one."""


class CommandParser(Parser):
    """Takes all flags of the daemon, and tells in its help of those that are about IRIS."""

    def format_help(self) -> str:
        """Leave out what has nothing to do with it."""
        for action in self._actions:
            words = [word.removeprefix("--").removeprefix("no-") for word in action.option_strings]
            dotted = [word for word in words if "." in word or word == "timeout-offset"]
            if dotted and not dotted[0].startswith(("iris.", "config.")):
                action.help = argparse.SUPPRESS
        return super().format_help()


class Call(NamedTuple):
    """What was asked for."""

    command: Command
    options: argparse.Namespace
    instances: Sequence[InstanceSettings]
    text: str | None = None


def read_call(words: Sequence[str]) -> Call:
    """Read the words. Raises SettingsError where they are wrong."""
    from exporter.iris.cli.commands import COMMANDS

    name, words = _split(words, COMMANDS)
    command = COMMANDS[name]
    usage = f"perfwatch iris {name} [--help] [ARGUMENT ...] [FLAG ...]"
    parser = CommandParser(f"perfwatch iris {name}", command.summary, usage)
    command.declare(parser)
    help_text = "which of the configured instances"
    if not command.for_one:
        help_text += "; all when left out"
    parser.add_argument("--instance", metavar="NAME", help=help_text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="tell what is being done")
    settings, _, options = read_settings(parser, words)
    text = command.prints(options)
    if text is not None:
        return Call(command, options, (), text)
    one = command.for_one or bool(getattr(options, "record", None))  # a record is one server's
    return Call(command, options, _choose(settings.iris, options.instance, one=one))


def _split(words: Sequence[str], commands: Mapping[str, Command]) -> tuple[str, Sequence[str]]:
    """Take the name of the command, which has one word or two, from the rest."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if len(words) >= count and name in commands:
            return name, words[count:]
    width = max(map(len, commands))
    listed = "\n".join(f"  {name.ljust(width)}  {one.summary}" for name, one in commands.items())
    parser = Parser(
        "perfwatch iris",
        f"Look at InterSystems IRIS, and control what it collects.\n\ncommands:\n{listed}",
        "perfwatch iris COMMAND [--help] [FLAG ...]",
    )
    parser.parse_known_args(words[:1])  # --help ends here
    given = " ".join(word for word in words[:2] if not word.startswith("-"))
    wrong = f"unknown command {given}" if given else "no command"
    raise SettingsError(
        f"iris: {wrong}: expected one of {', '.join(commands)} (see {DOCUMENTATION})"
    )


def _choose(
    instances: Mapping[str, InstanceSettings], name: str | None, *, one: bool
) -> Sequence[InstanceSettings]:
    if not instances:
        raise SettingsError(
            "no instance of IRIS is configured: name its host with --iris.host, or the file in "
            f"which it stands with --config.file (see {DOCUMENTATION})"
        )
    known = ", ".join(instances)
    if name is not None:
        if name not in instances:
            raise SettingsError(
                f"--instance: expected one of {known}, got {name!r} (see {DOCUMENTATION})"
            )
        return (instances[name],)
    if one and len(instances) > 1:
        raise SettingsError(
            f"there are several instances: say which by --instance, one of {known} "
            f"(see {DOCUMENTATION})"
        )
    return tuple(instances.values())
