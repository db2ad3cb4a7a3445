"""Why counting is refused, in every situation, and the remedy that belongs to it."""

from __future__ import annotations

import re

import pytest

from exporter.perf.rights import (
    CONTAINER,
    KUBERNETES,
    PERFMON,
    SERVICE,
    SYS_ADMIN,
    Facts,
    explain,
    explain_missing,
    explain_tracing,
)
from tests.child import REPOSITORY

BOTH = PERFMON | SYS_ADMIN
NOBODY = 65534
PERF = "/usr/bin/perf"

SITUATIONS: dict[str, tuple[Facts, str]] = {
    "on a host": (
        Facts(level=2),
        (
            "kernel.perf_event_paranoid is 2 and CAP_PERFMON is missing. As root: sysctl "
            "kernel.perf_event_paranoid=0, or setcap cap_perfmon+ep /usr/bin/perf"
        ),
    ),
    "on a host where setcap does nothing": (
        Facts(level=1, ignores_file_capabilities=True),
        (
            "kernel.perf_event_paranoid is 1 and CAP_PERFMON is missing. As root: sysctl "
            "kernel.perf_event_paranoid=0"
        ),
    ),
    "on a host with an old kernel": (
        Facts(level=2, knows_perfmon=False),
        (
            "kernel.perf_event_paranoid is 2 and CAP_SYS_ADMIN is missing. As root: sysctl "
            "kernel.perf_event_paranoid=0, or setcap cap_sys_admin+ep /usr/bin/perf"
        ),
    ),
    "on Debian, with an old kernel": (
        Facts(level=3, knows_perfmon=False),
        (
            "kernel.perf_event_paranoid is 3 and CAP_SYS_ADMIN is missing. As root: sysctl "
            "kernel.perf_event_paranoid=0, or setcap cap_sys_admin+ep /usr/bin/perf"
        ),
    ),
    "on Debian": (
        Facts(level=3),
        (
            "kernel.perf_event_paranoid is 3 and CAP_PERFMON is missing. As root: sysctl "
            "kernel.perf_event_paranoid=0, or setcap cap_perfmon+ep /usr/bin/perf; with the "
            "capability, also sysctl kernel.perf_event_paranoid=2, since above it kernels of "
            "Debian and Ubuntu want CAP_SYS_ADMIN"
        ),
    ),
    "on Ubuntu, with the capability": (
        Facts(level=4, user=NOBODY, capabilities=PERFMON, place=SERVICE, is_filtered=True),
        (
            "kernel.perf_event_paranoid is 4, where kernels of Debian and Ubuntu do not take "
            "CAP_PERFMON for enough. On the host: sysctl kernel.perf_event_paranoid=2"
        ),
    ),
    "in the unit": (
        Facts(level=2, user=NOBODY, place=SERVICE, is_filtered=True),
        (
            "kernel.perf_event_paranoid is 2 and CAP_PERFMON is missing. Install "
            "deploy/systemd/perfwatch-perf.conf, which has "
            "AmbientCapabilities=CAP_PERFMON, CapabilityBoundingSet=CAP_PERFMON and "
            "SystemCallFilter=perf_event_open"
        ),
    ),
    "in the unit, with an old kernel": (
        Facts(level=2, user=NOBODY, place=SERVICE, knows_perfmon=False),
        (
            "kernel.perf_event_paranoid is 2 and CAP_SYS_ADMIN is missing. Install "
            "deploy/systemd/perfwatch-perf.conf, with CAP_SYS_ADMIN instead of "
            "CAP_PERFMON"
        ),
    ),
    "in the unit, with the capability alone": (
        Facts(level=2, user=NOBODY, capabilities=PERFMON, place=SERVICE, is_filtered=True),
        (
            "the unit's SystemCallFilter= refuses perf_event_open: "
            "deploy/systemd/perfwatch-perf.conf adds it"
        ),
    ),
    "in the unit, with a lower level alone": (
        Facts(level=0, user=NOBODY, place=SERVICE, is_filtered=True),
        (
            "the unit's SystemCallFilter= refuses perf_event_open: "
            "deploy/systemd/perfwatch-perf.conf adds it"
        ),
    ),
    "in a container, as root": (
        Facts(level=2, place=CONTAINER, is_filtered=True),
        (
            "kernel.perf_event_paranoid is 2 and CAP_PERFMON is missing. "
            'Set user: "0", cap_drop: [ALL] and cap_add: [PERFMON] (SYS_ADMIN before Docker 23)'
        ),
    ),
    "in a container, as another user": (
        Facts(level=2, user=NOBODY, place=CONTAINER, is_filtered=True),
        (
            "kernel.perf_event_paranoid is 2 and CAP_PERFMON is missing. "
            'Set user: "0" (no other user is given capabilities), cap_drop: [ALL] and '
            "cap_add: [PERFMON] (SYS_ADMIN before Docker 23)"
        ),
    ),
    "in a container, with an old kernel": (
        Facts(level=2, place=CONTAINER, knows_perfmon=False),
        (
            "kernel.perf_event_paranoid is 2 and CAP_SYS_ADMIN is missing. "
            'Set user: "0", cap_drop: [ALL] and cap_add: [SYS_ADMIN]'
        ),
    ),
    "in a container, with a lower level alone": (
        Facts(level=-1, place=CONTAINER, is_filtered=True),
        (
            "the container's seccomp profile refuses perf_event_open. "
            'Set user: "0", cap_drop: [ALL] and cap_add: [PERFMON] (SYS_ADMIN before Docker 23)'
        ),
    ),
    "in a container of an old Docker": (
        Facts(level=2, capabilities=PERFMON, place=CONTAINER, is_filtered=True),
        (
            "the container's seccomp profile refuses perf_event_open. Those before Docker 23, "
            "containerd 1.6.9 and the end of 2025 (Podman) want SYS_ADMIN too: update the engine, "
            "or add it"
        ),
    ),
    "in a container of an old Podman": (
        Facts(level=2, capabilities=SYS_ADMIN, place=CONTAINER, is_filtered=True),
        (
            "the container's seccomp profile refuses perf_event_open. Those of Podman up to 2025 "
            "want PERFMON too: add it"
        ),
    ),
    "in a container with a profile of its own": (
        Facts(level=2, capabilities=BOTH, place=CONTAINER, is_filtered=True),
        (
            "the container's seccomp profile refuses perf_event_open. Name one that allows it, by "
            "security_opt: [seccomp=...]"
        ),
    ),
    "in a rootless container": (
        Facts(level=2, capabilities=BOTH, place=CONTAINER, has_own_users=True),
        (
            "the capabilities of a user namespace (a rootless container) do not count. On the "
            "host: sysctl kernel.perf_event_paranoid=0, with a seccomp profile that allows "
            "perf_event_open; or start it as the host's root"
        ),
    ),
    "in Kubernetes": (
        Facts(level=2, place=KUBERNETES),
        (
            "kernel.perf_event_paranoid is 2 and CAP_PERFMON is missing. Set in the container's "
            "securityContext: {runAsUser: 0, capabilities: {drop: [ALL], add: [PERFMON]}}"
        ),
    ),
    "in Kubernetes, with a profile of its own": (
        Facts(level=2, capabilities=BOTH, place=KUBERNETES, is_filtered=True),
        (
            "the container's seccomp profile refuses perf_event_open. Name one that allows it, by "
            "seccompProfile:"
        ),
    ),
    "under a filter": (
        Facts(level=2, capabilities=BOTH, is_filtered=True),
        "a seccomp filter refuses perf_event_open: start it without, or allow that call",
    ),
    "under SELinux, by the capability": (
        Facts(level=2, capabilities=PERFMON),
        (
            "the capability is enough, and it was refused all the same: by a security module such "
            "as SELinux. ausearch -m avc -c perf shows which rule"
        ),
    ),
    "under SELinux, by the level": (
        Facts(level=0, place=SERVICE),
        (
            "the level is enough, and it was refused all the same: by a security module such as "
            "SELinux. ausearch -m avc -c perf shows which rule"
        ),
    ),
    "without performance events": (
        Facts(level=None),
        (
            "this kernel does not count: it has no kernel.perf_event_paranoid, so it was built "
            "without CONFIG_PERF_EVENTS, or is no Linux"
        ),
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_its_remedy(situation: str) -> None:
    """The explanation says why, what to change there, and where that is documented."""
    facts, expected = SITUATIONS[situation]
    assert explain(facts, PERF) == f"{expected} (docs/collectors/perf.md)"


def test_the_remedies_name_what_is_there() -> None:
    """The files that are to be installed exist, with the settings that are said to be in them."""
    text = explain(Facts(level=2, place=SERVICE), PERF)
    (path,) = re.findall(r"deploy/\S+\.conf", text)
    lines = (REPOSITORY / path).read_text().splitlines()
    settings = re.findall(r"\w+=\w+", text)
    assert len(settings) == 3
    assert set(settings) <= set(lines)


@pytest.mark.parametrize(
    ("level", "capabilities", "is_allowed"),
    [
        (-1, 0, True),
        (0, 0, True),
        (1, 0, False),
        (2, 0, False),
        (2, PERFMON, True),
        (2, SYS_ADMIN, True),
        (2, 1 << 19, False),
        (3, PERFMON, False),
        (4, PERFMON, False),
        (4, SYS_ADMIN, True),
    ],
)
def test_what_the_kernel_allows(level: int, capabilities: int, *, is_allowed: bool) -> None:
    """The level or a capability is enough, and in a user namespace the level only."""
    facts = Facts(level=level, capabilities=capabilities)
    assert facts.is_allowed is is_allowed
    assert facts._replace(has_own_users=True).is_allowed is (level <= 0)


def test_a_call_that_is_missing() -> None:
    """Podman's profile answers so; a kernel without the call does too."""
    filtered = Facts(level=2, place=CONTAINER, capabilities=SYS_ADMIN, is_filtered=True)
    assert "Podman up to 2025 want PERFMON too" in explain_missing(filtered)
    assert "built without CONFIG_PERF_EVENTS" in explain_missing(filtered._replace(level=None))
    assert "built without CONFIG_PERF_EVENTS" in explain_missing(Facts(level=2))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            Facts(group=998),
            (
                "tracepoints are looked up in tracefs, which is for root only: mount -o "
                "remount,gid=998,mode=750 /sys/kernel/tracing"
            ),
        ),
        (
            Facts(place=KUBERNETES),
            (
                "tracepoints are looked up in tracefs: mount the host's /sys/kernel/tracing into "
                "the container, read-only, and run it as user 0"
            ),
        ),
        (
            Facts(lockdown="confidentiality"),
            "the kernel's lockdown (confidentiality) keeps tracefs shut: no tracepoints here",
        ),
    ],
)
def test_tracepoints_have_their_own_remedy(facts: Facts, expected: str) -> None:
    """They are files, whose rights are set apart from those of perf."""
    assert explain_tracing(facts) == f"{expected} (docs/collectors/perf.md)"
