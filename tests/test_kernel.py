"""Files of the kernel: kept descriptors, their bound, and what is read when things go away."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.kernel import KernelTree
from exporter.kernel_file import CHUNK, MAX_FILE_BYTES, PAGE
from tests.network_namespace import run_in_namespace


@pytest.fixture
def tree(tmp_path: Path) -> KernelTree:
    """An empty host."""
    for folder in ("proc/net", "proc/1/net", "proc/self", "sys/class/net/eth0"):
        (tmp_path / folder).mkdir(parents=True)
    return KernelTree(f"{tmp_path}/proc/", f"{tmp_path}/sys", f"{tmp_path}/root")


def write(tree: KernelTree, path: str, content: bytes) -> Path:
    """Write a file of the tree's procfs in place, as the kernel changes its own."""
    file = Path(tree.procfs, path)
    file.write_bytes(content)
    return file


def open_files(path: str | Path) -> int:
    """How many descriptors this process has on a file."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            found += link.readlink() == Path(path)
    return found


def test_a_kept_descriptor_sees_new_content(tree: KernelTree) -> None:
    """The second read opens nothing and still gives what is there now, shorter or longer."""
    path = write(tree, "loadavg", b"first")
    file = tree.proc("loadavg")
    for content in (b"first", b"2", b"", b"the third and longest"):
        write(tree, "loadavg", content)
        assert file.read() == content
        assert open_files(path) == tree.kept == 1


def test_beyond_the_bound_files_are_read_without_keeping_them(tree: KernelTree) -> None:
    """More files than descriptors may be kept are opened and closed each time."""
    tree.max_kept = 2
    paths = [write(tree, f"file{number}", b"%d" % number) for number in range(4)]
    files = [tree.proc(path.name) for path in paths]
    for _ in range(2):
        assert [file.read() for file in files] == [b"0", b"1", b"2", b"3"]
        assert [open_files(path) for path in paths] == [1, 1, 0, 0]
    files[0].close()
    assert files[3].read() == b"3"
    assert [open_files(path) for path in paths] == [0, 1, 0, 1]


def test_two_trees_leave_room_for_more() -> None:
    """After a reload the old one may still be there: together they do not take all descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        assert 2 * KernelTree().max_kept < 0.7 * min(soft, 1024)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_dropped_file_closes_its_descriptor(tree: KernelTree) -> None:
    """A collector that forgets a device leaks nothing, and makes room under the bound."""
    path = write(tree, "loadavg", b"x")
    file = tree.proc("loadavg")
    file.read()
    assert (open_files(path), tree.kept) == (1, 1)
    del file
    assert (open_files(path), tree.kept) == (0, 0)


def test_closing_twice_is_closing_once(tree: KernelTree) -> None:
    """The count of kept descriptors stays right."""
    write(tree, "loadavg", b"x")
    file = tree.proc("loadavg")
    file.read()
    file.close()
    file.close()
    assert tree.kept == 0
    assert file.read() == b"x"
    assert tree.kept == 1


def test_a_missing_file_says_which(tree: KernelTree) -> None:
    """The kernel's own answer, with the path in it; a later appearance is seen."""
    file = tree.proc("pressure")
    with pytest.raises(FileNotFoundError, match=r"proc/pressure"):
        file.read()
    write(tree, "pressure", b"now")
    assert file.read() == b"now"


def test_a_kept_file_of_something_gone_is_not_found() -> None:
    """A dead process answers ESRCH on its kept descriptor: opened again, it is simply absent."""
    tree = KernelTree()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        file = tree.proc(f"{child.pid}/stat")
        assert file.read().startswith(b"%d (" % child.pid)
        assert tree.kept == 1
        child.communicate(b"\n")
    with pytest.raises(FileNotFoundError, match=f"/proc/{child.pid}/stat"):
        file.read()
    assert tree.kept == 0


def test_an_error_of_reading_says_which_file(tree: KernelTree) -> None:
    """The kernel's read errors carry no path; a log line without one helps nobody."""
    with pytest.raises(IsADirectoryError, match=r"proc/net'"):
        tree.proc("net").read()
    assert tree.kept == 0


def test_an_error_on_a_kept_descriptor_gives_it_back() -> None:
    """Whatever goes wrong, the next read starts anew."""
    tree = KernelTree()
    file = tree.proc("self/mem")
    file._descriptor = os.open("/proc/self/mem", os.O_WRONLY)
    tree.kept += 1
    with pytest.raises(OSError, match=r"self/mem") as caught:
        file.read()
    assert caught.value.errno == errno.EBADF
    assert tree.kept == 0


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_a_file_of_any_size_comes_whole(tree: KernelTree, size: int) -> None:
    """Reading goes on to the end, over as many chunks as it takes."""
    content = (b"0123456789" * (size // 10 + 1))[:size]
    write(tree, "vmstat", content)
    file = tree.proc("vmstat")
    assert file.read() == file.read() == content


def test_a_runaway_file_is_refused(tree: KernelTree) -> None:
    """More than any file of the kernel has must not take the memory."""
    with write(tree, "endless", b"").open("r+b") as endless:
        endless.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(OSError, match=r"larger than any.*proc/endless") as caught:
        tree.proc("endless").read()
    assert caught.value.errno == errno.EFBIG


def test_a_sysfs_attribute_is_at_most_a_page(tree: KernelTree) -> None:
    """The kernel gives it in one piece, so it is read in one call."""
    attribute = Path(tree.sysfs, "class/net/eth0/mtu")
    attribute.write_bytes(b"1" * (PAGE + 10))
    assert tree.sys("class/net/eth0/mtu").read() == b"1" * PAGE


def test_a_table_below_sysfs_may_be_longer(tree: KernelTree) -> None:
    """What is mounted below sysfs gives its lines page by page, and is read to its end."""
    content = b"1 2 3 4 5 6\n" * 2048
    Path(tree.sysfs, "cache_stats").write_bytes(content)
    assert tree.sys_table("cache_stats").read() == content


def test_names_in_procfs_are_sorted_and_may_be_of_folders_only(tree: KernelTree) -> None:
    """An absent directory, and a file, have none."""
    Path(tree.procfs, "spl/tank").mkdir(parents=True)
    Path(tree.procfs, "spl/arcstats").touch()
    assert tree.list_proc("spl") == ["arcstats", "tank"]
    assert tree.list_proc("spl", folders=True) == ["tank"]
    assert tree.list_proc("absent") == tree.list_proc("spl/arcstats") == []


def test_names_in_sysfs_are_sorted_and_may_be_none(tree: KernelTree) -> None:
    """An absent directory is an absent source, not an error."""
    for name in ("lo", "eth1"):
        Path(tree.sysfs, "class/net", name).mkdir()
    assert tree.list_folder("class/net") == ["eth0", "eth1", "lo"]
    assert tree.list_matching("class/net", "eth*") == ["eth0", "eth1"]
    assert tree.list_matching("class/nothing", "*") == []


def test_an_ordinary_file_always_counts_as_changed(tree: KernelTree) -> None:
    """Only the kernel's own files tell about changes."""
    write(tree, "1/mountinfo", b"22 1 ...")
    file = tree.mountinfo()
    assert file.changed()
    file.read()
    assert file.changed()


def test_the_mount_table_is_the_first_process_s(tree: KernelTree) -> None:
    """Where that one may not be read, the daemon's own is the best there is."""
    write(tree, "self/mountinfo", b"own")
    assert tree.mountinfo().read() == b"own"
    write(tree, "1/mountinfo", b"the host's")
    assert tree.mountinfo().read() == b"the host's"


def test_the_network_is_the_host_s_when_its_procfs_is_mounted(tree: KernelTree) -> None:
    """/proc/net would be the daemon's own network namespace there."""
    write(tree, "net/dev", b"own")
    assert tree.net("dev").read() == b"own"
    write(tree, "1/net/dev", b"the host's")
    assert tree.net("dev").read() == b"the host's"


def test_beside_its_own_procfs_the_daemon_s_network_is_meant() -> None:
    """No detour over the first process, which may be refused."""
    assert KernelTree().net("dev").path == "/proc/net/dev"


def test_paths_of_the_host_lie_below_its_root(tree: KernelTree) -> None:
    """With the root directory mounted elsewhere, and with it where it always is."""
    assert tree.on_host("/var") == f"{tree.rootfs}/var"
    assert KernelTree().on_host("/var") == "/var"


def test_open_descriptors_are_counted() -> None:
    """One more open file is one more, whichever way this kernel offers to count."""
    folder = KernelTree().proc("self/fd")
    before = folder.count_entries()
    descriptor = os.open("/proc/self/stat", os.O_RDONLY)
    try:
        assert folder.count_entries() == before + 1
    finally:
        os.close(descriptor)


def test_own_network_is_known_by_its_files(tmp_path: Path) -> None:
    """In a container with the host's procfs, netlink may be asked only if the network is shared."""
    assert KernelTree().own_network
    assert not KernelTree(str(tmp_path)).own_network
    (tmp_path / "1").mkdir()
    (tmp_path / "1/net").symlink_to("/proc/self/net")
    assert KernelTree(str(tmp_path)).own_network


def test_another_network_is_known_by_its_files() -> None:
    """The first process has another network than one that was made here."""
    assert run_in_namespace("tests.other_network").split() == ["True", "False"]
