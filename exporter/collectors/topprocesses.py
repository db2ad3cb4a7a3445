"""The groups of processes that use the most CPU time and memory; the others in sum.

Sources: /proc/<pid>/stat of every process; io, status, fd and smaps_rollup of the processes in the
groups that are shown (see _process_parsers.py). stat and status need no rights. io needs the same
user, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; fd before Linux 6.2 the same user or the latter;
smaps_rollup the same user or the former. Without them their metrics are absent. Where /proc is
mounted with hidepid=, the group of gid= or CAP_SYS_PTRACE.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exporter.collectors._process_accounts import Account, make_families
from exporter.collectors._process_groups import (
    OTHER,
    Ranking,
    add_up,
    match_group,
    name_group,
    parse_command_groups,
    sum_ticks,
)
from exporter.collectors._process_parsers import (
    Process,
    parse_boot_time,
    parse_io,
    parse_process,
    parse_proportional,
    parse_status,
)
from exporter.families import Family, gauge
from exporter.kernel import KernelTree, NoData
from exporter.options import option, parse_age, parse_positive
from exporter.process_files import GONE, HIDDEN, ProcessFiles


@dataclass(frozen=True, slots=True)
class Options:
    """How many groups are shown, and of what."""

    groups: int = option(
        10,
        "How many groups are shown by CPU time, and as many by memory; at most four times as many.",
        parse=parse_positive,
    )
    keep: float = option(
        600.0,
        "How long a group is still shown when it is among the first no more.",
        parse=parse_age,
    )
    max_processes: int = option(
        10_000,
        "How many processes are looked at; those with higher numbers are left out.",
        parse=parse_positive,
    )
    command_groups: re.Pattern[str] | None = option(
        None,
        "Regexp matched with the command line, whose named group that matches names the group"
        " of processes: (?P<kafka>kafka[.]Kafka)|(?P<solr>solr[.]jar).",
        parse=parse_command_groups,
    )
    proportional: bool = option(
        False, "Also show memory with shared pages in parts: slow, of large processes very slow."
    )


SUSPENDED = (
    "suspended by the governor, as this host is under pressure (perfwatch_governor_state): looking "
    "at all processes would add to it"
)


class Seen(NamedTuple):
    """A process at a look."""

    process: Process
    group: str
    counters: dict[str, int]
    """Its own, which start at 0 with it; those of io and status only when its group is shown."""


class TopprocessesCollector:
    """The groups of processes that use the most."""

    name = "topprocesses"

    def __init__(
        self,
        kernel: KernelTree,
        options: Options | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        page_size: int = os.sysconf("SC_PAGE_SIZE"),
        files: ProcessFiles | None = None,
    ) -> None:
        self._options = options or Options()
        self._files = files or ProcessFiles(kernel)
        self._stat = kernel.proc("stat")
        self._now = now
        self._page_size = page_size
        self._ranking = Ranking(self._options.groups, self._options.keep)
        self._accounts = {OTHER: Account()}
        self._seen: dict[str, Seen] = {}
        self._saw_all = False
        """Whether a process that was not seen at the last look has been started since."""
        self._refused = False
        """Whether a process of this look may not be read; one that has ended is no matter."""
        self._is_suspended = False

    def collect(self) -> Iterator[Family]:
        """Yield the families of all groups that are shown, and of the others in sum."""
        if self._is_suspended:
            raise NoData(SUSPENDED)
        pids = self._files.list()
        looked_at = pids[: self._options.max_processes]
        self._refused = False
        seen = dict(self._look(looked_at))
        if "1" not in seen:
            raise NoData(HIDDEN)
        grown = {pid: self._grow(pid, one.process, one.counters) for pid, one in seen.items()}
        chosen = self._choose(seen, grown)
        # What a group did since the last look counts for it only if it is shown before and after:
        # the first number of a new series counts for nothing, and the sum of rates would lack it.
        lasting = chosen & self._accounts.keys()
        accounts = {
            name: self._accounts.get(name) or Account() for name in (*sorted(chosen), OTHER)
        }
        for account in accounts.values():
            account.begin_look()
        bookings: list[tuple[Account, Mapping[str, int]]] = []
        for pid, one in seen.items():
            lasts = one.group in lasting
            account = accounts.get(one.group) or accounts[OTHER]
            self._measure(account, one.process)
            bookings.append((account if lasts else accounts[OTHER], grown[pid]))
            if one.group in chosen:
                bookings.append((account, self._look_closer(account, pid, one, lasts=lasts)))
        boot_time = parse_boot_time(self._stat.read())
        # Only now, when nothing can fail any more: a look that fails must not be booked twice.
        for account, numbers in bookings:
            account.book(numbers)
        self._accounts, self._seen = accounts, seen
        self._saw_all = len(looked_at) == len(pids) and not self._refused
        yield from make_families(accounts, boot_time)
        yield gauge(
            "node_topprocesses_scanned_processes", "Processes that were looked at.", len(seen)
        )
        yield gauge(
            "node_topprocesses_left_out_processes",
            "Processes in no group: beyond the maximum, hidden, or just ended.",
            len(pids) - len(seen),
        )

    def suspend(self) -> None:
        """Look at no process until `resume`."""
        self._is_suspended = True

    def resume(self) -> None:
        """Look again: what was done meanwhile counts for those who were there before."""
        self._is_suspended = False

    def _look(self, pids: Iterable[str]) -> Iterator[tuple[str, Seen]]:
        for pid in pids:
            try:
                process = parse_process(self._files.read(pid, "stat"))
            except GONE:
                continue
            except PermissionError:
                self._refused = True
                continue
            counters = {
                "user": process.user_ticks,
                "system": process.system_ticks,
                "faults": process.major_faults,
            }
            yield pid, Seen(process, self._find_group(pid, process), counters)

    def _find_group(self, pid: str, process: Process) -> str:
        pattern = self._options.command_groups
        if pattern is None or process.is_kernel_thread:
            return name_group(process)
        before = self._seen.get(pid)
        # A new program nearly always has a new name, too.
        if before and before.process.is_same(process) and before.process.name == process.name:
            return before.group
        try:
            command = self._files.read(pid, "cmdline")
        except (*GONE, PermissionError):
            return name_group(process)
        return match_group(pattern, command) or name_group(process)

    def _grow(self, pid: str, process: Process, counters: Mapping[str, int]) -> Mapping[str, int]:
        """Tell by how much a process's counters have grown since the last look."""
        before = self._seen.get(pid)
        if before is None or not before.process.is_same(process):
            return counters if self._saw_all else {}
        return {
            name: max(0, number - before.counters[name])
            for name, number in counters.items()
            if name in before.counters
        }

    def _choose(
        self, seen: Mapping[str, Seen], grown: Mapping[str, Mapping[str, int]]
    ) -> frozenset[str]:
        return self._ranking.choose(
            self._now(),
            add_up((seen[pid].group, sum_ticks(one)) for pid, one in grown.items()),
            add_up((one.group, sum_ticks(one.counters)) for one in seen.values()),
            add_up((one.group, one.process.resident_pages) for one in seen.values()),
        )

    def _measure(self, account: Account, process: Process) -> None:
        account.measure(
            {
                "processes": 1,
                "threads": process.threads,
                "resident": process.resident_pages * self._page_size,
            }
        )
        if account.start_tick is None or process.start_tick < account.start_tick:
            account.start_tick = process.start_tick

    def _look_closer(
        self, account: Account, pid: str, one: Seen, *, lasts: bool
    ) -> Mapping[str, int]:
        """Read what is dear, or needs rights, of the groups that are shown; give what to book."""
        counters = {
            **self._read(account, pid, "io", parse_io, ("read", "written")),
            **self._read(account, pid, "status", parse_status, ("voluntary", "involuntary")),
        }
        grown = self._grow(pid, one.process, counters) if lasts else dict.fromkeys(counters, 0)
        one.counters.update(counters)
        try:
            account.measure({"descriptors": self._files.count_descriptors(pid)})
        except GONE:
            pass
        except PermissionError:
            account.hidden.add("descriptors")
        if self._options.proportional:
            account.measure(
                self._read(account, pid, "smaps_rollup", parse_proportional, ("proportional",))
            )
        return grown

    def _read(
        self,
        account: Account,
        pid: str,
        name: str,
        parse: Callable[[bytes], dict[str, int]],
        keys: Iterable[str],
    ) -> dict[str, int]:
        """Read a file of a process; nothing when it has ended, or the rights are missing."""
        try:
            return parse(self._files.read(pid, name))
        except GONE:
            return {}
        except PermissionError:
            account.hidden.update(keys)
            return {}
