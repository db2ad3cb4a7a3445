"""What a collector gives and the renderer takes: metric families as plain data.

Three forms, in the order in which to think of them:

* `Family`: name, help, type, label names and samples. Right for almost everything.
* `Layout` filled with numbers (`Filled`): the same families for a source with many series whose
  set rarely changes (CPUs, disks, the fields of /proc/meminfo). The names, help texts and labels
  are encoded once; a scrape only supplies the numbers.
* `prometheus_client` metric families from a foreign collector, accepted as they are.

Names are the full sample names of the text format (`node_forks_total`), so that a name can be
found by searching the source; the OpenMetrics renderer derives what that format wants from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitoring.metrics import (
    Digits,
    Family,
    HistogramValue,
    LabelValues,
    Number,
    SummaryValue,
    counter,
    gauge,
)

__all__ = [
    "Digits",
    "Family",
    "Filled",
    "HistogramValue",
    "LabelValues",
    "Layout",
    "Number",
    "Series",
    "SummaryValue",
    "counter",
    "gauge",
    "scaled",
]


@dataclass(frozen=True, slots=True)
class Series:
    """A family without its numbers: the label values of its series, in order.

    `exponent` scales every number by a power of ten without arithmetic: the kernel's `12345`
    ticks with exponent -2 are exposed as `12345e-2`, which reads back as exactly 123.45. It is for
    digits and ints; a float may already be written with an exponent of its own.
    """

    name: str
    help: str
    type: str
    labels: tuple[str, ...] = ()
    rows: Sequence[LabelValues] = ((),)
    exponent: int = 0


class Layout:
    """Several families whose names and series stay while their numbers change.

    A collector keeps one, makes a new one when the set of series changes (a CPU goes offline, a
    disk appears), and yields `layout.fill(numbers)` at each scrape. Renderers keep their encoded
    form of it in `encoded`, so that it lives exactly as long as the layout.
    """

    __slots__ = ("encoded", "series", "size")

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = tuple(series)
        self.size = sum(len(one.rows) for one in self.series)
        self.encoded: dict[bool, list[bytes]] = {}

    def fill(self, numbers: Sequence[Number]) -> Filled:
        """Join the layout with its numbers: one per series, family after family."""
        if len(numbers) != self.size:
            raise ValueError(f"a layout of {self.size} series was given {len(numbers)} numbers")
        return Filled(self, numbers)


class Filled:
    """A layout and its numbers at one moment.

    A collector whose source has not changed yields the same object again: renderers keep its
    encoded form in `encoded`, so it is rendered once.
    """

    __slots__ = ("encoded", "layout", "numbers")

    def __init__(self, layout: Layout, numbers: Sequence[Number]) -> None:
        self.layout = layout
        self.numbers = numbers
        self.encoded: dict[bool, bytes] = {}

    def families(self) -> Iterator[Family]:
        """Expand into plain families (for JSON, tests and the series cap; not the hot path)."""
        numbers = iter(self.numbers)
        for series in self.layout.series:
            samples = [(row, scaled(next(numbers), series.exponent)) for row in series.rows]
            yield Family(series.name, series.help, series.type, series.labels, samples)


def scaled(number: Number, exponent: int) -> Number:
    """Apply a power of ten, correctly rounded: through the decimal notation, not by division."""
    if not exponent:
        return number
    text = number.decode() if isinstance(number, bytes) else repr(number)
    return float(f"{text}e{exponent}")
