"""A governor whose clocks a test moves, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from exporter.iris.governor.decision import Action, Decision, Rules
from exporter.iris.governor.governor import Governor
from exporter.iris.system_performance.policy import PerformanceMetrics

STARTED_AT = 1_800_000_000.0
"""By the calendar."""

QUIET = (20.0, 50.0)
"""CPU and memory of a host that is fit, in per cent."""
BUSY = (97.0, 50.0)
FULL = (20.0, 97.0)
LIVES_AT_92 = (20.0, 92.0)
"""Between the thresholds of memory: neither under pressure nor recovered, for ever."""

Levels = tuple[float | None, float | None]


class Governed:
    """An instance, its governor, and two clocks."""

    def __init__(self, *, started_after: float = 0.0, **rules: Any) -> None:
        """`started_after` seconds: another machine, or another start of it."""
        self.monotonic = 5000.0 - started_after
        self.date = STARTED_AT + started_after
        self.governor = Governor(
            "prod", Rules(**rules), now=lambda: self.monotonic, date=lambda: self.date
        )

    def moment(self, seconds: float = 0.0) -> datetime:
        """Give a date, so many seconds from now, as marks have it."""
        return datetime.fromtimestamp(self.date + seconds, UTC)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.monotonic += seconds
        self.date += seconds

    def sample(self, levels: Levels) -> None:
        """Let ten seconds pass, and read the host."""
        self.pass_seconds(10)
        cpu, memory = levels
        metrics = PerformanceMetrics(cpu_percent=cpu, memory_percent=memory, source="iris")
        self.governor.sample(metrics)

    def minute(self, *levels: Levels) -> Decision:
        """Read the host six times, each level equally often, and decide."""
        for number in range(6):
            self.sample(levels[number * len(levels) // 6])
        return self.decide()

    def decide(self) -> Decision:
        """Decide, as it is time to."""
        decision = self.governor.decide_if_due()
        assert decision is not None
        return decision

    def blind_minute(self) -> Decision:
        """Let a minute pass without a single reading."""
        self.pass_seconds(60)
        return self.decide()

    def page(self) -> dict[str, float]:
        """What the page says: `name value value` with the labels' values, to the number."""
        return {
            " ".join([family.name.removeprefix("perfwatch_governor_"), *labels[1:]]): float(number)
            for family in self.governor.families()
            for labels, number in family.samples
            if isinstance(number, int | float)
        }

    def state(self) -> str:
        """The state that the page shows."""
        return self.only("state")

    def reason(self) -> str:
        """The reason that the page shows."""
        return self.only("reason")

    def only(self, name: str) -> str:
        """The one of several that is 1."""
        (found,) = [
            words[1]
            for key, number in self.page().items()
            if (words := key.split())[0] == name and number == 1
        ]
        return found


def suspended(**rules: Any) -> Governed:
    """A governor that has just suspended, and carried it out."""
    governed = Governed(**rules)
    assert governed.minute(BUSY).action is Action.SUSPEND
    governed.governor.done()
    return governed
