"""What the daemon runs on: host, limits, interpreter and packages, for the API for operators.

Sources: uname(2), sysinfo(2), sched_getaffinity(2), getrlimit(2), CLOCK_BOOTTIME (Linux 2.6.39),
/sys/devices/system/cpu, /proc/self/cgroup and the cgroup v2 tree (its limits; Linux 4.5). What this
host does not tell is left out. Needs no rights.
"""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from exporter import __version__
from exporter.kernel import KernelTree

PACKAGES = (
    "httptools",
    "intersystems-irispython",
    "isal",
    "jeepney",
    "prometheus-client",
    "psutil",
    "pyyaml",
    "starlette",
    "structlog",
    "uvicorn",
    "uvloop",
)
"""What the daemon may use, by the name under which it is installed."""

CGROUP_LIMITS = {
    "memory_max_bytes": "memory.max",
    "cpu_max_cpus": "cpu.max",
    "pids_max": "pids.max",
}


def system_info(kernel: KernelTree | None = None) -> dict[str, Any]:
    """Give all facts as plain data, for JSON. To be called in the event loop.

    A tree is given by tests: limits are those of this process, whatever host is watched.
    """
    kernel = kernel or KernelTree()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    facts = {
        "host": _host(),
        "cpus": _cpus(kernel),
        "memory": {"total_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")},
        "limits": {"open_files": {"soft": shown_limit(soft), "hard": shown_limit(hard)}},
        "python": {
            "implementation": platform.python_implementation(),
            "version": platform.python_version(),
        },
        "packages": {"perfwatch-exporter": __version__, **_installed()},
        "fast": _fast(),
    }
    if cgroup := _cgroup(kernel):
        facts["cgroup"] = cgroup
    return facts


def _cpus(kernel: KernelTree) -> dict[str, int]:
    present = len(kernel.list_matching("devices/system/cpu", "cpu[0-9]*"))
    usable = {"usable": len(os.sched_getaffinity(0))}
    return usable | ({"present": present} if present else {})


def _cgroup(kernel: KernelTree) -> dict[str, float | None]:
    """The least of each limit from this process's cgroup up to the root; None: no limit."""
    found: dict[str, float | None] = {}
    for folder in _cgroup_folders(kernel):
        for name, file in CGROUP_LIMITS.items():
            try:
                limit = parse_limit(kernel.sys(f"fs/cgroup{folder}/{file}").read())
            except (OSError, ValueError):
                continue  # the root has no limits, and a controller need not be enabled
            found[name] = _least(found.get(name), limit)
    return found


def _cgroup_folders(kernel: KernelTree) -> Iterator[str]:
    try:
        lines = kernel.proc("self/cgroup").read().decode("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        # Version 1 hierarchies have a number other than 0 and names of controllers.
        if line.startswith("0::/"):
            path = PurePosixPath(line.removeprefix("0::"))
            yield from (str(folder) for folder in (path, *path.parents))


def parse_limit(text: bytes) -> float | None:
    """Parse a cgroup's limit: `max` is none, `150000 100000` is time per period, hence CPUs.

    Raises ValueError when it is neither.
    """
    limit, *period = text.split() or [b""]
    if limit == b"max":
        return None
    if not period:
        return int(limit)
    if int(period[0]) <= 0:
        raise ValueError("a period of no time")
    return round(int(limit) / int(period[0]), 3)


def _least(one: float | None, other: float | None) -> float | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _host() -> dict[str, Any]:
    name = os.uname()
    now = datetime.now(UTC).astimezone()
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    boot = datetime.fromtimestamp(round(now.timestamp() - uptime), UTC)
    offset = now.utcoffset()
    return {
        "hostname": name.nodename,
        "kernel_release": name.release,
        "architecture": name.machine,
        "boot_time": boot.isoformat().replace("+00:00", "Z"),
        "uptime_seconds": round(uptime, 3),
        "time_zone": now.tzname(),
        "utc_offset_seconds": int(offset.total_seconds()) if offset else 0,
    }


def shown_limit(limit: int) -> int | None:
    """Give a resource limit as JSON can have it: None is unlimited."""
    return None if limit == resource.RLIM_INFINITY else limit


def _fast() -> dict[str, bool]:
    """Whether the optional packages that make things faster are in use."""
    loop = type(asyncio.get_running_loop())
    return {"uvloop": loop.__module__.partition(".")[0] == "uvloop", "isal": "isal" in _installed()}


@cache
def _installed() -> dict[str, str]:
    """The installed packages with their versions, which are looked up once."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
