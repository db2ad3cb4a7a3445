"""What decides over counting, read from the kernel's files and the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.kernel import KernelTree
from exporter.perf.rights import (
    CONTAINER,
    HOST,
    KUBERNETES,
    PERFMON,
    SERVICE,
    SYS_ADMIN,
    Facts,
    read_facts,
)

STATUS = """Name:\tperfwatch
CapInh:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000004000200000
CapAmb:\t0000004000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t1
"""


class Machine:
    """Files of a kernel, below a directory."""

    def __init__(self, root: Path) -> None:
        self.tree = KernelTree(str(root / "proc"), str(root / "sys"))
        self._root = root

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def facts(self, **environment: str) -> Facts:
        """Read what decides there."""
        return read_facts(self.tree, environment, ())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine where nothing can be read."""
    return Machine(tmp_path)


def test_the_facts_of_a_service(machine: Machine) -> None:
    """Each is read from its file; what a program gets differs between root and other users."""
    machine.write("proc/self/status", STATUS)
    machine.write("proc/self/uid_map", "         0          0 4294967295\n")
    machine.write("proc/sys/kernel/perf_event_paranoid", "2\n")
    machine.write("proc/sys/kernel/cap_last_cap", "40\n")
    machine.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    assert machine.facts(INVOCATION_ID="0123") == Facts(
        place=SERVICE,
        level=2,
        user=os.geteuid(),
        group=os.getegid(),
        capabilities=PERFMON | SYS_ADMIN if os.geteuid() == 0 else PERFMON,
        knows_perfmon=True,
        is_filtered=True,
        has_own_users=False,
        ignores_file_capabilities=True,
        lockdown="integrity",
    )


def test_the_facts_of_an_old_kernel(machine: Machine) -> None:
    """Before Linux 5.8 there is no CAP_PERFMON, and a level may be below 0."""
    machine.write("proc/self/status", STATUS.replace("Seccomp:\t2", "Seccomp:\t0"))
    machine.write("proc/sys/kernel/perf_event_paranoid", "-1\n")
    machine.write("proc/sys/kernel/cap_last_cap", "37\n")
    facts = machine.facts()
    assert (facts.level, facts.knows_perfmon, facts.is_filtered) == (-1, False, False)


def test_the_facts_of_a_rootless_container(machine: Machine) -> None:
    """Its users are others than the host's."""
    machine.write("proc/self/uid_map", "0 1000 1\n1 100000 65536\n")
    assert machine.facts().has_own_users


def test_what_cannot_be_read(machine: Machine) -> None:
    """Nothing is there: the kernel's defaults, and no level."""
    assert machine.facts() == Facts(user=os.geteuid(), group=os.getegid())


@pytest.mark.parametrize(
    ("environment", "mark", "place"),
    [
        ({}, False, HOST),
        ({"INVOCATION_ID": "1"}, False, SERVICE),
        ({"INVOCATION_ID": "1"}, True, CONTAINER),
        ({"container": "podman"}, False, CONTAINER),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True, KUBERNETES),
    ],
)
def test_where_it_runs(
    machine: Machine, tmp_path: Path, environment: dict[str, str], place: str, *, mark: bool
) -> None:
    """Kubernetes before its container, a container before the service that it may be."""
    if mark:
        (tmp_path / "marked").touch()
    facts = read_facts(machine.tree, environment, (str(tmp_path / "marked"),))
    assert facts.place == place


def test_the_facts_of_this_process() -> None:
    """They are the kernel's own words on this machine."""
    facts = read_facts()
    status = Path("/proc/self/status").read_text()
    name = "CapBnd" if os.geteuid() == 0 else "CapAmb"
    assert f"{name}:\t{facts.capabilities:016x}\n" in status
    assert f"Seccomp:\t{2 if facts.is_filtered else 0}\n" in status
    level = Path("/proc/sys/kernel/perf_event_paranoid")
    assert facts.level == (int(level.read_text()) if level.exists() else None)
