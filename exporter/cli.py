"""The command line: `perfwatch run`, `once`, `check-config`, `bench`, `iris` and the others.

Exit codes: 0 done, 1 failed, 2 the call or the configuration is wrong.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from exporter import __version__
from exporter.arguments import Parser, read_settings, relevant_keys
from exporter.settings import Settings, SettingsError, all_keys, build, with_documentation
from exporter.sources import CONFIG_FILE_VARIABLE, read_environment, read_file


class Command(NamedTuple):
    """What a word behind `perfwatch` does."""

    execute: Callable[[Sequence[str]], int]
    summary: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Without a command, as node_exporter is called, it is `run`.
    name = words.pop(0) if words and not words[0].startswith("-") else "run"
    try:
        return _find_command(name).execute(words)
    except SettingsError as error:
        print(f"perfwatch: {on_one_line(with_documentation(str(error)))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `perfwatch once | head`: the reader has enough. Nothing more may be written, not even
        # by the interpreter on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # A full disk behind the output, say. The interpreter would try again to write the rest.
        print(f"perfwatch: {on_one_line(str(error))}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _find_command(name: str) -> Command:
    if name not in COMMANDS:
        expected = ", ".join(COMMANDS)
        raise SettingsError(
            f"unknown command {name}: expected one of {expected} (try: perfwatch --help)"
        )
    return COMMANDS[name]


def on_one_line(text: str) -> str:
    """Escape what would break the line or steer a terminal: messages quote what was given."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _run(words: Sequence[str]) -> int:
    from exporter.life import run

    def read() -> tuple[Settings, list[str]]:
        """Read file, environment and flags anew: at the start, and at each reload."""
        parser = Parser(
            "perfwatch",
            "A Prometheus exporter for Linux hosts.\n\ncommands:\n"
            + "\n".join(f"  {name:13} {each.summary}" for name, each in COMMANDS.items()),
            "perfwatch [run] [FLAG ...]\n       perfwatch COMMAND [--help]",
        )
        parser.add_argument("--version", action="version", version=_version_text())
        return read_settings(parser, words)[:2]

    return run(read)


def _once(words: Sequence[str]) -> int:
    from exporter.once import once

    parser = Parser(
        "perfwatch once",
        COMMANDS["once"].summary,
        "perfwatch once [--format FORMAT] [--collector NAME ...] [FLAG ...]",
    )
    parser.add_argument(
        "--format",
        choices=("text", "openmetrics", "json"),
        default="text",
        help="form of the output (default: text)",
    )
    parser.add_argument(
        "--collector", action="append", metavar="NAME", help="only this one; may be repeated"
    )
    settings, warnings, parsed = read_settings(parser, words)
    for warning in warnings:
        print(f"perfwatch: {on_one_line(warning)}", file=sys.stderr)
    return once(settings, parsed.format, parsed.collector)


def _check_config(words: Sequence[str]) -> int:
    parser = Parser("perfwatch check-config", COMMANDS["check-config"].summary)
    parser.add_argument("file", metavar="FILE")
    file = parser.parse_args(words).file
    settings = build(read_file(file, tuple(all_keys())))
    instances = f", instances of IRIS: {len(settings.iris)}" if settings.iris else ""
    print(f"{file} is valid: {len(settings.collectors)} collectors enabled{instances}")
    return 0


def _iris(words: Sequence[str]) -> int:
    from exporter.iris.cli import iris

    return iris(words)


def _bench(words: Sequence[str]) -> int:
    from exporter.bench import bench

    return bench(words)


def _healthcheck(words: Sequence[str]) -> int:
    from exporter.healthcheck import healthcheck

    parser = Parser("perfwatch healthcheck", COMMANDS["healthcheck"].summary)
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        help="default: /readyz where the configuration file and the environment say it listens",
    )
    url = parser.parse_args(words).url
    if url is None:
        keys = relevant_keys(())
        file = os.environ.get(CONFIG_FILE_VARIABLE)
        values = read_file(file, keys) if file else {}
        values |= read_environment(os.environ, keys)
        # Of the rest it needs nothing, not even the right to read the files that it names.
        web = {flag: value for flag, value in values.items() if flag.startswith("web.")}
        address = build(web).web.listen_address[0]
        url = f"http://{address.for_clients()}/readyz"
    return healthcheck(url)


def _version(words: Sequence[str]) -> int:
    Parser("perfwatch version", COMMANDS["version"].summary).parse_args(words)
    print(_version_text())
    return 0


def _version_text() -> str:
    return f"perfwatch {__version__} (Python {platform.python_version()}, {platform.machine()})"


COMMANDS: Mapping[str, Command] = {
    "run": Command(_run, "Serve this host's metrics (the default)."),
    "once": Command(_once, "Collect once and print, without a server."),
    "check-config": Command(_check_config, "Check a configuration file."),
    "bench": Command(_bench, "Measure the daemon, beside node_exporter where it is installed."),
    "iris": Command(_iris, "Look at InterSystems IRIS, and control what it collects."),
    "healthcheck": Command(_healthcheck, "Ask a running daemon whether it is ready."),
    "version": Command(_version, "Print the version."),
}
