"""The cgroups collector: what is said of each group."""

from __future__ import annotations

import re

import pytest

from exporter.collectors.cgroups import CgroupsCollector
from tests.collectors.conftest import FakeHost
from tests.control_groups import ROOT, add_group, collect, counted, of_group

SSH = "/system.slice/ssh.service"
PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n"


def test_everything_of_version_2(host: FakeHost) -> None:
    """Each file gives its metrics, in seconds and bytes; a device has its name."""
    host.write("sys/dev/block/8:0/uevent", "MAJOR=8\nMINOR=0\nDEVNAME=sda\n")
    add_group(
        host,
        SSH,
        cpu__stat="usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\n"
        "nr_periods 9\nnr_throttled 4\nthrottled_usec 500000\n",
        cpu__max="150000 100000\n",
        cpu__weight="100\n",
        memory__current="4096\n",
        memory__peak="8192\n",
        memory__max="65536\n",
        memory__high="max\n",
        memory__low="0\n",
        memory__swap__current="0\n",
        memory__swap__max="max\n",
        memory__stat="anon 1\nfile 2\nkernel 3\nslab 4\nsock 5\nshmem 6\ninactive_file 7\n"
        "pgfault 8\npgmajfault 9\nworkingset_refault_anon 10\nworkingset_refault_file 11\nnew 1\n",
        memory__events="low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n",
        pids__current="7\n",
        pids__max="max\n",
        io__stat="8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n",
        cpu__pressure=PRESSURE,
        irq__pressure="full avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n",
        cgroup__events="populated 1\nfrozen 0\n",
        cgroup__stat="nr_descendants 2\nnr_dying_descendants 1\n",
    )
    device = {
        "read_bytes": 1,
        "written_bytes": 2,
        "reads": 3,
        "writes": 4,
        "discarded_bytes": 5,
        "discards": 6,
    }
    assert collect(host, include=re.compile("ssh")) == {
        **of_group(
            SSH,
            cpu_usage_seconds_total=3,
            cpu_user_seconds_total=2,
            cpu_system_seconds_total=1,
            cpu_periods_total=9,
            cpu_throttled_periods_total=4,
            cpu_throttled_seconds_total=0.5,
            cpu_limit_cores=1.5,
            cpu_period_seconds=0.1,
            cpu_weight=100,
            memory_usage_bytes=4096,
            memory_peak_bytes=8192,
            memory_limit_bytes=65536,
            memory_low_bytes=0,
            memory_swap_bytes=0,
            memory_anon_bytes=1,
            memory_file_bytes=2,
            memory_kernel_bytes=3,
            memory_slab_bytes=4,
            memory_sock_bytes=5,
            memory_shmem_bytes=6,
            memory_inactive_file_bytes=7,
            memory_page_faults_total=8,
            memory_major_page_faults_total=9,
            memory_refaulted_anon_pages_total=10,
            memory_refaulted_file_pages_total=11,
            memory_high_events_total=1,
            memory_limit_hits_total=2,
            memory_oom_events_total=3,
            memory_oom_kills_total=4,
            pids=7,
            pressure_cpu_waiting_seconds_total=2.5,
            pressure_irq_stalled_seconds_total=1.5,
            populated=1,
            frozen=0,
            descendants=2,
            dying_descendants=1,
        ),
        **{
            f'node_cgroup_io_{name}_total{{cgroup="{SSH}",device="sda"}}': value
            for name, value in device.items()
        },
        **counted(1, 0, 3),
    }


def test_everything_of_version_1(host: FakeHost) -> None:
    """The same metrics from the files of five hierarchies, two of them one with links to it."""
    path = "/system.slice/ssh.service"
    files = {
        "cpu,cpuacct/cpuacct.usage": "3000000000\n",
        "cpu,cpuacct/cpuacct.stat": "user 200\nsystem 100\n",
        "cpu,cpuacct/cpu.stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 500000000\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/cpu.shares": "1024\n",
        "memory/memory.usage_in_bytes": "4096\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.failcnt": "2\n",
        "memory/memory.stat": "cache 1\nrss 1\ntotal_cache 2\ntotal_rss 3\ntotal_swap 4\n",
        "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
        "pids/pids.current": "7\n",
        "pids/pids.max": "max\n",
        "freezer/freezer.state": "FROZEN\n",
        "blkio/blkio.throttle.io_service_bytes": "8:0 Read 1\n8:0 Write 2\nTotal 3\n",
        "blkio/blkio.throttle.io_service_bytes_recursive": "8:0 Read 10\n8:0 Discard 4\nTotal 14\n",
        "blkio/blkio.throttle.io_serviced": "8:0 Read 1\n8:0 Write 1\nTotal 2\n",
    }
    for name, content in files.items():
        controller, _, file = name.partition("/")
        host.write(f"{ROOT}/{controller}{path}/{file}", content)
    for link in ("cpu", "cpuacct"):
        (host.root / ROOT / link).symlink_to("cpu,cpuacct")
    host.write(f"{ROOT}/cpuset{path}/cpuset.cpus", "0-3\n")
    assert collect(host, include=re.compile("ssh")) == {
        **of_group(
            path,
            cpu_usage_seconds_total=3,
            cpu_user_seconds_total=2,
            cpu_system_seconds_total=1,
            cpu_periods_total=9,
            cpu_throttled_periods_total=4,
            cpu_throttled_seconds_total=0.5,
            cpu_limit_cores=1.5,
            cpu_period_seconds=0.1,
            cpu_shares=1024,
            memory_usage_bytes=4096,
            memory_limit_hits_total=2,
            memory_file_bytes=2,
            memory_anon_bytes=3,
            memory_swap_bytes=4,
            memory_oom_kills_total=5,
            pids=7,
            frozen=1,
        ),
        f'node_cgroup_io_read_bytes_total{{cgroup="{path}",device="8:0"}}': 10,
        f'node_cgroup_io_written_bytes_total{{cgroup="{path}",device="8:0"}}': 2,
        f'node_cgroup_io_discarded_bytes_total{{cgroup="{path}",device="8:0"}}': 4,
        f'node_cgroup_io_reads_total{{cgroup="{path}",device="8:0"}}': 1,
        f'node_cgroup_io_writes_total{{cgroup="{path}",device="8:0"}}': 1,
        **counted(1, 0, 15),
    }


def test_both_versions_at_once(host: FakeHost) -> None:
    """In hybrid mode version 1 says what its controllers know, and version 2 the rest."""
    host.write(f"{ROOT}/cpuacct/a.slice/cpuacct.usage", "3000000000\n")
    host.write(f"{ROOT}/unified/cgroup.controllers", "\n")
    host.write(f"{ROOT}/unified/a.slice/cgroup.controllers", "\n")
    host.write(f"{ROOT}/unified/a.slice/cpu.stat", "usage_usec 99\nuser_usec 1000000\n")
    host.write(f"{ROOT}/unified/b.slice/cpu.stat", "usage_usec 4000000\n")
    assert collect(host) == {
        **of_group("/a.slice", cpu_usage_seconds_total=3, cpu_user_seconds_total=1),
        **of_group("/b.slice", cpu_usage_seconds_total=4),
        **counted(2, 0, 5),
    }


def test_a_period_without_a_quota_is_no_limit(host: FakeHost) -> None:
    """Neither limit nor period where version 1 says -1 and version 2 says max."""
    host.write(f"{ROOT}/cpu/a.slice/cpu.cfs_quota_us", "-1\n")
    host.write(f"{ROOT}/cpu/a.slice/cpu.cfs_period_us", "100000\n")
    host.write(f"{ROOT}/unified/a.slice/cpu.max", "max 100000\n")
    assert collect(host) == counted(1, 0, 4)


def test_only_the_wanted_metrics_are_shown(host: FakeHost) -> None:
    """Files of which nothing is wanted are not read, however broken."""
    add_group(
        host,
        "/a.slice",
        memory__current="4096\n",
        memory__stat="broken",
        cpu__max="50000 100000",
        io__stat="x=broken",
    )
    samples = collect(host, fields=re.compile("^(memory_usage|cpu_limit)"))
    expected = of_group("/a.slice", memory_usage_bytes=4096, cpu_limit_cores=0.5)
    assert samples == {**expected, **counted(1, 0, 2)}


def test_a_controller_that_is_switched_on_brings_its_files(host: FakeHost) -> None:
    """What was absent is looked for again, but only then."""
    add_group(host, "/a.slice")
    collector = CgroupsCollector(host.kernel)
    host.samples(collector)
    host.write(f"{ROOT}/a.slice/pids.current", "1\n")
    assert host.samples(collector) == counted(1, 0, 2)
    host.write(f"{ROOT}/a.slice/cgroup.controllers", "pids\n")
    assert host.samples(collector) == {**of_group("/a.slice", pids=1), **counted(1, 0, 2)}


def test_a_file_without_a_value_costs_only_itself(host: FakeHost) -> None:
    """Pressure that is switched off, a directory in a file's place, an empty file."""
    add_group(host, "/a.slice", pids__current="1\n", pids__max="")
    folder = host.root / ROOT / "a.slice"
    (folder / "cpu.weight").mkdir()
    (folder / "cpu.pressure").symlink_to("/proc/self/mem")  # EIO
    assert collect(host) == {**of_group("/a.slice", pids=1), **counted(1, 0, 3)}


def test_another_failure_is_told(host: FakeHost) -> None:
    """A file that cannot be opened for a strange reason fails the collector."""
    add_group(host, "/a.slice")
    (host.root / ROOT / "a.slice/cpu.weight").symlink_to("cpu.weight")
    with pytest.raises(OSError, match="symbolic links"):
        collect(host)


def test_half_of_the_descriptors_stay_for_the_others(host: FakeHost) -> None:
    """However many groups there are."""
    for number in range(8):
        add_group(host, f"/{number}.slice", pids__current="1\n")
    host.kernel.max_kept = 8
    collector = CgroupsCollector(host.kernel)
    assert host.samples(collector) == host.samples(collector)
    assert host.kernel.kept <= 4


def test_a_device_without_a_name_keeps_its_number(host: FakeHost) -> None:
    """Sysfs may know it no more, or say nothing of its name."""
    host.write("sys/dev/block/8:16/uevent", "MAJOR=8\nDEVNAME=\n")
    add_group(host, "/a.slice", io__stat="8:0 rios=1\n8:16 rios=2\n")
    add_group(host, "/b.slice", io__stat="8:0 rios=3\n")
    collector = CgroupsCollector(host.kernel)
    name = "node_cgroup_io_reads_total"
    expected = {
        f'{name}{{cgroup="/a.slice",device="8:0"}}': 1,
        f'{name}{{cgroup="/a.slice",device="8:16"}}': 2,
        f'{name}{{cgroup="/b.slice",device="8:0"}}': 3,
        **counted(2, 0, 3),
    }
    assert host.samples(collector) == expected
    host.write("sys/dev/block/8:16/uevent", "DEVNAME=sdb\n")
    expected[f'{name}{{cgroup="/a.slice",device="sdb"}}'] = expected.pop(
        f'{name}{{cgroup="/a.slice",device="8:16"}}'
    )
    assert host.samples(collector) == expected
