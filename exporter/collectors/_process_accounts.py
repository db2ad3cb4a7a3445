"""What is shown of groups of processes: counters that never go back, and what is the case now.

The counters of a process end with it, those of its group must not: what each process adds between
two looks is booked for the group. A group's counters begin at 0 when it begins to be shown, so
that neither a restart of the daemon nor a group that comes back looks like much work at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from exporter.families import Family, LabelValues, Number

TICKS = 100
"""In a second: USER_HZ, the same on all machines that Linux still runs on."""

SPLIT_COUNTERS = (
    ("cpu_seconds_total", "CPU time used.", "mode", ("user", "system"), TICKS),
    (
        "context_switches_total",
        "Context switches of the first thread of each process.",
        "type",
        ("voluntary", "involuntary"),
        1,
    ),
)
COUNTERS = (
    ("major_faults_total", "Page faults that had to wait for a disk.", "faults"),
    ("read_bytes_total", "Bytes read from disks.", "read"),
    ("written_bytes_total", "Bytes written to disks, or to be written.", "written"),
)
GAUGES = (
    ("processes", "Processes in the group.", "processes"),
    ("threads", "Threads in the group.", "threads"),
    (
        "resident_bytes",
        "Memory in use; what processes share is counted for each of them.",
        "resident",
    ),
    (
        "proportional_bytes",
        "Memory in use; what processes share is counted in parts.",
        "proportional",
    ),
    ("open_descriptors", "Open file descriptors.", "descriptors"),
)


class Account:
    """What is shown of a group."""

    def __init__(self) -> None:
        self.counters = {"user": 0, "system": 0, "faults": 0}
        self.gauges: dict[str, int] = {}
        self.hidden: set[str] = set()
        """What could not be read of some process for lack of rights: its sum would be wrong."""
        self.start_tick: int | None = None

    def book(self, grown: Mapping[str, int]) -> None:
        """Add to the counters."""
        for name, number in grown.items():
            self.counters[name] = self.counters.get(name, 0) + number

    def measure(self, gauges: Mapping[str, int]) -> None:
        """Add to what is the case now."""
        for name, number in gauges.items():
            self.gauges[name] = self.gauges.get(name, 0) + number

    def begin_look(self) -> None:
        """Forget what was the case at the last look."""
        self.gauges = {"processes": 0, "threads": 0, "resident": 0}
        self.hidden = set()
        self.start_tick = None


def make_families(accounts: Mapping[str, Account], boot_time: int) -> Iterator[Family]:
    """Make the families of all groups, in their order."""
    for name, help_text, label, keys, divisor in SPLIT_COUNTERS:
        split = [
            ((*group, key), number / divisor if divisor > 1 else number)
            for key in keys
            for group, number in _pick(accounts, key)
        ]
        yield _make(name, help_text, "counter", split, ("group", label))
    for name, help_text, key in COUNTERS:
        yield _make(name, help_text, "counter", list(_pick(accounts, key)))
    for name, help_text, key in GAUGES:
        yield _make(name, help_text, "gauge", list(_pick(accounts, key)))
    yield _make(
        "oldest_start_time_seconds",
        "When the oldest process of the group was started, in Unix time.",
        "gauge",
        [
            ((group,), boot_time + account.start_tick / TICKS)
            for group, account in accounts.items()
            if account.start_tick is not None
        ],
    )


def _make(
    name: str,
    help_text: str,
    kind: str,
    samples: Sequence[tuple[LabelValues, Number]],
    labels: tuple[str, ...] = ("group",),
) -> Family:
    return Family(f"node_topprocesses_{name}", help_text, kind, labels, samples)


def _pick(accounts: Mapping[str, Account], key: str) -> Iterator[tuple[LabelValues, int]]:
    """Take a number of each group that has it."""
    for group, account in accounts.items():
        number = account.counters.get(key, account.gauges.get(key))
        if number is not None and key not in account.hidden:
            yield (group,), number
