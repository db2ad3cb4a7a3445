"""The stat collector: /proc/stat behind the CPUs."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.stat import Options, StatCollector, parse_stat

LINUX_6 = """\
cpu  3579 0 1978 332012 155 0 25 8 0 0
cpu0 3579 0 1978 332012 155 0 25 8 0 0
intr 128706 0 9 0 0 0 1
ctxt 250752
btime 1795255389
processes 6432
procs_running 3
procs_blocked 1
softirq 102026 0 23005 3 4228 11847 4 2 36412 5 26529
"""

LINUX_2_6_18 = """\
cpu  3579 0 1978 332012 155 0 25 8
cpu0 3579 0 1978 332012 155 0 25 8
intr 128706
ctxt 250752
btime 1795255389
processes 6432
"""


def test_parse_takes_each_line_and_of_the_interrupts_the_sum() -> None:
    """The kernel's digits come out by the line's word, softirqs by vector."""
    stat = parse_stat(LINUX_6.encode())
    assert stat.numbers == {
        b"intr": b"128706",
        b"ctxt": b"250752",
        b"btime": b"1795255389",
        b"processes": b"6432",
        b"procs_running": b"3",
        b"procs_blocked": b"1",
    }
    assert stat.softirqs["hi"] == b"0"
    assert stat.softirqs["block_iopoll"] == b"4"
    assert stat.softirqs["rcu"] == b"26529"


def test_parse_passes_over_what_newer_kernels_add() -> None:
    """A line and a vector that this program does not know change nothing."""
    newer = LINUX_6.replace(" 26529\n", " 26529 77\nnovelty a b c\n")
    assert parse_stat(newer.encode()) == parse_stat(LINUX_6.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu 1 2 3 4\ncpu0 1 2 3 4\n",
        "cpu 1\nintr \nctxt 1\n",
        LINUX_6.replace("ctxt 250752", "ctxt x"),
        LINUX_6.replace("softirq 102026 ", "softirq -1 "),
        LINUX_6[: LINUX_6.index("btime") + len("btime")],
    ],
)
def test_parse_refuses_what_is_not_a_stat(text: str) -> None:
    """Truncated or garbled text is a ValueError, never data."""
    with pytest.raises(ValueError, match="integer"):
        parse_stat(text.encode())


@given(st.binary(max_size=200), st.integers(0, len(LINUX_6)))
def test_parse_raises_nothing_but_value_error(text: bytes, cut: int) -> None:
    """Any bytes, also behind a good beginning, either parse or raise ValueError."""
    for candidate in (text, LINUX_6.encode()[:cut] + text):
        with contextlib.suppress(ValueError):
            parse_stat(candidate)


def test_softirqs_are_exposed_on_request(host: Any) -> None:
    """By default there are the six numbers, with the option also a series for each vector."""
    host.write("proc/stat", LINUX_6)
    default = host.samples(StatCollector(host.kernel, Options()))
    assert default == {
        "node_intr_total": 128706,
        "node_context_switches_total": 250752,
        "node_boot_time_seconds": 1795255389,
        "node_forks_total": 6432,
        "node_procs_running": 3,
        "node_procs_blocked": 1,
    }
    requested = host.samples(StatCollector(host.kernel, Options(softirq=True)))
    assert len(requested) == len(default) + 10
    assert requested['node_softirqs_total{vector="net_rx"}'] == 4228


def test_what_an_old_kernel_lacks_is_absent(host: Any) -> None:
    """No procs_running, procs_blocked or softirq line: no such series, rather than zeros."""
    host.write("proc/stat", LINUX_2_6_18)
    assert set(host.samples(StatCollector(host.kernel, Options(softirq=True)))) == {
        "node_intr_total",
        "node_context_switches_total",
        "node_boot_time_seconds",
        "node_forks_total",
    }
