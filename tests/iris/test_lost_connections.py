"""A connection that ends while something is being done: whoever asked for it must know."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.iris.access.errors import IrisError
from exporter.iris.access.session import Session
from exporter.iris.control import configure_monitoring
from exporter.iris.system_performance import tasks, wrapper
from exporter.iris.system_performance.observation import identify
from exporter.iris.system_performance.policy import DEFAULT_POLICY, TaskSchedule
from tests.iris.double.faults import Close
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.iris.monitored import INSTALLERS_RIGHTS


def create_without_rights(session: Session) -> None:
    """Be refused, and ask for the reason."""
    tasks.create_command(session, DEFAULT_POLICY, "quit")


def create_task(session: Session) -> None:
    """Create the schedule."""
    tasks.create_schedule(session, TaskSchedule(), 67_895)


def install(session: Session) -> None:
    """Have the wrapper, and more than once."""
    wrapper.install(session)
    wrapper.install(session)


@pytest.mark.parametrize(
    ("act", "where"),
    [
        (create_without_rights, "GetErrorText"),
        (create_task, "%Save"),
        (identify, "Check"),
        (identify, "SELECT ZPerfWatch.Version()"),
        (configure_monitoring, "RunNow"),
        (install, wrapper.create_statement(wrapper.FUNCTIONS[2])),
        (install, "DROP FUNCTION ZPerfWatch.Stop"),
    ],
)
def test_it_is_not_taken_for_a_refusal(
    instance: Instance,
    double: Double,
    session: Session,
    act: Callable[[Session], object],
    where: str,
) -> None:
    """What could not be finished is finished the next time."""
    instance.grant(*INSTALLERS_RIGHTS)
    if act is identify:
        wrapper.install(session)
    if act is create_without_rights:
        instance.revoke("%Admin_Task:U")
    double.faults.next_call(Close(), where)
    with pytest.raises(IrisError) as raised:
        act(session)
    assert raised.value.connection_lost
    session.open()
    assert session.is_open
