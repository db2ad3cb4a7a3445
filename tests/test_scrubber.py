"""tools/scrubber.py: what is replaced in the kernel's files, in which form, and what is not."""

from __future__ import annotations

import re
import sys

import pytest

from tools.scrubber import Scrubber

CONTAINER = "5f1c6a0b9e8d7c6b5a4f3e2d1c0b9a8f5f1c6a0b9e8d7c6b5a4f3e2d1c0b9a8f"
POD = "77c0ffee_4c1e_4a0b_9f3d_0e786b2cd332"


def hex_words(packed: bytes) -> str:
    """Write an address as /proc/net/tcp does: words of the machine's own order."""
    order = -1 if sys.byteorder == "little" else 1
    words = (packed[start : start + 4][::order] for start in range(0, len(packed), 4))
    return b"".join(words).hex().upper()


SOCKET = f"   0: {hex_words(bytes([10, 20, 30, 40]))}:0016 00000000:0000 0A 00000000:00000000\n"


@pytest.mark.parametrize(
    ("path", "text", "shown"),
    [
        ("proc/1/net/ip_vs", "TCP  0A141E28:01BB wlc\n", "TCP  C0000201:01BB wlc\n"),
        (
            "proc/1/net/ip_vs",
            "TCP  [FD12:3456:0000:0000:0000:0000:0000:0007]:01BB wlc\n",
            "TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:01BB wlc\n",
        ),
        (
            "proc/1/net/tcp",
            SOCKET,
            SOCKET.replace(hex_words(bytes([10, 20, 30, 40])), hex_words(bytes([192, 0, 2, 1]))),
        ),
        ("sys/class/fc_host/host1/port_name", "0x21000024ff7b1c02\n", "0x0000000000000001\n"),
        ("sys/class/fc_host/host1/symbolic_name", "LPe32 HN:pay-01\n", "LPe32 HN:host1\n"),
        (
            "sys/class/infiniband/mlx5_0/node_guid",
            "0002:c903:00a0:b1c2\n",
            "0000:0000:0000:0001\n",
        ),
        ("sys/class/nvme/nvme0/serial", "S64PNX0T123456       \n", "serial1       \n"),
        ("sys/class/nvme/nvme0/subsysnqn", "nqn.2019-08.bank:n1\n", "nqn.2014-08.org.example:1\n"),
        ("sys/class/dmi/id/chassis_asset_tag", "BANK-0042\n", "serial1\n"),
        (
            "sys/class/dmi/id/product_uuid",
            "4C4C4544-0052-3510-8051-B4C04F4E3332\n",
            "00000000-0000-4000-8000-000000000001\n",
        ),
        ("sys/class/power_supply/BAT0/serial_number", " 4711\n", " serial1\n"),
        ("sys/class/net/eth0/ifalias", "to payroll\n", "alias1\n"),
        ("sys/fs/btrfs/x/label", "payroll\n", "label1\n"),
        ("sys/dev/block/8:1/uevent", "PARTNAME=pay roll\nN=1\n", "PARTNAME=label1\nN=1\n"),
        ("proc/7/status", "Name:\tpay\tx\nUmask:\t0022\n", "Name:\tprocess1\nUmask:\t0022\n"),
        ("proc/cpuinfo", "Serial\t\t: 00000000a1b2c3d4\n", "Serial\t\t: serial1\n"),
        (
            "proc/spl/kstat/zfs/t/objset-0x36",
            "dataset_name  7  t/pay\n",
            "dataset_name  7  t/dataset1\n",
        ),
        (
            "proc/1/mountstats",
            "device nas7:/pay mounted on /home/jdoe with fstype\n\tmountaddr=10.20.30.41\n",
            "device server1:/export1 mounted on /home/user1 with fstype\n\tmountaddr=192.0.2.1\n",
        ),
        (
            "run/udev/data/b8:0",
            "E:ID_WWN=eui.0025385b71b0c8e1\n",
            "E:ID_WWN=eui.0000000000000001\n",
        ),
    ],
)
def test_private_data_is_replaced_in_its_form(path: str, text: str, shown: str) -> None:
    """What takes the place of a name or an address can be parsed as the original could."""
    assert Scrubber("pay-01").scrub(text, path) == shown


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sys/class/fc_host/host1/fabric_name", "0xffffffffffffffff\n"),
        ("sys/class/fc_host/host1/statistics/tx_words", "0xffffffffffffffff\n"),
        ("sys/class/net/lo/address", "00:00:00:00:00:00\n"),
        ("sys/class/net/eth0/broadcast", "ff:ff:ff:ff:ff:ff\n"),
        ("sys/class/net/eth0/ifalias", "\n"),
        ("sys/class/dmi/id/board_serial", "To Be Filled By O.E.M.\n"),
        ("sys/class/dmi/id/product_serial", "0000\n"),
        ("proc/1/net/tcp", f"   0: {hex_words(bytes([127, 0, 0, 1]))}:0016 00000000:0000 0A\n"),
        ("proc/1/net/stat/nf_conntrack", "entries\n0000000a 0A141E28 00000000\n"),
        ("proc/1/net/ip_vs", "FWM  00000001 wlc persistent 360 FFFFFFFF\n"),
        ("proc/1/mountstats", "\timpl_id:\tname='',domain='',date='0,0'\n"),
        ("proc/71/stat", "71 (kworker/3:1) I 2 0 0 0 -1 69238880 0 0\n"),
        ("sys/block/sda/device/scsi_level", "0:0:0:0 0000:00:1f.6 10:20:30\n"),
    ],
)
def test_what_says_nothing_about_a_site_stays(path: str, text: str) -> None:
    """Values for none, unknown and all, loopback addresses, kernel threads and counters stay."""
    assert Scrubber("pay-01").scrub(text, path) == text


def test_an_address_has_one_substitute_in_all_its_forms() -> None:
    """Dotted, in hexadecimal, of either byte order, or mapped into IPv6: it is the same host."""
    scrubber = Scrubber("pay-01")
    address = bytes([10, 20, 30, 40])
    shown = bytes([192, 0, 2, 1])
    assert scrubber.scrub("10.20.30.40 dev eth0", "proc/1/net/arp") == "192.0.2.1 dev eth0"
    assert scrubber.scrub("TCP  0A141E28:01BB", "proc/1/net/ip_vs") == "TCP  C0000201:01BB"
    in_ipv6 = bytes(10) + b"\xff\xff"
    text = hex_words(in_ipv6 + address) + ":0016"
    assert scrubber.scrub(text, "proc/1/net/tcp6") == hex_words(in_ipv6 + shown) + ":0016"


def test_an_identifier_has_one_substitute_wherever_it_stands() -> None:
    """A file system, a process, an interface and a disk are the same in paths and in files."""
    scrubber = Scrubber("pay-01")
    uuid = "0e2a4c1d-9f1b-4d52-8a54-3b1f2c5d6e7f"
    folder = scrubber.scrub_path(f"sys/fs/btrfs/{uuid}/label").split("/")[3]
    assert scrubber.scrub(f"E:ID_FS_UUID={uuid}\n", "run/udev/data/b8:1") == (
        f"E:ID_FS_UUID={folder}\n"
    )
    assert scrubber.scrub("7 (pay) S 1 7 7 0 -1 4194560 1", "proc/7/stat").startswith(
        "7 (process1)"
    )
    assert scrubber.scrub("Name:\tpay\n", "proc/7/status") == "Name:\tprocess1\n"
    assert scrubber.scrub_path("sys/class/net/enxa1b2c3d4e5f6") == "sys/class/net/enx020000000001"
    assert scrubber.scrub("a1:b2:c3:d4:e5:f6", "sys/class/net/x/address") == "02:00:00:00:00:01"
    assert scrubber.scrub("0x5000c500a1b2c3d4", "sys/class/fc_host/host1/port_name") == (
        "0x0000000000000001"
    )
    assert scrubber.scrub("E:ID_WWN=0x5000c500a1b2c3d4", "run/udev/data/b8:0") == (
        "E:ID_WWN=0x0000000000000001"
    )


@pytest.mark.parametrize(
    "name",
    [
        f"docker-{CONTAINER}.scope",
        f"kubepods-burstable-pod{POD}.slice",
        f"pod{POD.replace('_', '-')}",
        f"pod{CONTAINER[:32]}",
        f"kubepods-pod{POD}.slice:cri-containerd:{CONTAINER}",
    ],
)
def test_a_control_group_is_still_that_of_a_container(name: str) -> None:
    """The numbers of containers and pods are replaced by such as are as long, and as divided."""
    shown = Scrubber("pay-01").scrub_path(f"sys/fs/cgroup/{name}").rpartition("/")[2]
    assert CONTAINER[:12] not in shown
    assert POD[:8] not in shown
    digits = re.compile("[0-9a-f]")
    assert digits.sub("", shown.partition("pod")[2]) == digits.sub("", name.partition("pod")[2])
    assert len(shown) == len(name)


def test_names_of_units_stay() -> None:
    """An instance of a service is no account, and a machine's scope is named after the machine."""
    scrubber = Scrubber("pay-01")
    assert scrubber.scrub_path("system-getty.slice/getty@tty1.service") == (
        "system-getty.slice/getty@tty1.service"
    )
    assert scrubber.scrub_path("machine.slice/machine-payroll.scope") == (
        "machine.slice/machine-machine1.scope"
    )


def test_more_addresses_than_are_reserved_for_documentation() -> None:
    """The 255th address has a substitute of its own, which is an address too."""
    scrubber = Scrubber("pay-01")
    text = "".join(f"10.0.{number // 200}.{number % 200 + 1}\n" for number in range(300))
    shown = scrubber.scrub(text, "proc/1/net/arp").split()
    assert len(set(shown)) == 300
    assert shown[254:256] == ["198.18.0.255", "198.18.1.0"]
