"""Parity with node_exporter on the captured hosts: the same files, so the same series and values.

Nothing moves here, unlike on a live machine, and every kind of host has a say. Where we differ on
purpose, `DIFFERENCES` says why.
"""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.collectors import ALL
from exporter.node_exporter import COLLECTORS
from tests.goldens import HOSTS, NAMES, Golden
from tests.node_exporter import FROM_FILES, Key, is_compared, parse_page, read_page
from tests.node_exporter import start_node_exporter as start

ASKS_THE_KERNEL = {
    "ethtool": "ioctls",
    "filesystem": "statvfs(2), of this machine",
    "logind": "D-Bus",
    "network_route": "netlink",
    "qdisc": "netlink",
    "selinux": "/sys/fs/selinux, of this machine",
    "systemd": "D-Bus",
    "tcpstat": "netlink",
    "textfile": "no directory by default",
    "time": "the clock",
    "timex": "adjtimex(2)",
    "uname": "uname(2), of this machine",
    "wifi": "netlink",
}
"""Collectors for which a captured tree is not all there is to know."""

COMPARED = [
    entry.name
    for entry in ALL
    if entry.name in COLLECTORS and entry.name not in ASKS_THE_KERNEL
]


class Difference(NamedTuple):
    """Series that we give otherwise, or not at all."""

    pattern: str
    """Matches the name and the labels: `node_x{a="b"}`."""
    reason: str


DIFFERENCES = (
    Difference("node_disk_info", "rotational is 0 there wherever an attribute of the queue lacks"),
    Difference("node_infiniband_lifespan_seconds", "10 ms are rounded to 0 there"),
    Difference("node_mountstats_nfs_transport_.*udp", "UDP has no connections: absent, not 0"),
    Difference("node_network_speed_bytes", "a speed that is unknown is -125000 there"),
    Difference("node_nfs_requests_total", "versions that the kernel has not are 0 there"),
    Difference("node_nfsd_requests_total", "operations that the kernel has not are 0 there"),
    Difference("node_pcidevice_current_link", "a link that is unknown is -1 there"),
    Difference("node_pcidevice_max_link", "a link that is unknown is -1 there"),
    Difference("node_softnet_backlog_len", "what an old kernel does not count is 0 there"),
)
"""Only where our series is absent or the peer's is wrong: the pages of the collectors tell."""


def text_of(key: Key) -> str:
    """Write a series as on a page."""
    name, labels = key
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels) + "}"


def is_expected(key: Key) -> bool:
    """Whether we differ on purpose."""
    return any(re.match(one.pattern, text_of(key)) for one in DIFFERENCES)


def complete(host: str, target: Path) -> Path:
    """Copy a captured host, with the links of procfs, which lead to process 1: the peer's own."""
    shutil.copytree(HOSTS / host, target, symlinks=True)
    proc = target / "proc"
    for folder, to in (("net", "1/net"), ("self", "1")):
        if (proc / folder).is_dir() and not (proc / folder).is_symlink():
            for file in (proc / folder).rglob("*"):
                process_1 = proc / to / file.relative_to(proc / folder)
                if file.is_file() and not process_1.exists():
                    process_1.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, process_1)
            shutil.rmtree(proc / folder)
        if not (proc / folder).is_symlink():
            (proc / folder).symlink_to(to)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("host", NAMES)
def test_captured_host_gives_node_exporters_series(host: str, tmp_path: Path) -> None:
    """Each series of the peer is ours too, of the same type and value."""
    root = complete(host, tmp_path / "host")
    paths = (
        f"--path.procfs={root / 'proc'}",
        f"--path.sysfs={root / 'sys'}",
        f"--path.rootfs={root}",
        f"--path.udev.data={root / 'run/udev/data'}",
    )
    with start(COMPARED, *FROM_FILES, *paths) as url:
        theirs, their_types = read_page(url)
    ours, our_types = parse_page(Golden(host).render())
    wanted = {key for key in theirs if is_compared(key[0]) and not is_expected(key)}
    assert wanted
    assert sorted(text_of(key) for key in wanted - ours.keys()) == []
    assert {
        text_of(key): (theirs[key], ours[key])
        for key in wanted
        if not math.isclose(theirs[key], ours[key], rel_tol=1e-12)
    } == {}
    assert {
        name: (kind, our_types[name])
        for name, kind in their_types.items()
        if name in our_types and our_types[name] != kind
    } == {}
