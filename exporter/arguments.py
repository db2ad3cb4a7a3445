"""Flags, and the settings that come of them, the environment and the configuration file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import NoReturn

from exporter.node_exporter import translate
from exporter.options import parse_bool
from exporter.settings import DOCUMENTATION, Key, Settings, SettingsError, all_keys, build
from exporter.sources import (
    CONFIG_FILE_VARIABLE,
    explain_unknown,
    parse_value,
    read_environment,
    read_file,
)

SECTIONS = {
    "web": "HTTP server",
    "path": "host",
    "log": "log",
    "storage": "storage",
    "cleanup": "cleanup",
    "collector": "collectors",
    "iris": "InterSystems IRIS",
}
"""The titles under which help lists the flags, by their first word."""


class Parser(argparse.ArgumentParser):
    """argparse, with messages that say what to do."""

    def __init__(self, prog: str, description: str, usage: str | None = None) -> None:
        super().__init__(
            prog,
            usage,
            description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise SettingsError instead of ending the process."""
        raise SettingsError(f"{message} (try: {self.prog} --help; see {DOCUMENTATION})")


def _add_flags(parser: argparse.ArgumentParser, keys: Sequence[Key]) -> None:
    parser.add_argument("--config.file", metavar="FILE", help="YAML file with settings")
    groups = {word: parser.add_argument_group(title) for word, title in SECTIONS.items()}
    for key in keys:
        group = groups.get(key.flag.partition(".")[0], parser)
        default = f" (default: {key.shown_default})" if key.shown_default else ""
        text = (key.help + default).replace("%", "%%")
        if key.parse is parse_bool:
            group.add_argument(f"--{key.flag}", action=argparse.BooleanOptionalAction, help=text)
        elif isinstance(key.default, tuple):
            value = "HOST:PORT" if key.flag == "web.listen-address" else "VALUE"
            group.add_argument(f"--{key.flag}", action="append", metavar=value, help=text)
        else:
            group.add_argument(f"--{key.flag}", metavar="VALUE", help=text)


def relevant_keys(words: Sequence[str]) -> tuple[Key, ...]:
    """Every setting that these words or the environment may be about.

    The options of collectors that are off and not mentioned are left out, so that their modules
    are not imported, and those of IRIS; a configuration file may mention all.
    """
    said = " ".join((*words, *os.environ)).lower()
    everything = "-h" in words or any(
        one in said for one in ("config.file", "config_file", "--help")
    )
    return tuple(all_keys(lambda name: everything or name in said))


def read_settings(
    parser: argparse.ArgumentParser, words: Sequence[str]
) -> tuple[Settings, list[str], argparse.Namespace]:
    """Give the settings, warnings about flags, and what else the parser has read.

    Raises SettingsError on the first thing that is wrong.
    """
    keys = relevant_keys(words)
    _add_flags(parser, keys)
    words, warnings = translate(words)
    parsed, unknown = parser.parse_known_args(words)
    given = vars(parsed)
    if unknown:
        name = unknown[0].partition("=")[0]
        known = [f"--{key.flag}" for key in keys]
        raise SettingsError(explain_unknown("argument", name, known))
    file = given["config.file"] or os.environ.get(CONFIG_FILE_VARIABLE)
    values = read_file(file, keys) if file else {}
    values |= read_environment(os.environ, keys)
    for key in keys:
        raw = given[key.flag.replace("-", "_")]
        if raw is not None:
            values[key.flag] = parse_value(key, raw, f"--{key.flag}")
    return build(values), warnings, parsed
