"""Fake /proc and /sys trees of machines with as many CPUs, disks and interfaces as wanted.

What does not grow with them is copied from this machine. The files are ordinary ones: reading them
takes the programs' own work, and not the kernel's for making up the content. The counters move
from scrape to scrape, as a busy machine's do: who remembers what did not change gains nothing.
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


class Tree(NamedTuple):
    """A machine's trees below a directory."""

    root: Path
    machine: Machine

    def flags(self) -> tuple[str, ...]:
        """What makes an exporter read them."""
        return (
            f"--path.procfs={self.root / 'proc'}",
            f"--path.sysfs={self.root / 'sys'}",
            f"--path.udev.data={self.root / 'udev'}",
        )

    def move(self, step: int) -> None:
        """Set all counters of CPUs, disks and interfaces, in files that stay the same ones."""
        cpus, disks, interfaces = self.machine
        rows = [f"cpu{cpu} {_numbers(cpu + step, 8)} 0 0" for cpu in range(cpus)]
        rest = (
            f"intr {_numbers(step, 1)} {'0 ' * 255}0",
            *("ctxt 123456789", "btime 1700000000", "processes 123456"),
            *("procs_running 2", "procs_blocked 0", f"softirq {_numbers(step, 11)}"),
        )
        stat = [f"cpu  {_numbers(step, 8)} 0 0", *rows, *rest, ""]
        diskstats = [f" 259 {n} nvme{n}n1 {_numbers(n + step, 17)}\n" for n in range(disks)]
        net_dev = [f"{f'eth{n}':>6}: {_numbers(n + step, 16)}\n" for n in range(interfaces)]
        _write(self.root / "proc/stat", "\n".join(stat))
        _write(self.root / "proc/diskstats", "".join(diskstats))
        _write(self.root / "proc/1/net/dev", NET_DEV_HEADER + "".join(net_dev))


def build_tree(root: Path, machine: Machine) -> Tree:
    """Make a machine's trees below a directory."""
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
    tree = Tree(root, machine)
    tree.move(0)
    return tree


def _build_cpus(root: Path, count: int) -> None:
    """A virtual machine's: topology, but no throttle counters and no frequencies."""
    folder = root / "sys/devices/system/cpu"
    _write(folder / "online", f"0-{count - 1}\n")
    _write(folder / "isolated", "\n")
    for cpu in range(count):
        _write(folder / f"cpu{cpu}/topology/physical_package_id", f"{cpu // 128}\n")
        _write(folder / f"cpu{cpu}/topology/core_id", f"{cpu % 128}\n")


def _build_disks(root: Path, count: int) -> None:
    """NVMe disks, with what udev and sysfs say of them."""
    for disk in range(count):
        _write(root / f"sys/block/nvme{disk}n1/queue/rotational", "0\n")
        serial = f"S{disk:015}"
        udev = (
            f"E:ID_MODEL=Disk 3840\nE:ID_SERIAL_SHORT={serial}\nE:ID_SERIAL=Disk_{serial}\n"
            f"E:ID_WWN=eui.{disk:032x}\nE:ID_REVISION=1.0\nE:ID_PATH=pci-0000:{disk:02x}:00.0\n"
        )
        _write(root / f"udev/b259:{disk}", udev)


def _build_interfaces(root: Path, count: int) -> None:
    for number in range(count):
        _write(root / f"sys/class/net/eth{number}/statistics/rx_nohandler", "0\n")


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
