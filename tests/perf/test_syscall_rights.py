"""Counting by system calls with fewer rights than root: what is absent, and what is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from exporter.perf.findings import NO_PERF, NOT_PERMITTED
from tests.perf.pmu_machine import unavailable
from tests.perf.real_perf import give_up
from tests.perf.restricted import NO_FILTER, Restrictions, run_python

REPORT = """
import json, os, sys, tempfile
from exporter.kernel import KernelTree
from exporter.perf.counters import Counters
from exporter.perf.events import select
from exporter.perf.rights import read_facts
from exporter.perf.syscall import SyscallSource
from monitoring import structured_logging
from tests.perf.restricted import Restrictions, become_nobody, load_filter
from tests.samples import read_samples
restrictions = Restrictions(*json.loads(sys.argv[1]))
structured_logging.configure()
if restrictions.is_nobody:
    become_nobody(has_perfmon=restrictions.has_perfmon)
if restrictions.error:
    load_filter(restrictions)
with tempfile.TemporaryDirectory() as folder:
    os.makedirs(f"{folder}/devices/system/cpu")
    with open(f"{folder}/devices/system/cpu/online", "w") as file:
        file.write("0\\n")
    os.makedirs(f"{folder}/kernel/tracing", mode=0)
    events = select(["page-faults", "switches=sched:sched_switch"])
    counters = Counters(events, "none")
    kernel = KernelTree(sysfs=folder)
    source = SyscallSource(
        events, counters, aggregation="none", kernel=kernel,
        read_facts=lambda: read_facts(environment={}, marks=()),
    )
    reading = source.read()
    print(json.dumps(read_samples(counters.families(fresh=reading.is_up))))
"""


def count_restricted(restrictions: Restrictions) -> tuple[dict[str, float], str]:
    """Count in a process with these restrictions; give what it shows, and what it logs."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user, or filters at will")
    done = run_python("-c", REPORT, json.dumps(restrictions))
    if NO_FILTER in done.stderr:
        give_up(NO_FILTER, is_ours=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_without_rights_the_refusal_names_the_remedy() -> None:
    """Nobody may count nothing, is told why, and how that is mended; nothing fails."""
    level = Path("/proc/sys/kernel/perf_event_paranoid")
    if not level.exists() or int(level.read_text()) < 1:
        pytest.skip("everybody may count here")
    found, logged = count_restricted(Restrictions(is_nobody=True))
    assert found == {
        unavailable("page_faults", NOT_PERMITTED): 0,
        unavailable("switches", NOT_PERMITTED): 0,
    }
    assert "CAP_PERFMON is missing" in logged
    assert "sysctl kernel.perf_event_paranoid=0" in logged
    assert "tracepoints are looked up in tracefs" in logged
    assert "docs/collectors/perf.md" in logged
    assert "setcap" not in logged  # it would give the right to every program in Python


def test_with_the_capability_alone_everything_but_tracepoints_is_counted() -> None:
    """CAP_PERFMON is enough, as the systemd unit gives it."""
    level = Path("/proc/sys/kernel/perf_event_paranoid")
    if not level.exists() or int(level.read_text()) > 2:
        pytest.skip("this kernel does not take CAP_PERFMON for enough")
    found, _ = count_restricted(Restrictions(is_nobody=True, has_perfmon=True))
    assert "perf_page_faults_total" in found
    assert unavailable("switches", NOT_PERMITTED) in found


@pytest.mark.parametrize(("error", "reason"), [("EPERM", NOT_PERMITTED), ("ENOSYS", NO_PERF)])
def test_a_filter_that_refuses_the_call(error: str, reason: str) -> None:
    """Behind a seccomp filter nothing is counted, and the filter is named."""
    found, logged = count_restricted(Restrictions(error=error, calls=("perf_event_open",)))
    assert found[unavailable("page_faults", reason)] == 0
    assert "a seccomp filter refuses perf_event_open" in logged
