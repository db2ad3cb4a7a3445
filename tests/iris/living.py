"""An instance that lives in its thread, hurried, and what it has said in the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any, Self

from exporter.iris.condition import State
from exporter.iris.instance import Instance, Pace
from exporter.iris.keeper import Keeper
from exporter.kernel import KernelTree
from tests.child import PATIENCE_SECONDS
from tests.iris.double.server import Double
from tests.iris.kept import settings_for

QUICK = Pace(
    first_pause=0.01,
    longest_pause=0.05,
    first_slow_pause=1000.0,
    longest_slow_pause=1000.0,
)


class Living:
    """An instance whose turns follow each other quickly; leaving the block ends it."""

    def __init__(
        self,
        double: Double,
        *,
        keeper: Callable[..., Keeper] = Keeper,
        pace: Pace = QUICK,
        **changes: Any,
    ) -> None:
        self.settings = settings_for(double, **{"interval": 0.02, "timeout": 1.0, **changes})
        self.later = 0.0
        """Seconds by which its clock is ahead."""
        self.turns = threading.Condition()
        self.instance = Instance(
            self.settings,
            keeper(self.settings, KernelTree()),
            changed=self._note,
            pace=pace,
            now=lambda: monotonic() + self.later,
            jitter=lambda: 0.0,
        )

    def __enter__(self) -> Self:
        self.instance.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.instance.close()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()

    @property
    def thread(self) -> threading.Thread:
        """The thread that it lives in."""
        assert self.instance._thread is not None
        return self.instance._thread

    @property
    def pid(self) -> int:
        """The number of its worker, which there is."""
        pid = self.instance._session.pid
        assert pid is not None
        return pid

    def wait_for(self, predicate: Callable[[], object]) -> None:
        """Wait until something is true after a turn."""
        with self.turns:
            assert self.turns.wait_for(predicate, PATIENCE_SECONDS), self.instance.condition

    def wait_until(self, state: State) -> None:
        """Wait until it is in a state."""
        self.wait_for(lambda: self.instance.condition.state is state)

    def samples(self) -> dict[tuple[str, ...], Any]:
        """What the page says: by name and labels but the instance."""
        return {
            (family.name, *values[1:]): number
            for family in self.instance.families()
            for values, number in family.samples
        }

    def _note(self) -> None:
        with self.turns:
            self.turns.notify_all()


class Page:
    """The instance's page of sensors; in a block."""

    def __init__(self, text: str) -> None:
        self.status = 200
        self.asked = 0
        page = self

        class Handler(BaseHTTPRequestHandler):
            """Gives the text."""

            def do_GET(self) -> None:
                """Answer."""
                page.asked += 1
                body = text.encode()
                self.send_response(page.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/monitor/metrics"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
