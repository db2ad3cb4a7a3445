"""Drivers of network interfaces for tests: what they answer to requests of ethtool."""

from __future__ import annotations

import errno
import os
from struct import pack, pack_into

from exporter.collectors import _ethtool_ioctl as ioctl
from exporter.collectors._ethtool_modes import NAMES
from exporter.netlink import unsigned

Answer = bytes | int
"""What a driver answers, or the number of its error."""


def bits(*names: str) -> int:
    """Give the set of these modes."""
    return sum(1 << NAMES.index(name) for name in names)


def make_link(supported: int, advertised: int, autonegotiate: int = 1, words: int = 4) -> bytes:
    """Write a struct ethtool_link_settings; with a negative number of words, without sets."""
    head = bytearray(48)
    pack_into("=II", head, 0, ioctl.GLINKSETTINGS, 1000)
    pack_into("=B", head, 11, autonegotiate)
    pack_into("=b", head, 15, words)
    sets = [
        pack(f"={words}I", *(one >> 32 * word & 0xFFFF_FFFF for word in range(words)))
        for one in (supported, advertised, 0)
        if words > 0
    ]
    return bytes(head) + b"".join(sets)


def make_driver(driver: str, version: str, statistics: int) -> bytes:
    """Write a struct ethtool_drvinfo."""
    texts = (driver, version, "fw 1", "0000:02:00.0", "")
    return pack("=I", ioctl.GDRVINFO) + pack(
        "=32s32s32s32s32s16xI12x", *(text.encode() for text in texts), statistics
    )


def make_names(*names: str) -> bytes:
    """Write a struct ethtool_gstrings."""
    head = pack("=III", ioctl.GSTRINGS, 1, len(names))
    return head + b"".join(pack("=32s", name.encode()) for name in names)


def make_statistics(*numbers: int) -> bytes:
    """Write a struct ethtool_stats."""
    return pack(f"=II{len(numbers)}Q", ioctl.GSTATS, len(numbers), *numbers)


class Drivers:
    """Interfaces whose drivers answer by the command; what is not listed is not supported."""

    def __init__(self, **interfaces: dict[int, Answer]) -> None:
        self.interfaces = interfaces

    def ask(self, interface: str, request: bytes, size: int) -> bytes:
        """Answer as the kernel does: how many words sets have is told before the sets are."""
        command = unsigned(request[:4])
        answer = self.interfaces[interface].get(command, errno.EOPNOTSUPP)
        if isinstance(answer, int):
            raise OSError(answer, os.strerror(answer))
        if command == ioctl.GLINKSETTINGS and not request[15]:
            answer = make_link(0, 0, words=-4)
        return answer[:size]

    def list(self) -> list[tuple[int, str]]:
        """List the interfaces."""
        return list(enumerate(self.interfaces, 1))
