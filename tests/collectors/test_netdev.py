"""The netdev collector where it reads files: /proc/net/dev and rx_nohandler."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._netdev_file import parse_net_dev
from exporter.collectors.netdev import (
    HELP,
    NetdevCollector,
    Options,
)
from exporter.interfaces import Address
from exporter.kernel import KernelTree, NoData
from tests.samples import read_samples

HEADER = (
    b"Inter-|   Receive                                                |  Transmit\n"
    b" face |bytes    packets errs drop fifo frame compressed multicast"
    b"|bytes    packets errs drop fifo colls carrier compressed\n"
)
LO = (
    b"    lo: 81103      82    0    0    0     0          0         0"
    b"    81104      83    0    0    0     0       0          0\n"
)
ETH0 = b"  eth0:114242365 3217 1 2 3 4 5 6 221416 1986 7 8 9 10 11 12\n"


class Host:
    """A fake host with interfaces."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: bytes) -> None:
        """Put a file there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def collector(self, options: Options | None = None) -> NetdevCollector:
        """Make the collector of this host."""
        return NetdevCollector(
            KernelTree(str(self.root / "proc"), str(self.root / "sys")),
            options,
            addresses=lambda: [Address("eth0", "192.0.2.1", "24", "global")],
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with lo and eth0, seen alike in procfs and sysfs."""
    host = Host(tmp_path)
    host.write("proc/net/dev", HEADER + LO + ETH0)
    host.write("sys/class/net/lo/statistics/rx_nohandler", b"0\n")
    host.write("sys/class/net/eth0/statistics/rx_nohandler", b"13\n")
    return host


def test_parse_takes_names_and_numbers() -> None:
    """Old kernels leave no space behind the colon."""
    interfaces = parse_net_dev(HEADER + LO + ETH0)
    assert interfaces.names == [b"lo:", b"eth0:"]
    assert [column[1] for column in interfaces.columns[:3]] == [b"114242365", b"3217", b"1"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        HEADER.replace(b"|", b" "),
        HEADER + ETH0.replace(b" 12\n", b"\n"),
        HEADER + ETH0.replace(b"eth0", b"").lstrip(),
        HEADER + ETH0.replace(b"1986", b"-1"),
    ],
)
def test_parse_refuses_other_tables(text: bytes) -> None:
    """A missing header, a short row, a nameless row and words for numbers are errors."""
    with pytest.raises(ValueError, match=r"net/dev|integers"):
        parse_net_dev(text)


@given(st.binary(max_size=200) | st.binary(max_size=100).map(HEADER.__add__))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_net_dev(text)


def test_each_column_is_a_counter(host: Host) -> None:
    """All sixteen columns have node_exporter's names."""
    samples = read_samples(host.collector().collect())
    eth0 = [value for name, value in samples.items() if '"eth0"' in name]
    assert eth0 == [114242365, 3217, 1, 2, 3, 4, 5, 6, 221416, 1986, 7, 8, 9, 10, 11, 12, 13]
    assert samples['node_network_transmit_bytes_total{device="lo"}'] == 81104
    assert samples['node_network_transmit_carrier_total{device="eth0"}'] == 11
    assert samples['node_network_receive_nohandler_total{device="eth0"}'] == 13
    assert len(samples) == 2 * len(HELP)


def test_columns_of_kernels_to_come_are_left_out(host: Host) -> None:
    """A new column does not shift those behind it."""
    header = HEADER.replace(b"multicast", b"multicast new")
    host.write("proc/net/dev", header + ETH0.replace(b" 6 ", b" 6 99 "))
    samples = read_samples(host.collector().collect())
    assert samples['node_network_transmit_bytes_total{device="eth0"}'] == 221416
    assert len([name for name in samples if "nohandler" not in name]) == len(HELP) - 1


@pytest.mark.parametrize(
    "options",
    [Options(device_include=re.compile("^eth")), Options(device_exclude=re.compile("^lo$"))],
)
def test_interfaces_can_be_chosen(host: Host, options: Options) -> None:
    """Include and exclude patterns choose interfaces, in sysfs too."""
    samples = read_samples(host.collector(options).collect())
    assert len(samples) == len(HELP)
    assert not [name for name in samples if '"lo"' in name]


def test_no_interface_may_be_left(host: Host) -> None:
    """A pattern that leaves out all interfaces gives no samples."""
    options = Options(device_exclude=re.compile("."))
    assert read_samples(host.collector(options).collect()) == {}


def test_include_and_exclude_contradict_each_other() -> None:
    """Both at once is an error that says what to do."""
    with pytest.raises(ValueError, match="device-include and device-exclude"):
        Options(device_include=re.compile("a"), device_exclude=re.compile("b"))


def test_an_interface_comes_and_goes(host: Host) -> None:
    """Series follow the interfaces of the moment."""
    collector = host.collector()
    read_samples(collector.collect())
    host.write("proc/net/dev", HEADER + ETH0 + LO + ETH0.replace(b"eth0", b"eth1"))
    host.write("sys/class/net/eth1/statistics/rx_nohandler", b"5\n")
    host.write("sys/class/net/bonding_masters", b"\n")
    samples = read_samples(collector.collect())
    assert samples['node_network_receive_nohandler_total{device="eth1"}'] == 5
    assert samples['node_network_receive_nohandler_total{device="eth0"}'] == 13
    host.write("proc/net/dev", HEADER + LO)
    samples = read_samples(collector.collect())
    assert not [name for name in samples if "eth" in name]


def test_counters_follow_interfaces_that_swap_their_names(host: Host) -> None:
    """An open file stays with its device; what is shown goes by the name of the moment."""
    devices = host.root / "sys/class/net"
    other = ETH0.replace(b"114242365", b"7")
    host.write("proc/net/dev", HEADER + ETH0 + other.replace(b"eth0", b"eth1") + LO)
    host.write("sys/class/net/eth1/statistics/rx_nohandler", b"5\n")
    collector = host.collector()
    read_samples(collector.collect())
    for old, new in (("eth0", "swap"), ("eth1", "eth0"), ("swap", "eth1")):
        (devices / old).rename(devices / new)
    host.write("proc/net/dev", HEADER + ETH0.replace(b"eth0", b"eth1") + other + LO)
    samples = read_samples(collector.collect())
    assert [
        samples[f'node_network_receive_{what}_total{{device="{device}"}}']
        for device in ("eth0", "eth1")
        for what in ("bytes", "nohandler")
    ] == [7, 5, 114242365, 13]


def test_an_old_kernel_has_no_nohandler(host: Host) -> None:
    """The file came with Linux 4.6; without it the family has no sample."""
    for device in ("lo", "eth0"):
        (host.root / f"sys/class/net/{device}/statistics/rx_nohandler").unlink()
    samples = read_samples(host.collector().collect())
    assert len(samples) == 2 * (len(HELP) - 1)


def test_sysfs_of_another_network_namespace_is_not_used(host: Host) -> None:
    """In a container /sys can show the host's eth0 beside the container's /proc/net/dev."""
    host.write("sys/class/net/docker0/statistics/rx_nohandler", b"0\n")
    collector = host.collector()
    assert len(read_samples(collector.collect())) == 2 * (len(HELP) - 1)
    host.write("proc/net/dev", HEADER + LO + ETH0 + ETH0.replace(b"eth0", b"docker0"))
    assert len(read_samples(collector.collect())) == 3 * len(HELP)


def test_sysfs_that_shows_an_interface_later_is_looked_at_again(host: Host) -> None:
    """An interface that is plugged in between two reads does not lose the others for ever."""
    host.write("proc/net/dev", HEADER + LO + ETH0 + ETH0.replace(b"eth0", b"eth1"))
    collector = host.collector()
    assert not [name for name in read_samples(collector.collect()) if "nohandler" in name]
    host.write("sys/class/net/eth1/statistics/rx_nohandler", b"5\n")
    assert len(read_samples(collector.collect())) == 3 * len(HELP)


def test_an_interface_that_goes_between_two_reads_costs_no_other_family(tmp_path: Path) -> None:
    """When a file of sysfs has gone since /proc/net/dev was read, that table is still shown."""
    host = Host(tmp_path)
    host.write("proc/net/dev", HEADER + LO)
    host.write("sys/class/net/lo/statistics/rx_nohandler", b"0\n")
    kernel = KernelTree(str(tmp_path / "proc"), str(tmp_path / "sys"))
    kernel.max_kept = 0
    collector = NetdevCollector(kernel)
    assert len(read_samples(collector.collect())) == len(HELP)
    (tmp_path / "sys/class/net/lo/statistics/rx_nohandler").unlink()
    assert len(read_samples(collector.collect())) == len(HELP) - 1
    host.write("sys/class/net/lo/statistics/rx_nohandler", b"1\n")
    assert len(read_samples(collector.collect())) == len(HELP)


def test_addresses_are_shown_when_wanted(host: Host) -> None:
    """address-info adds one series per address."""
    samples = read_samples(host.collector(Options(address_info=True)).collect())
    name = "node_network_address_info"
    labels = 'address="192.0.2.1",device="eth0",netmask="24",scope="global"'
    assert samples[f"{name}{{{labels}}}"] == 1


def test_a_kernel_without_the_file_has_no_data(tmp_path: Path) -> None:
    """CONFIG_NET missing is not a failure of the collector."""
    with pytest.raises(NoData, match="net/dev"):
        list(Host(tmp_path).collector().collect())


def test_the_names_of_detailed_metrics_fit_the_file(host: Host) -> None:
    """Sums cannot be taken apart: only four names change, as with node_exporter."""
    options = Options(enable_detailed_metrics=True)
    samples = read_samples(host.collector(options).collect())
    names = {name.partition("{")[0] for name in samples}
    changed = {f"node_network_{name}_total" for name in ("receive_errors", "transmit_dropped")}
    assert changed <= names
    assert samples['node_network_receive_dropped_total{device="eth0"}'] == 2
    assert not [name for name in names if name.endswith(("_errs_total", "_drop_total"))]
    assert len(samples) == 2 * len(HELP)


def test_aliases_are_labels_when_wanted(host: Host) -> None:
    """They follow sysfs from scrape to scrape; an interface without one has no such label."""
    host.write("sys/class/net/eth0/ifalias", b"uplink\n")
    collector = host.collector(Options(label_ifalias=True))
    name = "node_network_receive_bytes_total"
    assert {key for key in read_samples(collector.collect()) if name in key} == {
        f'{name}{{device="lo"}}',
        f'{name}{{device="eth0",ifalias="uplink"}}',
    }
    host.write("sys/class/net/eth0/ifalias", b"spare\n")
    samples = read_samples(collector.collect())
    assert samples[f'{name}{{device="eth0",ifalias="spare"}}'] == 114242365
    assert len(samples) == len(read_samples(collector.collect())) == 2 * len(HELP)


def test_aliases_of_another_network_namespace_are_not_used(host: Host) -> None:
    """As with rx_nohandler, an equal name would mean another interface."""
    host.write("sys/class/net/eth0/ifalias", b"uplink\n")
    host.write("sys/class/net/docker0/ifalias", b"")
    samples = read_samples(host.collector(Options(label_ifalias=True)).collect())
    assert not [key for key in samples if "uplink" in key]


def test_sysfs_that_may_not_be_listed_is_not_used(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then rx_nohandler is missing, and nothing else."""

    def refuse(path: str) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert len(read_samples(host.collector().collect())) == 2 * (len(HELP) - 1)
