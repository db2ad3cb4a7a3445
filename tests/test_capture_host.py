"""tools/capture_host.py: what it records, what it hides, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.collectors import ALL, Entry
from exporter.families import Family
from exporter.kernel import KernelTree, NoData
from tests.goldens import HOSTS, NAMES, attempt, expand, injections
from tools.capture_host import main
from tools.captured_files import CAPTURED
from tools.host_files import MAX_FILE_BYTES, expand_braces

TREES = ("etc", "proc", "run", "sys", "usr")

MOUNTINFO = """\
30 1 253:0 / / rw shared:1 - xfs /dev/mapper/pay--01-root rw
31 30 8:1 / /boot rw - ext4 /dev/disk/by-uuid/0e2a4c1d-9f1b-4d52-8a54-3b1f2c5d6e7f rw
32 30 0:40 / /backup rw - nfs4 nas7.bank.example:/export/payroll rw,clientaddr=10.20.30.40,\
addr=10.20.30.41
33 30 0:41 / /mirror rw - nfs4 nas7.bank.example:/export/payroll rw,clientaddr=10.20.30.40,\
addr=fd12:3456::7
34 30 0:42 / /files rw - cifs //filer.bank.example/hr rw,username=jdoe,domain=BANK,addr=127.0.0.1
35 30 0:43 / /home/jdoe/far rw - fuse.sshfs jdoe@far.bank.example:/data rw,user_id=1000
36 30 0:44 / /run/pod/5f1c6a0b9e8d7c6b5a4f3e2d1c0b9a8f rw - tmpfs acme_pool rw
"""

UDEV = """\
S:disk/by-id/ata-ACME_9000_WD-12345
E:ID_MODEL=ACME_9000
E:ID_SERIAL=ACME_9000_WD-12345
E:ID_SERIAL_SHORT=WD-12345
E:ID_WWN=0x5000c500a1b2c3d4
E:ID_FS_UUID=AB12-CD34
E:DM_VG_NAME=pay-01
"""

SECRETS = (
    *("pay-01", "pay--01", "bank", "BANK", "nas7", "payroll", "10.20.30", "fd12", "jdoe", "filer"),
    *("0e2a4c1d", "5f1c6a0b", "WD-12345", "5000c500", "AB12-CD34", "acme_pool", "a1b2c3d4e5f6"),
)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host whose files tell what must not be told."""
    files = {
        "proc/sys/kernel/hostname": "pay-01.bank.example\n",
        "proc/sys/kernel/domainname": "bank.example\n",
        "proc/sys/kernel/version": "#1 SMP Thu Mar 6 10:20:30 UTC 2025\n",
        "proc/sys/kernel/osrelease": "6.6.87.2-custom\n",
        "proc/loadavg": "0.1 0.2 0.3 1/2 3\n",
        "proc/1/mountinfo": MOUNTINFO,
        "proc/77/stat": "77 (payroll d) S 1 77 77 0\n",
        "proc/cpuinfo": "processor\t: 0\n" * (MAX_FILE_BYTES // 14 + 1),
        "sys/class/net/enxa1b2c3d4e5f6/statistics/rx_nohandler": "0\n",
        "sys/class/net/eth0/phys_port_id": "a1b2c3d4e5f6\n",
        "run/udev/data/b8:0": UDEV,
    }
    for path, text in files.items():
        target = tmp_path / "host" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return tmp_path / "host"


def run(host: Path, out: Path, *more: str) -> int:
    """Capture a host in a temporary directory."""
    roots = ("--procfs", host / "proc", "--sysfs", host / "sys", "--run", host / "run")
    return main([str(out), *map(str, roots), "--rootfs", str(host), *more])


def read_tree(out: Path) -> dict[str, str]:
    """Read what was captured."""
    return {
        path.relative_to(out).as_posix(): path.read_text()
        for path in out.rglob("*")
        if path.is_file()
    }


def test_secrets_are_replaced(host: Path, tmp_path: Path) -> None:
    """No name, address, serial number or hidden word is left in a file or in a path."""
    assert run(host, tmp_path / "out", "--hide", "acme_pool") == 0
    tree = read_tree(tmp_path / "out")
    everything = "\n".join(f"{path}\n{text}" for path, text in tree.items())
    assert [secret for secret in SECRETS if secret in everything] == []


def test_the_same_is_replaced_by_the_same(host: Path, tmp_path: Path) -> None:
    """Mounts of one export still have one source, a volume group still has its host's name."""
    assert run(host, tmp_path / "out") == 0
    tree = read_tree(tmp_path / "out")
    sources = [line.split(" - ")[1].split()[1] for line in tree["proc/1/mountinfo"].splitlines()]
    assert sources[2] == sources[3] != sources[4]
    assert tree["proc/sys/kernel/hostname"] == "host1\n"
    assert sources[0] == "/dev/mapper/host1-root"


def test_numbers_stay(host: Path, tmp_path: Path) -> None:
    """Versions, times of day, loopback addresses and device numbers are no secrets."""
    assert run(host, tmp_path / "out") == 0
    tree = read_tree(tmp_path / "out")
    assert tree["proc/loadavg"] == "0.1 0.2 0.3 1/2 3\n"
    assert tree["proc/sys/kernel/version"] == "#1 SMP Thu Mar 6 10:20:30 UTC 2025\n"
    assert tree["proc/sys/kernel/osrelease"] == "6.6.87.2-custom\n"
    assert "addr=127.0.0.1" in tree["proc/1/mountinfo"]
    assert "32 30 0:40 / /backup rw" in tree["proc/1/mountinfo"]


def test_it_says_what_it_did(
    host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report names the kinds of finds and what is missing, and never a secret."""
    assert run(host, tmp_path / "out") == 0
    report = capsys.readouterr().out
    assert "replaced 3 exports by server1:/export1, server2:/export2" in report
    assert "not on this host: proc/pressure/*" in report
    assert "not captured: proc/cpuinfo: larger than" in report
    assert [secret for secret in SECRETS if secret in report] == []


def test_only_what_a_collector_reads_is_captured(host: Path, tmp_path: Path) -> None:
    """A file that the table does not name stays on the host."""
    assert run(host, tmp_path / "out") == 0
    assert "sys/class/net/eth0/phys_port_id" not in read_tree(tmp_path / "out")


def test_own_process_stands_in_for_process_1(host: Path, tmp_path: Path) -> None:
    """Where process 1 is off limits, the capturing process's own files are taken."""
    (host / "proc/1").rename(host / "proc/self")
    assert run(host, tmp_path / "out") == 0
    assert "xfs" in read_tree(tmp_path / "out")["proc/1/mountinfo"]


def test_a_directory_in_use_is_refused(
    host: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is mixed with what is already there."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious").touch()
    assert run(host, tmp_path / "out") == 2
    assert "not an empty directory" in capsys.readouterr().err
    assert list(read_tree(tmp_path / "out")) == ["precious"]


def test_a_wrong_procfs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory that is no procfs is named, with the option to correct it."""
    assert run(tmp_path, tmp_path / "out") == 2
    assert "--procfs" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_every_collector_is_captured() -> None:
    """A collector whose files are not recorded cannot be tested on captured hosts."""
    assert {entry.name for entry in ALL} <= set(CAPTURED)


def name_files(root: Path) -> dict[str, Path]:
    """List the files of a tree, by their real paths: links lead to the same file."""
    paths = (path for tree in TREES for path in (root / tree).rglob("*") if path.is_file())
    return {str(path.resolve().relative_to(root.resolve())): path for path in paths}


@pytest.mark.parametrize("name", NAMES)
def test_captured_hosts_hold_what_the_table_names(name: str) -> None:
    """Every file of a committed host is one that the tool captures, or stands in for such a one."""
    root = HOSTS / name
    patterns = {one for lines in CAPTURED.values() for line in lines for one in expand_braces(line)}
    patterns |= {one.replace("proc/1/", "proc/self/") for one in patterns}
    patterns |= {one.replace("proc/1/", "proc/") for one in patterns}
    known = {path.resolve() for pattern in patterns for path in root.glob(pattern)}
    strays = [path for path in name_files(root).values() if path.resolve() not in known]
    assert strays == []


def list_links(root: Path) -> dict[str, str]:
    """List the symbolic links of a tree, with what they say."""
    links = (path for path in root.rglob("*") if path.is_symlink())
    return {str(path.relative_to(root)): str(path.readlink()) for path in links}


OPTIONS: dict[str, dict[str, Any]] = {"topprocesses": {"groups": 1000}}
"""All of them are shown: of two alike, the name decides."""


def collect(entry: Entry, kernel: KernelTree, **injected: Any) -> list[Family] | str:
    """Collect once: families, or why there are none."""
    options = () if entry.options is None else (entry.options(**OPTIONS.get(entry.name, {})),)
    outcome = attempt(entry.make(kernel, *options, **injected))
    return str(outcome) if isinstance(outcome, NoData) else list(expand(outcome))


def tree(root: Path) -> KernelTree:
    """Name the trees of a captured host."""
    return KernelTree(str(root / "proc"), str(root / "sys"), udev_data=str(root / "run/udev/data"))


def numbers(host: Path) -> Iterator[tuple[str, Any]]:
    """Give what each collector tells of a captured host, but for the values of labels."""
    injected = injections(host)
    for entry in ALL:
        outcome = collect(entry, tree(host), **injected.get(entry.name, {}))
        if isinstance(outcome, str):
            yield entry.name, outcome
        for one in outcome if isinstance(outcome, list) else ():
            values = sorted(str(number) for _, number in one.samples)
            # Sizes are made up from the names of mount points.
            shown = len(values) if entry.name == "filesystem" else values
            yield one.name, (one.type, one.labels, shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_host_gives_the_same(name: str, tmp_path: Path) -> None:
    """Captured once more, a host has the same links, and the collectors give the same numbers."""
    host, out = HOSTS / name, tmp_path / "out"
    assert run(host, out) == 0
    assert list_links(out) == list_links(host)
    for recording in ("dbus.json", "ethtool", "netlink", "perf"):
        if (host / recording).exists():
            (out / recording).symlink_to(host / recording)
    assert dict(numbers(out)) == dict(numbers(host))


STILL = (
    *(
        "cpu_vulnerabilities",
        "cpufreq",
        "dmi",
        "drm",
        "edac",
        "fibrechannel",
        "hwmon",
        "infiniband",
    ),
    *("mdadm", "netclass", "nvme", "pcidevice", "powersupplyclass", "rapl", "tapestats"),
    *("thermal_zone", "uname", "watchdog", "xfs", "zfs"),
)
"""Collectors of files whose devices stay, whatever the numbers do."""

PRIVATE = frozenset(
    {
        *("address", "broadcast", "ifalias", "serial", "serial_number", "port_name", "fabric_name"),
        *("board_asset_tag", "board_serial", "chassis_asset_tag", "chassis_serial"),
        *("product_serial", "product_uuid", "nodename", "domainname"),
    }
)


def show(kernel: KernelTree) -> set[tuple[str, ...]]:
    """List the series of those collectors, without the labels that the capture changes."""
    shown = set()
    for entry in ALL:
        outcome = collect(entry, kernel) if entry.name in STILL else []
        for one in outcome if isinstance(outcome, list) else ():
            for values, _ in one.samples:
                named = zip(one.labels, values, strict=True)
                shown.add((one.name, *(text for label, text in named if label not in PRIVATE)))
    return shown


def test_a_captured_machine_shows_the_same_series(tmp_path: Path) -> None:
    """What the files of this machine tell, their captured copies tell as well."""
    before = show(KernelTree())
    assert main([str(tmp_path / "out")]) == 0
    captured = show(tree(tmp_path / "out"))
    after = show(KernelTree())
    assert captured
    assert before & after <= captured <= before | after
