"""What is known of a network interface, whichever source it comes from, and the families of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exporter.families import Filled, Number
from exporter.table import Column, Table

TEXTS = ("address", "broadcast", "duplex", "operstate", "ifalias")
"""The attributes of sysfs that become labels."""

NUMBERS = {
    "addr_assign_type": Column(
        "node_network_address_assign_type",
        "Where the hardware address is from: 0 the device, 1 chance, 2 another device, 3 set.",
        "gauge",
    ),
    "carrier": Column("node_network_carrier", "1 while the physical link is up, else 0.", "gauge"),
    "carrier_changes": Column(
        "node_network_carrier_changes_total",
        "How often the physical link came up or went down.",
        "counter",
    ),
    "carrier_down_count": Column(
        "node_network_carrier_down_changes_total",
        "How often the physical link went down.",
        "counter",
    ),
    "carrier_up_count": Column(
        "node_network_carrier_up_changes_total", "How often the physical link came up.", "counter"
    ),
    "dev_id": Column(
        "node_network_device_id",
        "Tells apart interfaces that share a hardware address.",
        "gauge",
    ),
    "dormant": Column(
        "node_network_dormant",
        "1 while the interface waits for something such as 802.1X, else 0.",
        "gauge",
    ),
    "flags": Column("node_network_flags", "The kernel's flags (IFF_*) as a bit mask.", "gauge"),
    "ifindex": Column("node_network_iface_id", "The kernel's number of the interface.", "gauge"),
    "iflink": Column(
        "node_network_iface_link",
        "The number of the interface below, as of a VLAN; else its own.",
        "gauge",
    ),
    "link_mode": Column(
        "node_network_iface_link_mode",
        "1 when the interface is dormant until a program says that it is up, else 0.",
        "gauge",
    ),
    "mtu": Column("node_network_mtu_bytes", "The largest packet that is sent, in bytes.", "gauge"),
    "name_assign_type": Column(
        "node_network_name_assign_type",
        "Where the name is from: 1 and 2 the kernel, 3 a program, 4 renamed.",
        "gauge",
    ),
    "netdev_group": Column(
        "node_network_net_dev_group", "The group that the interface was put in.", "gauge"
    ),
    "type": Column(
        "node_network_protocol_type", "The type of hardware (ARPHRD_*): 1 is Ethernet.", "gauge"
    ),
    "speed": Column(
        "node_network_speed_bytes", "The speed of the link, in bytes per second.", "gauge"
    ),
    "tx_queue_len": Column(
        "node_network_transmit_queue_length",
        "The length of the transmit queue, in packets.",
        "gauge",
    ),
}
"""By the attribute of sysfs."""

_UP = Column("node_network_up", "1 while the operational state is up, else 0.", "gauge")
_INFO = Column(
    "node_network_info", "Addresses, states and alias of the interface; always 1.", "gauge"
)
_INFO_LABELS = ("device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias")
_ALTERNATIVE = Column(
    "node_network_altnames_info", "An alternative name of the interface; always 1.", "gauge"
)

BYTES_PER_MBIT = 125_000


class Interface(NamedTuple):
    """An interface."""

    device: str
    ifindex: int | None
    flags: int | None
    texts: Mapping[str, str]
    """By `TEXTS`; an empty one may be left out."""
    numbers: Mapping[str, Number | None]
    """By `NUMBERS`; the speed in bytes per second."""
    alternative_names: Sequence[str] = ()


class InterfaceTables:
    """The families of all interfaces."""

    def __init__(self) -> None:
        self._info = Table([_INFO], _INFO_LABELS)
        self._numbers = Table([_UP, *NUMBERS.values()], ("device",))
        self._alternative = Table([_ALTERNATIVE], ("device", "altname"))

    def fill(self, interfaces: Sequence[Interface]) -> list[Filled]:
        """Give the families with the values of now."""
        alternative = [(one.device, name) for one in interfaces for name in one.alternative_names]
        return [
            self._info.fill({_label(one): (1,) for one in interfaces}),
            self._numbers.fill({(one.device,): _count(one) for one in interfaces}),
            self._alternative.fill(dict.fromkeys(alternative, (1,))),
        ]


def _label(one: Interface) -> tuple[str, ...]:
    address, broadcast, duplex, operational, alias = (one.texts.get(name, "") for name in TEXTS)
    administrative = "unknown"
    if one.flags is not None:
        administrative = "up" if one.flags & 1 else "down"
    return (one.device, address, broadcast, duplex, operational, administrative, alias)


def _count(one: Interface) -> list[Number | None]:
    up = int(one.texts.get("operstate") == "up")
    return [up, *(one.numbers.get(name) for name in NUMBERS)]
