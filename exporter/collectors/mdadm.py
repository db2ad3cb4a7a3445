"""Software RAID from /proc/mdstat and /sys/block/<array>/md.

Source: Linux drivers/md/md.c (md_seq_show, since 2.4), Documentation/admin-guide/md.rst (sysfs,
since 2.6.17). An array that is built anew says so in a line of its own, before or after that of the
bitmap. Blocks are of 1024 bytes. Needs no rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.attributes import Attributes
from exporter.families import Filled, Number
from exporter.kernel import KernelTree, NoData
from exporter.parsing import integer, shorten
from exporter.table import Column, Table

STATES = ("active", "inactive", "recovering", "resync", "check")

_BLOCKS = re.compile(rb"([0-9]{1,20}) blocks")
_DISKS = re.compile(rb"\[([0-9]{1,9})/([0-9]{1,9})\] \[[U_]+\]")
_PROGRESS = re.compile(
    rb"(recover|resync|reshape|check)y?\s*="
    rb"(?:\s*[0-9.]+% \(([0-9]{1,20})/[0-9]{1,20}\)|(PENDING|DELAYED|REMOTE))"
)
_DOING = {b"recover": "recovering", b"resync": "resync", b"reshape": "reshape", b"check": "check"}
_NOT_BEGUN = {b"PENDING": b"0", b"DELAYED": b"0"}
"""What another node of a cluster does (REMOTE) is not known here."""
_OTHER_LINES = (b"Personalities", b"unused devices", b"read_ahead")

_NO_REDUNDANCY = frozenset({b"raid0", b"linear"})
_REDUNDANT = frozenset({b"raid1", b"raid4", b"raid5", b"raid6", b"raid10"})

_PER_ARRAY = (
    Column("node_md_disks_required", "Disks that the array consists of when complete.", "gauge"),
    Column("node_md_blocks", "Size of the array in blocks of 1024 bytes.", "gauge"),
    Column(
        "node_md_blocks_synced",
        "Blocks that the running resync, recovery, check or reshape is done with; else all.",
        "gauge",
    ),
    Column("node_md_raid_disks", "Disks that the array consists of, as sysfs says.", "gauge"),
    Column("node_md_degraded", "Disks by which the array falls short of being complete.", "gauge"),
)
_PER_STATE = (Column("node_md_state", "Whether the array is in this state: 1 or 0.", "gauge"),)
_PER_DISK_STATE = (Column("node_md_disks", "Disks of the array in this state.", "gauge"),)


class Array(NamedTuple):
    """What /proc/mdstat says of an array; None where it says nothing."""

    name: str
    personality: bytes
    """raid1, raid0, ...; empty of an array that is not started."""
    state: str
    required: Number | None
    active: Number | None
    failed: int
    spare: int
    blocks: Number | None
    synced: Number | None


def parse_mdstat(text: bytes) -> list[Array]:
    """Parse the arrays. Raises ValueError on a line at the margin that starts none."""
    stanzas: list[list[bytes]] = [[b""]]
    for line in text.splitlines():
        if line[:1].isspace():
            stanzas[-1].append(line)
        elif line:
            stanzas.append([line])
    return [
        _parse_array(stanza[0], b"\n".join(stanza[1:]))
        for stanza in stanzas[1:]
        if not stanza[0].startswith(_OTHER_LINES)
    ]


def _parse_array(head: bytes, body: bytes) -> Array:
    words = head.split()
    if len(words) < 3 or words[1] != b":":
        raise ValueError(f"/proc/mdstat: expected an array: {shorten(head)}")
    state = words[2].decode("utf-8", "replace")
    members = [word for word in words[3:] if b"[" in word]
    personality = next((word for word in words[3:] if b"[" not in word and b"(" not in word), b"")
    required, active = _count_disks(state, personality, len(members), body)
    found = _BLOCKS.search(body)
    blocks = synced = found[1] if found else None
    if progress := _PROGRESS.search(body):
        state = _DOING[progress[1]]
        synced = progress[2] or _NOT_BEGUN.get(progress[3])
    return Array(
        words[0].decode("utf-8", "replace"),
        personality,
        state,
        required,
        active,
        failed=head.count(b"(F)"),
        spare=head.count(b"(S)"),
        blocks=blocks,
        synced=synced,
    )


def _count_disks(
    state: str, personality: bytes, members: int, body: bytes
) -> tuple[Number | None, Number | None]:
    """Tell how many disks the array needs, and how many of them work."""
    if state == "inactive":
        return 0, 0
    if personality in _NO_REDUNDANCY:  # has all its members, or does not run
        return members, members
    found = _DISKS.search(body)
    return (found[1], found[2]) if found else (None, None)


class MdadmCollector:
    """State, disks and progress of the software RAID arrays."""

    name = "mdadm"

    def __init__(self, kernel: KernelTree) -> None:
        self._file = kernel.proc("mdstat")
        self._attributes = Attributes(kernel, "block")
        self._per_array = Table(_PER_ARRAY, ("device",))
        self._per_state = Table(_PER_STATE, ("device", "state"))
        self._per_disk_state = Table(_PER_DISK_STATE, ("device", "state"))
        self._text = b""
        self._arrays: list[Array] = []
        self._running: object = None

    def collect(self) -> Iterable[Filled]:
        """Yield the state of the arrays, their disks by state, and their numbers."""
        try:
            text = self._file.read()
        except FileNotFoundError as error:
            raise NoData("no /proc/mdstat: the driver of software RAID is not loaded") from error
        if text != self._text:
            self._adopt(parse_mdstat(text))
            self._text = text
        if not self._arrays:
            raise NoData("no software RAID arrays")
        yield self._states
        yield self._disks
        yield self._per_array.fill(
            {
                (array.name,): (
                    array.required,
                    array.blocks,
                    array.synced,
                    *self._read_attributes(array.name),
                )
                for array in self._arrays
            }
        )

    def _adopt(self, arrays: list[Array]) -> None:
        running = [(array.name, array.personality) for array in arrays]
        if running != self._running:  # an array that starts, or changes its level, gets attributes
            self._attributes.forget()
            self._running = running
        self._arrays = arrays
        self._states = self._per_state.fill(
            {
                (array.name, state): (int(array.state == state),)
                for array in arrays
                for state in STATES
            }
        )
        self._disks = self._per_disk_state.fill(
            {
                (array.name, state): (number,)
                for array in arrays
                for state, number in (
                    ("active", array.active),
                    ("failed", array.failed),
                    ("spare", array.spare),
                )
            }
        )

    def _read_attributes(self, array: str) -> tuple[Number | None, Number | None]:
        """Give raid_disks and degraded. While the number of disks changes, `4 (3)` is new and old.

        Arrays that have no redundancy have no attribute `degraded`, and nothing to be short of.
        """
        words = (self._attributes.read(f"{array}/md/raid_disks") or b"").split()
        disks = integer(words[0]) if words else None
        degraded: Number | None = self._attributes.number(f"{array}/md/degraded")
        if degraded is None:
            level = self._attributes.read(f"{array}/md/level")
            degraded = None if level is None or level in _REDUNDANT else 0
        return disks, degraded
