"""A stand-in for Slack, and for the service that expects a call: both are told things over HTTP."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any


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

    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.add(self.path, json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        received = Webhooks(f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()
