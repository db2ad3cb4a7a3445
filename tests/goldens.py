"""The collectors on captured hosts: everything from the host's tree, nothing from this machine.

What a collector takes from elsewhere (clock, statvfs, addresses, ...) is replaced here by something
fixed, so that an exposition can be compared byte by byte with the committed one.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from zlib import crc32

from exporter.collectors import ALL, Collector, Entry
from exporter.collectors.timex import STRUCT_TIMEX, Clock
from exporter.exposition import TEXT, Renderer
from exporter.families import Family, Filled
from exporter.interfaces import Address
from exporter.kernel import KernelTree, NoData
from tests.recorded import recorded_ethtool, recorded_netlink
from tests.recorded_perf import recorded_perf
from tests.recorded_services import RecordedBus, Recording

HOSTS = Path(__file__).parent / "hosts"
NAMES = tuple(sorted(path.name for path in HOSTS.iterdir() if path.is_dir()))

NOW = 1_763_028_732.25
"""Thursday, 13 November 2025, 10:12:12.25 UTC."""

ADDRESSES = (
    Address("eth0", "192.0.2.10", "24", "global"),
    Address("eth0", "2001:db8::10", "64", "global"),
)
CLOCK = Clock(
    0,
    STRUCT_TIMEX.pack(
        # STRUCT_TIMEX names them; the status is PLL and NANO.
        *(0, 1_234_567, -1_310_720, 15_500, 412, 0x2001, 7, 1, 32_768_000),
        *(1_763_028_732, 250_000_000, 10_000, 65_536, 1_500, 2, 131_072, 3, 4, 5, 6, 37),
    ),
)
"""A clock that a time server keeps right, as adjtimex(2) describes it."""

STALE_MOUNT = "/backup"
"""The mount whose server is gone."""


def fixed_statvfs(path: str) -> os.statvfs_result:
    """Give a size that follows from the path: some GiB, a quarter of it free."""
    if path == STALE_MOUNT:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    blocks = 1_000_000 + crc32(path.encode()) % 9_000_000
    files = blocks // 4
    free = (blocks // 4, blocks // 5, files, files - 4096, files - 4096)
    return os.statvfs_result((4096, 4096, blocks, *free, 0, 255))


def unreachable(path: str) -> NoReturn:
    """Refuse to open a mount point: the host's are not those of this machine."""
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def fixed_localtime(seconds: float) -> time.struct_time:
    """Give the time in a zone one hour ahead of UTC."""
    fields = tuple(time.gmtime(seconds + 3600))
    return time.struct_time(fields, {"tm_zone": "CET", "tm_gmtoff": 3600})


def fixed_uname() -> os.uname_result:
    """Name a machine for kernels whose /proc does not."""
    return os.uname_result(("Linux", "unused", "unused", "unused", "x86_64"))


def injections(host: Path) -> dict[str, dict[str, Any]]:
    """What replaces this machine, by collector."""
    return {
        "btrfs": {"ask": unreachable},
        "diskstats": {"now": lambda: NOW},
        "ethtool": recorded_ethtool(host / "ethtool"),
        "filesystem": {"statvfs": fixed_statvfs},
        "logind": {"bus": RecordedBus(Recording.of_host(host))},
        "netdev": {"addresses": lambda: ADDRESSES},
        "network_route": {"route": recorded_netlink(host / "netlink/network_route")},
        "os": {"files": [str(host / "etc/os-release"), str(host / "usr/lib/os-release")]},
        "pcidevice": {"load_names": lambda _: {}},
        "perf": recorded_perf(host),
        "qdisc": {"route": recorded_netlink(host / "netlink/qdisc")},
        "selinux": {"config_file": str(host / "etc/selinux/config")},
        "sockstat": {"page_size": 4096},
        "systemd": {"bus": RecordedBus(Recording.of_host(host))},
        "tcpstat": {"diagnosis": recorded_netlink(host / "netlink/tcpstat")},
        "time": {"now": lambda: NOW, "localtime": fixed_localtime},
        "timex": {"clock": lambda: CLOCK},
        "topprocesses": {"now": lambda: NOW, "page_size": 4096},
        "uname": {"uname": fixed_uname},
        "wifi": {"generic": recorded_netlink(host / "netlink/wifi")},
    }


PATIENT = {"filesystem": {"mount_timeout": 60.0}}
"""Options that keep a busy machine from showing."""


def make_collector(name: str, entry: Entry, **options: Any) -> Collector:
    """Make a collector for a captured host."""
    host = HOSTS / name
    kernel = KernelTree(
        procfs=str(host / "proc"),
        sysfs=str(host / "sys"),
        rootfs="/",
        udev_data=str(host / "run/udev/data"),
    )
    injected = injections(host).get(entry.name, {})
    if entry.options is None:
        return entry.make(kernel, **injected)
    patient = PATIENT.get(entry.name, {})
    return entry.make(kernel, entry.options(**{**patient, **options}), **injected)


LISTS = {
    ("sysctl", "include"): ("kernel.pid_max", "fs.file-nr", "fs.file-nr:allocated,free,maximum"),
    ("sysctl", "include_info"): ("kernel.osrelease",),
}
"""Examples for options that are lists, by collector and option: they are empty by default."""


def switches(entry: Entry) -> list[tuple[dataclasses.Field[Any], Any]]:
    """List the options that can add metrics, with what turns them on.

    Those are switches that are off, unset patterns, and lists with an example above; an `_exclude`
    pattern takes away.
    """
    fields = dataclasses.fields(entry.options) if entry.options else ()
    turned_on: dict[object, Any] = {False: True, None: re.compile("")}
    examples = {field.name: LISTS.get((entry.name, field.name)) for field in fields}
    return [
        (field, examples[field.name] or turned_on[field.default])
        for field in fields
        if (field.default in turned_on and not field.name.endswith("exclude"))
        or examples[field.name]
    ]


def expand(items: Iterable[Family | Filled]) -> Iterator[Family]:
    """Turn what a collector gives into plain families; those without samples do not count."""
    for item in items:
        families = item.families() if isinstance(item, Filled) else (item,)
        yield from (family for family in families if family.samples)


def attempt(collector: Collector) -> list[Family | Filled] | NoData:
    """Collect once; having no data is an outcome too."""
    try:
        return list(collector.collect())
    except NoData as absent:
        return absent


class Golden(NamedTuple):
    """A committed exposition: of a host as it is by default, or with every option turned on."""

    host: str
    everything: bool = False

    @property
    def path(self) -> Path:
        """The file."""
        return HOSTS / self.host / ("everything.prom" if self.everything else "expected.prom")

    def collect(self) -> dict[str, list[Family | Filled] | NoData]:
        """Collect the host: what each collector gives, or why it has nothing."""
        return _collect(self)

    def families(self) -> list[Family]:
        """All families of the host."""
        gathered = self.collect().values()
        return [one for items in gathered if not isinstance(items, NoData) for one in expand(items)]

    def render(self, form: str = TEXT) -> str:
        """Render the host. In text, a comment names each collector, and says why it has no data."""
        renderer = Renderer(form)
        parts = []
        for collector, items in self.collect().items():
            absent = isinstance(items, NoData)
            if form == TEXT:
                parts.append(f"# collector {collector}{f': no data: {items}' if absent else ''}\n")
            if not isinstance(items, NoData):
                parts.append(renderer.render(items).decode())
        return "".join(parts) + renderer.end.decode()


GOLDENS = (*(Golden(name) for name in NAMES), Golden("vm", everything=True))


@cache
def _collect(golden: Golden) -> dict[str, list[Family | Filled] | NoData]:
    outcomes = {}
    for entry in ALL:
        options = {field.name: on for field, on in switches(entry)} if golden.everything else {}
        outcomes[entry.name] = attempt(make_collector(golden.host, entry, **options))
    return outcomes
