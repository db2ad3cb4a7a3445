"""What the daemon says of IRIS instances, as it is written into docs/iris.md and docs/metrics.md.

The sensors that an instance publishes are not among it: their names and meanings are its own.
"""

from __future__ import annotations

from exporter.iris import condition
from exporter.iris.condition import Condition, Worker
from exporter.iris.governor import families as governor_families
from exporter.iris.governor.decision import Means, Rules, State
from exporter.iris.governor.families import Account
from exporter.iris.metrics import statistics, system_performance
from exporter.iris.metrics.durations import CallDurations
from exporter.iris.metrics.sensors import INSTANCE, Sensors
from tools.documented_metrics import Metric

UP = Condition(condition.State.UP, version="IRIS")
GOVERNED = Account(State(changed_at=0.0), since=0.0, until=0.0, means=Means(0.0, 0.0))
"""An instance and a governor of which everything is known."""


def find_iris_metrics() -> tuple[Metric, ...]:
    """List them by name."""
    heads = (*statistics.heads(), *system_performance.HEADS)
    described = [Metric(one.name, one.type, (INSTANCE, *one.labels), one.help) for one in heads]
    families = (
        *condition.list_families("", UP, Worker(1, 1), 0.0),
        *CallDurations("").families(),
        *Sensors("").families(),
        *governor_families.list_families("", Rules(), GOVERNED, 0.0),
    )
    given = [Metric(one.name, one.type, one.labels, one.help) for one in families]
    return tuple(sorted([*described, *given]))
