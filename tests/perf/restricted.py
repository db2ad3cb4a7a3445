"""Probes with fewer rights, in a process of its own: `python -m tests.perf.restricted JSON`.

It gives up its rights itself, once all that it needs is imported: the user that it becomes may not
be able to read Python, or this repository.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

from exporter.perf.events import select
from exporter.perf.probe import probe
from exporter.perf.rights import PERFMON, read_facts
from tests.child import REPOSITORY

NOBODY = 65534
PERFMON_NUMBER = PERFMON.bit_length() - 1

SET_KEEP_CAPABILITIES, DROP_FROM_BOUNDS, AMBIENT, RAISE = 8, 24, 47, 2
"""Of prctl(2)."""
VERSION_3 = 0x20080522
"""Of capset(2)."""

ALLOW = 0x7FFF0000
REFUSE = 0x00050000
"""Of libseccomp; the number of the error is added to the second."""

NO_FILTER = "no seccomp filter can be set: apt-get install libseccomp2"


class Restrictions(NamedTuple):
    """What a process may not do."""

    is_nobody: bool = False
    has_perfmon: bool = False
    """Whether nobody has CAP_PERFMON, as the systemd unit gives it."""
    error: str = ""
    """What refused calls fail with; empty without a filter."""
    calls: tuple[str, ...] = ()
    """The calls that are refused."""
    is_allow_list: bool = False
    """Whether instead all others are."""
    is_bounded: bool = False
    """Whether nothing that it starts can have CAP_PERFMON."""


def become_nobody(*, has_perfmon: bool) -> None:
    """Become a user without rights, but for one capability that what it starts has too."""
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(SET_KEEP_CAPABILITIES, int(has_perfmon), 0, 0, 0)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    if has_perfmon:
        header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
        high = PERFMON >> 32
        data = (ctypes.c_uint32 * 6)(0, 0, 0, high, high, high)
        if library.capset(header, data) or library.prctl(AMBIENT, RAISE, PERFMON_NUMBER, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot keep CAP_PERFMON")


def load_filter(restrictions: Restrictions) -> None:
    """Filter the system calls of this process, and of all that it starts."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        sys.exit(NO_FILTER)
    library.seccomp_init.restype = ctypes.c_void_p
    refuse = REFUSE | getattr(errno, restrictions.error)
    listed, others = (ALLOW, refuse) if restrictions.is_allow_list else (refuse, ALLOW)
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(others)))
    for name in restrictions.calls:
        call = library.seccomp_syscall_resolve_name(name.encode())
        if call >= 0:  # below are those of other architectures
            library.seccomp_rule_add(rules, ctypes.c_uint32(listed), ctypes.c_int(call), 0)
    if library.seccomp_load(rules) != 0:
        sys.exit(NO_FILTER)


def run_python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python without the tests' environment: coverage would write where nobody may not."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def probe_restricted(
    program: str, words: tuple[str, ...], restrictions: Restrictions
) -> tuple[dict[str, str], str]:
    """Probe in a process with these restrictions, as if it were neither service nor container.

    Gives the reasons by what was to be counted, and the explanation.
    """
    argument = json.dumps([program, words, restrictions])
    done = run_python("-m", "tests.perf.restricted", argument)
    if NO_FILTER in done.stderr:
        return {}, NO_FILTER
    assert done.returncode == 0, done.stderr
    reasons, explanation = json.loads(done.stdout)
    return reasons, explanation


def _main(program: str, words: list[str], fields: list[Any]) -> None:
    restrictions = Restrictions(*fields)
    if restrictions.is_bounded:
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDS, PERFMON_NUMBER, 0, 0, 0)
    if restrictions.is_nobody:
        become_nobody(has_perfmon=restrictions.has_perfmon)
    if restrictions.error:
        load_filter(restrictions)
    found = probe(
        program,
        select(words),
        aggregation="none",
        read_facts=lambda: read_facts(environment={}, marks=()),
    )
    reasons = {event.spec: reason for event, reason in found.reasons.items()}
    print(json.dumps([reasons, found.explanation]))


if __name__ == "__main__":
    _main(*json.loads(sys.argv[1]))
