#!/usr/bin/env python3
"""A server that answers 200 under one path, and empty metrics; or a client that asks such a server.

`answers PORT PATH` serves. Called under another name (curl, wget, loki) it asks the address that is
its last word, or Loki's, as a health check does.
"""

from __future__ import annotations

import http.server
import signal
import sys
import urllib.request
from pathlib import Path


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers to the path that it was started for."""

    def do_GET(self) -> None:
        """Answer with nothing but a status."""
        known = self.path in {sys.argv[2], "/metrics"}
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", "0")
        self.end_headers()


if Path(sys.argv[0]).name == "answers":
    # The first process of a container is ended by no signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Answers).serve_forever()
address = sys.argv[-1] if sys.argv[-1].startswith("http://") else "http://127.0.0.1:3100/ready"
urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - http only, checked above
