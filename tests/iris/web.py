"""A web server for the way to an instance by HTTP(S)."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

PAGE = b"iris_cpu_usage 7\n# \xc3\xa9\n"

Answer = Callable[[BaseHTTPRequestHandler], None]


class QuietServer(ThreadingHTTPServer):
    """Handshakes that clients break off are nothing to print."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class Web:
    """A web server; what it answers is a test's."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """With a context it speaks HTTPS."""
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = page
        web = self

        class Handler(BaseHTTPRequestHandler):
            """Does what the test says."""

            def do_GET(self) -> None:
                """Record the request, and answer."""
                web.headers.append({**self.headers, "target": self.path})
                web.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def url(self, path: str = "/api/monitor/metrics") -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def respond(status: int = 200, body: bytes = PAGE, **headers: str) -> Answer:
    """Answer with this."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return act


def raw(data: bytes) -> Answer:
    """Answer with these bytes, and hang up."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return act


page = respond()
