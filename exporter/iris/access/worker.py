"""The worker: a process that holds one connection, so that it can be ended whatever it does.

`python -m exporter.iris.access.worker` reads requests from its input and answers on its output, as
messages.py has them. It ends when its input does, also in a call that hangs. It imports as little
as it can, because there is one for each instance.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from exporter.iris.access.classify import CALLING, CONNECTING, classify, one_line
from exporter.iris.access.connection import without_secrets
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.messages import Assembly, pack

if TYPE_CHECKING:
    from exporter.iris.access.driver import Driver

FAREWELL_SECONDS = 1.0
"""For logging off, when the daemon has gone; a call that hangs gets no more."""

MAX_DATA_BYTES = 512 << 20
"""Of memory: an answer without an end costs the connection, and not the host."""

INSTALL = "pip install intersystems-irispython"


class Worker:
    """What is asked of it, one request after the other; the first one says who and where."""

    def __init__(self) -> None:
        self._login: dict[str, Any] = {}
        self._driver: Driver | None = None

    def answer(self, name: str, *arguments: Any) -> Any:
        """Do what is asked. Raises IrisError."""
        if name == "begin":
            (self._login,) = arguments
        elif name == "load":
            self._load()
        elif name == "login":
            return self._log_in()
        elif name == "fetch":
            from exporter.iris.access.fetching import fetch

            (url,) = arguments
            return fetch(url, self._login)
        else:
            return self._translated(CALLING, lambda: getattr(self._driver, name)(*arguments))
        return None

    def close(self) -> None:
        """Log off."""
        if self._driver is not None:
            self._driver.close()

    @staticmethod
    def _load() -> None:
        """Import the driver. Without its library for this machine, `import iris` gives nothing."""
        try:
            import iris

            iris.createIRIS  # noqa: B018 -- another package is named iris too
        except (ImportError, AttributeError, OSError) as error:
            reason = one_line(f"{type(error).__name__}: {error}")
            message = f"the driver for IRIS cannot be loaded: {reason}"
            raise IrisError(ErrorKind.DRIVER, message, INSTALL) from error

    def _log_in(self) -> Any:
        from exporter.iris.access.driver import Driver
        from exporter.iris.access.tls import settings_file

        with settings_file(self._login["tls"]) as section:
            self._driver = self._translated(CONNECTING, lambda: Driver(self._login, section))
        try:
            return self._translated(CALLING, self._driver.version)
        except IrisError as error:
            if error.connection_lost:
                raise
            return None  # class methods are not permitted, which is told where they are needed

    def _translated(self, phase: str, act: Callable[[], Any]) -> Any:
        """Do something with the driver."""
        try:
            return act()
        except IrisError:
            raise
        except Exception as error:  # whatever the driver raises
            login = self._login
            text = without_secrets(str(error), login["password"], login["access_token"])
            raise classify(type(error).__name__, text, phase) from error


def reply(worker: Worker, request: list[Any]) -> bytes:
    """Give the answer to a request, as it goes over the pipe."""
    try:
        return pack({"result": worker.answer(*request)})
    except IrisError as error:
        return pack({"error": [error.kind, error.message, error.remedy]})


def read_requests(source: int, requests: SimpleQueue[list[Any] | None]) -> None:
    """Read until the daemon closes the pipe or dies, and then end the process, whatever it does."""
    while True:
        request = Assembly()
        while not request.is_complete:
            piece = os.read(source, request.missing)
            if not piece:
                requests.put(None)
                threading.Event().wait(FAREWELL_SECONDS)
                os._exit(0)
            request.add(piece)
        requests.put(request.message())


def prepare() -> tuple[int, int]:
    """Make the process safe to leave alone; give the descriptors of the two pipes.

    Whatever is printed goes to stderr. The daemon alone ends it: systemd sends SIGTERM to all
    processes of a service. A core would hold the password; with a limit of 1 none is piped to a
    program either (core(5)).
    """
    faulthandler.enable(all_threads=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for limit, bytes_ in ((resource.RLIMIT_CORE, 1), (resource.RLIMIT_DATA, MAX_DATA_BYTES)):
        with contextlib.suppress(ValueError):  # the limit is lower already
            resource.setrlimit(limit, (bytes_, bytes_))
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return source, target


def main() -> None:
    """Serve until the input ends."""
    source, target = prepare()
    requests: SimpleQueue[list[Any] | None] = SimpleQueue()
    reader = threading.Thread(target=read_requests, args=(source, requests), daemon=True)
    reader.start()
    worker = Worker()
    while (request := requests.get()) is not None:
        rest = memoryview(reply(worker, request))
        while rest:
            rest = rest[os.write(target, rest) :]
    worker.close()


if __name__ == "__main__":
    main()
