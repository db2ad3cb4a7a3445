"""The fibrechannel collector: /sys/class/fc_host."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.fibrechannel import FibrechannelCollector, parse_statistic
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

CLASS = "sys/class/fc_host"


def write_port(host: FakeHost, port: str, texts: dict[str, str], **statistics: str) -> None:
    """Write a port with these attributes."""
    for name, text in texts.items():
        host.write(f"{CLASS}/{port}/{name}", f"{text}\n")
    for name, text in statistics.items():
        host.write(f"{CLASS}/{port}/statistics/{name}", f"{text}\n")


@pytest.fixture
def collector(host: FakeHost) -> FibrechannelCollector:
    """A collector of a host with a port in use and one that counts little."""
    texts = {
        "speed": "16 Gbit",
        "port_state": "Online",
        "port_id": "0x010500",
        "port_name": "0x21000024ff7b1c02",
    }
    write_port(host, "host0", texts, rx_frames="0x1f", link_failure_count="0x0")
    write_port(host, "host1", {"port_state": "Linkdown"}, rx_frames="0xffffffffffffffff")
    return FibrechannelCollector(host.kernel)


def test_parse_takes_hexadecimal_numbers() -> None:
    """All ones is what an adapter does not count."""
    assert parse_statistic(b"0x1f4add40ffee") == 0x1F4ADD40FFEE
    assert parse_statistic(b"0") == 0
    assert parse_statistic(b"0xffffffffffffffff") is None


@pytest.mark.parametrize("text", [b"", b"0x", b"-1", b"0x1 2", b"none", b"0x1ffffffffffffffff"])
def test_parse_refuses_other_texts(text: bytes) -> None:
    """Also numbers of more than 64 bits."""
    with pytest.raises(ValueError, match="hexadecimal"):
        parse_statistic(text)


@given(st.binary(max_size=30))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_statistic(text)


def test_ports_are_shown(host: FakeHost, collector: FibrechannelCollector) -> None:
    """What is missing or not counted is absent; names are without their 0x."""
    assert host.samples(collector) == {
        'node_fibrechannel_info{fc_host="host0",port_id="010500",port_name="21000024ff7b1c02",'
        'port_state="Online",speed="16 Gbit"}': 1,
        'node_fibrechannel_info{fc_host="host1",port_state="Linkdown"}': 1,
        'node_fibrechannel_rx_frames_total{fc_host="host0"}': 31,
        'node_fibrechannel_link_failure_total{fc_host="host0"}': 0,
    }


def test_ports_come_and_go(host: FakeHost, collector: FibrechannelCollector) -> None:
    """And numbers are those of the moment."""
    host.samples(collector)
    shutil.rmtree(host.root / CLASS / "host0")
    write_port(host, "host1", {}, rx_frames="0x2")
    write_port(host, "host7", {"speed": "unknown"}, nos_count="0x3")
    samples = host.samples(collector)
    assert samples['node_fibrechannel_rx_frames_total{fc_host="host1"}'] == 2
    assert samples['node_fibrechannel_nos_total{fc_host="host7"}'] == 3
    assert not [name for name in samples if "host0" in name]


def test_port_that_is_just_gone_is_not_shown(host: FakeHost) -> None:
    """Its directory was still listed, its attributes are not there any more."""
    (host.root / CLASS / "host0").mkdir(parents=True)
    assert host.samples(FibrechannelCollector(host.kernel)) == {}


def test_broken_statistic_is_an_error(host: FakeHost, collector: FibrechannelCollector) -> None:
    """Garbage must not get onto the page."""
    write_port(host, "host0", {}, rx_frames="many")
    with pytest.raises(ValueError, match="many"):
        list(collector.collect())


def test_host_without_adapters_has_no_data(host: FakeHost) -> None:
    """Whether the class is there or not."""
    for _ in range(2):
        with pytest.raises(NoData, match="Fibre Channel"):
            list(FibrechannelCollector(host.kernel).collect())
        (host.root / CLASS).mkdir(parents=True, exist_ok=True)
