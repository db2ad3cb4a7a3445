"""A process whose log cannot be written ends as it would have ended otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.child import REPOSITORY

PROGRAM = """
import sys
from monitoring.structured_logging import StructuredLogger, configure

configure(stream=sys.argv[1], format=sys.argv[2])
log = StructuredLogger("child")
for number in range(20):
    log.error("unheard", number=number, parts=["x" * 1000] * 5)
sys.exit(3)
"""


@contextmanager
def closed_pipe() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextmanager
def full_disk() -> Iterator[int]:
    """A disk without room."""
    full = os.open("/dev/full", os.O_WRONLY)
    yield full
    os.close(full)


@contextmanager
def unread_pipe() -> Iterator[int]:
    """A pipe whose reader does not read."""
    reading, writing = os.pipe()
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("broken", [closed_pipe, full_disk, unread_pipe])
def test_a_process_ends_as_if_its_log_were_read(
    broken: Callable[[], Iterator[int]], name: str, form: str
) -> None:
    """With its own exit code, and without a word on the other stream."""
    other = "stderr" if name == "stdout" else "stdout"
    with broken() as log:  # type: ignore[attr-defined]
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, name, form],
            cwd=REPOSITORY,
            **{name: log, other: subprocess.PIPE},
        )
        said = b"".join(one for one in child.communicate(timeout=15) if one)
    assert (child.returncode, said) == (3, b"")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_process_may_have_no_such_stream(name: str) -> None:
    """As a daemon that was started with both closed."""
    closing = f'exec {1 if name == "stdout" else 2}>&-; exec "$@"'
    child = subprocess.run(
        ["/bin/sh", "-c", closing, "sh", sys.executable, "-c", PROGRAM, name, "json"],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=15,
        check=False,
    )
    assert (child.returncode, child.stdout, child.stderr) == (3, b"", b"")
