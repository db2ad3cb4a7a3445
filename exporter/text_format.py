"""A strict reader of the Prometheus text format 0.0.4, as node_exporter takes it.

Source: Prometheus "Exposition formats". prometheus_client's parser takes what Prometheus does not
(a last line that was cut off, series that occur twice), calls the counter `jobs` `jobs_total`, and
costs three times as much, and 15 MB; it is the oracle in the tests.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from exporter.families import HistogramValue, Number, SummaryValue
from exporter.parsing import shorten

LabelPairs: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted by name, without labels whose value is empty: equal means the same series."""

TYPES = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})

SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
"""Of the samples that belong to a family of such a type."""

BOUND = {"histogram": "le", "summary": "quantile"}

MAX_NUMBER_LENGTH = 40

MAX_LINE_LENGTH = 65_536
"""Longer lines than anybody writes: taking one apart needs over a hundred times its memory."""
MAX_LINES = 200_000
"""More series than a collector may give; taking as many apart needs some hundred megabytes."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_COMMENT = re.compile(r"#[ \t]*(?:(HELP|TYPE)[ \t]+([^ \t]+)(?:[ \t]+(.*))?|.*)")
# Atomic, so that nothing is tried twice. Possessive quantifiers of groups would say the same, but
# match wrongly before Python 3.11.5.
_SAMPLE = re.compile(
    r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?=[ \t{])[ \t]*"
    r'(?:\{((?>(?:[^"}]++|"(?>(?:[^"\\]++|\\.)*)")*))\})?'
    r"[ \t]*([^ \t{]+)(?:[ \t]+(.*))?"
)
_LABEL = re.compile(
    r"[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"
    r'"((?>(?:[^"\\]++|\\[\\n"])*))"[ \t]*(?:,[ \t]*|\Z)'
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_TIMESTAMP = re.compile(r"[+-]?[0-9]+\Z")
_ESCAPE = re.compile(r"\\(.?)")
_ESCAPED = {"\\": "\\", "n": "\n", '"': '"'}
_NOT_FINITE = {
    "nan": math.nan,
    **dict.fromkeys(("inf", "+inf", "infinity", "+infinity"), math.inf),
    **dict.fromkeys(("-inf", "-infinity"), -math.inf),
}


class TimestampError(ValueError):
    """A sample with a time of its own, which a scrape cannot keep."""


class DuplicateError(ValueError):
    """A series that is there twice."""


@dataclass(eq=False)
class TextFamily:
    """A family as it stands in a text; equal is only what is the same object."""

    name: str
    help: str | None = None
    type: str = ""
    series: dict[LabelPairs, Number | HistogramValue | SummaryValue] = field(default_factory=dict)
    parts: dict[LabelPairs, dict[str, Number]] = field(default_factory=dict)
    """Of histograms and summaries while they are read: by suffix, or by bound."""

    def sample_names(self) -> tuple[str, ...]:
        """All names that samples of this family have."""
        return (self.name, *(self.name + suffix for suffix in SUFFIXES.get(self.type, ())))


def parse_text_format(
    content: bytes, on_error: Callable[[ValueError], object] | None = None
) -> list[TextFamily]:
    """Parse a page, in which the lines of a family need not stand together.

    Raises ValueError that names the line; DuplicateError and TimestampError are kinds of it. With
    `on_error` it is told of each instead, and what it is about is left out; only a page of too many
    lines is still refused.
    """
    families: dict[str, TextFamily] = {}
    if content.count(b"\n") > MAX_LINES:
        raise ValueError(f"more than {MAX_LINES} lines")
    *lines, rest = content.decode().split("\n")
    for number, line in enumerate(lines, 1):
        try:
            _read_line(line.lstrip(" \t"), families)
        except ValueError as error:
            error.args = (f"line {number}: {error}",)
            _report(error, on_error)
    if rest.strip(" \t"):
        number = len(lines) + 1
        _report(ValueError(f"line {number}: cut off: its line break is missing"), on_error)
    owners: dict[str, str] = {}
    whole = []
    for family in families.values():
        try:
            _put_together(family)
            _claim_names(family, owners)
        except ValueError as error:
            _report(error, on_error)
        else:
            whole.append(family)
    return [family for family in whole if family.series]


def _report(error: ValueError, on_error: Callable[[ValueError], object] | None) -> None:
    if on_error is None:
        raise error
    on_error(error)


def _claim_names(family: TextFamily, owners: dict[str, str]) -> None:
    for name in family.sample_names() if family.series else ():
        if owners.setdefault(name, family.name) != family.name:
            raise DuplicateError(f"{name} belongs to two families")


def _read_line(line: str, families: dict[str, TextFamily]) -> None:
    if line.startswith("#"):
        comment = _COMMENT.fullmatch(line)
        if comment and comment[1]:
            _read_comment(comment, families)
    elif len(line) > MAX_LINE_LENGTH:
        raise ValueError(f"a line of {len(line)} characters: at most {MAX_LINE_LENGTH} are taken")
    elif line:
        sample = _SAMPLE.fullmatch(line)
        if sample is None:
            raise ValueError(f"neither a sample nor a comment: {shorten(line.encode())}")
        name, labels, value, behind = sample.groups()
        if behind is not None:
            if _TIMESTAMP.match(behind):
                raise TimestampError("a sample with a timestamp")
            raise ValueError(f"more than a value: {shorten(behind.encode())}")
        _add_sample(families, name, _read_labels(labels or ""), _read_number(value))


def _read_comment(comment: re.Match[str], families: dict[str, TextFamily]) -> None:
    word, name, text = comment.groups()
    if not _NAME.match(name):
        raise ValueError(f"not a metric name: {shorten(name.encode())}")
    family = families.setdefault(name, TextFamily(name))
    if not text:
        return
    if word == "HELP":
        if family.help is not None:
            raise ValueError(f"a second HELP of {name}")
        family.help = _ESCAPE.sub(_unescape, text)
        return
    if family.type:
        raise ValueError(f"a second TYPE of {name}, or one after its samples")
    if text.lower() not in TYPES:
        raise ValueError(f"unknown type {shorten(text.encode())}")
    family.type = text.lower()


def _unescape(escape: re.Match[str]) -> str:
    character = _ESCAPED.get(escape[1])
    if character is None:
        raise ValueError(f"unknown escape {escape[0]!r}")
    return character


def _read_labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    position = len(text) - len(text.lstrip(" \t"))
    while position < len(text):
        pair = _LABEL.match(text, position)
        if pair is None:
            raise ValueError(f"not a label: {shorten(text[position:].encode())}")
        name, value = pair.groups()
        if name in labels or name == "__name__":
            raise ValueError(f"the label {name} is there twice, or reserved")
        labels[name] = _ESCAPE.sub(_unescape, value) if "\\" in value else value
        position = pair.end()
    return labels


def _read_number(text: str) -> Number:
    """Give the digits as they are; what is not finite as a float."""
    if _NUMBER.match(text):
        number = float(text)
        if math.isfinite(number):
            return text.encode() if len(text) <= MAX_NUMBER_LENGTH else number
    elif text.lower() in _NOT_FINITE:
        return _NOT_FINITE[text.lower()]
    raise ValueError(f"not a number: {shorten(text.encode())}")


def _add_sample(
    families: dict[str, TextFamily], name: str, labels: dict[str, str], value: Number
) -> None:
    family = _find_family(families, name)
    family.type = family.type or "untyped"
    bound = labels.pop(BOUND[family.type], None) if family.type in BOUND else None
    pairs = tuple(sorted((label, text) for label, text in labels.items() if text))
    if family.type not in BOUND:
        if pairs in family.series:
            raise DuplicateError(f"a series of {name} for the second time")
        family.series[pairs] = value
        return
    suffix = name.removeprefix(family.name)
    wants_bound = suffix == ("_bucket" if family.type == "histogram" else "")
    if wants_bound != (bound is not None) or (family.type == "histogram" and not suffix):
        raise ValueError(f"{name} is no sample of the {family.type} {family.name}")
    part = suffix if bound is None else _read_bound(bound)
    parts = family.parts.setdefault(pairs, {})
    if part in parts:
        raise DuplicateError(f"a series of {name} for the second time")
    parts[part] = value


def _read_bound(text: str) -> str:
    """Give a bucket's or quantile's bound in the form in which equal ones are equal."""
    bound = float(_read_number(text))
    if math.isnan(bound):
        raise ValueError("a bound that is not a number")
    return repr(bound)


def _find_family(families: dict[str, TextFamily], name: str) -> TextFamily:
    """Find the family of a sample, which may be a histogram or summary of a shorter name."""
    if name in families:
        return families[name]
    for suffix in SUFFIXES["histogram"]:
        family = families.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if family is not None and suffix in SUFFIXES.get(family.type, ()):
            return family
    return families.setdefault(name, TextFamily(name))


def _put_together(family: TextFamily) -> None:
    """Make values of the samples of a histogram or summary."""
    for pairs, parts in family.parts.items():
        total, count = parts.pop("_sum", None), parts.pop("_count", None)
        if total is None or count is None:
            raise ValueError(f"the {family.type} {family.name} is incomplete: no sum or count")
        bounds = sorted((float(bound), float(value)) for bound, value in parts.items())
        if family.type == "summary":
            observations = _whole(count, family.name)
            family.series[pairs] = SummaryValue(tuple(bounds), observations, float(total))
            continue
        if not bounds or bounds[-1][0] != math.inf:
            bounds.append((math.inf, float(count)))
        counts = [_whole(value, family.name) for _, value in bounds]
        if counts[-1] != _whole(count, family.name):
            raise ValueError(f"the histogram {family.name}: its count is not its last bucket's")
        family.series[pairs] = HistogramValue(
            tuple(bound for bound, _ in bounds), tuple(counts), float(total)
        )
    family.parts.clear()


def _whole(value: Number, name: str) -> int:
    number = float(value)
    if not number.is_integer() or number < 0:
        raise ValueError(f"{name}: a count that is no whole number")
    return int(number)
