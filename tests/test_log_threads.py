"""Lines of threads, signal handlers, forks, and of values that log themselves, never mix."""

from __future__ import annotations

import io
import logging
import os
import signal
import threading
from pathlib import Path

import pytest

from monitoring import log_stream
from monitoring.log_stream import MAX_NESTED, LogStream
from monitoring.structured_logging import StructuredLogger, configure
from tests.logs import dropped, records
from tests.pipes import Pipe

log = StructuredLogger("stream")


pytestmark = pytest.mark.usefixtures("stream")


def the_handler() -> LogStream:
    """What writes the lines."""
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, LogStream)
    return handler


def test_lines_of_many_threads_never_mix(tmp_path: Path) -> None:
    """Also long ones."""
    count = 8

    def work(number: int) -> None:
        for _ in range(50):
            log.info("x", number=number, parts=[str(number) * 2000] * 4)

    with (tmp_path / "log").open("w") as file:
        configure(stream=file)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [record["data"]["number"] for record in records((tmp_path / "log").read_text())]
    assert sorted(found) == sorted([*range(count)] * 50)


def test_logging_while_a_value_is_shown(tmp_path: Path) -> None:
    """The inner line comes out whole, before the outer one; and no lock is held meanwhile."""

    class Logging:
        def __repr__(self) -> str:
            log.info("inner")
            other = threading.Thread(target=log.info, args=("of another thread",))
            other.start()
            other.join()
            return "shown"

    with (tmp_path / "log").open("w") as file:
        configure(stream=file)
        log.info("outer", value=Logging())
    found = [record["message"] for record in records((tmp_path / "log").read_text())]
    assert found == ["inner", "of another thread", "outer"]


def test_a_signal_handler_may_log_at_any_time(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even in the middle of a write: its own line comes after, and nothing waits for ever."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 15.0)
    configure(stream=pipe.stream)
    handler = the_handler()
    filled = pipe.fill()

    def handle(*_: object) -> None:
        log.info("in the handler")
        pipe.read(filled)

    def interrupt() -> None:
        while handler._writer is None:
            os.sched_yield()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, handle)
    thread = threading.Thread(target=interrupt)
    thread.start()
    log.info("outer")
    thread.join()
    signal.signal(signal.SIGALRM, before)
    found = [record["message"] for record in records(pipe.read())]
    assert found == ["outer", "in the handler"]


def test_a_stream_that_logs_what_it_is_given_has_an_end() -> None:
    """As when standard error has been replaced by something that logs."""

    class Echo(io.StringIO):
        def write(self, text: str) -> int:
            log.info("echo")
            return super().write(text)

    stream = Echo()
    configure(stream=stream)
    before = dropped("stream", "stalled")
    log.info("first")
    messages = [record["message"] for record in records(stream.getvalue())]
    assert messages == ["first"] + ["echo"] * MAX_NESTED
    assert dropped("stream", "stalled") == before + 1
    log.info("second")
    assert len(records(stream.getvalue())) == 2 * (MAX_NESTED + 1)
