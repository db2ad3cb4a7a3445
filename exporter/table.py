"""Families with a row for each device, and a number wherever a device has one.

The usual shape of a source with devices that come and go, of which not all have the same
attributes: a `Layout` that is made anew when devices or attributes change, and only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, compress
from typing import NamedTuple

from exporter.families import Filled, LabelValues, Layout, Number, Series


class Column(NamedTuple):
    """A family of a table."""

    name: str
    help: str
    type: str
    exponent: int = 0
    """As in `Series`: the kernel's `45000` with exponent -3 is 45."""


class Table:
    """A fixed set of families over a changing set of devices."""

    def __init__(self, columns: Sequence[Column], labels: tuple[str, ...]) -> None:
        self.columns = columns
        self.labels = labels
        self._shape: object = None
        self._layout = Layout(())
        self._numbers: list[Number] = []
        self._filled = self._layout.fill(())

    def fill(self, rows: Mapping[LabelValues, Sequence[Number | None]]) -> Filled:
        """Join label values with their numbers, one per column; None where there is none.

        Gives the same object again while nothing has changed, which is rendered once.
        """
        cells = list(chain.from_iterable(zip(*rows.values(), strict=True)))
        present = [cell is not None for cell in cells] if None in cells else None
        numbers: list[Number] = list(compress(cells, present)) if present else cells
        shape = (tuple(rows), present)
        if shape != self._shape:
            self._lay_out(tuple(rows), present)
            self._shape = shape
        elif numbers == self._numbers:
            return self._filled
        self._numbers = numbers
        self._filled = self._layout.fill(numbers)
        return self._filled

    def _lay_out(self, rows: Sequence[LabelValues], present: list[bool] | None) -> None:
        width = len(rows)
        series = []
        for position, column in enumerate(self.columns):
            shown = present[position * width : (position + 1) * width] if present else None
            labels = list(compress(rows, shown)) if shown else rows
            series.append(
                Series(column.name, column.help, column.type, self.labels, labels, column.exponent)
            )
        self._layout = Layout(series)
