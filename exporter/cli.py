"""The command line: `perfwatch run`, `once`, `check-config`, `bench`, `healthcheck`, `version`.

Exit codes: 0 done, 1 failed, 2 the call or the configuration is wrong.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from exporter import __version__
from exporter.options import parse_bool
from exporter.settings import DOCUMENTATION, Key, Settings, SettingsError, all_keys, build
from exporter.sources import CONFIG_FILE_VARIABLE, parse_value, read_environment, read_file

# Names of node_exporter 1.11's collectors: a flag for one that we lack is accepted with a warning.
NODE_EXPORTER_COLLECTORS = frozenset(
    "arp bcache bcachefs bonding btrfs buddyinfo cgroups conntrack cpu cpu_vulnerabilities cpufreq "
    "diskstats dmi drbd drm edac entropy ethtool fibrechannel filefd filesystem hwmon infiniband "
    "interrupts ipvs kernel_hung ksmd lnstat loadavg logind mdadm meminfo meminfo_numa mountstats "
    "netclass netdev netstat network_route nfs nfsd ntp nvme os pcidevice perf powersupply "
    "powersupplyclass pressure processes qdisc rapl runit schedstat selinux slabinfo sockstat "
    "softirqs softnet stat supervisord swap sysctl systemd tapestats tcpstat textfile thermal_zone "
    "time timex udp_queues uname vmstat watchdog wifi xfrm xfs zfs zoneinfo".split()
)

_FOREIGN_FLAG = re.compile(r"--(?:no-)?collector\.([a-z_0-9]+)(?:\.[^=]*)?(=.*)?\Z")


class _Parser(argparse.ArgumentParser):
    """argparse, with messages that say what to do."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (try: {self.prog} --help; see {DOCUMENTATION})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--version"]:
        words[0] = "version"
    command = words.pop(0) if words and words[0] in COMMANDS else "run"
    try:
        return COMMANDS[command](words)
    except SettingsError as error:
        print(f"perfwatch: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `perfwatch once | head`: the reader has enough. Nothing more may be written, not even
        # by the interpreter on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: Sequence[str]) -> int:
    from exporter.service import run  # noqa: PLC0415

    def read_settings() -> tuple[Settings, list[str]]:
        """Read file, environment and flags anew: at the start, and at each reload."""
        keys = tuple(all_keys())
        parser = _Parser(prog="perfwatch run", allow_abbrev=False, description="Run the daemon.")
        _add_flags(parser, keys)
        return _read_settings(parser, words, keys)[:2]

    return run(read_settings)


def _once(words: Sequence[str]) -> int:
    from exporter.once import once  # noqa: PLC0415

    keys = tuple(all_keys())
    parser = _Parser(prog="perfwatch once", allow_abbrev=False, description="Collect and print.")
    parser.add_argument(
        "--format", choices=("text", "openmetrics", "json"), default="text", help="form of the page"
    )
    parser.add_argument(
        "--collector", action="append", metavar="NAME", help="only this one; may be repeated"
    )
    _add_flags(parser, keys)
    settings, warnings, parsed = _read_settings(parser, words, keys)
    for warning in warnings:
        print(f"perfwatch: {warning}", file=sys.stderr)
    return once(settings, parsed.format, parsed.collector)


def _check_config(words: Sequence[str]) -> int:
    parser = _Parser(prog="perfwatch check-config", description="Check a configuration file.")
    parser.add_argument("file", metavar="FILE")
    file = parser.parse_args(words).file
    settings = build(read_file(file, tuple(all_keys())))
    print(f"{file} is valid: {len(settings.collectors)} collectors enabled")
    return 0


def _bench(words: Sequence[str]) -> int:
    from exporter.bench import bench  # noqa: PLC0415

    return bench(words)


def _healthcheck(words: Sequence[str]) -> int:
    from exporter.healthcheck import healthcheck  # noqa: PLC0415

    parser = _Parser(prog="perfwatch healthcheck", description="Ask a daemon whether it is ready.")
    parser.add_argument("url", metavar="URL", nargs="?", help="default: /readyz where it listens")
    url = parser.parse_args(words).url
    if url is None:
        keys = tuple(all_keys())
        file = os.environ.get(CONFIG_FILE_VARIABLE)
        values = read_file(file, keys) if file else {}
        address = build(values | read_environment(os.environ, keys)).web.listen_address[0]
        url = f"http://{address.for_clients()}/readyz"
    return healthcheck(url)


def _version(words: Sequence[str]) -> int:
    _Parser(prog="perfwatch version", description="Print the version.").parse_args(words)
    print(f"perfwatch {__version__} (Python {platform.python_version()}, {platform.machine()})")
    return 0


COMMANDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "once": _once,
    "check-config": _check_config,
    "bench": _bench,
    "healthcheck": _healthcheck,
    "version": _version,
}


def _add_flags(parser: argparse.ArgumentParser, keys: Sequence[Key]) -> None:
    parser.add_argument("--config.file", metavar="FILE", help="YAML file with settings")
    for key in keys:
        shown = (
            "" if key.default in (None, "", False, True) else f" (default: {_shown(key.default)})"
        )
        text = (key.help + shown).replace("%", "%%")
        if key.parse is parse_bool:
            parser.add_argument(f"--{key.flag}", action=argparse.BooleanOptionalAction, help=text)
        elif key.flag == "web.listen-address":
            parser.add_argument(f"--{key.flag}", action="append", metavar="HOST:PORT", help=text)
        else:
            parser.add_argument(f"--{key.flag}", metavar="VALUE", help=text)


def _shown(default: Any) -> str:
    if isinstance(default, re.Pattern):
        return str(default.pattern)
    return ",".join(str(item) for item in default) if isinstance(default, tuple) else str(default)


def _read_settings(
    parser: argparse.ArgumentParser, words: Sequence[str], keys: Sequence[Key]
) -> tuple[Settings, list[str], argparse.Namespace]:
    words, warnings = _set_foreign_aside(words, keys)
    parsed = parser.parse_args(words)
    given = vars(parsed)
    file = given["config.file"] or os.environ.get(CONFIG_FILE_VARIABLE)
    values = read_file(file, keys) if file else {}
    values |= read_environment(os.environ, keys)
    for key in keys:
        raw = given[key.flag.replace("-", "_")]
        if raw is not None:
            values[key.flag] = parse_value(key, raw, f"--{key.flag}")
    return build(values), warnings, parsed


def _set_foreign_aside(words: Sequence[str], keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    """Take out the flags of node_exporter's collectors and options that we do not have."""
    ours = {key.flag for key in keys}
    kept: list[str] = []
    warnings: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        match = _FOREIGN_FLAG.match(word)
        flag = word.split("=")[0].removeprefix("--").removeprefix("no-")
        if not match or flag in ours or match[1] not in NODE_EXPORTER_COLLECTORS:
            kept.append(word)
            continue
        if not match[2] and waiting and not waiting[0].startswith("-"):
            waiting.pop(0)
        warnings.append(
            f"--{flag} is node_exporter's and has no effect here: {_why(match[1], ours)}"
        )
    return kept, warnings


def _why(collector: str, ours: set[str]) -> str:
    if f"collector.{collector}" in ours:
        return f"the {collector} collector has no such option"
    return f"there is no {collector} collector yet"


if __name__ == "__main__":
    sys.exit(main())
