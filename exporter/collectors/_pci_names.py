"""Names of PCI devices from pci.ids, the list that lspci uses too (part of pcidevice).

Format: https://pci-ids.ucw.cz/ -- a vendor or class to a line, and below it, behind one tab, its
devices or subclasses, behind two their subsystems or programming interfaces.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_LINE = re.compile(r"(\t{0,2})(C )?([0-9a-f]{2,4}(?: [0-9a-f]{4})?)  (.*)")

Names = Mapping[str, str]
"""By their numbers: `8086`, `8086:1563`, `8086:1563:15d9:085d`; classes `C02`, `C0200`, ..."""


def parse_pci_ids(text: bytes) -> dict[str, str]:
    """Parse the list; lines that are something else are left out."""
    names: dict[str, str] = {}
    above = ["", ""]
    for line in text.decode("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        tabs, is_class, number, title = match.groups()
        depth = len(tabs)
        if depth == 0:
            key = f"C{number}" if is_class else number
        elif above[0].startswith("C"):
            key = above[depth - 1] + number
        else:
            key = f"{above[depth - 1]}:{number.replace(' ', ':')}"
        if depth < 2:
            above[depth] = key
        names[key] = title.strip()
    return names


def load_pci_ids(paths: Iterable[str]) -> Names:
    """Give the names of the first list that can be read; none when there is none."""
    for path in paths:
        with contextlib.suppress(OSError):
            return parse_pci_ids(Path(path).read_bytes())
    return {}


def name_device(names: Names, *, vendor: str, device: str, owner: str, model: str) -> list[str]:
    """Name vendor, device, and vendor and device of the subsystem; by number if unknown."""
    return [
        names.get(vendor, vendor),
        names.get(f"{vendor}:{device}", device),
        names.get(owner, owner),
        names.get(f"{vendor}:{device}:{owner}:{model}", model),
    ]


def name_class(names: Names, number: str) -> str:
    """Name a class of six digits as closely as the list does."""
    for length in (6, 4, 2):
        if title := names.get(f"C{number[:length]}"):
            return title
    return f"Unknown class ({number})"
