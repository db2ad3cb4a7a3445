"""Where to listen: addresses as settings give them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from exporter.options import parse_text, shown


class Address(NamedTuple):
    """Where to listen. An empty host means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def for_clients(self) -> str:
        """The same, as a client on this machine reaches it."""
        loopback = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared
        return str(self._replace(host=loopback.get(self.host, self.host)))


_PORT = re.compile(r"[0-9]{1,5}\Z")


def parse_address(raw: Any) -> Address:
    """Take `host:port`, `:port` or `[::1]:port`."""
    text = parse_text(raw)
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not (colon and _PORT.match(port) and int(port) <= 65535):
        raise ValueError(f"expected host:port with a port up to 65535, got {shown(text)}")
    return Address(host, int(port))


def parse_addresses(raw: Any) -> tuple[Address, ...]:
    """Take one address or several: a list, or a text with commas."""
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list) or not items:
        raise ValueError(f"expected an address or a list of addresses, got {shown(raw)}")
    return tuple(parse_address(item.strip() if isinstance(item, str) else item) for item in items)
