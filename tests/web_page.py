"""A web server that stands in for another program."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextlib.contextmanager
def serve(answer: Callable[[str, bytes], bytes], kind: str = "text/plain") -> Iterator[str]:
    """Answer requests with what is made of their path and body; give the address.

    It ends with the block, however that ends: its thread would keep the tests from ending.
    """

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            content = answer(self.path, body)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # At the end Prometheus goes away in the middle of a page.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 -- the base class's name

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
