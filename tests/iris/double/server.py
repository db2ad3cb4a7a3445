"""The superserver: listens, logs in whoever may, and answers. `Double` is what tests use."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from exporter.iris.access.connection import Connection, Secret
from tests.iris.double.faults import Faults, Trouble, send
from tests.iris.double.hooks import Instance
from tests.iris.double.link import GoneError, Link, Request
from tests.iris.double.login import log_in
from tests.iris.double.native import NATIVE, Native
from tests.iris.double.sql import Statements

HOST = "127.0.0.1"


class Double:
    """A superserver on the loopback for one modelled instance; a context manager.

    `port=` takes a port that another Double has left; `tls=` makes it speak TLS only.
    """

    def __init__(
        self, instance: Instance, *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.instance = instance
        self.faults = Faults()
        self.requests: deque[Request] = deque(maxlen=10_000)
        self.logins = 0
        self.refused_logins = 0
        self.accepted = 0
        self.tls = tls
        self.condition = threading.Condition()
        self._links: dict[Link, threading.Thread] = {}
        self._listening: tuple[socket.socket, threading.Thread] | None = None
        # Bound and never listening: it keeps the port ours while the server is stopped.
        self._keeper = _bound_socket(port)
        self.port: int = self._keeper.getsockname()[1]
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connection(self, **changes: Any) -> Connection:
        """Say how to reach it, with a user and password that are right."""
        connection = Connection(
            name="test",
            host=HOST,
            port=self.port,
            username=self.instance.username,
            password=Secret(self.instance.password),
        )
        return dataclasses.replace(connection, **changes)

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._links)

    def wait_for(self, predicate: Callable[[], object], seconds: float = 10) -> None:
        """Wait until something is true of the double; it is asked after each event here."""
        with self.condition:
            assert self.condition.wait_for(predicate, seconds), (
                f"after {seconds} s: {self.logins} logins, {self.open_connections} open, "
                f"last requests {list(self.requests)[-5:]}"
            )

    def start(self) -> None:
        """Listen, at the same port after a stop."""
        listener = _bound_socket(self.port)
        listener.listen(128)
        thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._listening = (listener, thread)
        thread.start()

    def stop(self) -> None:
        """Refuse connections, and drop those that are open."""
        if self._listening is not None:
            listener, thread = self._listening
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            listener.close()
            self._listening = None
        self.drop_connections()

    def drop_connections(self, *, reset: bool = False) -> None:
        """End every open connection, idle ones too."""
        with self.condition:
            links = dict(self._links)
        for link, thread in links.items():
            link.cut(reset=reset)
            thread.join()

    def close(self) -> None:
        """Stop, and leave no thread and no descriptor."""
        self.stop()
        self._keeper.close()

    def begin(self, request: Request) -> Trouble | None:
        """Record a request; give what is planned to go wrong with it."""
        with self.condition:
            self.requests.append(request)
            self.condition.notify_all()
        return self.faults.take("call", request.kind, request.a, request.b)

    def changed(self, **counts: int) -> None:
        """Add to counts, and wake those who wait."""
        with self.condition:
            for name, more in counts.items():
                setattr(self, name, getattr(self, name) + more)
            self.condition.notify_all()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:  # stopped
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(raw)
            thread = threading.Thread(target=self._serve, args=(link,), daemon=True)
            with self.condition:
                self._links[link] = thread
                self.changed(accepted=1)
                thread.start()

    def _serve(self, link: Link) -> None:
        try:
            with contextlib.suppress(GoneError, OSError):
                send(self.faults.take("accept"), link, b"")
                if self.tls is not None:
                    link.shake_hands(self.tls)
                self._converse(link)
        finally:
            link.socket.close()
            with self.condition:
                del self._links[link]
                self.condition.notify_all()

    def _converse(self, link: Link) -> None:
        user = log_in(self, link)
        native = Native(self, link, user)
        statements = Statements(self, link, user)
        while (message := link.receive()).code != b"DC":
            (native if message.code[1:] == NATIVE else statements).answer(message)
            self.changed()


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound
