"""The qdisc collector: queueing disciplines over rtnetlink."""

from __future__ import annotations

import contextlib
import re
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.qdisc import Options, QdiscCollector, parse_qdisc
from exporter.kernel import KernelTree, NoData
from exporter.netlink import attribute
from tests.collectors.conftest import FakeHost
from tests.collectors.rtnetlink import answer
from tests.recorded import RecordedNetlink
from tests.samples import read_samples

ROOT = 0xFFFF_FFFF
NAMES = {1: "lo", 2: "eth0"}


def make_qdisc(
    ifindex: int, parent: int, kind: str, packets64: int | None = None, first: int = 1
) -> bytes:
    """Write the kernel's answer for one, with the numbers `first` and up."""
    basic = attribute(1, pack("=QI4x", first, first + 1))
    more = b"" if packets64 is None else attribute(8, pack("=Q", packets64))
    queue = attribute(3, pack("=IIIII", *range(first + 2, first + 7)))
    head = pack("=B3xiIII", 0, ifindex, 0x10000, parent, 2)
    return head + attribute(1, kind.encode() + b"\0") + attribute(7, basic + more + queue)


def make_route(*messages: bytes, names: dict[int, str] | None = None) -> RecordedNetlink:
    """Answer with these."""
    return answer(38, 20, messages, NAMES if names is None else names)


def test_numbers_are_those_of_the_root(host: FakeHost) -> None:
    """What hangs below the root, or at the other end (ingress), is left out."""
    route = make_route(
        make_qdisc(2, ROOT, "htb", first=100),
        make_qdisc(2, 0x10010, "fq_codel"),
        make_qdisc(2, 0xFFFF_FFF1, "clsact"),
        make_qdisc(1, 0, "noqueue"),
    )
    samples = host.samples(QdiscCollector(host.kernel, route=route))
    assert {name: value for name, value in samples.items() if "eth0" in name} == {
        'node_qdisc_bytes_total{device="eth0",kind="htb"}': 100,
        'node_qdisc_packets_total{device="eth0",kind="htb"}': 101,
        'node_qdisc_current_queue_length{device="eth0",kind="htb"}': 102,
        'node_qdisc_backlog{device="eth0",kind="htb"}': 103,
        'node_qdisc_drops_total{device="eth0",kind="htb"}': 104,
        'node_qdisc_requeues_total{device="eth0",kind="htb"}': 105,
        'node_qdisc_overlimits_total{device="eth0",kind="htb"}': 106,
    }
    assert len(samples) == 14


def test_packets_may_have_64_bits() -> None:
    """Once 32 bits do not hold their number, the kernel gives it in 64 as well."""
    assert parse_qdisc(make_qdisc(2, ROOT, "fq", packets64=1 << 33)).counters[1] == 1 << 33


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (Options(device_include=re.compile("^lo$")), {"lo"}),
        (Options(device_exclude=re.compile("^lo$")), {"eth0"}),
    ],
)
def test_interfaces_can_be_chosen(host: FakeHost, options: Options, shown: set[str]) -> None:
    """By what to show, or by what to leave out."""
    route = make_route(make_qdisc(1, ROOT, "noqueue"), make_qdisc(2, ROOT, "fq"))
    samples = host.samples(QdiscCollector(host.kernel, options, route=route))
    assert {name.split('"')[1] for name in samples} == shown


def test_both_patterns_are_refused() -> None:
    """One of the two has to go."""
    with pytest.raises(ValueError, match="device-include"):
        Options(device_include=re.compile("a"), device_exclude=re.compile("b"))


def test_an_interface_that_has_just_gone_is_left_out(host: FakeHost) -> None:
    """Its queue was told, but its name is not known any more."""
    route = make_route(make_qdisc(2, ROOT, "fq"), names={1: "lo"})
    assert host.samples(QdiscCollector(host.kernel, route=route)) == {}


def test_the_network_of_another_host_is_not_asked(host: FakeHost) -> None:
    """With the procfs of a host mounted in a container, netlink would tell of the container."""
    with pytest.raises(NoData, match="network of the host"):
        list(QdiscCollector(host.kernel).collect())


def test_this_machine_answers() -> None:
    """Each interface that is shown has all seven numbers."""
    samples = read_samples(QdiscCollector(KernelTree()).collect())
    assert len(samples) % 7 == 0


@pytest.mark.parametrize(
    "message",
    [
        b"",
        make_qdisc(2, ROOT, "fq")[:-4],
        make_qdisc(2, ROOT, "fq")[:20],
        make_qdisc(2, ROOT, "fq")[:20] + attribute(7, attribute(1, bytes(8))),
        make_qdisc(2, ROOT, "fq")[:20] + attribute(7, attribute(1, bytes(16))),
    ],
)
def test_parse_refuses_broken_messages(message: bytes) -> None:
    """A cut message, and one without its numbers, are errors."""
    with pytest.raises(ValueError, match="netlink"):
        parse_qdisc(message)


@given(st.binary(max_size=120) | st.binary(max_size=60).map(bytes(20).__add__))
def test_parse_raises_nothing_but_value_error(message: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_qdisc(message)
