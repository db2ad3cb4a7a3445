"""The tapestats collector: /sys/class/scsi_tape."""

from __future__ import annotations

import re
import shutil

import pytest

from exporter.collectors.tapestats import COLUMNS, Options, TapestatsCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost


def add_drive(host: FakeHost, drive: str, **counters: int) -> None:
    """Write the counters of a drive; 7 for those that are not named."""
    for name in COLUMNS:
        host.write(f"sys/class/scsi_tape/{drive}/stats/{name}", f"{counters.get(name, 7)}\n")


def test_units_are_seconds_and_bytes(host: FakeHost) -> None:
    """Nanoseconds become seconds; each drive is shown once though it has several names."""
    for name in ("st0", "nst0", "st0a", "nst0m"):
        add_drive(host, name, io_ns=9247011087720, write_byte_cnt=1496246784000)
    samples = host.samples(TapestatsCollector(host.kernel))
    assert samples['node_tape_io_time_seconds_total{device="st0"}'] == 9247.01108772
    assert samples['node_tape_written_bytes_total{device="st0"}'] == 1496246784000
    assert samples['node_tape_io_now{device="st0"}'] == 7
    assert len(samples) == len(COLUMNS)


def test_drives_can_be_left_out(host: FakeHost) -> None:
    """The pattern may match anywhere, as in node_exporter; none leaves out nothing."""
    add_drive(host, "st0")
    add_drive(host, "st1")
    some = TapestatsCollector(host.kernel, Options(ignored_devices=re.compile("0")))
    assert all('"st1"' in name for name in host.samples(some))
    every = TapestatsCollector(host.kernel, Options(ignored_devices=None))
    assert len(host.samples(every)) == 2 * len(COLUMNS)


def test_a_counter_that_is_not_there_is_absent(host: FakeHost) -> None:
    """It is not zero."""
    add_drive(host, "st0")
    (host.root / "sys/class/scsi_tape/st0/stats/resid_cnt").unlink()
    samples = host.samples(TapestatsCollector(host.kernel))
    assert 'node_tape_residual_total{device="st0"}' not in samples
    assert len(samples) == len(COLUMNS) - 1


def test_something_else_than_a_number_is_an_error(host: FakeHost) -> None:
    """Nothing that is no number is passed on."""
    add_drive(host, "st0")
    host.write("sys/class/scsi_tape/st0/stats/io_ns", "many\n")
    with pytest.raises(ValueError, match="integers"):
        list(TapestatsCollector(host.kernel).collect())


def test_drives_come_and_go(host: FakeHost) -> None:
    """Series follow the drives of the moment."""
    add_drive(host, "st0")
    collector = TapestatsCollector(host.kernel)
    host.samples(collector)
    add_drive(host, "st1")
    assert len(host.samples(collector)) == 2 * len(COLUMNS)
    shutil.rmtree(host.root / "sys/class/scsi_tape/st0")
    assert all('"st1"' in name for name in host.samples(collector))


@pytest.mark.parametrize("drive", [None, "sg0"])
def test_a_host_without_tapes_has_no_data(host: FakeHost, drive: str | None) -> None:
    """Neither without the driver, nor while no drive is there."""
    if drive:
        add_drive(host, drive)
    with pytest.raises(NoData, match="no SCSI tape drives"):
        list(TapestatsCollector(host.kernel).collect())
