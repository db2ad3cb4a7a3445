"""Answers of rtnetlink for tests, as pairs of request and answer in hexadecimal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import pack

from exporter.collectors._links import IFINFOMSG, RTM_GETLINK, read_links
from exporter.netlink import Netlink, attribute
from tests.recorded import RecordedNetlink


class Asked(Netlink):
    """A socket that notes what is asked, and answers with nothing."""

    requests: list[str]

    def dump(self, kind: int, payload: bytes) -> list[bytes]:
        """Note a request."""
        self.requests = [f"{kind:x}:{payload.hex()}"]
        return []


def answer_links(names: Mapping[int, str]) -> list[tuple[str, str]]:
    """Make the answers about interfaces with these numbers and names."""
    asked = Asked(0)
    read_links(asked)
    [request] = asked.requests
    assert request.startswith(f"{RTM_GETLINK:x}:")
    return [
        (request, (IFINFOMSG.pack(0, 1, index, 1, 0) + attribute(3, name.encode() + b"\0")).hex())
        for index, name in names.items()
    ]


def answer(
    kind: int, request_bytes: int, messages: Iterable[bytes], names: Mapping[int, str]
) -> RecordedNetlink:
    """Answer a dump, whose request is all zeros, and that of the interfaces."""
    request = f"{kind:x}:{bytes(request_bytes).hex()}"
    return RecordedNetlink([(request, one.hex()) for one in messages] + answer_links(names))


def number(kind: int, value: int) -> bytes:
    """Write an attribute of 32 bits."""
    return attribute(kind, pack("=I", value))
