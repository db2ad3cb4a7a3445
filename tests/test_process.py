"""The daemon about itself: process_*, python_info, perfwatch_build_info."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter import __version__
from exporter.exposition import TEXT, Renderer
from exporter.kernel import KernelTree
from exporter.process import PAGE_BYTES, TICKS, ProcessFamilies
from tests.expositions import meaning, values

PROMETHEUS_CLIENT_TYPES = {
    "process_cpu_seconds": "counter",
    "process_virtual_memory_bytes": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
    "process_open_fds": "gauge",
    "process_max_fds": "gauge",
    "python_info": "gauge",
}


def read(families: ProcessFamilies) -> Mapping[str, float]:
    """The values by name."""
    page = Renderer(TEXT).render(families.own_families())
    return {name: value for (name, _), value in values(page).items()}


def make_tree(
    tmp_path: Path,
    stat: str,
    statm: str = "1 1 0 0 0 0 0\n",
    boot: str = "cpu 1 2\nbtime 1700000000\n",
) -> KernelTree:
    """A procfs with this process in it."""
    (tmp_path / "self/fd").mkdir(parents=True)
    (tmp_path / "self/stat").write_text(stat)
    (tmp_path / "self/statm").write_text(statm)
    (tmp_path / "stat").write_text(boot)
    return KernelTree(str(tmp_path))


def test_the_kernel_s_fields_are_named_as_prometheus_client_names_them(tmp_path: Path) -> None:
    """Whatever the command's name contains: blanks and parentheses do not shift the fields."""
    fields = [str(place) for place in range(1, 53)]
    fields[21] = str(250 * TICKS)
    stat = f"42 (a) S (b) 9 c) S {' '.join(fields[3:])}\n"
    found = read(ProcessFamilies(make_tree(tmp_path, stat, statm="30143 77 3 4 0 5 0\n")))
    assert found["process_start_time_seconds"] == 1_700_000_250
    assert found["process_virtual_memory_bytes"] == 30143 * PAGE_BYTES
    assert found["process_resident_memory_bytes"] == 77 * PAGE_BYTES


def test_a_procfs_without_boot_time_is_an_error(tmp_path: Path) -> None:
    """A start time that is not known must not be printed as one."""
    with pytest.raises(ValueError, match="btime"):
        ProcessFamilies(make_tree(tmp_path, "1 (x) S", boot="cpu 1 2\n"))


def test_this_process_is_described() -> None:
    """On the real /proc: the figures are this process's, and new ones at each call."""
    families = ProcessFamilies()
    found = read(families)
    assert 0 < found["process_cpu_seconds_total"] <= time.process_time()
    assert found["process_resident_memory_bytes"] < found["process_virtual_memory_bytes"]
    assert found["process_max_fds"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    descriptor = os.open("/proc/self/stat", os.O_RDONLY)
    try:
        assert read(families)["process_open_fds"] == found["process_open_fds"] + 1
    finally:
        os.close(descriptor)


def test_types_and_versions() -> None:
    """The names and types that dashboards for Python programs expect."""
    page = Renderer(TEXT).render(ProcessFamilies().own_families())
    said = meaning(page)
    assert {name: said[name][0] for name in PROMETHEUS_CLIENT_TYPES} == PROMETHEUS_CLIENT_TYPES
    [(_, labels, _, _, _)] = said["perfwatch_build_info"][3]
    assert dict(labels) == {"version": __version__, "python": platform.python_version()}
    [(_, labels, value, _, _)] = said["python_info"][3]
    assert dict(labels)["implementation"] == platform.python_implementation()
    assert value == "1.0"
