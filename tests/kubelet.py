"""What a kubelet does with the probes of a container, in a hurry.

It follows the kubelet's rules: until the startup probe has succeeded, no other is asked. From
then on the container is killed when as many liveness probes in a row have failed as
`failureThreshold` says, and is ready when as many readiness probes have succeeded as
`successThreshold` says. A status from 200 to 399 is a success; each probe has a connection of its
own. When a pod is ended, its readiness is asked to the end, and the others no more.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.child import PATIENCE_SECONDS

HURRY = 20
"""A probe every ten seconds becomes two a second. The startup probe has its own pace: what it waits
for, a program that starts, is not faster here."""


class Probe(NamedTuple):
    """A probe, with what Kubernetes takes for what it does not say."""

    path: str
    port: str | int
    period: float
    timeout: float
    successes: int
    failures: int
    delay: float


def read_probe(container: dict[str, Any], kind: str, hurry: int) -> Probe:
    """Take a probe of a rendered container; it has to ask over HTTP."""
    probe = container[kind]
    asked = probe["httpGet"]
    return Probe(
        asked["path"],
        asked["port"],
        probe.get("periodSeconds", 10) / hurry,
        probe.get("timeoutSeconds", 1),
        probe.get("successThreshold", 1),
        probe.get("failureThreshold", 3),
        probe.get("initialDelaySeconds", 0) / hurry,
    )


def is_success(status: int) -> bool:
    """What counts as an answer."""
    return 200 <= status < 400


class Kubelet:
    """The state of one container, as its probes tell it."""

    def __init__(
        self, container: dict[str, Any], host: str, port: int, timeout: float | None = None
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout
        self._probes = {
            "startup": read_probe(container, "startupProbe", 1),
            "liveness": read_probe(container, "livenessProbe", HURRY),
            "readiness": read_probe(container, "readinessProbe", HURRY),
        }
        self._changed = threading.Condition()
        self._ended: dict[str, threading.Event] = {kind: threading.Event() for kind in self._probes}
        self.answers: dict[str, list[int]] = {kind: [] for kind in self._probes}
        """The status of each probe; 0 where there was no answer."""
        self.started = False
        self.ready = False
        self.killed_by = ""
        """The probe for which the container would be killed and started anew."""

    def wait_for(self, condition: Callable[[Kubelet], bool], what: str) -> None:
        """Wait until something holds after a probe."""
        with self._changed:
            came = self._changed.wait_for(lambda: condition(self), PATIENCE_SECONDS)
            assert came, f"never came true: {what}; answers: {self.answers}"

    def wait_for_probes(self, kind: str, count: int) -> None:
        """Wait until so many more probes were made."""
        wanted = len(self.answers[kind]) + count
        self.wait_for(lambda now: len(now.answers[kind]) >= wanted, f"{count} of {kind}")

    def terminate(self) -> None:
        """Do what comes before the signal when a pod is ended."""
        self._ended["liveness"].set()
        self._ended["startup"].set()

    def run(self, kind: str) -> None:
        """Probe until the end."""
        probe, ended = self._probes[kind], self._ended[kind]
        ended.wait(probe.delay)
        while not ended.is_set():
            if kind == "startup" or self.started:
                self._note(kind, self._ask(probe))
            ended.wait(probe.period)

    def _note(self, kind: str, status: int) -> None:
        """Count an answer, and conclude from it when there are enough in a row."""
        success = is_success(status)
        needed = self._probes[kind].successes if success else self._probes[kind].failures
        with self._changed:
            answers = self.answers[kind]
            answers.append(status)
            newest = answers[-needed:]
            if len(newest) == needed and all(is_success(one) is success for one in newest):
                self._conclude(kind, success=success)
            self._changed.notify_all()

    def _ask(self, probe: Probe) -> int:
        connection = http.client.HTTPConnection(
            *self._address, timeout=self._timeout or probe.timeout
        )
        headers = {"User-Agent": "kube-probe/1.36", "Accept": "*/*", "Connection": "close"}
        with contextlib.closing(connection):
            try:
                connection.request("GET", probe.path, headers=headers)
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0

    def _conclude(self, kind: str, *, success: bool) -> None:
        """Take over what enough probes in a row have said."""
        if kind == "readiness":
            self.ready = success
        elif not success:
            self.killed_by = self.killed_by or kind
            self.end()
        elif kind == "startup":
            self.started = True
            self._ended[kind].set()

    def end(self) -> None:
        """Stop all probes."""
        for ended in self._ended.values():
            ended.set()


@contextlib.contextmanager
def watch_container(
    container: dict[str, Any], host: str, port: int, timeout: float | None = None
) -> Iterator[Kubelet]:
    """Probe a container until the end of the block; `timeout` replaces that of the probes."""
    kubelet = Kubelet(container, host, port, timeout)
    workers = [
        threading.Thread(target=kubelet.run, args=[kind], daemon=True) for kind in kubelet.answers
    ]
    for worker in workers:
        worker.start()
    try:
        yield kubelet
    finally:
        kubelet.end()
        for worker in workers:
            worker.join(PATIENCE_SECONDS)
