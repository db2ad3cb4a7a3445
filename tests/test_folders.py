"""Directories in a directory of sysfs."""

from __future__ import annotations

from pathlib import Path

from exporter.folders import list_subfolders
from exporter.kernel import KernelTree


def test_only_directories_are_listed(tmp_path: Path) -> None:
    """By name, each with whether it may have some of its own; links are none."""
    (tmp_path / "b/deep").mkdir(parents=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("a")
    found = list_subfolders(KernelTree(sysfs=str(tmp_path)), ".")
    assert [(one.name, one.inode) for one in found] == [
        (name, (tmp_path / name).stat().st_ino) for name in ("a", "b")
    ]
    assert found[1].has_subfolders


def test_what_has_just_gone_has_none(tmp_path: Path) -> None:
    """Neither a directory that is absent nor a file in its place."""
    (tmp_path / "file").write_text("")
    kernel = KernelTree(sysfs=str(tmp_path))
    assert list_subfolders(kernel, "absent") == list_subfolders(kernel, "file") == []
