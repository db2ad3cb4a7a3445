"""Properties of the network interfaces: state, addresses, MTU, speed, changes of the carrier.

Source: /sys/class/net/<interface>/ (Linux net/core/net-sysfs.c, since 2.6; carrier_changes since
3.15, carrier_up_count since 4.16), or on request RTM_GETLINK. Needs no rights.

Reading speed and duplex waits for the lock of the whole network configuration. All this rarely
changes, and the kernel announces nearly every change: while it is silent nothing is read, for a
minute at most. Where it cannot be listened to (another network namespace, a sandbox), a few files
that change with the state are read each time, and the rest when they do, or after that minute.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.attributes import Attributes
from exporter.collectors._links import IFLA_ADDRESS, LinkWatch, read_links
from exporter.collectors._netclass_interface import Interface, InterfaceTables
from exporter.collectors._netclass_rtnl import RouteReader
from exporter.collectors._netclass_sysfs import StateWatch, read_interface
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.netlink import NETLINK_ROUTE, REFUSED, Netlink
from exporter.options import option, parse_regexp


@dataclass(frozen=True, slots=True)
class Options:
    """Which interfaces are shown, and from which source."""

    ignored_devices: re.Pattern[str] | None = option(
        re.compile("^$"), "Regexp of interfaces to leave out.", parse=parse_regexp
    )
    ignore_invalid_speed: bool = option(
        True, "Leave out a speed that the driver does not know, instead of showing it as -125000."
    )
    netlink: bool = option(
        False, "Ask the kernel over netlink instead of reading sysfs; gives alternative names too."
    )


class NetclassCollector:
    """Properties of each network interface."""

    name = "netclass"

    def __init__(
        self, kernel: KernelTree, options: Options, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ignored = options.ignored_devices
        self._unknown_speed = not options.ignore_invalid_speed
        self._attributes = Attributes(kernel, "class/net")
        self._route = Netlink(NETLINK_ROUTE)
        # Netlink answers for the daemon's own network namespace, which is that of its own /proc.
        own = kernel.own_network
        self._watch = LinkWatch(clock) if own else None
        asks = own and options.netlink
        self._reader = RouteReader(self._route, self._attributes) if asks else None
        self._tables = InterfaceTables()
        self._filled: list[Filled] = []
        self._states = StateWatch(kernel, clock)
        self._announced = False
        """Whether the kernel announces changes of what is known."""
        self._known: dict[str, Interface] = {}

    def collect(self) -> Iterable[Filled]:
        """Yield node_network_info, and a family for each property."""
        changes = self._listen()
        if changes or changes is None or not self._announced:
            try:
                self._refresh(changes)
            except BaseException:
                self._known = {}
                if self._watch is not None:
                    self._watch.close()  # a change is announced once: next time any may differ
                raise
        yield from self._filled

    def _refresh(self, changes: set[int] | None) -> None:
        known, reader = self._known, self._reader
        interfaces = self._ask(reader) if reader else self._read(known, changes)
        if interfaces != list(known.values()):
            self._filled = self._tables.fill(interfaces)

    def _listen(self) -> set[int] | None:
        """Which interfaces may have changed; None when it may be any."""
        if self._watch is None:
            return None
        try:
            return self._watch.changes()
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            self._watch = self._reader = None
            self._announced = False
            return None

    def _ask(self, reader: RouteReader) -> list[Interface]:
        self._attributes.names()  # hot-plug
        interfaces = [one for one in reader.read() if self._accepts(one.device)]
        self._remember(interfaces)
        self._announced = True
        return interfaces

    def _read(self, known: Mapping[str, Interface], changes: set[int] | None) -> list[Interface]:
        names = self._list_names()
        if not self._announced:
            self._states.begin(names)
        interfaces = []
        for name in filter(self._accepts, names):
            one = known.get(name)
            if self._may_differ(name, one, changes) or one is None:
                one = read_interface(self._attributes, name, unknown_speed=self._unknown_speed)
            if one is not None:
                interfaces.append(one)
        if not interfaces and self._attributes.refused:
            raise NoData(
                "the files below /sys/class/net may not be read: run it with the rights to"
            )
        self._remember(interfaces)
        if changes is None:
            self._announced = self._watch is not None and self._are_own(names, interfaces)
        if self._announced:
            self._states.forget()
        return interfaces

    def _may_differ(self, name: str, one: Interface | None, changes: set[int] | None) -> bool:
        if self._announced:
            return one is None or changes is None or one.ifindex in changes
        return self._states.differs(name)

    def _list_names(self) -> list[str]:
        try:
            names = [name for name in self._attributes.names() if name != "bonding_masters"]
        except PermissionError as error:
            raise NoData("/sys/class/net may not be listed: run it with the rights to") from error
        if not names:
            raise NoData("no interfaces in /sys/class/net: is sysfs mounted?")
        return names

    def _remember(self, interfaces: Iterable[Interface]) -> None:
        self._known = {one.device: one for one in interfaces}
        self._attributes.forget()  # hundreds of descriptors, for a minute

    def _accepts(self, name: str) -> bool:
        return self._ignored is None or not self._ignored.search(name)

    def _are_own(self, names: Sequence[str], interfaces: Sequence[Interface]) -> bool:
        """Tell whether sysfs shows the network namespace to which we listen."""
        links = {link.name: link for link in read_links(self._route, IFLA_ADDRESS)}
        return links.keys() == set(names) and all(
            links[one.device].hardware_address(IFLA_ADDRESS) == one.texts["address"]
            and links[one.device].ifindex == one.ifindex
            for one in interfaces
        )
