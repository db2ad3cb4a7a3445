"""An instance, the double that speaks for it, and a session with the real driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.iris.access.session import Session
from tests.iris.double.instance import Instance
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.monitored import Monitored
from tests.iris.scripted_statistics import Talk, methods, talk_to_instance

MEASURED = ("test_daemon_iris", "test_fetching", "test_session", "test_worker")
"""Beginnings of the modules that are about the worker's own code."""


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Coverage makes the start of a worker three times as long, so it is for those alone."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.module.__name__.rpartition(".")[2].startswith(MEASURED):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


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


@pytest.fixture(scope="module")
def scripted() -> Iterator[Double]:
    """A superserver with one method, for all tests of a module that plan faults."""
    instance = Scripted()
    instance.methods["%SYSTEM.Version", "GetVersion"] = lambda _: instance.version
    instance.methods["Test", "Method"] = lambda _: "fine"
    with Double(instance) as double:
        yield double


@pytest.fixture(scope="module")
def talking() -> Iterator[Talk]:
    """An instance that has statistics, and a session with it, for all tests of a module."""
    with talk_to_instance() as talk:
        yield talk


@pytest.fixture
def talk(talking: Talk) -> Talk:
    """The same, with all classes there again."""
    talking.instance.methods = methods()
    return talking
