"""Wireless interfaces, the network each has joined, and the stations it exchanges packets with.

Source: the generic netlink family nl80211 (Linux net/wireless/nl80211.c, since 2.6.24; what a
station says depends on its driver). Of the daemon's own network namespace. Needs no rights.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from typing import NamedTuple

from exporter.attributes import NO_VALUE
from exporter.families import Family, Filled, LabelValues, Number
from exporter.kernel import KernelTree, NoData
from exporter.netlink import GENL, NETLINK_GENERIC, Netlink, attribute, attributes, unsigned
from exporter.table import Column, Table

_GET_INTERFACE, _GET_STATION, _GET_SCAN = 5, 17, 32
_IFINDEX, _IFNAME, _MAC, _STATION, _FREQUENCY, _BSS = 3, 4, 6, 21, 38, 47
_BSSID, _ELEMENTS, _STATUS = 1, 6, 9
_SSID_ELEMENT = 0
_BITRATE, _BITRATE32 = 1, 5

MODES = {0: "client", 1: "client", 2: "ad-hoc"}
"""What enum nl80211_bss_status means to us: authenticated, associated, joined."""

# Each with the attributes of a station that hold it: the first one that is there counts.
INACTIVE, SIGNAL, TRANSMIT_RATE, RECEIVE_RATE = (1,), (7,), (8,), (14,)
STATION = {
    (16,): Column(
        "node_wifi_station_connected_seconds_total",
        "Time since the station connected, in seconds.",
        "counter",
    ),
    INACTIVE: Column(
        "node_wifi_station_inactive_seconds",
        "Time since the station was last active, in seconds.",
        "gauge",
        exponent=-3,
    ),
    RECEIVE_RATE: Column(
        "node_wifi_station_receive_bits_per_second",
        "Rate at which the station is received, in bits per second.",
        "gauge",
        exponent=5,
    ),
    TRANSMIT_RATE: Column(
        "node_wifi_station_transmit_bits_per_second",
        "Rate at which is sent to the station, in bits per second.",
        "gauge",
        exponent=5,
    ),
    (23, 2): Column(
        "node_wifi_station_receive_bytes_total", "Bytes received from the station.", "counter"
    ),
    (24, 3): Column(
        "node_wifi_station_transmit_bytes_total", "Bytes sent to the station.", "counter"
    ),
    SIGNAL: Column(
        "node_wifi_station_signal_dbm",
        "Strength of the signal received last, in decibels of a milliwatt.",
        "gauge",
    ),
    (11,): Column(
        "node_wifi_station_transmit_retries_total", "Transmissions tried again.", "counter"
    ),
    (12,): Column("node_wifi_station_transmit_failed_total", "Transmissions given up.", "counter"),
    (18,): Column(
        "node_wifi_station_beacon_loss_total", "Times that beacons stayed away.", "counter"
    ),
    (10,): Column(
        "node_wifi_station_transmitted_packets_total", "Packets sent to the station.", "counter"
    ),
    (9,): Column(
        "node_wifi_station_received_packets_total", "Packets received from the station.", "counter"
    ),
}

SKIPPED = NO_VALUE | {errno.ENOENT, errno.ENETDOWN}
"""An interface that has gone, is down, or of which the driver does not tell."""


class Interface(NamedTuple):
    """A wireless interface."""

    ifindex: int
    name: str
    """Empty for one that only the driver uses."""
    megahertz: int
    """0 when it uses no frequency now."""


class Network(NamedTuple):
    """The network that an interface has joined."""

    bssid: str
    ssid: str
    mode: str


class Station(NamedTuple):
    """The other side of a link."""

    address: str
    numbers: list[Number | None]
    """In the order of the columns; None where the driver does not tell."""


def parse_interface(message: bytes) -> Interface:
    """Parse an answer about an interface. Raises ValueError when it is not well-formed."""
    found = dict(attributes(message, GENL.size))
    name = found.get(_IFNAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
    return Interface(unsigned(found.get(_IFINDEX, b"")), name, unsigned(found.get(_FREQUENCY, b"")))


def parse_network(message: bytes) -> Network | None:
    """Parse an answer about a network in reach; none when it is not the one that was joined."""
    found = dict(attributes(message, GENL.size))
    bss = dict(attributes(found.get(_BSS, b"")))
    if _STATUS not in bss:
        return None
    ssid = _find_ssid(bss.get(_ELEMENTS, b""))
    mode = MODES.get(unsigned(bss[_STATUS]), "unknown")
    return Network(bss.get(_BSSID, b"").hex(":"), ssid, mode)


def parse_station(message: bytes) -> Station:
    """Parse an answer about a station. Raises ValueError when it is not well-formed."""
    found = dict(attributes(message, GENL.size))
    station = dict(attributes(found.get(_STATION, b"")))
    numbers = [
        next((_number(kinds, station[kind]) for kind in kinds if kind in station), None)
        for kinds in STATION
    ]
    return Station(found.get(_MAC, b"").hex(":"), numbers)


def _number(kinds: tuple[int, ...], content: bytes) -> Number | None:
    if kinds == SIGNAL:
        return int.from_bytes(content[:1], "big", signed=True)
    if kinds in {RECEIVE_RATE, TRANSMIT_RATE}:
        rate = dict(attributes(content))
        rates = [rate[kind] for kind in (_BITRATE32, _BITRATE) if kind in rate]
        return unsigned(rates[0]) if rates else None
    return unsigned(content)


def _find_ssid(elements: bytes) -> str:
    """Find the name among the elements of a beacon: a number, a length and a content each."""
    while len(elements) >= 2:
        kind, length = elements[:2]
        if kind == _SSID_ELEMENT:
            return elements[2 : 2 + length].decode("utf-8", "replace")
        elements = elements[2 + length :]
    return ""


class WifiCollector:
    """Wireless interfaces and their stations."""

    name = "wifi"

    def __init__(self, kernel: KernelTree, *, generic: Netlink | None = None) -> None:
        self._generic = generic or (Netlink(NETLINK_GENERIC) if kernel.own_network else None)
        self._stations = Table(tuple(STATION.values()), ("device", "mac_address"))

    def collect(self) -> Iterator[Family | Filled]:
        """Yield the frequency and the network of each interface, and a row for each station."""
        if self._generic is None:
            raise NoData("the daemon is not in the network of the host, and knows its own only")
        try:
            family = self._generic.family("nl80211")
        except FileNotFoundError as error:
            raise NoData("no wireless interfaces: cfg80211 is not loaded") from error
        answers = self._generic.dump(family, GENL.pack(_GET_INTERFACE, 0, 0))
        interfaces = [one for one in map(parse_interface, answers) if one.name]
        if not interfaces:
            raise NoData("no wireless interfaces")
        yield Family(
            "node_wifi_interface_frequency_hertz",
            "Frequency that the interface uses, in hertz.",
            "gauge",
            ("device",),
            [((one.name,), one.megahertz * 1_000_000) for one in interfaces if one.megahertz],
        )
        networks: list[tuple[LabelValues, Number]] = []
        stations: dict[LabelValues, list[Number | None]] = {}
        for one in interfaces:
            found = map(parse_network, self._ask(self._generic, family, _GET_SCAN, one))
            # The status is that of one link; of several the first one is taken.
            networks += [((one.name, *network), 1) for network in found if network][:1]
            for station in map(parse_station, self._ask(self._generic, family, _GET_STATION, one)):
                stations[one.name, station.address] = station.numbers
        yield Family(
            "node_wifi_station_info",
            "The network that the interface has joined; always 1.",
            "gauge",
            ("device", "bssid", "ssid", "mode"),
            networks,
        )
        yield self._stations.fill(stations)

    @staticmethod
    def _ask(generic: Netlink, family: int, command: int, interface: Interface) -> list[bytes]:
        index = attribute(_IFINDEX, interface.ifindex.to_bytes(4, sys.byteorder))
        try:
            return generic.dump(family, GENL.pack(command, 0, 0) + index)
        except OSError as error:
            if error.errno in SKIPPED:
                return []
            raise
