"""Why counting was refused, and the exact remedy where this process runs.

Sources: /proc/sys/kernel/perf_event_paranoid and cap_last_cap, /proc/self/status and uid_map,
/sys/kernel/security/lockdown; Documentation/admin-guide/perf-security.rst, capabilities(7).
Counting of whole CPUs takes a level of 0 or less, or CAP_PERFMON (Linux 5.8; CAP_SYS_ADMIN does
too, and before that nothing else). Kernels of Debian (level 3) and Ubuntu (level 4) have one more
check, which CAP_SYS_ADMIN alone passes: https://bugs.launchpad.net/bugs/2131046.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from exporter.kernel import KernelFile, KernelTree

DOCUMENTATION = "docs/collectors/perf.md"
DROP_IN = "deploy/systemd/perfwatch-perf.conf"

SYS_ADMIN = 1 << 21
PERFMON = 1 << 38

DISTRIBUTION_LEVEL = 3
"""From here on kernels of distributions do not take CAP_PERFMON for enough; the kernel's own
highest level is 2."""

HOST, SERVICE, CONTAINER, KUBERNETES = "host", "service", "container", "kubernetes"
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")

_WHOLE_RANGE = ["0", "0", "4294967295"]
_CHOSEN = re.compile(r"\[(\w+)\]")


class Facts(NamedTuple):
    """What decides over counting, as this process and what it starts has it."""

    place: str = HOST
    """HOST, SERVICE (of systemd), CONTAINER or KUBERNETES."""
    level: int | None = None
    """kernel.perf_event_paranoid; None where the kernel has no such thing."""
    user: int = 0
    group: int = 0
    capabilities: int = 0
    """Those that a program has which is started from here."""
    knows_perfmon: bool = True
    """Whether the kernel has CAP_PERFMON."""
    is_filtered: bool = False
    """Whether a seccomp filter is at work."""
    has_own_users: bool = False
    """Whether it is in a user namespace, whose capabilities do not count here."""
    ignores_file_capabilities: bool = False
    """Whether what setcap(8) gives to a program is without effect (no_new_privs)."""
    lockdown: str = ""

    @property
    def capability(self) -> str:
        """The smallest capability that lets a program count."""
        return "PERFMON" if self.knows_perfmon else "SYS_ADMIN"

    @property
    def is_allowed(self) -> bool:
        """Whether the kernel's own rules let a program count that is started from here."""
        if self.level is not None and self.level <= 0:
            return True
        enough = SYS_ADMIN if (self.level or 0) >= DISTRIBUTION_LEVEL else SYS_ADMIN | PERFMON
        return bool(self.capabilities & enough) and not self.has_own_users


def read_facts(
    kernel: KernelTree | None = None,
    environment: Mapping[str, str] = os.environ,
    marks: tuple[str, ...] = CONTAINER_MARKS,
) -> Facts:
    """Find out what decides; what cannot be read counts as the kernel's default.

    `kernel` is the daemon's own: a mounted /proc of the host shows the host's processes.
    """
    kernel = kernel or KernelTree()
    status = dict(
        line.split(":", 1) for line in _read(kernel.proc("self/status")).splitlines() if ":" in line
    )
    is_root = os.geteuid() == 0
    # What root starts gets all that the bounding set leaves; everybody else's, what is ambient.
    inherited = status.get("CapBnd" if is_root else "CapAmb", "0")
    level = _read(kernel.proc("sys/kernel/perf_event_paranoid")).strip()
    last = _read(kernel.proc("sys/kernel/cap_last_cap")).strip()
    users = _read(kernel.proc("self/uid_map")).split()
    lockdown = _CHOSEN.search(_read(kernel.sys("kernel/security/lockdown")))
    return Facts(
        place=_find_place(environment, marks),
        level=int(level) if re.fullmatch(r"-?\d+", level) else None,
        user=os.geteuid(),
        group=os.getegid(),
        capabilities=int(inherited, 16),
        knows_perfmon=not last.isdecimal() or 1 << int(last) >= PERFMON,
        is_filtered=status.get("Seccomp", "").strip() == "2",
        has_own_users=bool(users) and users != _WHOLE_RANGE,
        ignores_file_capabilities=status.get("NoNewPrivs", "").strip() == "1",
        lockdown=lockdown[1] if lockdown else "",
    )


def explain(facts: Facts, program: str) -> str:
    """Say why perf_event_open(2) was refused, and what to change."""
    if facts.level is None:
        return (
            "this kernel does not count: it has no kernel.perf_event_paranoid, so it was built "
            f"without CONFIG_PERF_EVENTS, or is no Linux ({DOCUMENTATION})"
        )
    if facts.is_allowed:
        remedy = _explain_filter(facts) if facts.is_filtered else _explain_module(facts)
    elif facts.has_own_users and facts.capabilities & (SYS_ADMIN | PERFMON):
        remedy = (
            "the capabilities of a user namespace (a rootless container) do not count. On the "
            "host: sysctl kernel.perf_event_paranoid=0, with a seccomp profile that allows "
            "perf_event_open; or start it as the host's root"
        )
    elif facts.capabilities & PERFMON:
        remedy = (
            f"kernel.perf_event_paranoid is {facts.level}, where kernels of Debian and Ubuntu do "
            "not take CAP_PERFMON for enough. On the host: sysctl kernel.perf_event_paranoid=2"
        )
    else:
        remedy = (
            f"kernel.perf_event_paranoid is {facts.level} and CAP_{facts.capability} is missing. "
            f"{_give_capability(facts, program)}{_lower_level(facts)}"
        )
    return f"{remedy} ({DOCUMENTATION})"


def explain_missing(facts: Facts) -> str:
    """Say why perf_event_open(2) is answered as if it did not exist, and what to change."""
    if facts.level is None or not facts.is_filtered:
        return explain(facts._replace(level=None), "")
    return f"{_explain_filter(facts)} ({DOCUMENTATION})"


def explain_tracing(facts: Facts) -> str:
    """Say why a tracepoint was refused, and what to change: perf looks it up in tracefs."""
    if facts.lockdown == "confidentiality":
        remedy = "the kernel's lockdown (confidentiality) keeps tracefs shut: no tracepoints here"
    elif facts.place in {CONTAINER, KUBERNETES}:
        remedy = (
            "tracepoints are looked up in tracefs: mount the host's /sys/kernel/tracing into the "
            "container, read-only, and run it as user 0"
        )
    else:
        # Not mode=755, which perf proposes: the files themselves are for their group only.
        remedy = (
            "tracepoints are looked up in tracefs, which is for root only: mount -o "
            f"remount,gid={facts.group},mode=750 /sys/kernel/tracing"
        )
    return f"{remedy} ({DOCUMENTATION})"


def _explain_filter(facts: Facts) -> str:
    if facts.place == SERVICE:
        return f"the unit's SystemCallFilter= refuses perf_event_open: {DROP_IN} adds it"
    if facts.place == HOST:
        return "a seccomp filter refuses perf_event_open: start it without, or allow that call"
    return f"the container's seccomp profile refuses perf_event_open. {_pass_profile(facts)}"


def _pass_profile(facts: Facts) -> str:
    """Say what makes the profiles of container engines let the call through."""
    missing = [
        name
        for name, bit in (("PERFMON", PERFMON), ("SYS_ADMIN", SYS_ADMIN))
        if not facts.capabilities & bit
    ]
    if missing == ["SYS_ADMIN"]:
        return (
            "Those before Docker 23, containerd 1.6.9 and the end of 2025 (Podman) want SYS_ADMIN "
            "too: update the engine, or add it"
        )
    if missing == ["PERFMON"]:
        return "Those of Podman up to 2025 want PERFMON too: add it"
    if missing:
        return _give_capability(facts, "")
    option = "seccompProfile:" if facts.place == KUBERNETES else "security_opt: [seccomp=...]"
    return f"Name one that allows it, by {option}"


def _explain_module(facts: Facts) -> str:
    right = "the level" if facts.level is not None and facts.level <= 0 else "the capability"
    return (
        f"{right} is enough, and it was refused all the same: by a security module such as "
        "SELinux. ausearch -m avc -c perf shows which rule"
    )


def _give_capability(facts: Facts, program: str) -> str:
    name = facts.capability
    if facts.place == SERVICE and not facts.knows_perfmon:
        return f"Install {DROP_IN}, with CAP_SYS_ADMIN instead of CAP_PERFMON"
    if facts.place == SERVICE:
        return (
            f"Install {DROP_IN}, which has AmbientCapabilities=CAP_PERFMON, "
            "CapabilityBoundingSet=CAP_PERFMON and SystemCallFilter=perf_event_open"
        )
    if facts.place == KUBERNETES:
        return (
            "Set in the container's securityContext: "
            f"{{runAsUser: 0, capabilities: {{drop: [ALL], add: [{name}]}}}}"
        )
    if facts.place == CONTAINER:
        alone = "" if facts.user == 0 else " (no other user is given capabilities)"
        older = " (SYS_ADMIN before Docker 23)" if facts.knows_perfmon else ""
        return f'Set user: "0"{alone}, cap_drop: [ALL] and cap_add: [{name}]{older}'
    if facts.ignores_file_capabilities:
        return "As root: sysctl kernel.perf_event_paranoid=0"
    return (
        f"As root: sysctl kernel.perf_event_paranoid=0, or setcap cap_{name.lower()}+ep {program}"
    )


def _lower_level(facts: Facts) -> str:
    """Say what else it takes with the kernels of some distributions."""
    if (facts.level or 0) < DISTRIBUTION_LEVEL or not facts.knows_perfmon:
        return ""
    return (
        "; with the capability, also sysctl kernel.perf_event_paranoid=2, since above it kernels "
        "of Debian and Ubuntu want CAP_SYS_ADMIN"
    )


def _find_place(environment: Mapping[str, str], marks: tuple[str, ...]) -> str:
    if "KUBERNETES_SERVICE_HOST" in environment:
        return KUBERNETES
    if "container" in environment or any(Path(mark).exists() for mark in marks):
        return CONTAINER
    return SERVICE if "INVOCATION_ID" in environment else HOST


def _read(file: KernelFile) -> str:
    """Read a file once; empty where there is none, or where it may not be read."""
    with contextlib.suppress(OSError):
        return file.read().decode("ascii", "replace")
    return ""
