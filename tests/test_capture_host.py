"""tools/capture_host.py: what it records, what it hides, and what it refuses."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from exporter.collectors import ALL
from tools.capture_host import MAX_FILE_BYTES, main
from tools.captured_files import CAPTURED

TESTS = Path(__file__).parent

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
        "sys/class/net/eth0/mtu": "1500\n",
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
    assert "sys/class/net/eth0/mtu" not in read_tree(tmp_path / "out")


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


@pytest.mark.parametrize("name", sorted(path.name for path in (TESTS / "hosts").iterdir()))
def test_captured_hosts_hold_what_the_table_names(name: str) -> None:
    """Every file of a committed host is one that the tool captures, or stands in for such a one."""
    patterns = {pattern for patterns in CAPTURED.values() for pattern in patterns}
    patterns |= {one.replace("proc/1/", "proc/self/") for one in patterns}
    patterns |= {one.replace("proc/1/", "proc/") for one in patterns}
    root = TESTS / "hosts" / name
    files = [
        path.relative_to(root)
        for tree in ("etc", "proc", "run", "sys", "usr")
        for path in (root / tree).rglob("*")
        if path.is_file()
    ]
    strays = [path for path in files if not any(_matches(path, one) for one in patterns)]
    assert strays == []


def _matches(path: PurePath, pattern: str) -> bool:
    return len(path.parts) == len(PurePath(pattern).parts) and path.match(pattern)
