"""What the daemon says of the machine, the interpreter and the packages it runs on."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import time
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from exporter import __version__
from exporter.kernel import KernelTree
from exporter.system_info import PACKAGES, parse_limit, shown_limit, system_info

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def describe(kernel: KernelTree) -> dict[str, Any]:
    """Ask inside an event loop, as the daemon does."""

    async def main() -> dict[str, Any]:
        return system_info(kernel)

    return asyncio.run(main())


def make_tree(path: Path, files: Mapping[str, str]) -> KernelTree:
    """Make the trees of a kernel that has the given files."""
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return KernelTree(str(path / "proc"), str(path / "sys"))


def test_this_machine_is_described(tmp_path: Path) -> None:
    """All facts are plain JSON, and the same a second time but for the time."""
    host = make_tree(tmp_path, {f"sys/devices/system/cpu/cpu{cpu}/online": "1" for cpu in range(9)})
    facts = describe(host)
    name = os.uname()
    assert facts["host"]["hostname"] == name.nodename
    assert facts["host"]["kernel_release"] == name.release
    assert facts["host"]["architecture"] == name.machine
    assert facts["host"]["time_zone"] in time.tzname
    boot = datetime.fromisoformat(facts["host"]["boot_time"])
    age = (datetime.now(UTC) - boot).total_seconds()
    assert age == pytest.approx(facts["host"]["uptime_seconds"], abs=60)
    assert facts["cpus"] == {"usable": len(os.sched_getaffinity(0)), "present": 9}
    assert facts["memory"]["total_bytes"] > 2**26
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert facts["limits"]["open_files"] == {"soft": soft, "hard": hard}
    assert facts["packages"]["perfwatch-exporter"] == __version__
    assert facts["packages"]["starlette"] == version("starlette")
    assert facts["fast"]["uvloop"] is False
    assert json.loads(json.dumps(facts)) == facts
    again = describe(host)
    assert again["host"]["uptime_seconds"] > facts["host"]["uptime_seconds"]
    assert again["packages"] == facts["packages"]


def test_the_fast_event_loop_is_seen() -> None:
    """It is what runs that counts, not what is installed."""
    uvloop = pytest.importorskip("uvloop", reason="optional: pip install uvloop")

    async def main() -> dict[str, Any]:
        return system_info()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main())["fast"]["uvloop"] is True


def test_a_host_that_tells_nothing_is_described_without_it(tmp_path: Path) -> None:
    """What is not known is left out, never 0."""
    nothing = KernelTree(str(tmp_path), str(tmp_path))
    facts = describe(nothing)
    assert facts["cpus"].keys() == {"usable"}
    assert "cgroup" not in facts


def test_the_least_limit_up_to_the_root_counts(tmp_path: Path) -> None:
    """A unit is bounded by its slice too; a controller that is not enabled has no file."""
    own = make_tree(
        tmp_path,
        {
            "proc/self/cgroup": "1:name=systemd:/elsewhere\n0::/system.slice/perfwatch.service\n",
            "sys/fs/cgroup/system.slice/memory.max": "268435456\n",
            "sys/fs/cgroup/system.slice/perfwatch.service/memory.max": "536870912\n",
            "sys/fs/cgroup/system.slice/perfwatch.service/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/system.slice/perfwatch.service/pids.max": "max\n",
            "sys/fs/cgroup/elsewhere/pids.max": "1\n",
        },
    )
    assert describe(own)["cgroup"] == {
        "memory_max_bytes": 268435456,
        "cpu_max_cpus": 1.5,
        "pids_max": None,
    }


def test_what_is_no_limit_is_left_out(tmp_path: Path) -> None:
    """Garbage in one file costs that limit alone."""
    own = make_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": "much\n",
            "sys/fs/cgroup/cpu.max": "1 0\n",
            "sys/fs/cgroup/pids.max": "100\n",
        },
    )
    assert describe(own)["cgroup"] == {"pids_max": 100}


@pytest.mark.parametrize("text", [b"", b"-", b"1 x", b"1 -1", b"maximum"])
def test_a_limit_is_a_number_or_none(text: bytes) -> None:
    """Nothing but ValueError is raised."""
    with pytest.raises(ValueError):  # noqa: PT011 -- whatever it says
        parse_limit(text)


def test_a_limit_of_descriptors_may_be_missing() -> None:
    """Unlimited is null, which JSON has, and not the kernel's largest number."""
    assert shown_limit(resource.RLIM_INFINITY) is None
    assert shown_limit(1024) == 1024


def test_every_package_that_the_daemon_may_use_is_shown() -> None:
    """Those that pyproject.toml asks for, the optional ones too."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    asked = {canonicalize_name(Requirement(text).name) for texts in lists for text in texts}
    assert asked == set(PACKAGES)
