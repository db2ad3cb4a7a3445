"""The mount table."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.mountinfo import Mount, find_remote, is_local, parse_mountinfo, strip_root

LINE = rb"36 35 98:0 /mnt1 /mnt/with\040space\134 rw,noatime master:1 shared:2 - ext3 /dev/root rw"


def test_parse_takes_what_a_mount_is() -> None:
    """Optional fields are skipped and octal escapes undone."""
    assert parse_mountinfo(LINE + b"\n") == [
        Mount(36, "98", "0", "/mnt/with space\\", "ext3", "/dev/root", read_only=False)
    ]


@pytest.mark.parametrize(
    ("line", "read_only"),
    [
        (LINE, False),
        (LINE.replace(b"rw,noatime", b"ro,noatime"), True),
        (LINE.replace(b"/dev/root rw", b"/dev/root ro,errors=continue"), True),
        (LINE.replace(b"/dev/root rw", b"/dev/root rw,emergency_ro"), True),
        (LINE.replace(b"/dev/root rw", b"/dev/root rw,errors=remount-ro"), False),
    ],
)
def test_a_mount_is_read_only_when_it_or_its_file_system_is(line: bytes, read_only: bool) -> None:
    """Either list of options may have it; a word that only contains it does not count."""
    assert parse_mountinfo(line)[0].read_only is read_only


def test_parse_takes_an_empty_device() -> None:
    """A mount may have been made without a source."""
    assert parse_mountinfo(b"36 35 0:5 / /run rw - tmpfs  rw")[0].device == ""


def test_parse_keeps_bytes_that_are_no_text() -> None:
    """The path can still be opened."""
    mount = parse_mountinfo(b"36 35 0:5 / /\xff rw - tmpfs none rw")[0]
    assert mount.mount_point.encode("utf-8", "surrogateescape") == b"/\xff"


@pytest.mark.parametrize(
    "line",
    [
        b"36 35 98:0 /mnt1 /mnt2",
        LINE.replace(b" - ", b" "),
        LINE.replace(b"98:0", b"98"),
        LINE.replace(b"98:0", b"a:b"),
        LINE.replace(b"36 ", b"x "),
        LINE.replace(b" rw,noatime", b"\0 rw"),
        LINE.replace(b"/dev/root rw", b"/dev/root"),
    ],
)
def test_parse_refuses_other_lines(line: bytes) -> None:
    """A line cut short or garbled is an error."""
    with pytest.raises(ValueError, match=r"mountinfo|integer"):
        parse_mountinfo(line)


@given(st.binary(max_size=200) | st.lists(st.sampled_from(LINE.split(b" "))).map(b" ".join))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_mountinfo(text)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/host", "/"),
        ("/host/var", "/var"),
        ("/hostile", "/hostile"),
        ("/etc/hosts", "/etc/hosts"),
    ],
)
def test_the_container_s_view_of_the_root_is_stripped(path: str, expected: str) -> None:
    """Paths below the host's root lose it; others, and names that only begin so, do not."""
    assert strip_root(path, "/host") == expected


def test_without_a_root_nothing_is_stripped() -> None:
    """On the host itself paths are what they are."""
    assert strip_root("/var", "/") == "/var"


def test_a_local_mount_below_a_remote_one_is_not_local() -> None:
    """On the way to it the server has to answer."""
    table = parse_mountinfo(
        b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        b"2 1 0:5 / /nfs rw - nfs4 server:/ rw\n"
        b"3 2 0:6 / /nfs/tmp rw - tmpfs none rw\n"
        b"4 1 0:7 / /fuse rw - fuse.sshfs me@there rw\n"
    )
    remote = find_remote(table)
    local = {mount.mount_point: is_local(mount.mount_point, remote) for mount in table}
    assert local == {"/": True, "/nfs": False, "/nfs/tmp": False, "/fuse": False}


@pytest.mark.parametrize(
    ("path", "remote", "local"),
    [
        ("/mnt/nfs", "/mnt/nfs", False),
        ("/mnt/nfs/sub/x", "/mnt/nfs", False),
        ("/mnt/nfs2", "/mnt/nfs", True),
        ("/mnt", "/mnt/nfs", True),
        ("/", "/mnt/nfs", True),
        ("/", "/", False),
        ("/mnt/disk", "/", False),
    ],
)
def test_what_lies_on_the_way_to_a_mount_decides(path: str, remote: str, local: bool) -> None:
    """Folders above it count, names that only begin alike do not."""
    assert is_local(path, frozenset({remote})) is local
