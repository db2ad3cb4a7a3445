"""Fake /proc and /sys trees of machines with as many CPUs, disks and interfaces as wanted.

What does not grow with them is copied from this machine. The files are ordinary ones: reading them
takes the programs' own work, and not the kernel's for making up the content. The counters move
from scrape to scrape, as a busy machine's do: who remembers what did not change gains nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from exporter.kernel import KernelFile, KernelTree

COPIED = (
    *("loadavg", "meminfo", "vmstat", "cpuinfo"),
    *("pressure/cpu", "pressure/io", "pressure/memory", "pressure/irq"),
    *("sys/kernel/ostype", "sys/kernel/osrelease", "sys/kernel/version"),
    *("sys/kernel/hostname", "sys/kernel/domainname", "sys/kernel/arch"),
    *("sys/kernel/hung_task_detect_count", "sys/fs/file-nr"),
    *("sys/kernel/random/entropy_avail", "sys/kernel/random/poolsize"),
    *("sys/net/netfilter/nf_conntrack_count", "sys/net/netfilter/nf_conntrack_max"),
)
COPIED_NET = ("netstat", "snmp", "snmp6", "sockstat", "sockstat6", "udp", "udp6")
COPIED_SYS = tuple(
    f"devices/system/clocksource/clocksource0/{name}_clocksource"
    for name in ("available", "current")
)

NVME_DISKS = 4
"""The others are SCSI disks, as machines with hundreds have them."""

ROOT_MOUNT = "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n"

NET_DEV_HEADER = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast"
    "|bytes    packets errs drop fifo colls carrier compressed\n"
)

ARP_HEADER = "IP address       HW type     Flags       HW address            Mask     Device\n"
NEIGHBOURS = 3
"""However many interfaces there are, few of them are used."""

CONNTRACK_HEADER = (
    "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop "
    "early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"
)

_ATTRIBUTES = (
    "addr_assign_type=0 addr_len=6 broadcast=ff:ff:ff:ff:ff:ff carrier=1 carrier_changes=2 "
    "carrier_down_count=1 carrier_up_count=1 dev_id=0x0 dev_port=0 dormant=0 duplex=full "
    "flags=0x1003 gro_flush_timeout=0 ifalias= link_mode=0 mtu=1500 name_assign_type=4 "
    "napi_defer_hard_irqs=0 netdev_group=0 operstate=up proto_down=0 speed=10000 testing=0 "
    "threaded=0 tx_queue_len=1000 type=1"
)
INTERFACE = {
    name: value for name, _, value in (pair.partition("=") for pair in _ATTRIBUTES.split())
}
"""The attributes that are the same for all."""


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
        diskstats = [
            f" {_disk_numbers(n)} {_disk_name(n)} {_numbers(n + step, 17)}\n" for n in range(disks)
        ]
        net_dev = [f"{f'eth{n}':>6}: {_numbers(n + step, 16)}\n" for n in range(interfaces)]
        _write(self.root / "proc/diskstats", "".join(diskstats))
        _write(self.root / "proc/1/net/dev", NET_DEV_HEADER + "".join(net_dev))
        self._move_cpus(cpus, step)

    def _move_cpus(self, cpus: int, step: int) -> None:
        rows = [f"cpu{cpu} {_numbers(cpu + step, 8)} 0 0" for cpu in range(cpus)]
        rest = (
            f"intr {_numbers(step, 1)} {'0 ' * 255}0",
            *("ctxt 123456789", "btime 1700000000", "processes 123456"),
            *("procs_running 2", "procs_blocked 0", f"softirq {_numbers(step, 11)}"),
        )
        stat = [f"cpu  {_numbers(step, 8)} 0 0", *rows, *rest, ""]
        softnet = [
            f"{_hexadecimal(cpu + step, 3)} {_NOTHING * 9}{cpu:08x} {_NOTHING}00000000\n"
            for cpu in range(cpus)
        ]
        conntrack = [f"{_hexadecimal(cpu + step, 17)}\n" for cpu in range(cpus)]
        domain = f"domain0 {_mask(cpus)}{' 0' * 36}"
        run_queues = [
            f"cpu{cpu} 0 0 0 0 0 0 {_numbers(cpu + step, 3)}\n{domain}\n" for cpu in range(cpus)
        ]
        _write(self.root / "proc/stat", "\n".join(stat))
        _write(self.root / "proc/1/net/softnet_stat", "".join(softnet))
        _write(self.root / "proc/1/net/stat/nf_conntrack", CONNTRACK_HEADER + "".join(conntrack))
        schedstat = f"version 15\ntimestamp {4_300_000_000 + step}\n{''.join(run_queues)}"
        _write(self.root / "proc/schedstat", schedstat)


def build_tree(root: Path, machine: Machine) -> Tree:
    """Make a machine's trees below a directory."""
    kernel = KernelTree()
    for name in COPIED:
        _copy(kernel.proc(name), root / "proc" / name)
    for name in COPIED_NET:
        _copy(kernel.net(name), root / "proc/1/net" / name)
    for name in COPIED_SYS:
        _copy(kernel.sys(name), root / "sys" / name)
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
    """Disks with what udev and sysfs say of them; a virtual machine's have no sensors."""
    for disk in range(count):
        serial = f"S{disk:015}"
        udev = (
            f"E:ID_MODEL=Disk 3840\nE:ID_SERIAL_SHORT={serial}\nE:ID_SERIAL=Disk_{serial}\n"
            f"E:ID_WWN=eui.{disk:032x}\nE:ID_REVISION=1.0\nE:ID_PATH=pci-0000:{disk:02x}:00.0\n"
        )
        _write(root / f"udev/b{_disk_numbers(disk).replace(' ', ':')}", udev)
        _write(root / f"sys/block/{_disk_name(disk)}/queue/rotational", "0\n")
        if disk < NVME_DISKS:
            controller = root / f"sys/class/nvme/nvme{disk}"
            texts = {"cntlid": "1", "firmware_rev": "1.0", "model": "Disk 3840", "serial": serial}
            _write_all(controller, texts | {"state": "live"})
            sizes = {"size": "7501476528", "nuse": "7501476528", "queue/logical_block_size": "512"}
            _write_all(controller / f"nvme{disk}n1", sizes)


def _disk_name(disk: int) -> str:
    """Name a disk: nvme0n1, ..., and behind those of NVMe sda, sdb, ..., sdz, sdaa, ..."""
    if disk < NVME_DISKS:
        return f"nvme{disk}n1"
    letters = ""
    rest = disk - NVME_DISKS + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return f"sd{letters}"


def _disk_numbers(disk: int) -> str:
    """Give major and minor number."""
    return f"259 {disk}" if disk < NVME_DISKS else f"8 {16 * (disk - NVME_DISKS)}"


def _build_interfaces(root: Path, count: int) -> None:
    for number in range(count):
        folder = root / f"sys/class/net/eth{number}"
        index = f"{number + 2}"
        own = {"address": _hardware_address(number), "ifindex": index, "iflink": index}
        own |= {"uevent": f"INTERFACE=eth{number}\nIFINDEX={index}"}
        own |= {"statistics/rx_nohandler": "0"}
        _write_all(folder, INTERFACE | own)
    neighbours = [
        f"192.0.2.{n + 1:<8} 0x1         0x2         {_hardware_address(n)}     *        eth{n}\n"
        for n in range(min(count, NEIGHBOURS))
    ]
    _write(root / "proc/1/net/arp", ARP_HEADER + "".join(neighbours))


_NOTHING = "00000000 "


def _hardware_address(number: int) -> str:
    return f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"


def _mask(cpus: int) -> str:
    """All CPUs, as the kernel writes a set of them."""
    words, rest = divmod(cpus, 32)
    first = [f"{(1 << rest) - 1:08x}"] if rest else []
    return ",".join([*first, *["ffffffff"] * words])


def _numbers(row: int, count: int) -> str:
    """Numbers as long as those of a machine that has run for some weeks."""
    return " ".join(map(str, _counters(row, count)))


def _hexadecimal(row: int, count: int) -> str:
    return " ".join(f"{number:08x}" for number in _counters(row, count))


def _counters(row: int, count: int) -> Iterator[int]:
    return (123_456_789 + 7919 * row + 104_729 * column for column in range(count))


def _copy(file: KernelFile, target: Path) -> None:
    """Copy a file of this machine, if it has it."""
    with contextlib.suppress(OSError):
        _write(target, file.read().decode("utf-8", "replace"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _write_all(folder: Path, attributes: Mapping[str, str]) -> None:
    for name, content in attributes.items():
        _write(folder / name, f"{content}\n")
