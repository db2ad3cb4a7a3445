"""The edac collector: /sys/devices/system/edac/mc."""

from __future__ import annotations

import shutil

import pytest

from exporter.collectors.edac import EdacCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

MC = "sys/devices/system/edac/mc"


def write_counts(host: FakeHost, folder: str, *counts: int) -> None:
    """Write corrected and uncorrected errors, and for a controller those of no row."""
    names = ("ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count")
    for name, count in zip(names, counts, strict=False):
        host.write(f"{MC}/{folder}/{name}", f"{count}\n")


def test_errors_are_counted_by_controller_and_row(host: FakeHost) -> None:
    """Those that belong to no row have the row `unknown`."""
    write_counts(host, "mc0", 17, 1, 2, 3)
    write_counts(host, "mc0/csrow0", 12, 0)
    write_counts(host, "mc0/csrow11", 3, 1)
    host.write(f"{MC}/mc0/rank0/dimm_ce_count", "12\n")
    host.write(f"{MC}/power/control", "auto\n")
    assert host.samples(EdacCollector(host.kernel)) == {
        'node_edac_correctable_errors_total{controller="0"}': 17,
        'node_edac_uncorrectable_errors_total{controller="0"}': 1,
        'node_edac_csrow_correctable_errors_total{controller="0",csrow="unknown"}': 2,
        'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="unknown"}': 3,
        'node_edac_csrow_correctable_errors_total{controller="0",csrow="0"}': 12,
        'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="0"}': 0,
        'node_edac_csrow_correctable_errors_total{controller="0",csrow="11"}': 3,
        'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="11"}': 1,
    }


def test_counters_move_and_controllers_come_and_go(host: FakeHost) -> None:
    """As when a driver is loaded or removed."""
    write_counts(host, "mc0", 0, 0, 0, 0)
    collector = EdacCollector(host.kernel)
    assert sum(host.samples(collector).values()) == 0
    write_counts(host, "mc0", 1, 0, 1, 0)
    assert sum(host.samples(collector).values()) == 2
    write_counts(host, "mc1", 5, 0, 0, 0)
    assert sum(host.samples(collector).values()) == 7
    shutil.rmtree(host.root / MC / "mc0")
    assert sum(host.samples(collector).values()) == 5


def test_a_missing_counter_costs_itself_only(host: FakeHost) -> None:
    """Not every driver has all of them."""
    write_counts(host, "mc0", 4)
    assert host.samples(EdacCollector(host.kernel)) == {
        'node_edac_correctable_errors_total{controller="0"}': 4
    }


def test_a_counter_that_is_no_number_is_a_failure(host: FakeHost) -> None:
    """It is not taken for 0."""
    host.write(f"{MC}/mc0/ce_count", "many\n")
    with pytest.raises(ValueError, match="many"):
        host.samples(EdacCollector(host.kernel))


def test_a_host_without_controllers_has_no_data(host: FakeHost) -> None:
    """The folder may be there all the same."""
    host.write(f"{MC}/power/control", "auto\n")
    with pytest.raises(NoData, match="no ECC"):
        host.samples(EdacCollector(host.kernel))
