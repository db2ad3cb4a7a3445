"""The tcpstat collector: TCP sockets over netlink, or from /proc/net/tcp."""

from __future__ import annotations

import contextlib
import socket
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.tcpstat import TcpstatCollector, Totals, count_lines, count_messages
from exporter.kernel import KernelTree, NoData
from exporter.netlink import Netlink
from tests.collectors.conftest import FakeHost
from tests.recorded import RecordedNetlink

HEADER = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
)
LINES = (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 "
    "24411 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:1F90 0100007F:A1B2 01 00000010:000003E8 00:00000000 00000000  1000        0 "
    "24412 1 0000000000000000 20 4 30 10 -1\n"
    "1234: 0100007F:A1B2 0100007F:1F90 06 00000000:00000000 03:00000F11 00000000     0        0 "
    "0 3 0000000000000000\n"
)

UNKNOWN_PROTOCOL = 31


def make_socket(state: int, received: int = 0, to_send: int = 0) -> bytes:
    """Write the kernel's description of a socket."""
    return pack("=BBxx48x4xIIII", 2, state, received, to_send, 0, 0)


def request_for(family: socket.AddressFamily) -> str:
    """Spell the request for all sockets of a version of IP."""
    return f"14:{pack('=BBBxI48x', family, 6, 0, 0xFFF).hex()}"


def test_sockets_are_counted_over_netlink(host: FakeHost) -> None:
    """Both versions of IP are asked; what listens has connections in its queues, not bytes."""
    answers = [
        (request_for(socket.AF_INET), make_socket(10, 3, 4096)),
        (request_for(socket.AF_INET), make_socket(1, 100, 7)),
        (request_for(socket.AF_INET), make_socket(1)),
        (request_for(socket.AF_INET6), make_socket(1, 0, 1) + bytes(8)),
        (request_for(socket.AF_INET6), make_socket(77)),
    ]
    diagnosis = RecordedNetlink([(asked, message.hex()) for asked, message in answers])
    assert host.samples(TcpstatCollector(host.kernel, diagnosis=diagnosis)) == {
        'node_tcp_connection_states{state="established"}': 3,
        'node_tcp_connection_states{state="listen"}': 1,
        'node_tcp_connection_states{state="unknown"}': 1,
        'node_tcp_connection_states{state="rx_queued_bytes"}': 100,
        'node_tcp_connection_states{state="tx_queued_bytes"}': 8,
    }


def test_sockets_of_another_host_are_read_from_its_files(host: FakeHost) -> None:
    """Those of the host's first process, with or without IPv6."""
    host.write("proc/1/net/tcp", HEADER + LINES)
    expected = {
        'node_tcp_connection_states{state="established"}': 1,
        'node_tcp_connection_states{state="time_wait"}': 1,
        'node_tcp_connection_states{state="listen"}': 1,
        'node_tcp_connection_states{state="rx_queued_bytes"}': 1000,
        'node_tcp_connection_states{state="tx_queued_bytes"}': 16,
    }
    assert host.samples(TcpstatCollector(host.kernel)) == expected
    host.write("proc/1/net/tcp6", HEADER + LINES.replace("0100007F", "0" * 24 + "01000000"))
    doubled = {name: 2 * number for name, number in expected.items()}
    assert host.samples(TcpstatCollector(host.kernel)) == doubled


def test_files_stand_in_where_netlink_does_not_answer(host: FakeHost) -> None:
    """As on a kernel without the module tcp_diag, or without the protocol."""
    host.write("proc/1/net/tcp", HEADER + LINES)
    collector = TcpstatCollector(host.kernel, diagnosis=Netlink(UNKNOWN_PROTOCOL))
    assert host.samples(collector)['node_tcp_connection_states{state="established"}'] == 1


def test_without_netlink_and_files_there_is_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="TCP"):
        list(TcpstatCollector(host.kernel).collect())


def test_this_machine_answers_the_same_both_ways() -> None:
    """A socket that listens is found over netlink and in the files."""
    with socket.create_server(("127.0.0.1", 0)):
        [asked] = TcpstatCollector(KernelTree()).collect()
        [read] = TcpstatCollector(KernelTree(), diagnosis=Netlink(UNKNOWN_PROTOCOL)).collect()
    for family in (asked, read):
        numbers = {labels[0]: number for labels, number in family.samples}
        assert isinstance(numbers["listen"], int)
        assert numbers["listen"] >= 1


@pytest.mark.parametrize(
    "text", [b"", HEADER.encode() + b"junk\n", (HEADER + LINES).encode()[:-20], b"\n\n"]
)
def test_other_text_is_refused(text: bytes) -> None:
    """No header, other lines and a cut line are errors."""
    with pytest.raises(ValueError, match="/proc/net/tcp"):
        count_lines(text, Totals())


def test_a_short_message_is_refused() -> None:
    """A description that ends early is an error."""
    with pytest.raises(ValueError, match="inet_diag"):
        count_messages([make_socket(1)[:-1]], Totals())


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_parsers_raise_nothing_but_value_error(text: bytes, message: bytes) -> None:
    """Any bytes are either counted or raise ValueError."""
    with contextlib.suppress(ValueError):
        count_lines(text, Totals())
    with contextlib.suppress(ValueError):
        count_messages([message, bytes(72) + message], Totals())
