"""What several test files share."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring.testing import monitored_test  # noqa: F401 -- makes the fixture known
from tests.hanging_mount import HangingMount, mount_that_hangs
from tests.logs import logging_put_back
from tests.pipes import Pipe

TESTS = Path(__file__).parent
HOSTS = TESTS / "hosts"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites golden files."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the golden files; review the diff before you commit it",
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def hanging_mount(tmp_path: Path) -> Iterator[HangingMount]:
    """A mount that hangs in the kernel; needs root and FUSE."""
    with mount_that_hangs(tmp_path / "hanging") as mount:
        yield mount


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out what the shell of whoever runs the tests may hold."""
    for name in os.environ:
        if name.startswith("PERFWATCH_"):
            monkeypatch.delenv(name)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes in a test that configures it; afterwards the logging is as it was."""
    with logging_put_back() as stream:
        yield stream


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that nobody reads."""
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)
    pipe.stream.close()
