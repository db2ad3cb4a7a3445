"""tools/host_files.py and how a capture uses it: links, bounds, and files that would block."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.capture_host import MAX_SECONDS, Capture
from tools.host_files import MAX_MATCHES, HostFiles, expand_braces
from tools.scrubber import Scrubber


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A sensor of a PCI device, as sysfs shows it: by links."""
    chip = tmp_path / "host/sys/devices/pci0000:00/0000:00:18.3/hwmon/hwmon0"
    chip.mkdir(parents=True)
    (chip / "name").write_text("k10temp\n")
    (chip / "device").symlink_to("../..")
    folder = tmp_path / "host/sys/class/hwmon"
    folder.mkdir(parents=True)
    (folder / "hwmon0").symlink_to("../../devices/pci0000:00/0000:00:18.3/hwmon/hwmon0")
    (tmp_path / "host/proc").mkdir()
    return tmp_path / "host"


def capture(host: Path, out: Path, *patterns: str) -> Capture:
    """Record some patterns only."""
    files = HostFiles({tree: host / tree for tree in ("proc", "sys")})
    run = Capture(files, out, Scrubber("pay-01"))
    for pattern in patterns:
        run.record(pattern)
    run.write_links()
    return run


def test_links_inside_are_recorded(host: Path, tmp_path: Path) -> None:
    """A chip is captured once, below its device, and found there through the same links."""
    run = capture(
        host, tmp_path / "out", "sys/class/hwmon/*/{name,device}", "sys/devices/*/*/hwmon/*/name"
    )
    chip = tmp_path / "out/sys/class/hwmon/hwmon0"
    assert str(chip.readlink()) == "../../devices/pci0000:00/0000:00:18.3/hwmon/hwmon0"
    assert (chip / "name").read_text() == "k10temp\n"
    assert (chip / "device").resolve().name == "0000:00:18.3"
    assert run.files == 1


def test_links_to_the_outside_are_not(host: Path, tmp_path: Path) -> None:
    """What is found through a link out of the trees, or beyond the tree, is captured in place."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/name").write_text("acpitz\n")
    (host / "sys/class/hwmon/hwmon1").symlink_to(tmp_path / "elsewhere")
    (host / "sys/class/hwmon/hwmon2").symlink_to("hwmon2")
    capture(host, tmp_path / "out", "sys/class/hwmon/*/name")
    chip = tmp_path / "out/sys/class/hwmon/hwmon1"
    assert not chip.is_symlink()
    assert (chip / "name").read_text() == "acpitz\n"
    assert not (tmp_path / "out/sys/class/hwmon/hwmon2").exists()


def test_links_lead_where_substitutes_are(host: Path, tmp_path: Path) -> None:
    """An interface that is named after its address has the same new name at both ends."""
    real = host / "sys/devices/virtual/net/enxa1b2c3d4e5f6"
    real.mkdir(parents=True)
    (real / "mtu").write_text("1500\n")
    (host / "sys/class/net").mkdir()
    (host / "sys/class/net/enxa1b2c3d4e5f6").symlink_to("../../devices/virtual/net/enxa1b2c3d4e5f6")
    capture(host, tmp_path / "out", "sys/class/net/*/mtu")
    link = tmp_path / "out/sys/class/net/enx020000000001"
    assert str(link.readlink()) == "../../devices/virtual/net/enx020000000001"
    assert (link / "mtu").read_text() == "1500\n"


def test_nothing_is_waited_for(host: Path, tmp_path: Path) -> None:
    """A FIFO that nobody writes to is not captured, and does not block."""
    os.mkfifo(host / "proc/kmsg")
    run = capture(host, tmp_path / "out", "proc/kmsg")
    assert run.files == 0
    assert list(run.skipped) == ["proc/kmsg: not a regular file"]


def test_of_many_the_first_are_captured(host: Path, tmp_path: Path) -> None:
    """Processes are captured up to a number, in their order, and it is said that there are more."""
    for number in range(1, MAX_MATCHES + 3):
        (host / "proc" / str(number)).mkdir()
        (host / "proc" / str(number) / "stat").touch()
    run = capture(host, tmp_path / "out", "proc/[0-9]*/stat")
    assert run.files == MAX_MATCHES
    assert (tmp_path / "out/proc" / str(MAX_MATCHES)).exists()
    assert list(run.skipped) == [f"proc/[0-9]*/stat: all but the first {MAX_MATCHES}"]


def test_slow_files_are_left_out(host: Path, tmp_path: Path) -> None:
    """When the files of a pattern take too long, the rest of them stays on the host."""
    for name in ("a", "b", "c"):
        (host / "proc" / name).touch()
    times = iter((0.0, 0.0, MAX_SECONDS, MAX_SECONDS + 1))
    files = HostFiles({"proc": host / "proc"})
    run = Capture(files, tmp_path / "out", Scrubber("pay-01"), clock=lambda: next(times))
    run.record("proc/{a,b,c}")
    assert run.files == 2
    assert list(run.skipped) == ["proc/{a,b,c}: slow, all but the first 2"]


def test_two_stars_are_any_number_of_directories(host: Path) -> None:
    """Groups are found at every depth, and links to other ones are not followed."""
    for folder in ("", "a", "a/b"):
        (host / "sys/fs/cgroup" / folder).mkdir(parents=True, exist_ok=True)
        (host / "sys/fs/cgroup" / folder / "cpu.stat").touch()
    (host / "sys/fs/cgroup/c").symlink_to("a")
    files = HostFiles({"sys": host / "sys"})
    assert list(files.find("sys/fs/cgroup/**/cpu.stat")) == [
        "sys/fs/cgroup/cpu.stat",
        "sys/fs/cgroup/a/cpu.stat",
        "sys/fs/cgroup/a/b/cpu.stat",
    ]


def test_braces_stand_for_each_choice() -> None:
    """Several braces are combined, and a choice may be empty."""
    assert expand_braces("a/{b,}c/{d,e}") == ["a/bc/d", "a/bc/e", "a/c/d", "a/c/e"]
    assert expand_braces("proc/stat") == ["proc/stat"]
