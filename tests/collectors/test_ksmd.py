"""The ksmd collector: /sys/kernel/mm/ksm."""

from __future__ import annotations

import pytest

from exporter.collectors.ksmd import KsmdCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

KSM = "sys/kernel/mm/ksm"


@pytest.fixture
def collector(host: FakeHost) -> KsmdCollector:
    """A collector of a machine with one memory node, and so without merge_across_nodes."""
    for name, number in {
        "full_scans": 3,
        "general_profit": -99,
        "pages_shared": 10,
        "pages_sharing": 40,
        "pages_to_scan": 100,
        "pages_unshared": 5,
        "pages_volatile": 6,
        "run": 1,
        "sleep_millisecs": 20,
    }.items():
        host.write(f"{KSM}/{name}", f"{number}\n")
    return KsmdCollector(host.kernel)


def test_attributes_are_shown(host: FakeHost, collector: KsmdCollector) -> None:
    """Those that this kernel has, and node_exporter shows; times in seconds."""
    assert host.samples(collector) == {
        "node_ksmd_full_scans_total": 3,
        "node_ksmd_pages_shared": 10,
        "node_ksmd_pages_sharing": 40,
        "node_ksmd_pages_to_scan": 100,
        "node_ksmd_pages_unshared": 5,
        "node_ksmd_pages_volatile": 6,
        "node_ksmd_run": 1,
        "node_ksmd_sleep_seconds": 0.02,
    }


def test_machine_with_several_nodes_has_one_more(host: FakeHost, collector: KsmdCollector) -> None:
    """Whether pages are merged across them."""
    host.write(f"{KSM}/merge_across_nodes", "1\n")
    assert host.samples(collector)["node_ksmd_merge_across_nodes"] == 1


def test_garbage_is_an_error(host: FakeHost, collector: KsmdCollector) -> None:
    """It must not get onto the page."""
    host.write(f"{KSM}/run", "yes\n")
    with pytest.raises(ValueError, match="yes"):
        list(collector.collect())


def test_kernel_without_merging_has_no_data(host: FakeHost) -> None:
    """And says which part of its configuration is missing."""
    with pytest.raises(NoData, match="CONFIG_KSM"):
        list(KsmdCollector(host.kernel).collect())
