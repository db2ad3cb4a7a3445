"""What the drivers of network interfaces say: statistics of their own, versions, link settings.

Source: the ioctl SIOCETHTOOL (Linux net/ethtool/ioctl.c, since 2.4); see _ethtool_ioctl. Which
statistics there are, and what they count, is up to each driver. Of the daemon's own network
namespace. Needs no rights.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from exporter.attributes import NO_VALUE
from exporter.collectors import _ethtool_ioctl as ioctl
from exporter.collectors._ethtool_modes import (
    ASYMMETRIC_PAUSE,
    AUTONEGOTIATE,
    PAUSE,
    ports_of,
    speeds_of,
)
from exporter.families import Family, LabelValues
from exporter.kernel import KernelTree, NoData
from exporter.options import (
    NameFilter,
    exclude_option,
    include_option,
    option,
    parse_regexp,
    reject_both,
)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Options:
    """Which interfaces and statistics are shown."""

    device_include: re.Pattern[str] | None = include_option("interfaces", "device")
    device_exclude: re.Pattern[str] | None = exclude_option("interfaces", "device")
    metrics_include: re.Pattern[str] | None = option(
        re.compile(".*"),
        "Regexp of the statistics to show, by the driver's name with _ for other characters.",
        parse=parse_regexp,
    )

    def __post_init__(self) -> None:
        reject_both(self.device_include, self.device_exclude, "device")


TOTALS = {
    "rx_bytes": "received_bytes_total",
    "rx_dropped": "received_dropped_total",
    "rx_errors": "received_errors_total",
    "rx_packets": "received_packets_total",
    "tx_bytes": "transmitted_bytes_total",
    "tx_errors": "transmitted_errors_total",
    "tx_packets": "transmitted_packets_total",
}
"""Statistics that have a name of their own, as in node_exporter."""

CAPABILITIES = (
    ("autonegotiate", AUTONEGOTIATE, "autonegotiation"),
    ("pause", PAUSE, "pause frames"),
    ("asymmetricpause", ASYMMETRIC_PAUSE, "asymmetric pause frames"),
)

_OTHER = re.compile(r"_*[^0-9A-Za-z_]+_*")
_RECEIVED = re.compile(r"(^|_)rx(_|$)")
_TRANSMITTED = re.compile(r"(^|_)tx(_|$)")

INFO_LABELS = (
    "bus_info",
    "device",
    "driver",
    "expansion_rom_version",
    "firmware_version",
    "version",
)


class Device(NamedTuple):
    """An interface, with what its driver says."""

    name: str
    link: ioctl.LinkSettings | None
    driver: ioctl.DriverInfo | None
    statistics: dict[str, int]
    """By the name behind node_ethtool_."""


def name_statistics(names: Sequence[bytes], wanted: re.Pattern[str] | None) -> list[str]:
    """Turn a driver's names into those of metrics; empty where a statistic is not shown.

    Two that would get the same name are both left out, as node_exporter does: nothing tells which.
    """
    cleaned = [_OTHER.sub("_", name.decode("utf-8", "replace")) for name in names]
    metrics = [
        _name_metric(name) if wanted is None or wanted.search(name) else "" for name in cleaned
    ]
    uses = Counter(metrics)
    return [metric if uses[metric] == 1 else "" for metric in metrics]


def _name_metric(name: str) -> str:
    if name in TOTALS:
        return TOTALS[name]
    name = _RECEIVED.sub(r"\1received\2", name.lower().lstrip("_"))
    return _TRANSMITTED.sub(r"\1transmitted\2", name)


class EthtoolCollector:
    """What drivers say of their interfaces."""

    name = "ethtool"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options | None = None,
        *,
        ask: ioctl.Ask | None = None,
        interfaces: Callable[[], Iterable[tuple[int, str]]] = socket.if_nameindex,
    ) -> None:
        options = options or Options()
        self._ask = ask or (ioctl.KernelDrivers().ask if kernel.own_network else None)
        self._interfaces = interfaces
        self._filter = NameFilter(options.device_include, options.device_exclude)
        self._wanted = options.metrics_include
        self._names: dict[str, tuple[bytes, list[str]]] = {}

    def collect(self) -> Iterator[Family]:
        """Yield link settings, driver, and a family for each statistic."""
        if self._ask is None:
            raise NoData("the daemon is not in the network of the host, and knows its own only")
        names = [name for _, name in self._interfaces() if self._filter.accepts(name)]
        devices = [self._describe(self._ask, name) for name in names]
        self._names = {name: self._names[name] for name in names if name in self._names}
        yield from _link_families([(one.name, one.link) for one in devices if one.link])
        yield Family(
            "node_ethtool_info",
            "The driver of the interface and its versions; always 1.",
            "gauge",
            INFO_LABELS,
            [(_info_labels(one.name, one.driver), 1) for one in devices if one.driver],
        )
        yield from _statistics_families(devices)

    def _describe(self, ask: ioctl.Ask, name: str) -> Device:
        link = _attempt(lambda: ioctl.ask_link_settings(ask, name))
        driver = _attempt(lambda: ioctl.ask_driver_info(ask, name))
        number = driver.statistics if driver else 0
        statistics = _attempt(lambda: self._read_statistics(ask, name, number)) if number else None
        return Device(name, link, driver, statistics or {})

    def _read_statistics(self, ask: ioctl.Ask, name: str, number: int) -> dict[str, int]:
        text = ioctl.ask_names(ask, name, number)
        known = self._names.get(name)
        if known is None or known[0] != text:
            metrics = name_statistics(ioctl.parse_names(text), self._wanted)
            known = self._names[name] = (text, metrics)
        numbers = ioctl.ask_statistics(ask, name, number)
        return {metric: value for metric, value in zip(known[1], numbers, strict=True) if metric}


def _attempt(request: Callable[[], Answer]) -> Answer | None:
    """Ask; none when the driver does not answer that, or the interface has gone."""
    try:
        return request()
    except OSError as error:
        if error.errno in NO_VALUE:
            return None
        raise


def _info_labels(name: str, driver: ioctl.DriverInfo) -> LabelValues:
    return (
        driver.bus_info,
        name,
        driver.driver,
        driver.expansion_rom_version,
        driver.firmware_version,
        driver.version,
    )


def _statistics_families(devices: Iterable[Device]) -> Iterator[Family]:
    families: dict[str, list[tuple[LabelValues, int]]] = {}
    for device in devices:
        for metric, value in device.statistics.items():
            families.setdefault(metric, []).append(((device.name,), value))
    for metric, samples in sorted(families.items()):
        # Untyped, as in node_exporter: counters and gauges look alike.
        help_text = f"Statistic {metric} of the interface's driver."
        yield Family(f"node_ethtool_{metric}", help_text, "untyped", ("device",), samples)


def _link_families(links: Sequence[tuple[str, ioctl.LinkSettings]]) -> Iterator[Family]:
    ports = [((name, port), 1) for name, link in links for port in ports_of(link.supported)]
    yield Family(
        "node_network_supported_port_info",
        "A kind of port that the interface can have; always 1.",
        "gauge",
        ("device", "type"),
        ports,
    )
    supported = [(name, link.supported) for name, link in links]
    yield from _mode_families("supported", "supports", supported)
    advertised = [(name, link.advertised) for name, link in links]
    yield from _mode_families("advertised", "offers", advertised)
    yield Family(
        "node_network_autonegotiate",
        "Whether the interface negotiates its speed with the other side.",
        "gauge",
        ("device",),
        [((name,), link.autonegotiate) for name, link in links],
    )


def _mode_families(word: str, verb: str, interfaces: Sequence[tuple[str, int]]) -> Iterator[Family]:
    speeds = [
        ((name, speed.duplex, speed.mode), speed.bytes_per_second)
        for name, bits in interfaces
        for speed in speeds_of(bits)
    ]
    yield Family(
        f"node_network_{word}_speed_bytes",
        f"A speed that the interface {verb}, in bytes per second.",
        "gauge",
        ("device", "duplex", "mode"),
        speeds,
    )
    for metric, bit, what in CAPABILITIES:
        yield Family(
            f"node_network_{metric}_{word}",
            f"Whether the interface {verb} {what}.",
            "gauge",
            ("device",),
            [((name,), bits >> bit & 1) for name, bits in interfaces],
        )
