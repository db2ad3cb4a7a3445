"""Collectors over netlink and ioctl, in a network namespace that a test has made."""

from __future__ import annotations

import socket
import subprocess
import urllib.request
from struct import pack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.collectors.ethtool import EthtoolCollector
from exporter.collectors.network_route import NetworkRouteCollector
from exporter.collectors.qdisc import QdiscCollector
from exporter.collectors.tcpstat import TcpstatCollector
from exporter.exposition import TEXT, Renderer
from exporter.kernel import KernelTree
from exporter.netlink import NETLINK_ROUTE, Netlink, attribute
from tests.isolated_network import CREATE, UP, Network, run_in_network
from tests.peers import find_peer

COLLECTORS = (EthtoolCollector, NetworkRouteCollector, QdiscCollector, TcpstatCollector)

# node_exporter takes its own connections along, and limits of queues for bytes.
NOT_COMPARED = ("node_exporter_build_info", "node_scrape_collector", "node_tcp_connection_states")

NEW_ADDRESS, NEW_ROUTE, NEW_QDISC = 20, 24, 36

TWO_WAYS = 'priority="0",proto="static",weight="3"'


def make_network() -> None:
    """Join two interfaces, one of which has an address, two routes and a queue of its own."""
    network = Network()
    network.add_pair("left", "right")
    for name in ("lo", "left", "right"):
        network.set(name, "flags", UP)
    left = socket.if_nametoindex("left")
    route = Netlink(NETLINK_ROUTE)
    packed = socket.inet_aton("192.0.2.1")
    head = pack("=BBBBi", socket.AF_INET, 24, 0, 0, left)
    list(route.stream(NEW_ADDRESS, head + attribute(1, packed) + attribute(2, packed), CREATE))
    gateway = attribute(5, socket.inet_aton("192.0.2.7"))
    add_route(route, "198.51.100.0", gateway + attribute(6, pack("=I", 50)))
    other = attribute(5, socket.inet_aton("192.0.2.8"))
    hop = pack("=HBBi", 16, 0, 2, left)
    add_route(route, "203.0.113.0", attribute(9, hop + gateway + hop + other))
    head = pack("=B3xiIII", 0, left, 0x10000, 0xFFFF_FFFF, 0)
    list(route.stream(NEW_QDISC, head + attribute(1, b"pfifo\0"), CREATE))


def add_route(route: Netlink, network: str, attributes: bytes) -> None:
    """Add a static unicast route to 256 addresses."""
    head = pack("=BBBBBBBBI", socket.AF_INET, 24, 0, 0, 254, 4, 0, 1, 0)
    target = attribute(1, socket.inet_aton(network))
    list(route.stream(NEW_ROUTE, head + target + attributes, CREATE))


def make_connections() -> list[socket.socket]:
    """Open a connection with bytes that nobody reads, and one that is closed on one side."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=7)
    first, second = (socket.create_connection(listening.getsockname()) for _ in range(2))
    accepted = [listening.accept()[0] for _ in range(2)]
    first.sendall(b"x" * 100)
    second.shutdown(socket.SHUT_WR)
    accepted[1].recv(1)
    waiting = socket.create_connection(listening.getsockname())
    return [listening, first, second, waiting, *accepted]


def collect_ours() -> dict[str, float]:
    """Make the network; give what our collectors say of it."""
    make_network()
    kept = make_connections()
    kernel = KernelTree()
    pages = [Renderer(TEXT).render(list(one(kernel).collect())).decode() for one in COLLECTORS]
    for one in kept:
        one.close()
    return read_page("".join(pages))


def collect_both() -> tuple[dict[str, float], dict[str, float]]:
    """Make the network; give what our collectors say of it, and what node_exporter does."""
    command = [
        str(find_peer("node_exporter")),
        "--web.listen-address=127.0.0.1:9100",
        "--collector.disable-defaults",
        "--web.disable-exporter-metrics",
        *(f"--collector.{collector.name}" for collector in COLLECTORS),
    ]
    ours = collect_ours()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as peer:
        assert peer.stderr is not None
        try:
            next(line for line in peer.stderr if "Listening on" in line)
            with urllib.request.urlopen("http://127.0.0.1:9100/metrics", timeout=10) as answer:
                return ours, read_page(answer.read().decode())
        finally:
            peer.terminate()


def read_page(text: str) -> dict[str, float]:
    """Give the samples by `name{label="value"}`, labels sorted, without the empty ones."""
    return {
        f"{sample.name}{{{join(sample.labels)}}}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def join(labels: dict[str, str]) -> str:
    """Spell labels."""
    return ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if value)


@pytest.fixture(scope="module")
def ours() -> dict[str, float]:
    """Give what our collectors say of the small network."""
    samples: dict[str, float] = run_in_network(collect_ours)
    return samples


def test_routes_are_those_that_were_made(ours: dict[str, float]) -> None:
    """The one of the address, a plain one, and one with two ways."""
    assert {name for name in ours if name.startswith("node_network_route_info")} == {
        f"node_network_route_info{{{labels}}}"
        for labels in (
            'dest="192.0.2.0/24",device="left",priority="0",proto="kernel",src="192.0.2.1"',
            'dest="198.51.100.0/24",device="left",gw="192.0.2.7",priority="50",proto="static"',
            f'dest="203.0.113.0/24",device="left",gw="192.0.2.7",{TWO_WAYS}',
            f'dest="203.0.113.0/24",device="left",gw="192.0.2.8",{TWO_WAYS}',
        )
    }
    assert ours['node_network_routes{device="left"}'] == 4


def test_queues_are_those_of_the_roots(ours: dict[str, float]) -> None:
    """Each interface has one, of the kind that it was given."""
    assert {name for name in ours if name.startswith("node_qdisc_bytes_total")} == {
        'node_qdisc_bytes_total{device="left",kind="pfifo"}',
        'node_qdisc_bytes_total{device="lo",kind="noqueue"}',
        'node_qdisc_bytes_total{device="right",kind="noqueue"}',
    }


def test_drivers_answer(ours: dict[str, float]) -> None:
    """The driver veth names itself and the other end of the cable."""
    assert ours['node_ethtool_info{device="left",driver="veth",version="1.0"}'] == 1
    ends = {
        ours['node_ethtool_peer_ifindex{device="left"}'],
        ours['node_ethtool_peer_ifindex{device="right"}'],
    }
    assert len(ends) == 2
    assert ours['node_network_autonegotiate{device="left"}'] == 0


def test_sockets_are_counted_by_state(ours: dict[str, float]) -> None:
    """Bytes that nobody has read are counted, connections that nobody has accepted are not."""
    states = {
        name.partition('state="')[2][:-2]: number
        for name, number in ours.items()
        if name.startswith("node_tcp_connection_states")
    }
    assert states["listen"] == 1
    assert states["established"] == 4
    assert states["close_wait"] == 1
    assert states.get("fin_wait1", 0) + states.get("fin_wait2", 0) == 1
    # A FIN that was received, or waits to be acknowledged, counts as a byte.
    assert 100 <= states["rx_queued_bytes"] <= 101
    assert states["tx_queued_bytes"] <= 1


@pytest.mark.slow
def test_node_exporter_says_the_same() -> None:
    """The same series with the same values, sockets apart."""
    find_peer("node_exporter")
    ours, theirs = (
        {name: number for name, number in page.items() if not name.startswith(NOT_COMPARED)}
        for page in run_in_network(collect_both)
    )
    assert ours == theirs
