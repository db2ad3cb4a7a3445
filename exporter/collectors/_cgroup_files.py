"""The files of a control group, of both versions, and what each of their fields is shown as.

Sources: Linux Documentation/admin-guide/cgroup-v2.rst (since 4.5) and cgroup-v1/. A kernel or a
group that lacks a file lacks its metrics: the pressure files came with 4.20, memory.peak with 5.19,
irq.pressure with 6.1. "No limit" is a word in version 2 and a huge number in version 1; neither is
a value here. All are readable by everyone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from exporter.collectors.pressure import parse_pressure
from exporter.families import Digits
from exporter.parsing import integer, integers, shorten

Fields: TypeAlias = dict[bytes, Digits]

_DEVICE = re.compile(rb"[0-9]{1,10}:[0-9]{1,10}\Z")

UNLIMITED = 2**62
"""Version 1 says `no limit` with 2**63 rounded down to a page of 4 or 64 KiB, or (before 3.19) with
2**63 - 1."""


class Source(NamedTuple):
    """A file, how it is parsed, and the metrics of its fields.

    Behind a metric's name stand the zeros that turn the kernel's unit into ours: times are shown in
    nanoseconds with exponent -9, whatever the file counts in.
    """

    file: str
    parse: Callable[[bytes], Fields]
    metrics: Mapping[bytes, tuple[str, bytes]]


class DeviceSource(NamedTuple):
    """A file with fields of each device, how it is parsed, and the metrics of its fields."""

    file: str
    parse: Callable[[bytes], dict[bytes, Fields]]
    metrics: Mapping[bytes, str]


def parse_value(text: bytes) -> Fields:
    """Parse a file of one number, or `max`: nothing. Raises ValueError on anything else."""
    word = text.strip()
    if word == b"max" or int(integer(word)) >= UNLIMITED:
        return {}
    return {b"": word}


def parse_fields(text: bytes) -> Fields:
    """Parse lines such as `anon 4096`. Raises ValueError when it is not that."""
    words = text.split()
    names, numbers = words[::2], words[1::2]
    if len(names) != len(numbers):
        raise ValueError(f"control group: expected names and numbers: {shorten(text)}")
    integers(numbers)
    return dict(zip(names, numbers, strict=True))


def parse_cpu_max(text: bytes) -> Fields:
    """Parse `50000 100000` or `max 100000`: quota and period in microseconds."""
    quota, _, period = text.strip().partition(b" ")
    integer(period)
    return {} if quota == b"max" else {b"quota": integer(quota), b"period": period}


def parse_quota(text: bytes) -> Fields:
    """Parse the quota of version 1, where -1 is none."""
    return {} if text.strip() == b"-1" else {b"": integer(text.strip())}


def parse_freezer_state(text: bytes) -> Fields:
    """Parse THAWED, FREEZING or FROZEN: 1 when it is the last."""
    state = text.strip()
    if state not in {b"THAWED", b"FREEZING", b"FROZEN"}:
        raise ValueError(f"freezer.state: expected THAWED or FROZEN: {shorten(text)}")
    return {b"": b"1" if state == b"FROZEN" else b"0"}


def parse_io_stat(text: bytes) -> dict[bytes, Fields]:
    """Parse `8:0 rbytes=4096 wbytes=0 rios=1 ...`: fields by device. Raises ValueError.

    Devices without any I/O may stand in front of another one's line, without fields. Those called
    `(unknown)` (of ZFS, of the paths of NVMe) cannot be told apart and are left out.
    """
    devices: dict[bytes, Fields] = {}
    fields: Fields = {}
    for word in text.split():
        name, equals, number = word.partition(b"=")
        if not equals:
            fields = devices.setdefault(name, {})
        elif number.isdigit():  # not those of the cost model, which may be something else
            fields[name] = integer(number)
    return _known(devices)


def parse_blkio(text: bytes) -> dict[bytes, Fields]:
    """Parse `8:0 Read 4096`: fields by device. Raises ValueError. The last line is the total."""
    devices: dict[bytes, Fields] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3:
            devices.setdefault(words[0], {})[words[1]] = integer(words[2])
        elif len(words) != 2:
            raise ValueError(f"blkio: expected device, name and number: {shorten(line)}")
    return _known(devices)


def _known(devices: dict[bytes, Fields]) -> dict[bytes, Fields]:
    return {
        device: fields for device, fields in devices.items() if fields and _DEVICE.match(device)
    }


def _value(file: str, metric: str) -> Source:
    return Source(file, parse_value, {b"": (metric, b"")})


def _pressure(resource: str, **metrics: str) -> Source:
    named = {
        line.encode(): (f"pressure_{resource}_{meaning}_seconds_total", b"000")
        for line, meaning in metrics.items()
    }
    return Source(f"{resource}.pressure", parse_pressure, named)


UNIFIED = (
    Source(
        "cpu.stat",
        parse_fields,
        {
            b"usage_usec": ("cpu_usage_seconds_total", b"000"),
            b"user_usec": ("cpu_user_seconds_total", b"000"),
            b"system_usec": ("cpu_system_seconds_total", b"000"),
            b"nr_periods": ("cpu_periods_total", b""),
            b"nr_throttled": ("cpu_throttled_periods_total", b""),
            b"throttled_usec": ("cpu_throttled_seconds_total", b"000"),
        },
    ),
    Source(
        "cpu.max",
        parse_cpu_max,
        {b"quota": ("cpu_limit_cores", b"000"), b"period": ("cpu_period_seconds", b"000")},
    ),
    _value("cpu.weight", "cpu_weight"),
    _value("memory.current", "memory_usage_bytes"),
    _value("memory.peak", "memory_peak_bytes"),
    _value("memory.max", "memory_limit_bytes"),
    _value("memory.high", "memory_high_bytes"),
    _value("memory.low", "memory_low_bytes"),
    _value("memory.swap.current", "memory_swap_bytes"),
    _value("memory.swap.max", "memory_swap_limit_bytes"),
    Source(
        "memory.stat",
        parse_fields,
        {
            b"anon": ("memory_anon_bytes", b""),
            b"file": ("memory_file_bytes", b""),
            b"inactive_file": ("memory_inactive_file_bytes", b""),
            b"shmem": ("memory_shmem_bytes", b""),
            b"kernel": ("memory_kernel_bytes", b""),
            b"slab": ("memory_slab_bytes", b""),
            b"sock": ("memory_sock_bytes", b""),
            b"pgfault": ("memory_page_faults_total", b""),
            b"pgmajfault": ("memory_major_page_faults_total", b""),
            b"workingset_refault_anon": ("memory_refaulted_anon_pages_total", b""),
            b"workingset_refault_file": ("memory_refaulted_file_pages_total", b""),
            b"workingset_refault": ("memory_refaulted_file_pages_total", b""),  # before 5.9
        },
    ),
    Source(
        "memory.events",
        parse_fields,
        {
            b"high": ("memory_high_events_total", b""),
            b"max": ("memory_limit_hits_total", b""),
            b"oom": ("memory_oom_events_total", b""),
            b"oom_kill": ("memory_oom_kills_total", b""),
        },
    ),
    _value("pids.current", "pids"),
    _value("pids.max", "pids_limit"),
    _pressure("cpu", some="waiting", full="stalled"),
    _pressure("io", some="waiting", full="stalled"),
    _pressure("memory", some="waiting", full="stalled"),
    _pressure("irq", full="stalled"),
    Source(
        "cgroup.events",
        parse_fields,
        {b"populated": ("populated", b""), b"frozen": ("frozen", b"")},
    ),
    Source(
        "cgroup.stat",
        parse_fields,
        {
            b"nr_descendants": ("descendants", b""),
            b"nr_dying_descendants": ("dying_descendants", b""),
        },
    ),
)
"""The files of a group of version 2."""

SOURCES: dict[str, tuple[Source, ...]] = {
    "cpuacct": (
        _value("cpuacct.usage", "cpu_usage_seconds_total"),
        Source(
            "cpuacct.stat",
            parse_fields,
            {
                b"user": ("cpu_user_seconds_total", b"0000000"),
                b"system": ("cpu_system_seconds_total", b"0000000"),
            },
        ),
    ),
    "cpu": (
        Source(
            "cpu.stat",
            parse_fields,
            {
                b"nr_periods": ("cpu_periods_total", b""),
                b"nr_throttled": ("cpu_throttled_periods_total", b""),
                b"throttled_time": ("cpu_throttled_seconds_total", b""),
            },
        ),
        Source("cpu.cfs_quota_us", parse_quota, {b"": ("cpu_limit_cores", b"000")}),
        Source("cpu.cfs_period_us", parse_value, {b"": ("cpu_period_seconds", b"000")}),
        _value("cpu.shares", "cpu_shares"),
    ),
    "memory": (
        _value("memory.usage_in_bytes", "memory_usage_bytes"),
        _value("memory.max_usage_in_bytes", "memory_peak_bytes"),
        _value("memory.limit_in_bytes", "memory_limit_bytes"),
        _value("memory.failcnt", "memory_limit_hits_total"),
        _value("memory.kmem.usage_in_bytes", "memory_kernel_bytes"),
        _value("memory.kmem.tcp.usage_in_bytes", "memory_sock_bytes"),
        Source(
            "memory.stat",
            parse_fields,
            {
                b"total_rss": ("memory_anon_bytes", b""),
                b"total_cache": ("memory_file_bytes", b""),
                b"total_inactive_file": ("memory_inactive_file_bytes", b""),
                b"total_shmem": ("memory_shmem_bytes", b""),
                b"total_swap": ("memory_swap_bytes", b""),
                b"total_pgfault": ("memory_page_faults_total", b""),
                b"total_pgmajfault": ("memory_major_page_faults_total", b""),
                b"total_workingset_refault_anon": ("memory_refaulted_anon_pages_total", b""),
                b"total_workingset_refault_file": ("memory_refaulted_file_pages_total", b""),
            },
        ),
        Source("memory.oom_control", parse_fields, {b"oom_kill": ("memory_oom_kills_total", b"")}),
    ),
    "pids": (_value("pids.current", "pids"), _value("pids.max", "pids_limit")),
    "freezer": (Source("freezer.state", parse_freezer_state, {b"": ("frozen", b"")}),),
    "blkio": (),
    "unified": UNIFIED,
}
"""By controller of version 1, and those of version 2. Fields called total_ include groups below.

cpu_limit_cores is the quota here, in nanoseconds: the reader divides it by the period.
"""

_BYTES = {b"Read": "io_read_bytes_total", b"Write": "io_written_bytes_total"}
_REQUESTS = {b"Read": "io_reads_total", b"Write": "io_writes_total"}
_DISCARDED = {b"Discard": "io_discarded_bytes_total"}
_DISCARDS = {b"Discard": "io_discards_total"}

DEVICE_SOURCES: dict[str, tuple[DeviceSource, ...]] = {
    "blkio": (
        DeviceSource("blkio.throttle.io_service_bytes_recursive", parse_blkio, _BYTES | _DISCARDED),
        DeviceSource("blkio.throttle.io_serviced_recursive", parse_blkio, _REQUESTS | _DISCARDS),
        # Before 5.0, and without the groups below.
        DeviceSource("blkio.throttle.io_service_bytes", parse_blkio, _BYTES | _DISCARDED),
        DeviceSource("blkio.throttle.io_serviced", parse_blkio, _REQUESTS | _DISCARDS),
    ),
    "unified": (
        DeviceSource(
            "io.stat",
            parse_io_stat,
            {
                b"rbytes": "io_read_bytes_total",
                b"wbytes": "io_written_bytes_total",
                b"rios": "io_reads_total",
                b"wios": "io_writes_total",
                b"dbytes": "io_discarded_bytes_total",
                b"dios": "io_discards_total",
            },
        ),
    ),
}
"""The same, for files with rows for devices. What a file gave, a later one does not replace."""
