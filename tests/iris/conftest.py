"""An instance, the double that speaks for it, and a session with the real driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.iris.access.session import Session
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.iris.monitored import Monitored


@pytest.fixture
def instance() -> Instance:
    """A modelled instance; tests set it up and move its clock."""
    return Instance()


@pytest.fixture
def double(instance: Instance) -> Iterator[Double]:
    """The superserver of that instance."""
    with Double(instance) as double:
        yield double


@pytest.fixture
def session(double: Double) -> Iterator[Session]:
    """Logged in there, through a worker process of its own."""
    with Session(double.connection()) as session:
        yield session


@pytest.fixture(scope="module")
def shared_worker() -> Iterator[tuple[Instance, Double, Session]]:
    """One login for all tests of a module: a worker takes a while to start."""
    instance = Instance()
    with Double(instance) as double, Session(double.connection()) as session:
        yield instance, double, session


@pytest.fixture
def monitored(shared_worker: tuple[Instance, Double, Session]) -> Monitored:
    """An instance as new, and a session with it."""
    instance, double, session = shared_worker
    instance.__init__()  # type: ignore[misc]
    double.requests.clear()
    assert session.is_open
    return Monitored(instance, double, session)
