"""Parity with node_exporter on the captured hosts: the same files, so the same series and values.

Nothing moves here, unlike on a live machine, and every kind of host has a say. Where we differ on
purpose, `ABSENT_HERE` and `OTHERWISE_HERE` say why.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from exporter.collectors import ALL
from tests.goldens import HOSTS, NAMES, Golden
from tests.node_exporter import (
    FROM_FILES,
    OTHER_NAMES,
    OURS_ALONE,
    Key,
    is_compared,
    parse_page,
    read_page,
)
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

NOT_COMPARED = OURS_ALONE | OTHER_NAMES | ASKS_THE_KERNEL.keys()
COMPARED = [entry.name for entry in ALL if entry.name not in NOT_COMPARED]


ABSENT_HERE = {
    "node_cooling_device_cur_state.*powerclamp": "an invalid state is -1 there",
    "node_mountstats_nfs_transport_.*udp": "UDP has no connections: 0 there",
    "node_network_speed_bytes": "a speed that is unknown is -125000 there",
    "node_nfs_requests_total": "versions that the kernel does not have are 0 there",
    "node_nfsd_requests_total": "operations that the kernel does not have are 0 there",
    "node_pcidevice_": "what a device does not have is -1 or 0 there",
    "node_softnet_backlog_len": "what an old kernel does not count is 0 there",
    "node_thermal_zone_temp": "a zone that does not answer is 0 there",
}
"""Series that the peer makes up: a pattern of the name and labels `node_x{a="b"}`, and why."""

OTHERWISE_HERE = {
    "node_disk_info": "rotational is 0 there wherever the queue lacks any attribute",
    "node_hwmon_humidity": "the kernel's thousandths of a percent are taken for millionths there",
    "node_infiniband_lifespan_seconds": "10 ms are rounded to 0 there",
    "node_nvme_namespace_(size|capacity)": "the kernel's sectors are taken for blocks there",
}
"""Series that the peer gives with another value. The pages of the collectors tell about it."""


def text_of(key: Key) -> str:
    """Write a series as on a page."""
    name, labels = key
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels) + "}"


def matches(key: Key, patterns: Iterable[str]) -> bool:
    """Whether a series is one of these."""
    return any(re.match(pattern, text_of(key)) for pattern in patterns)


def without(root: Path, page: dict[Key, float]) -> dict[Key, float]:
    """Take the directory of the tree out of labels that hold a path."""
    return {
        (name, tuple((label, value.replace(str(root), "")) for label, value in labels)): number
        for (name, labels), number in page.items()
    }


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
    theirs = without(root, theirs)
    wanted = {key for key in theirs if is_compared(key[0]) and not matches(key, OTHERWISE_HERE)}
    missing = {key for key in wanted - ours.keys() if not matches(key, ABSENT_HERE)}
    assert wanted
    assert sorted(map(text_of, missing)) == []
    assert {
        text_of(key): (theirs[key], ours[key])
        for key in wanted & ours.keys()
        if not math.isclose(theirs[key], ours[key], rel_tol=1e-12)
    } == {}
    assert {
        name: (kind, our_types[name])
        for name, kind in their_types.items()
        if name in our_types and our_types[name] != kind
    } == {}
