"""What the driver of a network interface says of it: requests of ethtool, and their answers.

Source: the ioctl SIOCETHTOOL (Linux net/ethtool/ioctl.c, include/uapi/linux/ethtool.h; since 2.4).
ETHTOOL_GLINKSETTINGS is there since 4.6; ETHTOOL_GSET, its forerunner, knows 32 modes only. Answers
for the network namespace of the process. Needs no rights.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import socket
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

_SIOCETHTOOL = 0x8946
_IFREQ = Struct("@16sP16x")

GSET, GDRVINFO, GSTRINGS, GSTATS, GLINKSETTINGS = 0x1, 0x3, 0x1B, 0x1D, 0x4C
_ETH_SS_STATS = 1

_COMMAND = Struct("=I")
_DRVINFO = Struct("=4x32s32s32s32s32s16xI12x")
_GSET = Struct("=4xIIHBBBBB25x")
_LINK = Struct("=4xIBBBBxxxbB31x")
_STRINGS = Struct("=III")  # command, set, number
_STATISTICS = Struct("=II")  # command, number

STRING_BYTES = 32

MAX_STATISTICS = 65_536
"""The largest cards have some thousands: queues times counters."""

_MEMORY_BYTES = _STRINGS.size + 2 * MAX_STATISTICS * STRING_BYTES
"""The kernel writes what there is now, which may be more than it said a moment ago."""

Ask = Callable[[str, bytes, int], bytes]
"""Send a request about an interface; give so many bytes of what the kernel made of it."""


class DriverInfo(NamedTuple):
    """The driver of an interface."""

    driver: str
    version: str
    firmware_version: str
    expansion_rom_version: str
    bus_info: str
    statistics: int
    """How many it has."""


class LinkSettings(NamedTuple):
    """What a port can do and offers to the other side, as sets of bits."""

    supported: int
    advertised: int
    autonegotiate: int


def parse_driver_info(answer: bytes) -> DriverInfo:
    """Parse a struct ethtool_drvinfo. Raises ValueError when it is too short."""
    _require(answer, _DRVINFO.size)
    *texts, statistics = _DRVINFO.unpack_from(answer)
    driver, version, firmware, bus, rom = map(_text, texts)
    return DriverInfo(driver, version, firmware, rom, bus, statistics)


def parse_legacy_settings(answer: bytes) -> LinkSettings:
    """Parse a struct ethtool_cmd. Raises ValueError when it is too short."""
    _require(answer, _GSET.size)
    supported, advertised, *_, autonegotiate = _GSET.unpack_from(answer)
    return LinkSettings(supported, advertised, autonegotiate)


def parse_link_settings(answer: bytes) -> LinkSettings:
    """Parse a struct ethtool_link_settings. Raises ValueError when it is too short."""
    _require(answer, _LINK.size)
    *_, autonegotiate, words, _ = _LINK.unpack_from(answer)
    size = 4 * max(words, 0)
    _require(answer, _LINK.size + 2 * size)
    supported = _bits(answer[_LINK.size : _LINK.size + size])
    advertised = _bits(answer[_LINK.size + size : _LINK.size + 2 * size])
    return LinkSettings(supported, advertised, autonegotiate)


def count_words(answer: bytes) -> int:
    """Tell how many words each set of bits of this kernel has: it answers with minus that."""
    _require(answer, _LINK.size)
    words = -_LINK.unpack_from(answer)[-2]
    if words <= 0:
        raise ValueError(f"ethtool: link settings of {words} words")
    return int(words)


def parse_names(answer: bytes) -> list[bytes]:
    """Parse a struct ethtool_gstrings. Raises ValueError when it is too short."""
    _require(answer, _STRINGS.size)
    _, _, number = _STRINGS.unpack_from(answer)
    _require(answer, _STRINGS.size + number * STRING_BYTES)
    names = Struct(f"={_STRINGS.size}x" + f"{STRING_BYTES}s" * number).unpack_from(answer)
    return [name.partition(b"\0")[0] for name in names]


def parse_statistics(answer: bytes) -> tuple[int, ...]:
    """Parse a struct ethtool_stats. Raises ValueError when it is too short."""
    _require(answer, _STATISTICS.size)
    _, number = _STATISTICS.unpack_from(answer)
    _require(answer, _STATISTICS.size + number * 8)
    return Struct(f"={_STATISTICS.size}x{number}Q").unpack_from(answer)


class KernelDrivers:
    """Sends requests to the kernel, which writes its answers into our memory."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _MEMORY_BYTES)  # pages that are never written cost nothing
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))

    def ask(self, interface: str, request: bytes, size: int) -> bytes:
        """Send a request; give so many bytes of the answer. Raises OSError as the kernel says."""
        self._memory[: len(request)] = request
        name = interface.encode("utf-8", "surrogateescape")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCETHTOOL, _IFREQ.pack(name, self._address))
        return self._memory[:size]


def ask_driver_info(ask: Ask, interface: str) -> DriverInfo:
    """Ask for the driver. Raises OSError as the kernel says."""
    answer = ask(interface, _COMMAND.pack(GDRVINFO) + bytes(_DRVINFO.size - 4), _DRVINFO.size)
    return parse_driver_info(answer)


def ask_link_settings(ask: Ask, interface: str) -> LinkSettings:
    """Ask for the settings of the port. Raises OSError as the kernel says."""
    request = bytearray(_COMMAND.pack(GLINKSETTINGS) + bytes(_LINK.size - 4))
    try:
        request[15] = count_words(ask(interface, bytes(request), _LINK.size))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        # Linux before 4.6, or a driver that has neither.
        legacy = _COMMAND.pack(GSET) + bytes(_GSET.size - 4)
        return parse_legacy_settings(ask(interface, legacy, _GSET.size))
    size = _LINK.size + 3 * 4 * request[15]
    return parse_link_settings(ask(interface, bytes(request), size))


def ask_names(ask: Ask, interface: str, number: int) -> bytes:
    """Ask for the names of the statistics, to be parsed. Raises OSError as the kernel says."""
    if number > MAX_STATISTICS:
        raise ValueError(f"ethtool: {number} statistics of one interface")
    request = _STRINGS.pack(GSTRINGS, _ETH_SS_STATS, number)
    answer = ask(interface, request, _STRINGS.size + number * STRING_BYTES)
    _require_number(answer, _STRINGS, number)
    return answer


def ask_statistics(ask: Ask, interface: str, number: int) -> tuple[int, ...]:
    """Ask for the statistics. Raises OSError as the kernel says."""
    answer = ask(interface, _STATISTICS.pack(GSTATS, number), _STATISTICS.size + number * 8)
    _require_number(answer, _STATISTICS, number)
    return parse_statistics(answer)


def _require(answer: bytes, size: int) -> None:
    if len(answer) < size:
        raise ValueError(f"ethtool: an answer of {len(answer)} bytes instead of {size}")


def _require_number(answer: bytes, head: Struct, number: int) -> None:
    """Raise OSError when the driver has got other statistics since it told their number."""
    _require(answer, head.size)
    if head.unpack_from(answer)[-1] != number:
        raise OSError(errno.EAGAIN, "ethtool: the statistics have just changed")


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "replace")


def _bits(words: bytes) -> int:
    """Join 32-bit words, the lowest bits first, in the byte order of the machine."""
    numbers = Struct(f"={len(words) // 4}I").unpack(words)
    return sum(number << 32 * position for position, number in enumerate(numbers))
