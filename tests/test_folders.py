"""Directories in a directory of sysfs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


def test_one_that_goes_meanwhile_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control group that ends between the listing and the look at it is left out alone."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    scan = os.scandir

    @contextmanager
    def scan_and_remove(path: str) -> Iterator[list[os.DirEntry[str]]]:
        with scan(path) as entries:
            yield list(entries)
        (tmp_path / "b").rmdir()

    monkeypatch.setattr(os, "scandir", scan_and_remove)
    found = list_subfolders(KernelTree(sysfs=str(tmp_path)), ".")
    assert [one.name for one in found] == ["a", "c"]
