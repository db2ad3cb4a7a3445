"""The wifi collector: interfaces, networks and stations over nl80211, from messages made here."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.wifi import (
    WifiCollector,
    parse_interface,
    parse_network,
    parse_station,
)
from exporter.kernel import KernelTree, NoData
from exporter.netlink import GENL, NLM_F_DUMP, attribute
from tests.collectors.conftest import FakeHost
from tests.recorded import RecordedNetlink

FAMILY = 0x21
GET_INTERFACE, GET_STATION, GET_SCAN = 5, 17, 32
INTERFACE = bytes.fromhex("020000000001")
STATION = bytes.fromhex("0200000000ff")


def number(kind: int, value: int) -> bytes:
    """Write an attribute of 32 bits."""
    return attribute(kind, pack("=I", value))


def make_message(*attributes: bytes) -> bytes:
    """Write an answer of the family."""
    return GENL.pack(0, 1, 0) + b"".join(attributes)


def make_interface(ifindex: int, name: str, megahertz: int = 0) -> bytes:
    """Write the answer about an interface."""
    frequency = number(38, megahertz) if megahertz else b""
    title = attribute(4, name.encode() + b"\0") if name else b""
    return make_message(number(3, ifindex), title, attribute(6, INTERFACE), frequency)


def make_network(ssid: bytes, status: int | None, bssid: bytes = STATION) -> bytes:
    """Write the answer about a network, with two elements of its beacon."""
    elements = b"\x01\x04\x82\x84\x8b\x96" + bytes([0, len(ssid)]) + ssid
    state = b"" if status is None else number(9, status)
    return make_message(
        number(3, 3), attribute(47, attribute(1, bssid) + attribute(6, elements) + state)
    )


def make_station(*attributes: bytes) -> bytes:
    """Write the answer about a station."""
    return make_message(
        number(3, 3), attribute(6, STATION), attribute(21 | 0x8000, b"".join(attributes))
    )


FULL_STATION = make_station(
    number(16, 3600),
    number(1, 1304),
    number(2, 17),
    attribute(23, pack("=Q", 5 << 32)),
    number(3, 18),
    attribute(7, pack("=b", -54)),
    attribute(14, number(5, 12009) + attribute(1, pack("=H", 12009))),
    attribute(8, attribute(1, pack("=H", 65))),
    number(9, 4),
    number(10, 5),
    number(11, 6),
    number(12, 7),
    number(18, 8),
)


class Card(RecordedNetlink):
    """A card that answers for nl80211."""

    def __init__(self, **answers: list[bytes]) -> None:
        """Take the answers by what is asked, as in `scan3`: for the interface of that number."""
        commands = {"interface": GET_INTERFACE, "station": GET_STATION, "scan": GET_SCAN}
        recorded = []
        for name, messages in answers.items():
            command, ifindex = name.rstrip("0123456789"), name.lstrip("abcdefghijklmnopqrstuvwxyz")
            request = GENL.pack(commands[command], 0, 0)
            request += number(3, int(ifindex)) if ifindex else b""
            recorded += [(f"{FAMILY:x}:{request.hex()}", one.hex()) for one in messages]
        super().__init__(recorded)
        self.refusals: dict[int, int] = {}

    def family(self, name: str) -> int:
        """Give the number of the only family there is."""
        assert name == "nl80211"
        return FAMILY

    def stream(self, kind: int, payload: bytes, flags: int = NLM_F_DUMP) -> Iterator[bytes]:
        """Refuse what is to be refused, and answer the rest."""
        if refusal := self.refusals.get(payload[0]):
            raise OSError(refusal, os.strerror(refusal))
        return super().stream(kind, payload, flags)


def test_a_client_has_a_network_and_a_station(host: FakeHost) -> None:
    """Units are hertz, seconds, bits and bytes; 64 bits come before 32."""
    card = Card(
        interface=[make_interface(3, "wlan0", 5180)],
        scan3=[make_network(b"elsewhere", None), make_network(b"home", 1)],
        station3=[FULL_STATION],
    )
    labels = '{device="wlan0",mac_address="02:00:00:00:00:ff"}'
    begin = "node_wifi_station"
    assert host.samples(WifiCollector(host.kernel, generic=card)) == {
        'node_wifi_interface_frequency_hertz{device="wlan0"}': 5_180_000_000,
        f'{begin}_info{{bssid="02:00:00:00:00:ff",device="wlan0",mode="client",ssid="home"}}': 1,
        f"{begin}_connected_seconds_total{labels}": 3600,
        f"{begin}_inactive_seconds{labels}": 1.304,
        f"{begin}_receive_bits_per_second{labels}": 1_200_900_000,
        f"{begin}_transmit_bits_per_second{labels}": 6_500_000,
        f"{begin}_receive_bytes_total{labels}": 5 << 32,
        f"{begin}_transmit_bytes_total{labels}": 18,
        f"{begin}_signal_dbm{labels}": -54,
        f"{begin}_transmit_retries_total{labels}": 6,
        f"{begin}_transmit_failed_total{labels}": 7,
        f"{begin}_beacon_loss_total{labels}": 8,
        f"{begin}_transmitted_packets_total{labels}": 5,
        f"{begin}_received_packets_total{labels}": 4,
    }


def test_what_a_driver_does_not_tell_is_absent(host: FakeHost) -> None:
    """A rate without a number, and everything that is not there."""
    card = Card(
        interface=[make_interface(3, "wlan0"), make_interface(4, "")],
        station3=[make_station(number(9, 4), attribute(8, b""))],
    )
    assert host.samples(WifiCollector(host.kernel, generic=card)) == {
        'node_wifi_station_received_packets_total{device="wlan0",'
        'mac_address="02:00:00:00:00:ff"}': 4
    }


@pytest.mark.parametrize("refusal", [errno.ENODEV, errno.ENETDOWN, errno.EOPNOTSUPP, errno.ENOENT])
@pytest.mark.parametrize("command", [GET_SCAN, GET_STATION])
def test_a_refusal_costs_what_was_asked_for(host: FakeHost, refusal: int, command: int) -> None:
    """An interface that is down or gone, or a driver that does not tell."""
    card = Card(
        interface=[make_interface(3, "wlan0", 5180)],
        scan3=[make_network(b"home", 0)],
        station3=[make_station(number(9, 4))],
    )
    card.refusals[command] = refusal
    assert len(host.samples(WifiCollector(host.kernel, generic=card))) == 2


def test_other_errors_are_failures(host: FakeHost) -> None:
    """What has nothing to do with the interface is not hidden."""
    card = Card(interface=[make_interface(3, "wlan0")])
    card.refusals[GET_SCAN] = errno.ENOBUFS
    with pytest.raises(OSError, match="buffer"):
        list(WifiCollector(host.kernel, generic=card).collect())


@pytest.mark.parametrize(
    ("status", "mode"), [(0, "client"), (1, "client"), (2, "ad-hoc"), (3, "unknown")]
)
def test_the_mode_follows_from_the_status(status: int, mode: str) -> None:
    """Authenticated or associated is a client; joined is ad hoc."""
    network = parse_network(make_network(b"home", status))
    assert network is not None
    assert network.mode == mode


@pytest.mark.parametrize(
    ("ssid", "shown"), [("caf\u00e9".encode(), "caf\u00e9"), (b"\xff", "\ufffd"), (b"", "")]
)
def test_names_of_networks_are_text(ssid: bytes, shown: str) -> None:
    """What is no UTF-8 is replaced."""
    network = parse_network(make_network(ssid, 1))
    assert network is not None
    assert network.ssid == shown


def test_a_network_without_a_beacon_has_no_name() -> None:
    """As right after joining."""
    network = parse_network(make_message(attribute(47, number(9, 1) + attribute(6, b"\1\0\1"))))
    assert network is not None
    assert (network.bssid, network.ssid) == ("", "")


def test_without_interfaces_there_is_no_data(host: FakeHost) -> None:
    """The module is loaded, but there is no card."""
    with pytest.raises(NoData, match="no wireless interfaces"):
        list(WifiCollector(host.kernel, generic=Card()).collect())


def test_without_the_module_there_is_no_data(host: FakeHost) -> None:
    """The kernel does not know the family."""
    with pytest.raises(NoData, match="cfg80211"):
        list(WifiCollector(host.kernel, generic=RecordedNetlink([])).collect())


def test_the_network_of_another_host_is_not_asked(host: FakeHost) -> None:
    """With the procfs of a host mounted in a container, netlink would tell of the container."""
    with pytest.raises(NoData, match="network of the host"):
        list(WifiCollector(host.kernel).collect())


def test_this_machine_is_asked() -> None:
    """It has wireless interfaces, or says that it has none."""
    with contextlib.suppress(NoData):
        assert list(WifiCollector(KernelTree()).collect())


@pytest.mark.parametrize("message", [FULL_STATION[:-3], make_network(b"home", 1)[:-2]])
def test_parsers_refuse_broken_messages(message: bytes) -> None:
    """A cut message is an error for all of them."""
    for parse in (parse_interface, parse_network, parse_station):
        with pytest.raises(ValueError, match="netlink"):
            parse(message)


@given(
    st.binary(max_size=100)
    | st.builds(
        lambda kind, content: make_message(attribute(kind, content)),
        st.sampled_from([3, 4, 6, 21, 38, 47]),
        st.binary(max_size=60),
    )
    | st.builds(
        lambda kind, content: make_station(attribute(kind, content)),
        st.integers(0, 25),
        st.binary(max_size=60),
    )
)
def test_parsers_raise_nothing_but_value_error(message: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_interface, parse_network, parse_station):
        with contextlib.suppress(ValueError):
            parse(message)
