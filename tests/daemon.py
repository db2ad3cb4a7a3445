"""The real daemon as a process of its own, for tests of what only a process shows."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.child import PATIENCE_SECONDS, Child


class Response(NamedTuple):
    """What the daemon answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Daemon(Child):
    """A running daemon: its address, its log, its life."""

    host = "127.0.0.1"
    port = 0

    @property
    def url(self) -> str:
        """The root URL, without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        timeout: float = PATIENCE_SECONDS,
    ) -> Response:
        """Ask on a connection of its own; any status is an answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())

    def wait_for_log(
        self, message: str, *, count: int = 1, timeout: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait until a message was logged, `count` times in all; give the newest such record."""

        def find(lines: Sequence[str]) -> dict[str, Any] | None:
            # Tracebacks and what argparse says are no records.
            records = [json.loads(line) for line in lines if line.startswith("{")]
            found = [record for record in records if record.get("message") == message]
            return found[-1] if len(found) >= count else None

        return self.wait_for_lines(find, f"{message!r}, {count} times", timeout)

    def wait_until_ready(self) -> None:
        """Learn the address from the log: port 0 lets the kernel choose one."""
        listening = self.wait_for_log("ready")["data"]["listening"]
        self.port = int(re.findall(r"[0-9]+", listening[0])[-1])


@contextlib.contextmanager
def start_daemon(
    *flags: str,
    env: Mapping[str, str] | None = None,
    wait_ready: bool = True,
    program: Sequence[str] = ("-m", "exporter", "run"),
) -> Iterator[Daemon]:
    """Start `perfwatch run` on a free port of this machine, and end it on every path.

    `program` is what Python runs: a test that needs a collector of its own gives a script, which
    takes the same flags.
    """
    if not any(flag.startswith("--web.listen-address") for flag in flags):
        flags = ("--web.listen-address=127.0.0.1:0", *flags)
    with Daemon([sys.executable, *program, *flags], _own_environment() | dict(env or {})) as daemon:
        if wait_ready:
            daemon.wait_until_ready()
        yield daemon


def _own_environment() -> dict[str, str]:
    """The environment without what would configure the daemon or make it talk to systemd."""
    foreign = ("PERFWATCH_", "NOTIFY_SOCKET", "WATCHDOG_")
    return {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
