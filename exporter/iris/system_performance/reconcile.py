"""Brings an instance to what is desired: looks, plans, and does it, as far as rights allow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from exporter.iris.access.errors import IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance.commands import Commands, TaskCommands, WrapperCommands
from exporter.iris.system_performance.observation import Identity, Missing, Observed, observe
from exporter.iris.system_performance.plan import Desired, Plan, plan
from exporter.iris.system_performance.runs import to_horolog_day
from exporter.iris.system_performance.steps import COMMANDED, Hands, Step


class Failure(NamedTuple):
    """A step that IRIS has refused."""

    step: Step
    error: IrisError


class Outcome(NamedTuple):
    """What has come of it."""

    observed: Observed
    """As it was before."""
    done: tuple[Step, ...]
    failed: tuple[Failure, ...]
    missing: tuple[Missing, ...]

    @property
    def is_complete(self) -> bool:
        """Whether everything was as desired, or was done."""
        return not self.failed and not self.missing


def reconcile(
    session: Session,
    desired: Desired,
    identity: Identity | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Look, plan and do. Raises IrisError where the connection is lost, or nothing can be seen."""
    observed = observe(session, desired.policy, identity)
    wanted = plan(desired, observed, now or datetime.now(UTC))
    done, failed = apply(session, wanted, observed, desired)
    return Outcome(observed, done, failed, wanted.missing)


def apply(
    session: Session, wanted: Plan, observed: Observed, desired: Desired
) -> tuple[tuple[Step, ...], tuple[Failure, ...]]:
    """Do the steps; one that is refused does not keep the others from being done."""
    commands: Commands
    if observed.identity.wrapper is not None:
        commands = WrapperCommands(session)
    else:
        commands = TaskCommands(session, desired.policy)
    hands = Hands(session, commands, observed.identity.host, to_horolog_day(observed.now))
    failures: dict[Step, IrisError] = {}
    for step in wanted.steps:
        if (error := _refusal(partial(step.do, hands))) is not None:
            failures[step] = error
    if (error := _refusal(commands.finish)) is not None:
        failures |= {step: error for step in wanted.steps if isinstance(step, COMMANDED)}
    done = tuple(step for step in wanted.steps if step not in failures)
    return done, tuple(Failure(step, error) for step, error in failures.items())


def _refusal(act: Callable[[], None]) -> IrisError | None:
    """Do something; give the error where it is refused, as long as there is a connection."""
    try:
        act()
    except IrisError as error:
        if error.connection_lost:
            raise
        return error
    return None
