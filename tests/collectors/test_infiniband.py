"""The infiniband collector: /sys/class/infiniband."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.infiniband import (
    InfinibandCollector,
    parse_counter,
    parse_rate,
    parse_state,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

CLASS = "sys/class/infiniband"


def write_port(host: FakeHost, port: str, **attributes: str) -> None:
    """Write attributes of a port `device/number`; two underscores stand for a slash."""
    device, _, number = port.partition("/")
    for name, text in attributes.items():
        host.write(f"{CLASS}/{device}/ports/{number}/{name.replace('__', '/')}", f"{text}\n")


@pytest.fixture
def collector(host: FakeHost) -> InfinibandCollector:
    """A collector of a host with an adapter of two ports."""
    for name, text in {"board_id": "MT_1", "fw_ver": "20.39", "hca_type": "MT4123"}.items():
        host.write(f"{CLASS}/mlx5_0/{name}", f"{text}\n")
    write_port(
        host,
        "mlx5_0/1",
        state="4: ACTIVE",
        phys_state="5: LinkUp",
        rate="100 Gb/sec (4X EDR)",
        counters__port_rcv_data="10",
        counters__port_rcv_packets="11",
        counters__symbol_error="N/A (no PMA)",
        hw_counters__out_of_buffer="12",
        hw_counters__lifespan="10",
        counters_ext__port_xmit_data_64="13",
    )
    write_port(host, "mlx5_0/2", state="1: DOWN", phys_state="3: Disabled", rate="2.5 Gb/sec (1X)")
    return InfinibandCollector(host.kernel)


def test_parse_states_and_rates() -> None:
    """The number of a state; the rate in bytes per second, in which half gigabits occur."""
    assert parse_state(b"4: ACTIVE") == b"4"
    assert parse_rate(b"100 Gb/sec (4X EDR)") == 12_500_000_000
    assert parse_rate(b"2.5 Gb/sec (1X SDR)") == 312_500_000


def test_parse_counters() -> None:
    """Some are in units of four bytes, some a port does not have."""
    assert parse_counter(b"18446744073709551615") == b"18446744073709551615"
    assert parse_counter(b"10", 4) == 40
    assert parse_counter(b"N/A (no PMA)") is None


@pytest.mark.parametrize("text", [b"", b"ACTIVE", b"4 ACTIVE", b"fast Gb/sec", b"-1: DOWN"])
def test_parse_refuses_other_texts(text: bytes) -> None:
    """As a state, a rate or a counter."""
    for parse in (parse_state, parse_rate, parse_counter):
        with pytest.raises(ValueError, match=r"not an? (state|rate|integer)"):
            parse(text)


@given(st.binary(max_size=30))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (parse_state, parse_rate, parse_counter):
        with contextlib.suppress(ValueError):
            parse(text)


def test_ports_are_shown(host: FakeHost, collector: InfinibandCollector) -> None:
    """What a port does not count is absent; data are in bytes, times in seconds."""
    one, two = 'device="mlx5_0",port="1"', 'device="mlx5_0",port="2"'
    info = 'board_id="MT_1",device="mlx5_0",firmware_version="20.39",hca_type="MT4123"'
    assert host.samples(collector) == {
        f"node_infiniband_info{{{info}}}": 1,
        f"node_infiniband_state_id{{{one}}}": 4,
        f"node_infiniband_state_id{{{two}}}": 1,
        f"node_infiniband_physical_state_id{{{one}}}": 5,
        f"node_infiniband_physical_state_id{{{two}}}": 3,
        f"node_infiniband_rate_bytes_per_second{{{one}}}": 12_500_000_000,
        f"node_infiniband_rate_bytes_per_second{{{two}}}": 312_500_000,
        f"node_infiniband_port_data_received_bytes_total{{{one}}}": 40,
        f"node_infiniband_port_packets_received_total{{{one}}}": 11,
        f"node_infiniband_out_of_buffer_drops_total{{{one}}}": 12,
        f"node_infiniband_lifespan_seconds{{{one}}}": 0.01,
        f"node_infiniband_legacy_data_transmitted_bytes_total{{{one}}}": 52,
    }


def test_adapters_come_and_go(host: FakeHost, collector: InfinibandCollector) -> None:
    """Some have neither a board nor states."""
    host.samples(collector)
    shutil.rmtree(host.root / CLASS / "mlx5_0")
    write_port(host, "rocep1s0f0/1", hw_counters__np_cnp_sent="7")
    assert host.samples(collector) == {
        'node_infiniband_np_cnp_packets_sent_total{device="rocep1s0f0",port="1"}': 7
    }


def test_values_are_those_of_the_moment(host: FakeHost, collector: InfinibandCollector) -> None:
    """A link that goes down is seen."""
    host.samples(collector)
    write_port(host, "mlx5_0/1", state="1: DOWN")
    samples = host.samples(collector)
    assert samples['node_infiniband_state_id{device="mlx5_0",port="1"}'] == 1


def test_host_without_adapters_has_no_data(host: FakeHost) -> None:
    """Whether the class is there or not."""
    for _ in range(2):
        with pytest.raises(NoData, match="InfiniBand"):
            list(InfinibandCollector(host.kernel).collect())
        (host.root / CLASS).mkdir(parents=True, exist_ok=True)
