"""The timex collector: adjtimex(2)."""

from __future__ import annotations

import contextlib
import ctypes
import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.timex import (
    COLUMNS,
    STRUCT_TIMEX,
    Clock,
    TimexCollector,
    parse_timex,
    read_clock,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

NANO = 0x2000
PLL = 0x0001
UNSYNC = 0x0040


def make_clock(*, state: int = 0, status: int = PLL | NANO, offset: int = -250_000) -> Clock:
    """Make what the kernel says of a clock."""
    discipline = (0, offset, -1_310_720, 15_500, 412, status, 7, 1, 32_768_000)
    rest = (1_763_028_732, 250_000_000, 10_000, 65_536, 1_500, 2, 131_072, 3, 4, 5, 6, 37)
    return Clock(state, STRUCT_TIMEX.pack(*discipline, *rest))


def samples_of(host: FakeHost, clock: Callable[[], Clock]) -> dict[str, float]:
    """Collect from a clock."""
    return host.samples(TimexCollector(host.kernel, clock=clock))


def test_units_are_base_units(host: FakeHost) -> None:
    """Nanoseconds, microseconds and scaled parts per million become seconds and ratios."""
    assert samples_of(host, make_clock) == {
        "node_timex_sync_status": 1,
        "node_timex_offset_seconds": -0.00025,
        "node_timex_frequency_adjustment_ratio": 1 - 20e-6,
        "node_timex_maxerror_seconds": 0.0155,
        "node_timex_estimated_error_seconds": 0.000412,
        "node_timex_status": 0x2001,
        "node_timex_loop_time_constant": 7,
        "node_timex_tick_seconds": 0.01,
        "node_timex_pps_frequency_hertz": 1e-6,
        "node_timex_pps_jitter_seconds": 0.0000015,
        "node_timex_pps_shift_seconds": 2,
        "node_timex_pps_stability_hertz": 2e-6,
        "node_timex_pps_jitter_total": 3,
        "node_timex_pps_calibration_total": 4,
        "node_timex_pps_error_total": 5,
        "node_timex_pps_stability_exceeded_total": 6,
        "node_timex_tai_offset_seconds": 37,
    }


def test_without_sta_nano_the_offset_is_in_microseconds(host: FakeHost) -> None:
    """An old ntpd leaves the kernel in microseconds."""
    samples = samples_of(host, lambda: make_clock(status=PLL, offset=1_500))
    assert samples["node_timex_offset_seconds"] == 0.0015
    assert samples["node_timex_pps_jitter_seconds"] == 0.0015


@pytest.mark.parametrize(("state", "synchronized"), [(0, 1), (1, 1), (4, 1), (5, 0)])
def test_only_an_error_means_unsynchronized(host: FakeHost, state: int, synchronized: int) -> None:
    """A leap second that is due or in progress is no loss of synchronisation."""
    samples = samples_of(host, lambda: make_clock(state=state, status=UNSYNC))
    assert samples["node_timex_sync_status"] == synchronized


@pytest.mark.parametrize("content", [b"", b"\0" * (STRUCT_TIMEX.size - 1)])
def test_parse_refuses_another_size(content: bytes) -> None:
    """A struct of another size is not this one."""
    with pytest.raises(ValueError, match="struct timex"):
        parse_timex(Clock(0, content))


@given(st.integers(), st.binary(max_size=300) | st.binary(min_size=208, max_size=208))
def test_parse_raises_nothing_but_value_error(state: int, content: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        assert len(parse_timex(Clock(state, content))) == len(COLUMNS)


def test_this_machine_has_a_clock() -> None:
    """The C library fills in the struct: a tick is about a hundredth of a second on Linux."""
    try:
        clock = read_clock()
    except OSError as refused:
        pytest.skip(f"adjtimex is refused here: {refused}")
    tick = parse_timex(clock)[7]
    assert 9_000 <= int(tick) <= 11_000


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
def test_a_refused_call_is_no_data(host: FakeHost, number: int) -> None:
    """A container's seccomp profile may answer so."""

    def refuse() -> Clock:
        raise OSError(number, "refused")

    with pytest.raises(NoData, match="seccomp"):
        samples_of(host, refuse)


def test_another_error_is_a_failure(host: FakeHost) -> None:
    """What is no refusal is reported as it is."""

    def fail() -> Clock:
        raise OSError(errno.EFAULT, "bad address")

    with pytest.raises(OSError, match="bad address"):
        samples_of(host, fail)


def test_a_call_that_fails_says_why() -> None:
    """The call's own error comes through."""

    def fail(buffer: object) -> int:
        ctypes.set_errno(errno.EPERM)
        return -1

    with pytest.raises(PermissionError, match="adjtimex"):
        read_clock(fail)
