"""Properties of the network interfaces from sysfs.

Source: /sys/class/net/<interface>/ (Linux net/core/net-sysfs.c), decimal but for flags and dev_id.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from exporter.attributes import Attributes
from exporter.collectors._links import MAX_AGE_SECONDS
from exporter.collectors._netclass_interface import BYTES_PER_MBIT, NUMBERS, TEXTS, Interface
from exporter.families import Number
from exporter.kernel import KernelFile, KernelTree
from exporter.parsing import shorten

UNKNOWN_MBIT = 2**32 - 1
"""-1 without its sign, as some drivers give it."""

STATE = ("operstate", "flags", "carrier_changes", "mtu")
"""What changes when an interface does, cheap to read; speed and duplex change with the carrier."""

_DECIMAL = tuple(name for name in NUMBERS if name not in {"flags", "dev_id", "speed"})


def parse_hexadecimal(content: bytes) -> int:
    """Parse a number such as `0x1003`. Raises ValueError when it is none."""
    if not content.startswith(b"0x"):
        raise ValueError(f"expected a number with 0x before it, got {shorten(content)}")
    return int(content, 16)


def read_hexadecimal(attributes: Attributes, path: str) -> int | None:
    """Read such an attribute, if the interface has it."""
    content = attributes.read(path)
    return parse_hexadecimal(content) if content else None


def read_speed(attributes: Attributes, device: str, *, unknown: bool = False) -> int | None:
    """Read the speed in bytes per second; none when it is unknown, unless that is wanted too."""
    digits = attributes.number(f"{device}/speed")
    mbit = -1 if digits is None else int(digits)
    if digits is None or (not unknown and (mbit < 0 or mbit == UNKNOWN_MBIT)):
        return None
    return mbit * BYTES_PER_MBIT


def read_interface(attributes: Attributes, device: str, *, unknown_speed: bool) -> Interface | None:
    """Read an interface; none when it has just gone."""
    texts = {name: attributes.text(f"{device}/{name}") or "" for name in TEXTS}
    if not texts["operstate"]:
        return None
    flags = read_hexadecimal(attributes, f"{device}/flags")
    numbers: dict[str, Number | None] = {
        name: attributes.number(f"{device}/{name}") for name in _DECIMAL
    }
    numbers["flags"] = flags
    numbers["dev_id"] = read_hexadecimal(attributes, f"{device}/dev_id")
    numbers["speed"] = read_speed(attributes, device, unknown=unknown_speed)
    ifindex = numbers["ifindex"]
    return Interface(device, None if ifindex is None else int(ifindex), flags, texts, numbers)


class StateWatch:
    """Tells which interfaces may have changed where the kernel announces nothing."""

    def __init__(self, kernel: KernelTree, clock: Callable[[], float] = time.monotonic) -> None:
        self._kernel = kernel
        self._clock = clock
        self._names: list[str] = []
        self._files: dict[str, list[KernelFile]] = {}
        self._states: dict[str, list[bytes]] = {}
        self._since = 0.0

    def begin(self, names: list[str]) -> None:
        """Begin a collection; after a minute any interface may have changed."""
        now = self._clock()
        if names != self._names or now - self._since >= MAX_AGE_SECONDS:
            self.forget()
            self._names = names
            self._since = now

    def differs(self, device: str) -> bool:
        """Tell whether an interface is in another state than at the collection before."""
        files = self._files.get(device)
        if files is None:
            files = self._files[device] = self._open(device)
        try:
            state = [file.read() for file in files]
        except OSError:  # it has just gone
            return True
        if state == self._states.get(device):
            return False
        self._states[device] = state
        return True

    def forget(self) -> None:
        """Give the descriptors back; any interface may have changed then."""
        self._files.clear()
        self._states.clear()

    def _open(self, device: str) -> list[KernelFile]:
        """Find the files that this kernel has: carrier_changes came with 3.15."""
        found = []
        for name in STATE:
            file = self._kernel.sys(f"class/net/{device}/{name}")
            with contextlib.suppress(OSError):
                file.read()
                found.append(file)
        return found
