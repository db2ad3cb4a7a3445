"""The softirqs collector: /proc/softirqs."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.softirqs import SoftirqsCollector, parse_softirqs
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

SOFTIRQS = """\
                    CPU0       CPU1
          HI:          0          1
       TIMER:     301563     285729
"""


@given(st.binary(max_size=100))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for one in (text, b"CPU0 CPU1\n" + text):
        with contextlib.suppress(ValueError):
            parse_softirqs(one)


def test_softirqs_are_shown(host: FakeHost) -> None:
    """By CPU and kind, those that never ran too."""
    host.write("proc/softirqs", SOFTIRQS)
    assert host.samples(SoftirqsCollector(host.kernel)) == {
        'node_softirqs_functions_total{cpu="0",type="HI"}': 0,
        'node_softirqs_functions_total{cpu="1",type="HI"}': 1,
        'node_softirqs_functions_total{cpu="0",type="TIMER"}': 301563,
        'node_softirqs_functions_total{cpu="1",type="TIMER"}': 285729,
    }


def test_numbers_are_those_of_the_moment(host: FakeHost) -> None:
    """Also of CPUs that were added."""
    host.write("proc/softirqs", SOFTIRQS)
    collector = SoftirqsCollector(host.kernel)
    host.samples(collector)
    host.write("proc/softirqs", SOFTIRQS.replace("301563", "301564"))
    assert host.samples(collector)['node_softirqs_functions_total{cpu="0",type="TIMER"}'] == 301564
    host.write("proc/softirqs", "CPU0 CPU1 CPU2\nRCU: 1 2 3\n")
    samples = host.samples(collector)
    assert samples['node_softirqs_functions_total{cpu="2",type="RCU"}'] == 3
    assert len(samples) == 3


def test_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="softirqs"):
        list(SoftirqsCollector(host.kernel).collect())
