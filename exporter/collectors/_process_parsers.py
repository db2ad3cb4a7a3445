"""What the files of a process say: /proc/<pid>/stat, io, status and smaps_rollup.

Sources: Linux fs/proc/array.c (stat, status), fs/proc/base.c (io, since 2.6.20 with
CONFIG_TASK_IO_ACCOUNTING), fs/proc/task_mmu.c (smaps_rollup, since 4.14). stat adds up all threads
of a process; so does io; the context switches in status are those of the first thread alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from exporter.parsing import integers, shorten
from exporter.process_files import split_stat

KERNEL_THREAD = 0x00200000
"""PF_KTHREAD among the flags, since 2.6.27."""

_POSITIONS = (6, 9, 11, 12, 17, 19, 21)
"""Behind the name: flags, majflt, utime, stime, num_threads, starttime, rss."""

_SWITCHES = re.compile(rb"^(non)?voluntary_ctxt_switches:\s*([0-9]{1,20})$", re.MULTILINE)
_PROPORTIONAL = re.compile(rb"^Pss:\s*([0-9]{1,17}) kB$", re.MULTILINE)
_READ = re.compile(rb"^read_bytes: ([0-9]{1,20})$", re.MULTILINE)
_WRITTEN = re.compile(rb"^write_bytes: ([0-9]{1,20})$", re.MULTILINE)
_BOOT_TIME = re.compile(rb"^btime ([0-9]{1,20})$", re.MULTILINE)


class Process(NamedTuple):
    """A line of /proc/<pid>/stat; times are in ticks, of which there are 100 in a second."""

    name: bytes
    is_kernel_thread: bool
    major_faults: int
    user_ticks: int
    system_ticks: int
    threads: int
    start_tick: int
    """After boot. Numbers are given again; number and start together are not."""
    resident_pages: int

    def is_same(self, other: Process) -> bool:
        """Tell whether this is the same process, given the same number."""
        return self.start_tick == other.start_tick


def parse_process(text: bytes) -> Process:
    """Parse /proc/<pid>/stat. Raises ValueError when it is something else."""
    name, fields = split_stat(text)
    if len(fields) < 22:
        raise ValueError(f"/proc/<pid>/stat: expected 24 fields: {shorten(text)}")
    flags, *numbers = map(int, integers([fields[position] for position in _POSITIONS]))
    return Process(name, bool(flags & KERNEL_THREAD), *numbers)


def parse_io(text: bytes) -> dict[str, int]:
    """Take what was read from disks, and what was written to them or is about to be."""
    return {"read": _find(_READ, text), "written": _find(_WRITTEN, text)}


def parse_status(text: bytes) -> dict[str, int]:
    """Take the context switches. Raises ValueError when they are missing."""
    found = {kind: int(number) for kind, number in _SWITCHES.findall(text)}
    if len(found) != 2:
        raise ValueError(f"/proc/<pid>/status: no context switches: {shorten(text)}")
    return {"voluntary": found[b""], "involuntary": found[b"non"]}


def parse_proportional(text: bytes) -> dict[str, int]:
    """Take Pss from smaps_rollup, in bytes. A process that is ending has an empty one."""
    return {"proportional": _find(_PROPORTIONAL, text) * 1024 if text else 0}


def parse_boot_time(text: bytes) -> int:
    """Take btime from /proc/stat."""
    return _find(_BOOT_TIME, text)


def _find(pattern: re.Pattern[bytes], text: bytes) -> int:
    found = pattern.search(text)
    if found is None:
        raise ValueError(f"expected {pattern.pattern.decode()}: {shorten(text)}")
    return int(found[1])
