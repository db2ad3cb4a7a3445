"""The drbd collector: /proc/drbd."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.drbd import DrbdCollector, parse_drbd
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

HEAD = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 0123456789ABCDEF0123456 \n"
CONNECTED = """ 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:9 nr:7 dw:5 dr:3 al:12 bm:1 lo:1 pe:3 ua:4 ap:2 ep:1 wo:f oos:0
"""
SYNCING = """ 1: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
    ns:8 nr:0 dw:5 dr:9 al:12 bm:91 lo:0 pe:12 ua:1 ap:0 ep:1 wo:f oos:1048
	[==>.................] sync'ed: 17.9% (10240/12472)M
	finish: 0:02:34 speed: 67,860 (61,200) K/sec

"""
UNCONFIGURED = " 4: cs:Unconfigured\n"
VERSION_9 = "version: 9.2.8 (api:2/proto:86-122)\nTransports (api:20): tcp (9.2.8)\n"


def test_parse_gives_the_fields_of_each_device() -> None:
    """Those of the header, and those of the progress, belong to no device."""
    devices = parse_drbd((HEAD + CONNECTED + SYNCING + UNCONFIGURED).encode())
    assert [device.name for device in devices] == ["drbd0", "drbd1", "drbd4"]
    assert devices[1].fields[b"oos"] == b"1048"
    assert devices[2].fields == {b"cs": b"Unconfigured"}


@pytest.mark.parametrize("text", ["", "0: cs:Connected\n"])
def test_parse_refuses_other_files(text: str) -> None:
    """It starts with a version."""
    with pytest.raises(ValueError, match="expected a version"):
        parse_drbd(text.encode())


@given(st.binary(max_size=200), st.lists(st.sampled_from(SYNCING.split())).map(" ".join))
def test_parse_raises_nothing_but_value_error(text: bytes, words: str) -> None:
    """Any bytes either parse or raise ValueError."""
    for content in (text, b"version:" + text, (HEAD + words).encode()):
        with contextlib.suppress(ValueError):
            parse_drbd(content)


def test_amounts_are_in_bytes(host: FakeHost) -> None:
    """The kernel's KiB become bytes in both directions; counts stay as they are."""
    host.write("proc/drbd", HEAD + CONNECTED)
    samples = host.samples(DrbdCollector(host.kernel))
    assert samples['node_drbd_network_sent_bytes_total{device="drbd0"}'] == 9 * 1024
    assert samples['node_drbd_network_received_bytes_total{device="drbd0"}'] == 7 * 1024
    assert samples['node_drbd_remote_pending{device="drbd0"}'] == 3
    assert samples['node_drbd_connected{device="drbd0"}'] == 1
    assert samples['node_drbd_node_role_is_primary{device="drbd0",node="local"}'] == 1
    assert samples['node_drbd_node_role_is_primary{device="drbd0",node="remote"}'] == 0
    assert samples['node_drbd_disk_state_is_up_to_date{device="drbd0",node="remote"}'] == 1
    assert len(samples) == 13 + 4


def test_what_is_not_told_is_absent(host: FakeHost) -> None:
    """A device that is not set up has nothing but its state."""
    host.write("proc/drbd", HEAD + UNCONFIGURED)
    assert host.samples(DrbdCollector(host.kernel)) == {'node_drbd_connected{device="drbd4"}': 0}


def test_a_number_that_is_none_is_an_error(host: FakeHost) -> None:
    """It is not passed on."""
    host.write("proc/drbd", HEAD + CONNECTED.replace("pe:3", "pe:[0;0]"))
    with pytest.raises(ValueError, match="not an integer"):
        list(DrbdCollector(host.kernel).collect())


def test_devices_come_and_go(host: FakeHost) -> None:
    """Series follow the devices of the moment."""
    host.write("proc/drbd", HEAD + CONNECTED)
    collector = DrbdCollector(host.kernel)
    host.samples(collector)
    host.write("proc/drbd", HEAD + SYNCING)
    samples = host.samples(collector)
    assert samples['node_drbd_out_of_sync_bytes{device="drbd1"}'] == 1048 * 1024
    assert not [name for name in samples if "drbd0" in name]


@pytest.mark.parametrize("text", [None, HEAD, VERSION_9])
def test_a_host_without_devices_has_no_data(host: FakeHost, text: str | None) -> None:
    """Without the module, with nothing set up, and with DRBD 9."""
    if text:
        host.write("proc/drbd", text)
    with pytest.raises(NoData, match="drbd"):
        list(DrbdCollector(host.kernel).collect())
