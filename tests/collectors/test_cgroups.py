"""The cgroups collector: which groups are shown."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.cgroups import CgroupsCollector, parse_cgroups, parse_include, parse_root
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost
from tests.control_groups import ROOT, add_group, collect, counted, of_group

SUMMARY = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t6\t141\t1\nrdma\t0\t1\t0\n"
SSH = "/system.slice/ssh.service"


def test_parse_the_summary() -> None:
    """A line for each controller; later columns are passed over."""
    assert parse_cgroups(SUMMARY.encode() + b"memory 4 19 1 7\n") == [
        ("cpu", b"141", b"1"),
        ("rdma", b"1", b"0"),
        ("memory", b"19", b"1"),
    ]


@pytest.mark.parametrize("text", [b"cpu 6 141", b"cpu six 141 1", b"\n"])
def test_parse_refuses_other_summaries(text: bytes) -> None:
    """Fewer columns, and no numbers, are errors."""
    with pytest.raises(ValueError, match=r"/proc/cgroups|integers"):
        parse_cgroups(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_cgroups(text)


def test_an_empty_include_takes_every_group() -> None:
    """As everywhere, an empty pattern matches."""
    assert parse_include("").search("/any")
    with pytest.raises(ValueError, match="regular expression"):
        parse_include("(")


def test_the_summary_is_node_exporters(host: FakeHost) -> None:
    """Number of groups and whether enabled, by controller; no group is shown without any."""
    host.write("proc/cgroups", SUMMARY)
    assert host.samples(CgroupsCollector(host.kernel)) == {
        'node_cgroups_cgroups{subsys_name="cpu"}': 141,
        'node_cgroups_cgroups{subsys_name="rdma"}': 1,
        'node_cgroups_enabled{subsys_name="cpu"}': 1,
        'node_cgroups_enabled{subsys_name="rdma"}': 0,
    }


@pytest.mark.parametrize("summary", [None, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"])
def test_a_host_without_groups_has_no_data(host: FakeHost, summary: str | None) -> None:
    """Neither a controller nor a hierarchy: nothing to show."""
    if summary is not None:
        host.write("proc/cgroups", summary)
        host.write("proc/1/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    with pytest.raises(NoData, match="no control groups"):
        host.samples(CgroupsCollector(host.kernel))


def test_the_default_shows_services_sums_and_containers(host: FakeHost) -> None:
    """Neither sessions, applications and scopes, nor the pods that containers are in."""
    identity = "0a" * 32
    shown = (
        "/kubepods.slice",
        "/machine.slice/machine-qemu.scope",
        SSH,
        "/user.slice/user-1000.slice",
        f"/docker/{identity}",
        f"/kubepods.slice/kubepods-poda.slice/cri-containerd-{identity}.scope",
        f"/kubepods/burstable/poda/{identity}",
        f"/system.slice/docker-{identity}.scope",
    )
    hidden = (
        "/init.scope",
        "/kubepods.slice/kubepods-podb.slice",
        f"/machine.slice/libpod-conmon-{identity}.scope",
        f"/system.slice/crio-conmon-{identity}.scope",
        "/user.slice/user-1000.slice/session-2.scope",
    )
    for path in (*shown, *hidden):
        add_group(host, path, pids__current="1\n")
    found = {name for name in collect(host) if name.startswith("node_cgroup_pids")}
    assert found == {f'node_cgroup_pids{{cgroup="{path}"}}' for path in shown}


def test_containers_are_named_by_an_info_metric(host: FakeHost) -> None:
    """It joins the path with what the path says."""
    identity = "0a" * 32
    path = f"/docker/{identity}"
    add_group(host, path)
    assert collect(host) == {
        "node_cgroup_container_info"
        f'{{cgroup="{path}",container_id="{identity}",runtime="docker"}}': 1,
        **counted(1, 0, 3),
    }


def test_exclude_takes_from_what_is_included(host: FakeHost) -> None:
    """Both patterns hold at once."""
    for path in ("/a.slice", "/b.slice", "/c"):
        add_group(host, path, pids__current="1\n")
    samples = collect(host, exclude=re.compile("b"))
    assert samples == {**of_group("/a.slice", pids=1), **counted(1, 0, 4)}


def test_beyond_the_maximum_the_deepest_and_last_are_left_out(host: FakeHost) -> None:
    """The choice follows from the tree alone, and what it left out is counted."""
    for path in ("/b", "/a", "/a/x", "/a/y"):
        add_group(host, path, pids__current="1\n")
    every = re.compile("^/.")
    samples = collect(host, include=every, max_groups=3)
    expected = [of_group(path, pids=1) for path in ("/a", "/b", "/a/x")]
    assert samples == {**expected[0], **expected[1], **expected[2], **counted(3, 1, 5)}


def test_without_any_group_only_the_summary_is_shown(host: FakeHost) -> None:
    """A maximum of 0 is node_exporter's collector."""
    host.write("proc/cgroups", SUMMARY)
    add_group(host, SSH, pids__current="1\n")
    assert collect(host, max_groups=0) == {}


def test_the_walk_goes_no_deeper_than_asked(host: FakeHost) -> None:
    """Deeper groups are neither shown nor counted."""
    add_group(host, "/a/b/c", pids__current="1\n")
    samples = collect(host, include=re.compile(""), max_depth=2)
    assert samples == counted(3, 0, 3)


def test_groups_come_and_go(host: FakeHost) -> None:
    """One that is removed disappears, and one that is made again is read anew."""
    add_group(host, "/a.slice", pids__current="1\n")
    add_group(host, "/b.slice", pids__current="2\n")
    collector = CgroupsCollector(host.kernel)
    assert host.samples(collector) == {
        **of_group("/a.slice", pids=1),
        **of_group("/b.slice", pids=2),
        **counted(2, 0, 3),
    }
    folder = host.root / ROOT
    (folder / "a.slice").rename(host.root / "kept")  # so that its inode is not given again
    shutil.rmtree(folder / "b.slice")
    add_group(host, "/a.slice", memory__current="4096\n")
    assert host.samples(collector) == {
        **of_group("/a.slice", memory_usage_bytes=4096),
        **counted(1, 0, 2),
    }


def test_a_root_of_ones_own(host: FakeHost, tmp_path: Path) -> None:
    """Groups may be mounted anywhere."""
    add_group(host, "/a.slice", pids__current="1\n")
    (host.root / ROOT).rename(tmp_path / "groups")
    assert collect(host, root=str(tmp_path / "groups")) == {
        **of_group("/a.slice", pids=1),
        **counted(1, 0, 2),
    }


def test_a_root_without_groups_is_a_failure(host: FakeHost) -> None:
    """Somebody has asked for them, and would otherwise wait in vain."""
    host.write("proc/cgroups", SUMMARY)
    with pytest.raises(FileNotFoundError, match=r"no control groups at /nowhere, .*cgroups\.root"):
        collect(host, root="/nowhere")
    assert parse_root("") == ""
    assert parse_root("/nowhere") == "/nowhere"
    with pytest.raises(ValueError, match="absolute path"):
        parse_root("fs/cgroup")


@pytest.mark.parametrize(
    ("fs_type", "mount_point", "folder"),
    [("cgroup2", "/mnt/groups", "mnt/groups"), ("cgroup", "/cgroup/pids", "cgroup/pids")],
)
def test_the_mount_table_tells_where_they_are(
    host: FakeHost, fs_type: str, mount_point: str, folder: str
) -> None:
    """When they are not at the usual place."""
    host.write(
        "proc/1/mountinfo",
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"23 22 0:25 / {mount_point} rw - {fs_type} groups rw\n",
    )
    if fs_type == "cgroup2":
        host.write(f"{folder}/cgroup.controllers", "pids\n")
    host.write(f"{folder}/a.slice/pids.current", "1\n")
    (host.root / "sys").mkdir()
    assert collect(host) == {**of_group("/a.slice", pids=1), **counted(1, 0, 2)}
