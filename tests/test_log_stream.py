"""Whole lines to a stream that may be full, closed, or read by nobody: none of it is an error."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from monitoring import log_stream
from monitoring.log_descriptor import PIECE
from monitoring.log_stream import LogStream
from monitoring.structured_logging import StructuredLogger, configure
from tests.logs import dropped, records
from tests.pipes import Pipe

log = StructuredLogger("stream")


pytestmark = pytest.mark.usefixtures("stream")


def account(record: dict[str, Any]) -> tuple[int, str, str]:
    """What a record says of dropped ones."""
    assert (record["message"], record["level"]) == ("log records dropped", "warning")
    data = record["data"]
    return data["count"], data["reason"], data["error"]


def test_a_line_goes_through_a_pipe(pipe: Pipe) -> None:
    """Also one of several pieces."""
    configure(stream=pipe.stream)
    log.info("short")
    log.info("long", parts=["x" * 2000] * 5)
    short, long = records(pipe.read())
    assert short["message"] == "short"
    assert len(json.dumps(long)) > 2 * PIECE


def test_a_pipe_that_nobody_reads_holds_up_nobody(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are dropped, and when somebody reads again one says how many."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.001)
    configure(stream=pipe.stream)
    before = dropped("stream", "stalled")
    filled = pipe.fill()
    for number in range(100):
        log.error("lost", number=number)
    assert dropped("stream", "stalled") == before + 100
    assert os.get_blocking(pipe.stream.fileno())
    pipe.read(filled)
    log.info("back")
    said, back = records(pipe.read())
    assert account(said) == (100, "stalled", "nobody reads it")
    assert said["logger"] == "monitoring.log_stream"
    assert back["message"] == "back"
    log.info("and on")
    assert [record["message"] for record in records(pipe.read())] == ["and on"]


def test_only_the_first_record_waits(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those after it do not, for a while: a wait of ten minutes is never begun again."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.001)
    configure(stream=pipe.stream)
    pipe.fill()
    log.error("waits a little")
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 600.0)
    for _ in range(100):
        log.error("does not wait")


def test_a_reader_in_time_loses_nothing(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short stall is waited for."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 15.0)
    configure(stream=pipe.stream)
    filled = pipe.fill()
    writer = threading.Thread(target=log.error, args=("waits",))
    writer.start()
    pipe.read(filled)
    writer.join(15)
    assert [record["message"] for record in records(pipe.read())] == ["waits"]


def test_a_line_that_was_cut_is_ended(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it is a line of its own."""
    monkeypatch.setattr(log_stream, "PATIENCE_SECONDS", 0.001)
    configure(stream=pipe.stream)
    filled = pipe.fill()
    room = 2 * PIECE
    pipe.read(room)
    log.error("cut", parts=["x" * 2000] * 8)
    pipe.read(filled - room)
    log.error("whole")
    cut, *lines = pipe.read().splitlines(keepends=True)
    assert len(cut) == room + 1
    said, whole = records("".join(lines))
    assert account(said)[0] == 1
    assert whole["message"] == "whole"


def test_a_closed_pipe_is_no_error(
    pipe: Pipe, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader of the log has gone: the service goes on without a word."""
    configure(stream=pipe.stream)
    # Whoever has restored the system's answer to it would be killed by a write.
    handler = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    other = os.dup(pipe.reading)
    os.close(pipe.reading)
    os.close(other)
    try:
        log.error("nobody hears this")
        log.error("nor this")
    finally:
        signal.signal(signal.SIGPIPE, handler)
        pipe.reading = os.open(os.devnull, os.O_RDONLY)
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_is_no_error(tmp_path: Path) -> None:
    """And is said when there is room again."""
    path = tmp_path / "log"
    with path.open("w") as file, open("/dev/full", "w") as full:  # noqa: PTH123 -- a device
        configure(stream=full)
        log.error("lost")
        log.error("lost, too")
        os.dup2(file.fileno(), full.fileno())
        log.error("written")
    said, written = records(path.read_text())
    assert account(said) == (2, "stalled", "No space left on device")
    assert written["message"] == "written"


def test_a_closed_stream_is_no_error(tmp_path: Path) -> None:
    """Nor is the file written to that has its number now."""
    file = (tmp_path / "log").open("w")
    configure(stream=file)
    number = file.fileno()
    file.close()
    with (tmp_path / "other").open("w") as other:
        assert other.fileno() == number
        log.error("lost")
    assert (tmp_path / "other").read_text() == ""
    configure(stream=other)  # closed before the log knew it
    log.error("lost")


@pytest.mark.parametrize("closed", [False, True])
def test_a_descriptor_that_has_gone_is_no_error(*, closed: bool, tmp_path: Path) -> None:
    """Closed by somebody who did not ask the stream."""
    with (tmp_path / "log").open("w") as file:
        spare = os.dup(file.fileno())
        if closed:
            os.close(file.fileno())
        configure(stream=file)
        if not closed:
            os.close(file.fileno())
        log.error("lost")
        os.dup2(spare, file.fileno())
        os.close(spare)
        log.error("written")
    assert len(records((tmp_path / "log").read_text())) == 2


def test_a_stream_that_is_more_than_a_file_is_used_as_it_is(tmp_path: Path) -> None:
    """What is compressed on its way stays so."""
    with gzip.open(tmp_path / "log.gz", "wt") as file:
        configure(stream=file)
        log.info("packed")
    with gzip.open(tmp_path / "log.gz", "rt") as file:
        assert len(records(file.read())) == 1


def test_a_stream_may_raise_anything() -> None:
    """And be no stream at all."""

    class Broken(io.StringIO):
        broken = True

        def write(self, text: str) -> int:
            if self.broken:
                raise ZeroDivisionError
            return super().write(text)

    stream = Broken()
    configure(stream=stream)
    log.error("lost")
    stream.broken = False
    log.error("written")
    said, _ = records(stream.getvalue())
    assert account(said) == (1, "stalled", "ZeroDivisionError")
    handler = LogStream(object())  # type: ignore[arg-type]
    handler.handle(logging.makeLogRecord({"name": "stream", "msg": "lost"}))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_will_do(encoding: str, tmp_path: Path) -> None:
    """What it lacks is escaped: in a file and in any other stream."""
    inner = io.BytesIO()
    with (tmp_path / "log").open("w", encoding=encoding) as file:
        for stream in (file, io.TextIOWrapper(inner, encoding=encoding)):
            configure("console", stream=stream)
            log.info("ä €")
    shown = "ä €" if encoding == "utf-8" else "\\xe4 \\u20ac"
    assert shown in inner.getvalue().decode(encoding)
    assert (
        (tmp_path / "log")
        .read_text(encoding=encoding)
        .rstrip()
        .endswith(shown.replace("\\xe4", "ä") if encoding == "latin-1" else shown)
    )


def test_what_cannot_be_formatted_is_counted() -> None:
    """Another formatter may raise; a filter is heard."""
    stream = io.StringIO()
    handler = LogStream(stream)

    class Failing(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:  # noqa: ARG002 -- logging's
            raise ZeroDivisionError

    handler.setFormatter(Failing())
    record = logging.makeLogRecord({"name": "stream.failing", "msg": "x"})
    assert handler.handle(record)
    assert dropped("stream.failing", "unreadable") == 1
    handler.addFilter(lambda _: False)
    assert not handler.handle(record)
    assert dropped("stream.failing", "unreadable") == 1
    assert stream.getvalue() == ""
