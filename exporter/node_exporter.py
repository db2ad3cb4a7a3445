"""Flags of node_exporter 1.11 that are not ours: what becomes of them on our command line.

A unit file written for node_exporter starts this daemon too. A flag without a counterpart here is
taken out with a warning; one that has another name now is renamed; one whose loss would be unsafe
(TLS asked for, plain text served) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from exporter.settings import DOCUMENTATION, SettingsError

_BESIDE = "keep node_exporter beside for it"

LEFT_OUT = {
    "ntp": "deprecated there and not made anew here: chrony_exporter tells of the time server, "
    "--collector.timex of the kernel's clock",
    "runit": f"deprecated there and not made anew here: {_BESIDE}",
    "supervisord": f"deprecated there and not made anew here: {_BESIDE}",
}
"""Its collectors that are not ours, and what to use instead."""

_PERF_EVENTS = "--collector.perf.events chooses what is counted"

WITHOUT_EFFECT = {
    "collector.netclass_rtnl.with-stats": "the netdev collector shows these statistics, under "
    "these names with --collector.netdev.enable-detailed-metrics",
    "collector.perf.cache-profilers": _PERF_EVENTS,
    "collector.perf.cpus": "all CPUs are counted; --collector.perf.aggregation=cpu shows each",
    "collector.perf.disable-cache-profilers": _PERF_EVENTS,
    "collector.perf.disable-hardware-profilers": _PERF_EVENTS,
    "collector.perf.disable-software-profilers": _PERF_EVENTS,
    "collector.perf.hardware-profilers": _PERF_EVENTS,
    "collector.perf.software-profilers": _PERF_EVENTS,
    "collector.perf.tracepoint": "--collector.perf.events=ALIAS=TRACEPOINT counts a tracepoint",
    "collector.qdisc.fixtures": "it is for node_exporter's own tests",
    "collector.wifi.fixtures": "it is for node_exporter's own tests",
    "runtime.gomaxprocs": "it concerns the Go runtime",
}

RENAMED = {
    "collector.diskstats.ignored-devices": "collector.diskstats.device-exclude",
    "collector.filesystem.ignored-fs-types": "collector.filesystem.fs-types-exclude",
    "collector.filesystem.ignored-mount-points": "collector.filesystem.mount-points-exclude",
    "collector.netdev.device-blacklist": "collector.netdev.device-exclude",
    "collector.netdev.device-whitelist": "collector.netdev.device-include",
    "collector.netdev.ignored-devices": "collector.netdev.device-exclude",
    "collector.powersupply.ignored-supplies": "collector.powersupplyclass.ignored-supplies",
    "collector.qdisk.device-exclude": "collector.qdisc.device-exclude",
    "collector.qdisk.device-include": "collector.qdisc.device-include",
    "collector.systemd.unit-blacklist": "collector.systemd.unit-exclude",
    "collector.systemd.unit-whitelist": "collector.systemd.unit-include",
}
"""Its former names, some of them given up, and those that do not begin with their collector's."""

REFUSED = {
    "web.config.file": "TLS and authentication are not there yet: remove it, and listen on this "
    "machine only, or put a proxy that has them in front",
    "web.systemd-socket": "socket activation is not there yet: remove it, and use "
    "--web.listen-address",
}

_FLAG = re.compile(r"--(?P<no>no-)?(?P<name>[^=]+)(?P<value>=.*)?\Z", re.DOTALL)


def translate(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Give the words of a command line that are ours, and warnings about the rest.

    What neither we nor node_exporter know stays in, for the parser to complain about. Raises
    SettingsError on a flag that must not be ignored.
    """
    kept: list[str] = []
    warnings: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        flag = _FLAG.match(word)
        name = flag["name"] if flag else ""
        if name in RENAMED:
            kept.append(word.replace(name, RENAMED[name], 1))
            warnings.append(f"--{name} has another name here: use --{RENAMED[name]}")
            continue
        reason = _why_not_ours(name)
        if flag is None or reason is None:
            kept.append(word)
            continue
        value = flag["value"]
        if value is None and waiting and not waiting[0].startswith("-"):
            value = waiting.pop(0)
        if name not in REFUSED:
            warnings.append(f"--{name} is node_exporter's and has no effect here: {reason}")
        elif not flag["no"] and value != "=":
            raise SettingsError(f"--{name}: {reason} (see {DOCUMENTATION})")
    return kept, warnings


def _why_not_ours(name: str) -> str | None:
    """Why a flag of node_exporter's cannot be obeyed; None when it can, or is not one of its."""
    prefix, _, rest = name.partition(".")
    collector = rest.partition(".")[0] if prefix == "collector" else ""
    return REFUSED.get(name) or WITHOUT_EFFECT.get(name) or LEFT_OUT.get(collector)
