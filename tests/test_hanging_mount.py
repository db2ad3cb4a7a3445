"""The whole daemon on a host with a mount that hangs in the kernel."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.daemon import start_daemon
from tests.expositions import values
from tests.hanging_mount import HangingMount

SCRAPES = 3


def write_table(procfs: Path, hanging: Path) -> None:
    """A mount table with the hanging mount, and this machine's root as a local one."""
    (procfs / "1").mkdir(parents=True)
    (procfs / "1/mountinfo").write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"40 22 0:90 / {hanging} rw,relatime - fuse.hanging hanging rw\n"
    )


def test_a_hanging_mount_costs_only_itself(tmp_path: Path, hanging_mount: HangingMount) -> None:
    """Each scrape is answered, with the local mount's size and the hanging one's name.

    Nor does the call that hangs keep the daemon from ending when it is told to.
    """
    write_table(tmp_path / "proc", hanging_mount.mount_point)
    root = frozenset({"device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"}.items())
    hanging = {
        "device": "hanging",
        "device_error": "mountpoint timeout",
        "fstype": "fuse.hanging",
        "mountpoint": str(hanging_mount.mount_point),
    }
    size = os.statvfs("/")
    with start_daemon(
        f"--path.procfs={tmp_path / 'proc'}",
        "--collector.disable-defaults",
        "--collector.filesystem",
    ) as daemon:
        for _ in range(SCRAPES):
            answer = daemon.get("/metrics")
            assert answer.status == 200
            found = values(answer.body)
            assert found["node_filesystem_size_bytes", root] == size.f_blocks * size.f_frsize
            assert found["node_filesystem_device_error", frozenset(hanging.items())] == 1
            assert found["perfwatch_filesystem_stuck_mounts", frozenset()] == 1
            success = frozenset({("collector", "filesystem")})
            assert found["node_scrape_collector_success", success] == 1
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
