"""A stand-in for Slack, and for the service that expects a call: both are told things over HTTP."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from tests.web_page import serve


class Webhooks:
    """What was sent, by path."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"
        self._received: dict[str, list[dict[str, Any]]] = {}

    def add(self, path: str, content: dict[str, Any]) -> None:
        """Keep what came."""
        self._received.setdefault(path, []).append(content)

    def messages(self) -> list[dict[str, Any]]:
        """What Slack was to show: of each message its only attachment."""
        return [content["attachments"][0] for content in self._received.get("/slack", [])]

    def titles(self) -> list[str]:
        """The titles of Slack's messages."""
        return [message["title"] for message in self.messages()]

    def calls(self) -> list[dict[str, Any]]:
        """What the service was told by the dead-man's switch."""
        return self._received.get("/alive", [])


@contextlib.contextmanager
def webhooks() -> Iterator[Webhooks]:
    """Listen until the end of the block."""

    def keep(path: str, body: bytes) -> bytes:
        received.add(path, json.loads(body))
        return b"ok"

    with serve(keep) as address:
        received = Webhooks(address)
        yield received
