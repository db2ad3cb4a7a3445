"""Keeps ^SystemPerformance of one instance as it is wanted, and out of the way under pressure.

The governor decides from what is read here; what it has decided, and what the policy wants, is
brought about together, once a minute, as far as rights allow. What IRIS says always counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf

from exporter.families import Family
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.governor.decision import Action, Mode
from exporter.iris.governor.governor import SAMPLE_SECONDS, Governor
from exporter.iris.governor.pressure import HostReader, is_local
from exporter.iris.metrics.system_performance import SystemPerformance
from exporter.iris.settings import InstanceSettings
from exporter.iris.system_performance import wrapper
from exporter.iris.system_performance.marks import ON, Mark, off_by_governor
from exporter.iris.system_performance.observation import Identity, Observed, identify, observe
from exporter.iris.system_performance.plan import Desired, plan
from exporter.iris.system_performance.policy import PerformanceMetrics, TaskSchedule
from exporter.iris.system_performance.reconcile import apply
from exporter.kernel import KernelTree
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.iris")

CONTROL_SECONDS = 60.0
"""Between two looks at what there is of ours in the instance."""

IDENTITY_SECONDS = 600.0
"""After which is asked anew for what hardly ever changes, such as an installed wrapper."""

UNKNOWN = PerformanceMetrics(cpu_percent=None, memory_percent=None, source="iris")


class Keeper:
    """What is wanted of one instance, and its governor. For the thread of the instance."""

    def __init__(
        self,
        settings: InstanceSettings,
        kernel: KernelTree,
        *,
        acts: bool = True,
        now: Callable[[], float] = time.monotonic,
        date: Callable[[], float] = time.time,  # noqa: TID251 -- marks in IRIS hold dates
    ) -> None:
        """What does not act only looks."""
        self._name = settings.name
        self._acts = acts and settings.monitoring.enabled
        self._installs = settings.monitoring.install_wrapper
        self._schedule = TaskSchedule(policy=settings.policy())
        self._governor = Governor(settings.name, settings.rules(), now=now, date=date)
        self._host = HostReader(kernel) if _is_here(settings) else None
        self._account = SystemPerformance(settings.name, enabled=settings.monitoring.enabled)
        self._now = now
        self._date = date
        self._due_at = self._sample_at = -inf
        self._identity: Identity | None = None
        self._identified_at = -inf
        self._done: list[str] = []
        self._obstacles: dict[str, str] = {}

    @property
    def period(self) -> float:
        """How often a turn must come for the governor to see enough."""
        return SAMPLE_SECONDS if self._governs else inf

    @property
    def needs_metrics(self) -> bool:
        """Whether the governor waits for what the instance says of its host."""
        return self._governs and self._host is None and self._now() >= self._sample_at

    @property
    def presses(self) -> bool:
        """Whether this host is under pressure, and something is done about it."""
        return self._host is not None and self._governor.is_suspending

    @property
    def word(self) -> str:
        """How the governor is, in one word."""
        return self._governor.word

    @property
    def _governs(self) -> bool:
        return self._governor.rules.mode is not Mode.OFF

    def look(self) -> None:
        """Read this host, if the instance runs here; decide, if it is time."""
        if self._host is not None and self._governs and self._now() >= self._sample_at:
            self._sample(self._host.read())
        decision = self._governor.decide_if_due()
        if decision is not None and decision.acts:
            self._due_at = -inf

    def take(self, metrics: PerformanceMetrics | None) -> None:
        """Take what the instance says of its host."""
        if self._host is None:
            self._sample(metrics or UNKNOWN)

    def connected(self) -> None:
        """Hear that there is a new connection: perhaps to another version, with other rights."""
        self._identity = None
        self._due_at = -inf

    def disconnected(self) -> None:
        """Hear that nothing can be seen now: what was seen before is not shown for ever."""
        self._account.see(None, self._date())

    def keep(self, session: Session) -> None:
        """If it is time, look at what there is of ours, and bring about what is wanted.

        Raises IrisError only where the connection is lost.
        """
        if self._now() < self._due_at:
            return
        self._due_at = self._now() + CONTROL_SECONDS
        obstacles: dict[str, str] = {}
        try:
            observed = self._observe(session)
            if observed.mark is not None:
                self._governor.note(observed.mark)
            if self._acts:
                observed = self._act(session, observed, obstacles)
        except IrisError as error:
            self._account.count_error(error.kind)
            if error.connection_lost:
                raise
            self._account.see(None, self._date())
            obstacles["look"] = str(error)
            self._say_what_hinders(obstacles)
        except Exception as error:  # noqa: BLE001 -- what it says may be anything; metrics go on
            self._account.count_error(ErrorKind.INTERNAL)
            self._account.see(None, self._date())
            obstacles["mistake"] = f"{type(error).__name__}: {error}"
            self._say_what_hinders(obstacles, error)
        else:
            self._account.see(observed, self._date())
            obstacles |= {one.what: one.grant for one in observed.missing}
            self._say_what_hinders(obstacles)

    def families(self) -> list[Family]:
        """Give what is known. For any thread."""
        return [*self._account.families(), *self._governor.families()]

    def _sample(self, metrics: PerformanceMetrics) -> None:
        self._sample_at = self._now() + SAMPLE_SECONDS
        self._governor.sample(metrics)

    def _observe(self, session: Session) -> Observed:
        if self._identity is None or self._now() - self._identified_at > IDENTITY_SECONDS:
            self._identity = identify(session)
            self._identified_at = self._now()
        return observe(session, self._schedule.policy, self._identity)

    def _act(self, session: Session, observed: Observed, obstacles: dict[str, str]) -> Observed:
        """Do what is wanted; give what there is then."""
        if self._installs and observed.identity.wrapper is None:
            observed = self._install(session, observed, obstacles)
        now = datetime.fromtimestamp(self._date(), UTC)
        desired = Desired(
            schedule=self._schedule, mark=self._mark(observed, now), by="governor", timer=True
        )
        wanted = plan(desired, observed, now)
        obstacles |= {one.what: one.grant for one in wanted.missing}
        if not wanted.steps:
            self._done = []
            self._settle(observed)
            return observed
        done, failed = apply(session, wanted, observed, desired)
        for step, error in failed:
            self._account.count_error(error.kind)
            obstacles[type(step).__name__] = str(error)
        steps = [type(step).__name__ for step in done]
        if steps and steps != self._done:  # what has no effect is done again each time
            log.info("instance is as wanted", instance=self._name, steps=steps)
        self._done = steps
        observed = self._observe(session)
        self._settle(observed)
        return observed

    def _install(self, session: Session, observed: Observed, obstacles: dict[str, str]) -> Observed:
        """Install the functions for which there is consent."""
        self._installs = False  # once for each start: what is refused needs a person
        try:
            wrapper.install(session)
        except IrisError as error:
            self._account.count_error(error.kind)
            if error.connection_lost:
                raise
            obstacles["install"] = str(error)
            return observed
        log.info("wrapper is installed", instance=self._name, version=wrapper.VERSION)
        self._identity = None
        return self._observe(session)

    def _mark(self, observed: Observed, now: datetime) -> Mark | None:
        """Say what the governor wants to stand in IRIS; None for what stands there."""
        pending, mark = self._governor.pending, observed.mark
        if pending is Action.RESUME or self._governor.rules.mode is not Mode.ACT:
            return ON  # also what one that was allowed to act has left suspended
        # What somebody has kept off until now stays off until the host is seen to be fit.
        is_inherited = mark is not None and not mark.is_on and mark.has_expired(now)
        # Without a schedule nothing in IRIS keeps its word, so it is said again each time.
        is_untold = mark is None and self._governor.is_suspending
        if pending is Action.SUSPEND or is_inherited or is_untold:
            return off_by_governor(now, self._governor.grounds)
        return None

    def _settle(self, observed: Observed) -> None:
        """Tell the governor when what it has decided stands in IRIS."""
        pending, mark = self._governor.pending, observed.mark
        if pending is not None and mark is not None and mark.is_on is (pending is Action.RESUME):
            self._governor.done()

    def _say_what_hinders(
        self, obstacles: dict[str, str], mistake: Exception | None = None
    ) -> None:
        """Log it once for each change."""
        if obstacles.keys() == self._obstacles.keys():
            return
        self._obstacles = obstacles
        if obstacles:
            log.warning(
                "instance cannot be controlled",
                instance=self._name,
                reasons=obstacles,
                exc_info=mistake,
            )
        else:
            log.info("instance can be controlled", instance=self._name)


def _is_here(settings: InstanceSettings) -> bool:
    """Whether the instance runs on this host."""
    local = settings.governor.local
    return is_local(settings.host) if local == "auto" else local == "true"
