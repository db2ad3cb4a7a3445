"""Network bonds and how many of their interfaces are up.

Source: /sys/class/net/bonding_masters (Linux drivers/net/bonding/bond_sysfs.c, since 2.6.14), for
each bond its list of slaves, and for each slave the state that the bond's link monitor gives it
(bond_sysfs_slave.c, since 3.14). Needs no rights.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.attributes import Attributes
from exporter.families import Filled
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

COLUMNS = (
    Column("node_bonding_slaves", "Interfaces that belong to the bond.", "gauge"),
    Column(
        "node_bonding_active",
        "Interfaces of the bond whose link is up, as its link monitor sees it.",
        "gauge",
    ),
)


class BondingCollector:
    """The size of each bond, and how much of it works."""

    name = "bonding"

    def __init__(self, kernel: KernelTree) -> None:
        self._masters = kernel.sys("class/net/bonding_masters")
        self._attributes = Attributes(kernel, "class/net")
        self._table = Table(COLUMNS, ("master",))
        self._slaves: dict[str, bytes | None] = {}

    def collect(self) -> Iterator[Filled]:
        """Yield the number of interfaces of each bond, and how many of them are up."""
        try:
            masters = self._masters.read().split()
        except FileNotFoundError as error:
            raise NoData("the bonding driver is not loaded") from error
        if not masters:
            raise NoData("there are no bonds")
        slaves = {master: self._read(master, "bonding/slaves") for master in map(_name, masters)}
        if slaves != self._slaves or None in slaves.values():
            # An interface may have joined that had no state before; what was absent is asked anew.
            self._attributes.forget()
            self._slaves = slaves
        yield self._table.fill(
            {
                (master,): self._count(master, names.split())
                for master, names in slaves.items()
                if names is not None
            }
        )

    def _count(self, master: str, slaves: list[bytes]) -> tuple[int, int | None]:
        """Count the interfaces of a bond, and those that are up; none before Linux 3.14."""
        states = [self._read_state(master, _name(slave)) for slave in slaves]
        unknown = bool(states) and states.count(None) == len(states)
        return len(slaves), None if unknown else states.count(b"up")

    def _read_state(self, master: str, slave: str) -> bytes | None:
        """Read the state of one interface, below the link that Linux calls so since 3.13."""
        state = self._read(master, f"lower_{slave}/bonding_slave/mii_status")
        return state or self._read(master, f"slave_{slave}/bonding_slave/mii_status")

    def _read(self, master: str, path: str) -> bytes | None:
        return self._attributes.read(f"{master}/{path}")


def _name(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")
