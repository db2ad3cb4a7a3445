"""The kernel's clock discipline: offset, errors, frequency and state of the synchronisation.

Source: adjtimex(2) in its reading mode (Linux kernel/time/ntp.c), which changes nothing and needs
no rights. There is no file that says the same, and Python has no binding, so the C library is
called. A container's seccomp filter may refuse the call.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from exporter.families import Filled, Number
from exporter.kernel import KernelTree, NoData
from exporter.table import Column, Table

STRUCT_TIMEX = struct.Struct("@I4l i3l2l3l i5l i44x")
"""struct timex of <linux/timex.h>, aligned as the machine does it: modes; offset, freq, maxerror,
esterror; status, constant, precision, tolerance; time; tick, ppsfreq, jitter; shift, stabil,
jitcnt, calcnt, errcnt, stbcnt; tai, and room for more."""

TIME_ERROR = 5
"""The state of a clock that nobody keeps right."""

STA_NANO = 0x2000
"""The bit of `status` that makes offset and jitter nanoseconds instead of microseconds."""

SCALED_PPM = 1_000_000 * 65_536
"""Frequencies are in parts per million, with 16 bits behind the point."""

REFUSED = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})

MICROSECONDS = -6
NANOSECONDS = -9

COLUMNS = (
    Column(
        "node_timex_sync_status",
        "Whether the clock is synchronized to a reliable server: 1 if so, otherwise 0.",
        "gauge",
    ),
    Column(
        "node_timex_offset_seconds",
        "Time between the clock and its reference, in seconds.",
        "gauge",
        NANOSECONDS,
    ),
    Column(
        "node_timex_frequency_adjustment_ratio",
        "Factor by which the clock's frequency is adjusted.",
        "gauge",
    ),
    Column(
        "node_timex_maxerror_seconds",
        "Maximum error of the clock, in seconds.",
        "gauge",
        MICROSECONDS,
    ),
    Column(
        "node_timex_estimated_error_seconds",
        "Estimated error of the clock, in seconds.",
        "gauge",
        MICROSECONDS,
    ),
    Column("node_timex_status", "The bits of the clock's status (STA_*), as a number.", "gauge"),
    Column("node_timex_loop_time_constant", "Time constant of the phase-locked loop.", "gauge"),
    Column(
        "node_timex_tick_seconds",
        "Time between two ticks of the clock, in seconds.",
        "gauge",
        MICROSECONDS,
    ),
    Column("node_timex_pps_frequency_hertz", "Frequency of the pulse per second.", "gauge"),
    Column(
        "node_timex_pps_jitter_seconds",
        "Jitter of the pulse per second, in seconds.",
        "gauge",
        NANOSECONDS,
    ),
    Column(
        "node_timex_pps_shift_seconds",
        "Duration of the intervals of the pulse per second, as a power of two.",
        "gauge",
    ),
    Column(
        "node_timex_pps_stability_hertz",
        "Average of recent changes of the pulse's frequency.",
        "gauge",
    ),
    Column("node_timex_pps_jitter_total", "Pulses beyond the limit on jitter.", "counter"),
    Column("node_timex_pps_calibration_total", "Intervals of calibration by the pulse.", "counter"),
    Column("node_timex_pps_error_total", "Errors of calibration by the pulse.", "counter"),
    Column(
        "node_timex_pps_stability_exceeded_total",
        "Pulses beyond the limit on stability.",
        "counter",
    ),
    Column(
        "node_timex_tai_offset_seconds",
        "Seconds by which International Atomic Time (TAI) is ahead of UTC.",
        "gauge",
    ),
)


class Clock(NamedTuple):
    """What adjtimex(2) gives."""

    state: int
    """What it returns: TIME_OK, ... TIME_ERROR."""
    content: bytes
    """struct timex as the kernel has filled it in."""


_LIBRARY = ctypes.CDLL(None, use_errno=True)


def read_clock(adjtimex: Callable[[ctypes.Array[ctypes.c_char]], int] = _LIBRARY.adjtimex) -> Clock:
    """Call adjtimex(2) with no mode set, which only reads. Raises OSError as the kernel says it."""
    buffer = ctypes.create_string_buffer(STRUCT_TIMEX.size)
    state = adjtimex(buffer)
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"adjtimex: {os.strerror(number)}")
    return Clock(state, buffer.raw)


def parse_timex(clock: Clock) -> list[Number]:
    """Give the numbers in the order of COLUMNS. Raises ValueError on a wrong size."""
    if len(clock.content) != STRUCT_TIMEX.size:
        raise ValueError(f"struct timex: {len(clock.content)} bytes, expected {STRUCT_TIMEX.size}")
    fields = STRUCT_TIMEX.unpack(clock.content)
    _, offset, freq, maxerror, esterror, status, constant = fields[:7]
    tick, ppsfreq, jitter, shift, stabil, jitcnt, calcnt, errcnt, stbcnt, tai = fields[11:]
    nanoseconds = 1 if status & STA_NANO else 1000
    return [
        int(clock.state != TIME_ERROR),
        offset * nanoseconds,
        1 + freq / SCALED_PPM,
        maxerror,
        esterror,
        status,
        constant,
        tick,
        ppsfreq / SCALED_PPM,
        jitter * nanoseconds,
        shift,
        stabil / SCALED_PPM,
        jitcnt,
        calcnt,
        errcnt,
        stbcnt,
        tai,
    ]


class TimexCollector:
    """The state of the kernel's clock."""

    name = "timex"

    def __init__(self, kernel: KernelTree, *, clock: Callable[[], Clock] = read_clock) -> None:  # noqa: ARG002 -- the clock is no file
        self._clock = clock
        self._table = Table(COLUMNS, ())

    def collect(self) -> Iterator[Filled]:
        """Yield all of node_timex_*."""
        try:
            clock = self._clock()
        except OSError as error:
            if error.errno in REFUSED:
                raise NoData("adjtimex(2) is refused: allow it in the seccomp profile") from error
            raise
        yield self._table.fill({(): parse_timex(clock)})
