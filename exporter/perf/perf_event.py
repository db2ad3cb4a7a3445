"""perf_event_open(2): a counter of the kernel, for one CPU and all that runs on it.

Source: include/uapi/linux/perf_event.h, kernel/events/core.c; since Linux 3.14 (the flag for
close-on-exec). Python has no binding, so the C library's `syscall` is called. Needs CAP_PERFMON
(before Linux 5.8: CAP_SYS_ADMIN), or kernel.perf_event_paranoid of 0 or less; a container's seccomp
filter may refuse the call.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

TYPE_HARDWARE, TYPE_SOFTWARE, TYPE_TRACEPOINT, TYPE_HW_CACHE, TYPE_RAW = range(5)

DISABLED, EXCLUDE_USER, EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 0, 4, 5, 6
"""Positions in the bit-field of struct perf_event_attr."""

ATTRIBUTES = Struct("=IIQQQQQIIQQ")
"""struct perf_event_attr as every Linux since 3.0 knows it (PERF_ATTR_SIZE_VER1), so that none
answers E2BIG: type, size, config; sample_period, sample_type, read_format; the bit-field;
wakeup_events, bp_type; config1, config2. What came later is about sampling."""

READ_FORMAT = 0b1011
"""PERF_FORMAT_GROUP, _TOTAL_TIME_RUNNING, _TOTAL_TIME_ENABLED: one read gives the number of
events of the group, both times in nanoseconds, and each event's value."""

FLAG_FD_CLOEXEC = 8

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors that tell of this process, or of the host, and nothing of the event."""

NUMBERS = {
    ("x86_64", 64): 298,
    ("x86_64", 32): 336,
    ("i686", 32): 336,
    ("aarch64", 64): 241,
    ("armv7l", 32): 364,
    ("loongarch64", 64): 241,
    ("ppc64le", 64): 319,
    ("riscv64", 64): 241,
    ("s390x", 64): 331,
}
"""Of the system call, by the machine's name and the bits of this process."""


class Attributes(NamedTuple):
    """What to count."""

    type: int
    config: int
    config1: int = 0
    config2: int = 0
    excluded: frozenset[int] = frozenset()
    """EXCLUDE_USER and the like."""

    def pack(self, *, is_disabled: bool = False, byte_order: str = sys.byteorder) -> bytes:
        """Give struct perf_event_attr; a disabled one waits until it is enabled."""
        positions = {DISABLED, *self.excluded} if is_disabled else self.excluded
        # C compilers begin to fill a bit-field at its first byte: on s390x that is the highest.
        bits = sum(1 << (bit if byte_order == "little" else 63 - bit) for bit in positions)
        return ATTRIBUTES.pack(
            *(self.type, ATTRIBUTES.size, self.config, 0, 0, READ_FORMAT),
            *(bits, 0, 0, self.config1, self.config2),
        )


def number_of(machine: str, bits: int) -> int:
    """Give the number of the system call. Raises LookupError where it is not known."""
    number = NUMBERS.get((machine, bits))
    if number is None:
        raise LookupError(
            f"the number of perf_event_open(2) is not known for {bits} bits on {machine}: set "
            f"--collector.perf.backend=stat (docs/collectors/perf.md)"
        )
    return number


def enable_request(machine: str) -> int:
    """Give PERF_EVENT_IOC_ENABLE, which is _IO('$', 0)."""
    return 0x2000_2400 if machine.startswith("ppc") else 0x2400


_system_call = ctypes.CDLL(None, use_errno=True).syscall
_system_call.restype = ctypes.c_long
_system_call.argtypes = (
    *(ctypes.c_long, ctypes.c_char_p),
    *(ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_ulong),
)


def open_group(members: Sequence[Attributes], cpu: int) -> list[int]:
    """Begin to count events at the same time on a CPU; closing the descriptors ends it.

    The first one, the leader's, is to be read, for all of them. Raises OSError as the kernel says
    it, and LookupError for a machine whose system calls are not known.
    """
    descriptors: list[int] = []
    try:
        for attributes in members:
            leader = descriptors[0] if descriptors else -1
            descriptors.append(_open(attributes.pack(is_disabled=leader < 0), cpu, leader))
        # All are begun together. Had the leader begun alone, newer kernels (seen with 6.18) would
        # not count the others before something else is counted: page faults beside cpu-clock.
        fcntl.ioctl(descriptors[0], enable_request(os.uname().machine))
    except OSError:
        close_group(descriptors)
        raise
    return descriptors


def close_group(descriptors: Sequence[int]) -> None:
    """Close a group, its leader last: while it lives, so does the group."""
    for descriptor in reversed(descriptors):
        os.close(descriptor)


def _open(attributes: bytes, cpu: int, leader: int) -> int:
    number = number_of(os.uname().machine, 64 if sys.maxsize > 1 << 32 else 32)
    every_process = -1
    descriptor: int = _system_call(number, attributes, every_process, cpu, leader, FLAG_FD_CLOEXEC)
    if descriptor < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"perf_event_open: {os.strerror(error)}")
    return descriptor
