"""Numbers of an instance under their heads: how what is asked for becomes families."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exporter.families import Family, LabelValues
from exporter.iris.access.calls import Get, Value
from exporter.iris.access.session import Session
from exporter.iris.metrics.sensors import INSTANCE

OTHER = "other"
"""A state that is none of those that are documented."""


class Head(NamedTuple):
    """A family without its numbers, and without the label `iris_instance`, which all have."""

    name: str
    help: str
    type: str = "gauge"
    labels: tuple[str, ...] = ()

    def with_samples(self, instance: str, numbers: Mapping[LabelValues, float]) -> Family:
        """Make the family of an instance."""
        samples = [((instance, *values), number) for values, number in numbers.items()]
        return Family(self.name, self.help, self.type, (INSTANCE, *self.labels), samples)


def counter(name: str, help_text: str, *labels: str) -> Head:
    """Describe what only grows, until the instance starts again."""
    return Head(name, help_text, "counter", labels)


def state(name: str, help_text: str) -> Head:
    """Describe a state: a series for each that there is, 1 for the one that it has."""
    return Head(name, help_text, "gauge", ("state",))


class Column(NamedTuple):
    """A property of an object, and where its number stands."""

    property: str
    head: Head
    labels: LabelValues = ()


class Rows:
    """The numbers of one instance, as they come in."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._samples: dict[Head, dict[LabelValues, float]] = {}

    def add(self, head: Head, value: Value, *labels: str) -> None:
        """Add a number; what is none is absent, and what is there already stays."""
        number = to_number(value)
        if number is not None:
            self._samples.setdefault(head, {}).setdefault(labels, number)

    def add_state(self, head: Head, states: Sequence[str], current: Value) -> None:
        """Add a state that is one of the given ones, whatever its case; nothing where unknown."""
        word = "" if current is None else str(current).strip().lower()
        if not word:
            return
        now = word if word in states else OTHER
        for one in (*states, OTHER):
            self.add(head, int(one == now), one)

    def read_sample(self, session: Session, class_name: str, columns: Sequence[Column]) -> None:
        """Add what a class's method Sample gives, in one round trip. Raises IrisError."""
        steps = [Get(column.property) for column in columns]
        values = session.with_object(class_name, "Sample", (), steps)
        for column, value in zip(columns, values, strict=True):
            self.add(column.head, value, *column.labels)

    def families(self) -> list[Family]:
        """Give the families that have numbers."""
        return [
            head.with_samples(self._instance, numbers) for head, numbers in self._samples.items()
        ]


def to_number(value: Value) -> float | None:
    """Take a number as IRIS gives it: often as text, and without the zero of `.5`."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    # Not isfinite, which raises for a number of 400 digits; NaN is not below anything.
    return value if value is not None and abs(value) <= sys.float_info.max else None
