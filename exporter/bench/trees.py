"""Fake /proc and /sys trees of machines with as many CPUs, disks and interfaces as wanted.

What does not grow with them is copied from this machine. The files are ordinary ones: reading them
takes the programs' own work, and not the kernel's for making up the content.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from exporter.kernel import KernelFile, KernelTree

COPIED = (
    *("loadavg", "meminfo", "vmstat"),
    *("pressure/cpu", "pressure/io", "pressure/memory", "pressure/irq"),
    *("sys/kernel/ostype", "sys/kernel/osrelease", "sys/kernel/version"),
    *("sys/kernel/hostname", "sys/kernel/domainname", "sys/kernel/arch"),
)
COPIED_NET = ("netstat", "snmp", "snmp6", "sockstat", "sockstat6")

ROOT_MOUNT = "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n"

NET_DEV_HEADER = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast"
    "|bytes    packets errs drop fifo colls carrier compressed\n"
)


class Machine(NamedTuple):
    """How big a machine is."""

    cpus: int = 2
    disks: int = 10
    interfaces: int = 10


def build_tree(root: Path, machine: Machine) -> tuple[str, ...]:
    """Make a machine's trees below a directory; give the flags that make an exporter read them."""
    kernel = KernelTree()
    for name in COPIED:
        _copy(kernel.proc(name), root / "proc" / name)
    for name in COPIED_NET:
        _copy(kernel.net(name), root / "proc/1/net" / name)
    (root / "proc/net").symlink_to("1/net")
    (root / "proc/self").symlink_to("1")
    _write(root / "proc/1/mountinfo", ROOT_MOUNT)
    _build_cpus(root, machine.cpus)
    _build_disks(root, machine.disks)
    _build_interfaces(root, machine.interfaces)
    return (
        f"--path.procfs={root / 'proc'}",
        f"--path.sysfs={root / 'sys'}",
        f"--path.udev.data={root / 'udev'}",
    )


def _build_cpus(root: Path, count: int) -> None:
    """A virtual machine's: topology, but no throttle counters and no frequencies."""
    rows = [f"cpu{cpu} {_numbers(cpu, 8)} 0 0" for cpu in range(count)]
    rest = (
        f"intr {_numbers(0, 1)} {'0 ' * 255}0",
        *("ctxt 123456789", "btime 1700000000", "processes 123456"),
        *("procs_running 2", "procs_blocked 0", f"softirq {_numbers(0, 11)}"),
    )
    _write(root / "proc/stat", "\n".join([f"cpu  {_numbers(0, 8)} 0 0", *rows, *rest, ""]))
    folder = root / "sys/devices/system/cpu"
    _write(folder / "online", f"0-{count - 1}\n")
    _write(folder / "isolated", "\n")
    for cpu in range(count):
        _write(folder / f"cpu{cpu}/topology/physical_package_id", f"{cpu // 128}\n")
        _write(folder / f"cpu{cpu}/topology/core_id", f"{cpu % 128}\n")


def _build_disks(root: Path, count: int) -> None:
    """NVMe disks, with what udev and sysfs say of them."""
    lines = [f" 259 {disk} nvme{disk}n1 {_numbers(disk, 17)}\n" for disk in range(count)]
    _write(root / "proc/diskstats", "".join(lines))
    for disk in range(count):
        _write(root / f"sys/block/nvme{disk}n1/queue/rotational", "0\n")
        serial = f"S{disk:015}"
        udev = (
            f"E:ID_MODEL=Disk 3840\nE:ID_SERIAL_SHORT={serial}\nE:ID_SERIAL=Disk_{serial}\n"
            f"E:ID_WWN=eui.{disk:032x}\nE:ID_REVISION=1.0\nE:ID_PATH=pci-0000:{disk:02x}:00.0\n"
        )
        _write(root / f"udev/b259:{disk}", udev)


def _build_interfaces(root: Path, count: int) -> None:
    names = [f"eth{number}" for number in range(count)]
    lines = [f"{name:>6}: {_numbers(number, 16)}\n" for number, name in enumerate(names)]
    _write(root / "proc/1/net/dev", NET_DEV_HEADER + "".join(lines))
    for name in names:
        _write(root / f"sys/class/net/{name}/statistics/rx_nohandler", "0\n")


def _numbers(row: int, count: int) -> str:
    """Numbers as long as those of a machine that has run for some weeks."""
    return " ".join(str(123_456_789 + 7919 * row + 104_729 * column) for column in range(count))


def _copy(file: KernelFile, target: Path) -> None:
    """Copy a file of this machine, if it has it."""
    with contextlib.suppress(OSError):
        _write(target, file.read().decode("utf-8", "replace"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
