"""The renderer: metric families to the bytes of an exposition format.

Two formats: the Prometheus text format 0.0.4 and OpenMetrics 1.0. Everything that stays from
scrape to scrape (HELP, TYPE, names, escaped labels) is encoded once; a scrape formats numbers.
`prometheus_client` is this module's oracle in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporter.encoding import (
    encode_head,
    encode_histogram,
    encode_prefix,
    encode_summary,
    format_number,
)
from exporter.families import Family, Filled, HistogramValue, LabelValues, Series, SummaryValue
from exporter.foreign import ForeignMetric, encode_foreign

TEXT = "text"
OPENMETRICS = "openmetrics"

MAX_CACHED_PREFIXES = 20_000
"""Encoded names and labels of plain families; beyond it (churning labels) the cache starts anew."""

MAX_CACHED_HISTOGRAMS = 1_000

MAX_CACHED_FAMILIES = 1_000


class _KnownHistogram:
    """A histogram that was rendered before: its form, and what became of its last state."""

    __slots__ = ("body", "bounds", "form", "labels", "state")

    def __init__(
        self, name: str, labels: tuple[str, ...], values: LabelValues, bounds: tuple[float, ...]
    ) -> None:
        self.labels = labels
        self.bounds = bounds
        self.state: HistogramValue | None = None
        self.body = b""
        *counted, total = (
            line.replace(b"%", b"%%") for line in encode_histogram(name, labels, values, bounds)
        )
        # All numbers in one go: formatting line by line costs three times as much.
        self.form = b"".join([*(line + b"%d\n" for line in counted), total, b"%b\n"])


class Renderer:
    """Encodes families for one format, remembering what it has encoded before."""

    def __init__(self, form: str) -> None:
        self._openmetrics = form == OPENMETRICS
        self._heads: dict[tuple[str, str, str], bytes] = {}
        self._prefixes: dict[tuple[str, tuple[str, ...], LabelValues], bytes] = {}
        # By name: the family last seen, and its encoded form.
        self._families: dict[str, tuple[Family, bytes]] = {}
        self._histograms: dict[tuple[str, LabelValues], _KnownHistogram] = {}
        self.end = b"# EOF\n" if self._openmetrics else b""

    def render(self, items: Iterable[Family | Filled | ForeignMetric]) -> bytes:
        """Encode families in their order. Raises TypeError on what is not a number."""
        parts: list[bytes] = []
        for item in items:
            if isinstance(item, Filled):
                parts.append(self._render_filled(item))
            elif isinstance(item, Family):
                parts.append(self._render_family(item))
            else:
                parts.append(encode_foreign(item, openmetrics=self._openmetrics))
        return b"".join(parts)

    def _render_filled(self, filled: Filled) -> bytes:
        body = filled.encoded.get(self._openmetrics)
        if body is not None:
            return body
        encoded = filled.layout.encoded
        pieces = encoded.get(self._openmetrics)
        if pieces is None:
            pieces = encoded[self._openmetrics] = self._encode_layout(filled.layout.series)
        # A copy a call: two threads may render the same layout during a quarantine.
        pieces = pieces.copy()
        # Spelled out for the common types: a call for each number would cost half as much again.
        pieces[1::2] = [
            number
            if type(number) is bytes
            else (b"%d" % number if type(number) is int else format_number(number))
            for number in filled.numbers
        ]
        body = filled.encoded[self._openmetrics] = b"".join(pieces)
        return body

    def _encode_layout(self, layout: Sequence[Series]) -> list[bytes]:
        """Alternate constant text and (empty) slots for numbers: text, slot, text, ..., text."""
        pieces: list[bytes] = []
        constant = b""
        for series in layout:
            if not series.rows:
                continue
            constant += self._head(series.name, series.help, series.type)
            tail = f"e{series.exponent}\n".encode() if series.exponent else b"\n"
            for row in series.rows:
                pieces += (constant + encode_prefix(series.name, series.labels, row), b"")
                constant = tail
        pieces.append(constant)
        return pieces

    def _render_family(self, family: Family) -> bytes:
        """Encode a family; one that is the same object as last time is as it was."""
        last, body = self._families.get(family.name, (None, b""))
        if family is last:
            return body
        body = self._encode_family(family)
        if len(self._families) >= MAX_CACHED_FAMILIES:
            self._families.clear()
        self._families[family.name] = (family, body)
        return body

    def _encode_family(self, family: Family) -> bytes:
        name, help_text, kind, labels, samples = family
        if not samples:
            return b""
        parts = [self._head(name, help_text, kind)]
        for values, number in samples:
            if isinstance(number, HistogramValue):
                self._render_histogram(name, labels, values, number, parts)
                continue
            if isinstance(number, SummaryValue):
                parts.append(encode_summary(name, labels, values, number))
                continue
            key = (name, labels, values)
            prefix = self._prefixes.get(key)
            if prefix is None:
                if len(self._prefixes) >= MAX_CACHED_PREFIXES:
                    self._prefixes.clear()
                prefix = self._prefixes[key] = encode_prefix(name, labels, values)
            digits = number if type(number) is bytes else format_number(number)
            parts.append(b"%b%b\n" % (prefix, digits))
        return b"".join(parts)

    def _render_histogram(
        self,
        name: str,
        labels: tuple[str, ...],
        values: LabelValues,
        state: HistogramValue,
        parts: list[bytes],
    ) -> None:
        key = (name, values)
        known = self._histograms.get(key)
        if known is None or known.labels != labels or known.bounds != state.bounds:
            if len(self._histograms) >= MAX_CACHED_HISTOGRAMS:
                self._histograms.clear()
            known = self._histograms[key] = _KnownHistogram(name, labels, values, state.bounds)
        if state is not known.state:
            counts = state.counts
            known.body = known.form % (*counts, counts[-1], format_number(state.sum))
            known.state = state
        parts.append(known.body)

    def _head(self, name: str, help_text: str, kind: str) -> bytes:
        key = (name, help_text, kind)
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= MAX_CACHED_PREFIXES:
                self._heads.clear()
            head = self._heads[key] = encode_head(
                name, help_text, kind, openmetrics=self._openmetrics
            )
        return head
