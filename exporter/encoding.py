"""The grammar of the exposition formats: heads, names with labels, numbers.

Sources: Prometheus "Exposition formats" (text 0.0.4) and the OpenMetrics 1.0 specification.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from exporter.families import LabelValues, Number, SummaryValue

_OPENMETRICS_TYPES = {"untyped": "unknown"}
_TEXT_TYPES = {
    "unknown": "untyped",
    "info": "gauge",
    "stateset": "gauge",
    "gaugehistogram": "histogram",
}


def encode_head(name: str, help_text: str, kind: str, *, openmetrics: bool) -> bytes:
    """Encode HELP and TYPE.

    A counter whose name lacks `_total` cannot be a counter in OpenMetrics: it is `unknown` there,
    under the name it has. One that has it names its family without it.
    """
    escaped = help_text.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        escaped = escaped.replace('"', r"\"")
        kind = _OPENMETRICS_TYPES.get(kind, kind)
        if kind == "counter":
            kind = "counter" if name.endswith("_total") else "unknown"
            name = name.removesuffix("_total") if kind == "counter" else name
    else:
        kind = _TEXT_TYPES.get(kind, kind)
    return f"# HELP {name} {escaped}\n# TYPE {name} {kind}\n".encode("utf-8", "replace")


def encode_prefix(name: str, labels: Iterable[str], values: LabelValues) -> bytes:
    """Encode `name{label="value"} `. A label whose value is empty is the same as none: left out."""
    pairs = [
        f'{label}="{escape_label(value)}"'
        for label, value in zip(labels, values, strict=True)
        if value
    ]
    braces = "{" + ",".join(pairs) + "}" if pairs else ""
    return f"{name}{braces} ".encode("utf-8", "replace")


def escape_label(value: str) -> str:
    """Escape a label value; bytes that were no UTF-8 stay distinguishable."""
    value = value.encode("utf-8", "backslashreplace").decode()
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def encode_histogram(
    name: str, labels: tuple[str, ...], values: LabelValues, bounds: Iterable[float]
) -> list[bytes]:
    """Encode a histogram's lines up to their numbers: its buckets, its count and its sum."""
    return [
        *(
            encode_prefix(f"{name}_bucket", (*labels, "le"), (*values, format_bound(bound)))
            for bound in bounds
        ),
        encode_prefix(f"{name}_count", labels, values),
        encode_prefix(f"{name}_sum", labels, values),
    ]


def encode_summary(
    name: str, labels: tuple[str, ...], values: LabelValues, state: SummaryValue
) -> bytes:
    """Encode a summary: its quantiles, its count and its sum."""
    lines: list[tuple[bytes, Number]] = [
        (encode_prefix(name, (*labels, "quantile"), (*values, repr(quantile))), value)
        for quantile, value in state.quantiles
    ]
    lines += [
        (encode_prefix(f"{name}_count", labels, values), state.observations),
        (encode_prefix(f"{name}_sum", labels, values), state.sum),
    ]
    return b"".join(b"%b%b\n" % (prefix, format_number(value)) for prefix, value in lines)


def format_bound(bound: float) -> str:
    """Format an upper bound; OpenMetrics wants 1.0 where text would also take 1."""
    return "+Inf" if math.isinf(bound) else repr(float(bound))


def format_number(number: Number) -> bytes:
    """Format a number. Raises TypeError on what is none."""
    if isinstance(number, int):
        return b"%d" % number
    if isinstance(number, float):
        if math.isfinite(number):
            text = float.__repr__(number)  # a subclass may print itself otherwise
            return text.removesuffix(".0").encode()
        return b"NaN" if math.isnan(number) else b"+Inf" if number > 0 else b"-Inf"
    if isinstance(number, bytes):
        return number
    raise TypeError(f"a sample's number must be int, float or digits, got {type(number).__name__}")
