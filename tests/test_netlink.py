"""Netlink: parsers on whatever comes, the socket against the kernel and against wrong answers."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.netlink import (
    ATTEMPTS,
    GENL,
    MAX_DATAGRAM_BYTES,
    MESSAGE,
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_NOOP,
    Netlink,
    attribute,
    attributes,
    messages,
    unsigned,
)

RTM_GETLINK = 18
NO_ERROR = struct.pack("=i", 0)


def message(kind: int, content: bytes = NO_ERROR, sequence: int = 1, flags: int = 0) -> bytes:
    """Write an answer as the kernel does."""
    header = MESSAGE.pack(MESSAGE.size + len(content), kind, flags, sequence, 0)
    return header + content + bytes(-len(content) % 4)


class Kernel:
    """The other end of a connection, which answers what a test wants."""

    def __init__(self) -> None:
        self.netlink = Netlink(NETLINK_ROUTE)
        self.netlink._socket, self._socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def say(self, *datagrams: bytes) -> None:
        """Have these answers ready."""
        for datagram in datagrams:
            self._socket.send(datagram)

    def close(self) -> None:
        """Close both ends."""
        self.netlink.close()
        self._socket.close()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """Give a kernel that answers as it is told."""
    with contextlib.closing(Kernel()) as kernel:
        yield kernel


def test_messages_are_aligned() -> None:
    """Each begins at a multiple of four bytes; its content is as long as it says."""
    datagram = message(20, b"abcde", sequence=7) + message(21, b"", sequence=8, flags=2)
    assert list(messages(datagram)) == [(20, 0, 7, b"abcde"), (21, 2, 8, b"")]


def test_attributes_are_aligned_and_nested() -> None:
    """The two highest bits of the type are marks; a nested attribute is parsed the same way."""
    inner = attribute(3, b"x") + attribute(4, b"")
    content = b"head" + attribute(1, b"eth0\0") + attribute(2 | 0x8000, inner)
    found = dict(attributes(content, 4))
    assert found == {1: b"eth0\0", 2: inner}
    assert list(attributes(found[2])) == [(3, b"x"), (4, b"")]


def test_numbers_have_any_width() -> None:
    """One, two, four and eight bytes are read alike; nothing is zero."""
    numbers = [struct.pack(form, 200) for form in ("=B", "=H", "=I", "=Q")]
    assert [unsigned(one) for one in (*numbers, b"")] == [200, 200, 200, 200, 0]


@pytest.mark.parametrize("broken", [b"x", message(20)[:-1], b"\0" * 16])
def test_broken_messages_are_refused(broken: bytes) -> None:
    """A header or content that is cut off, and a length that cannot be, are errors."""
    with pytest.raises(ValueError, match="netlink: a message"):
        list(messages(message(20) + broken))


@pytest.mark.parametrize("broken", [b"x", attribute(1, b"1234")[:-1], b"\0" * 4])
def test_broken_attributes_are_refused(broken: bytes) -> None:
    """The same for attributes."""
    with pytest.raises(ValueError, match="netlink: an attribute"):
        list(attributes(attribute(1, b"eth0") + broken))


@given(st.binary(max_size=120))
def test_parsers_raise_nothing_but_value_error(content: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in (messages, attributes):
        with contextlib.suppress(ValueError):
            list(parse(content))


def test_a_dump_is_everything_up_to_its_end(kernel: Kernel) -> None:
    """Answers come in several datagrams; what was meant for somebody else is passed over."""
    kernel.say(
        message(16, b"late", sequence=0) + message(16, b"one") + message(NLMSG_NOOP),
        message(16, b"two"),
        message(NLMSG_DONE),
    )
    assert kernel.netlink.dump(RTM_GETLINK, b"") == [b"one", b"two"]


def test_a_dump_that_was_interrupted_is_asked_for_again(kernel: Kernel) -> None:
    """What changed while it was given is not shown, the next attempt is."""
    kernel.say(
        message(16, b"torn", flags=NLM_F_DUMP_INTR) + message(NLMSG_DONE),
        message(16, b"whole", sequence=2) + message(NLMSG_DONE, sequence=2),
    )
    assert kernel.netlink.dump(RTM_GETLINK, b"") == [b"whole"]


def test_a_dump_that_is_always_interrupted_ends(kernel: Kernel) -> None:
    """After some attempts it is an error, and the connection is still good."""
    for sequence in range(1, ATTEMPTS + 1):
        kernel.say(message(NLMSG_DONE, sequence=sequence, flags=NLM_F_DUMP_INTR))
    with pytest.raises(InterruptedError, match="changed while it was read"):
        kernel.netlink.dump(RTM_GETLINK, b"")
    kernel.say(message(NLMSG_DONE, sequence=ATTEMPTS + 1))
    assert kernel.netlink.dump(RTM_GETLINK, b"") == []


@pytest.mark.parametrize("kind", [NLMSG_ERROR, NLMSG_DONE])
def test_errors_are_those_of_the_kernel(kernel: Kernel, kind: int) -> None:
    """A refusal has its errno; the next request goes over the same connection."""
    kernel.say(message(kind, struct.pack("=i", -errno.EPERM)))
    with pytest.raises(PermissionError, match="netlink"):
        kernel.netlink.request(RTM_GETLINK, b"")
    kernel.say(message(NLMSG_ERROR, sequence=2))
    assert kernel.netlink.request(RTM_GETLINK, b"") == []


@pytest.mark.parametrize("answer", [bytes(15), bytes(MAX_DATAGRAM_BYTES + 1)])
def test_a_broken_answer_closes_the_connection(kernel: Kernel, answer: bytes) -> None:
    """Neither a torn answer nor one that is too long is taken for one; then the real kernel is."""
    kernel.say(answer)
    with pytest.raises(ValueError, match="netlink"):
        kernel.netlink.dump(RTM_GETLINK, b"")
    assert kernel.netlink.dump(RTM_GETLINK, bytes(16))


def test_a_dump_that_is_given_up_leaves_nothing_behind() -> None:
    """The rest of an answer is not in the next one."""
    netlink = Netlink(NETLINK_ROUTE)
    stream = netlink.stream(RTM_GETLINK, bytes(16))
    first = next(stream)
    del stream
    assert netlink.dump(RTM_GETLINK, bytes(16))[0][:8] == first[:8]


def test_a_kernel_that_does_not_answer_is_not_waited_for() -> None:
    """The time is limited, and the error says so: a message of no kind has no answer."""
    netlink = Netlink(NETLINK_ROUTE, timeout_seconds=0.001)
    with pytest.raises(TimeoutError, match="does not answer"):
        list(netlink.stream(NLMSG_NOOP, b"", 0))


def test_families_are_found_by_name() -> None:
    """The family of the families has a fixed number; an unknown name is ENOENT."""
    netlink = Netlink(NETLINK_GENERIC)
    assert netlink.family("nlctrl") == 16
    with pytest.raises(FileNotFoundError):
        netlink.family("no such family")


def test_an_answer_without_a_family_is_refused(kernel: Kernel) -> None:
    """A family without a number is none."""
    kernel.say(message(16, GENL.pack(1, 1, 0) + attribute(2, b"x\0")) + message(NLMSG_ERROR))
    with pytest.raises(ValueError, match="names no family"):
        kernel.netlink.family("x")
