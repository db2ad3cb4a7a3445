"""Properties of the network interfaces from sysfs.

Source: /sys/class/net/<interface>/ (Linux net/core/net-sysfs.c), decimal but for flags and dev_id.
"""

from __future__ import annotations

from exporter.attributes import Attributes
from exporter.collectors._netclass_interface import BYTES_PER_MBIT, NUMBERS, TEXTS, Interface
from exporter.families import Number
from exporter.parsing import shorten

UNKNOWN_MBIT = 2**32 - 1
"""-1 without its sign, as some drivers give it."""

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
