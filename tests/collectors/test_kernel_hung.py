"""The kernel_hung collector: /proc/sys/kernel/hung_task_detect_count."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.kernel_hung import KernelHungCollector, parse_count
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

PATH = "proc/sys/kernel/hung_task_detect_count"


@pytest.mark.parametrize("text", [b"", b"-1\n", b"none\n"])
def test_parse_refuses_what_is_no_number(text: bytes) -> None:
    """An empty file and words are errors."""
    with pytest.raises(ValueError, match="not an integer"):
        parse_count(text)


@given(st.binary(max_size=50))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_count(text)


def test_hung_tasks_are_counted(host: FakeHost) -> None:
    """The counter follows the kernel's."""
    host.write(PATH, "0\n")
    collector = KernelHungCollector(host.kernel)
    assert host.samples(collector) == {"node_kernel_hung_tasks_total": 0}
    host.write(PATH, "3\n")
    assert host.samples(collector) == {"node_kernel_hung_tasks_total": 3}


def test_an_old_kernel_has_no_data(host: FakeHost) -> None:
    """Before Linux 6.13 nobody counts: that is not 0."""
    host.write("proc/sys/kernel/hung_task_timeout_secs", "120\n")
    with pytest.raises(NoData, match=r"older than Linux 6\.13"):
        list(KernelHungCollector(host.kernel).collect())
