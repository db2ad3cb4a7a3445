"""What the cleanup never does: follow links, touch what is not the service's, trust others."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.child import REPOSITORY
from tests.leftovers import ActingClock, clean, names, put, rule_for

NOBODY = 65534
SOMEBODY = 65533

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

MOMENTS = range(1, 12)
"""Looks at the clock within a run over one file, and beyond its end."""


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that other users can reach: pytest's is for its own user only."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def nobody(public: Path) -> Iterator[None]:
    """Act as a user without rights, once the test has prepared what root must."""
    yield
    os.seteuid(0)


def test_only_plain_files_of_ones_own_are_removed(tmp_path: Path) -> None:
    """Not links, nor what they point to, nor folders, pipes, sockets, or files of two names."""
    folder, aside = tmp_path / "folder", tmp_path / "aside"
    folder.mkdir()
    aside.mkdir()
    target = put(aside, "target")
    (folder / "report-link").symlink_to(target)
    (folder / "report-dangling").symlink_to(aside / "nothing")
    (folder / "report-folder").mkdir()
    os.mkfifo(folder / "report-pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "report-socket"))
    put(folder, "report-two")
    os.link(folder / "report-two", aside / "other-name")
    before = names(folder)
    put(folder, "report-plain")
    run = clean(rule_for(folder))
    assert names(folder) == before
    assert target.exists()
    assert (run.removed, run.failures, run.rules[0].files_left) == (1, 0, 0)


@pytest.mark.parametrize("depth", ["folder", "parent"])
def test_a_path_through_a_symbolic_link_is_refused(tmp_path: Path, depth: str) -> None:
    """At whatever depth: whoever can put a link there would choose what is removed."""
    real = tmp_path / "real" / "spool"
    real.mkdir(parents=True)
    put(real, "report-1")
    link = tmp_path / "link"
    link.symlink_to(real if depth == "folder" else real.parent)
    run = clean(rule_for(link if depth == "folder" else link / "spool"))
    assert names(real) == {"report-1"}
    assert run.failures == 1
    assert run.rules[0].reason.startswith(f"'link' in '{link}")
    assert "symbolic link or no folder: give the path without" in run.rules[0].reason


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """With its reason, and nothing is known of what is there."""
    [result] = clean(rule_for(put(tmp_path, "report-1"))).rules
    assert (result.failures, result.files_left) == (1, None)
    assert "no folder" in result.reason


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_folder_swapped_during_a_run_leads_nowhere_else(tmp_path: Path, moment: int) -> None:
    """Whenever it happens: either the opened folder is worked on, or none."""
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    for one in (folder, victim):
        one.mkdir()
        put(one, "report-1")

    def swap() -> None:
        folder.rename(tmp_path / "aside")
        folder.symlink_to(victim)

    clock = ActingClock(moment, swap)
    clean(rule_for(folder), clock=clock, max_seconds=1000)
    assert names(victim) == {"report-1"}
    assert folder.is_symlink() == (clock.looks >= moment)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_replaced_during_a_run_stays(tmp_path: Path, moment: int) -> None:
    """The new one has the old one's name, but is not what was found too old."""
    path = put(tmp_path, "report-1")

    def replace() -> None:
        put(tmp_path, "new", age=0, size=3).replace(path)

    clock = ActingClock(moment, replace)
    run = clean(rule_for(tmp_path), clock=clock, max_seconds=1000)
    assert names(tmp_path) == ({"report-1"} if clock.looks >= moment else set())
    assert run.failures == 0


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_vanishes_is_no_failure(tmp_path: Path, moment: int) -> None:
    """Somebody else was faster: it is not counted as removed."""
    path = put(tmp_path, "report-1")
    counted = []

    def remove() -> None:
        counted.append(not path.exists())
        path.unlink(missing_ok=True)

    run = clean(rule_for(tmp_path), clock=ActingClock(moment, remove), max_seconds=1000)
    assert run.failures == 0
    assert run.removed == (not counted or counted[0])


def test_a_folder_that_is_not_there_yet_is_no_failure(tmp_path: Path) -> None:
    """The service may make it when it needs it; how many files are in it is not known."""
    [result] = clean(rule_for(tmp_path / "later" / "spool")).rules
    assert (result.failures, result.reason) == (0, "the folder does not exist")
    assert (result.files_left, result.bytes_left) == (None, None)


def test_a_path_the_system_cannot_take_is_a_failure(tmp_path: Path) -> None:
    """Of this rule alone, though it is no OSError."""
    put(tmp_path, "report-1")
    bad, good = clean(rule_for(tmp_path / "\ud800", name="bad"), rule_for(tmp_path)).rules
    assert bad.reason.startswith("UnicodeEncodeError: ")
    assert (bad.failures, good.removed) == (1, 1)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    """Without the sticky bit, whoever it is."""
    put(tmp_path, "report-1")
    tmp_path.chmod(mode)
    run = clean(rule_for(tmp_path))
    assert names(tmp_path) == {"report-1"}
    assert "others may write to the folder: take that away" in run.rules[0].reason
    assert run.failures == 1


def test_a_shared_folder_needs_patterns_with_names_of_ones_own(tmp_path: Path) -> None:
    """In one like /tmp, where other programs of the same user leave files too."""
    put(tmp_path, "report-1.tmp")
    tmp_path.chmod(0o1777)
    for patterns in (("*.tmp",), ("report-*", "re*"), ("[r]eport-*",)):
        run = clean(rule_for(tmp_path, patterns=patterns))
        assert (run.failures, run.removed) == (1, 0)
        assert "begin with three fixed characters" in run.rules[0].reason
    assert clean(rule_for(tmp_path, patterns=("rep*",))).removed == 1


@as_root
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Even by root, who could."""
    put(tmp_path, "report-1")
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    run = clean(rule_for(tmp_path))
    assert names(tmp_path) == {"report-1"}
    assert f"belongs to user {SOMEBODY}" in run.rules[0].reason


@as_root
def test_files_of_somebody_else_stay_and_do_not_count(tmp_path: Path) -> None:
    """Even where root could remove them."""
    os.chown(put(tmp_path, "report-theirs", 9999), SOMEBODY, SOMEBODY)
    put(tmp_path, "report-1")
    run = clean(rule_for(tmp_path, max_files=1))
    assert names(tmp_path) == {"report-theirs", "report-1"}
    assert run.rules[0].files_left == 1


@as_root
def test_a_user_without_rights_cleans_what_is_theirs(public: Path, nobody: None) -> None:
    """In a shared folder their own files, in others none; each failure ends only its rule."""
    closed, theirs, shared, unreadable = (public / name for name in "abcd")
    for folder, owner, mode in (
        (closed, 0, 0o755),
        (theirs, SOMEBODY, 0o755),
        (shared, 0, 0o1777),
        (unreadable, 0, 0o711),
    ):
        folder.mkdir()
        os.chown(put(folder, "report-1"), NOBODY, NOBODY)
        put(folder, "report-roots")
        os.chown(folder, owner, owner)
        folder.chmod(mode)
    os.seteuid(NOBODY)
    run = clean(
        *(rule_for(folder, name=folder.name) for folder in (closed, theirs, unreadable, shared))
    )
    os.seteuid(0)
    refused = (
        f"the folder belongs to user {SOMEBODY}: it must belong to the service's user ({NOBODY}) "
        "or to root"
    )
    assert [result.reason for result in run.rules] == [
        "'report-1': Permission denied",
        refused,
        "Permission denied",
        "",
    ]
    assert [result.failures for result in run.rules] == [1, 1, 1, 0]
    assert (run.rules[0].files_left, run.rules[0].removed) == (1, 0)
    assert names(shared) == {"report-roots"}
    assert all(names(folder) == {"report-1", "report-roots"} for folder in (closed, theirs))


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """Of folders that are cleaned, refused or absent."""

    def lowest_free() -> int:
        descriptor = os.dup(1)
        os.close(descriptor)
        return descriptor

    before = lowest_free()
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "link" / "deeper", tmp_path / "none" / "deeper"):
        clean(rule_for(path))
    assert lowest_free() == before


READ_ONLY = """
import json, subprocess, sys
from pathlib import Path
from tests.leftovers import clean, put, rule_for
folder = Path(sys.argv[1])
for name in ("report-1", "report-2"):
    put(folder, name)
subprocess.run(["mount", "--bind", folder, folder], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
[result] = clean(rule_for(folder)).rules
print(json.dumps([result.removed, result.failures, result.reason]))
"""


@as_root
def test_a_read_only_file_system_is_a_failure_for_each_file(tmp_path: Path) -> None:
    """With the first one's reason; all are tried, as the reason may be one file's alone."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-m", "true"], check=False).returncode:
        pytest.skip("needs the right to make a mount namespace")
    done = subprocess.run(
        [unshare, "-m", sys.executable, "-c", READ_ONLY, tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == [0, 2, "'report-1': Read-only file system"]
    assert names(tmp_path) == {"report-1", "report-2"}
