"""Which format and which encoding a client gets: Accept and Accept-Encoding with their q-values.

Sources: RFC 9110, sections 12.4 and 12.5; Prometheus "Content negotiation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from exporter.exposition import OPENMETRICS, TEXT

CONTENT_TYPES = {
    TEXT: b"text/plain; version=0.0.4; charset=utf-8",
    OPENMETRICS: b"application/openmetrics-text; version=1.0.0; charset=utf-8",
}

_QVALUE = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")


class _Range(NamedTuple):
    """One item of an Accept header."""

    name: str
    parameters: dict[str, str]
    quality: float


@lru_cache(maxsize=64)
def choose_format(accept: str) -> str:
    """Choose the exposition format; text when the client takes neither (as Prometheus asks).

    OpenMetrics must be asked for by name: `*/*` gets the text format, which every tool reads.
    """
    best = {TEXT: 0.0, OPENMETRICS: 0.0}
    specific = dict.fromkeys(best, -1)
    for item in _parse(accept):
        version = item.parameters.get("version")
        if item.name == "application/openmetrics-text":
            # 0.0.1 is the draft that clients send beside 1.0.0; what it reads, 1.0.0 satisfies.
            form, rank = (OPENMETRICS, 3) if version in {None, "1.0.0", "0.0.1"} else ("", 0)
        elif item.name == "text/plain":
            form, rank = (TEXT, 3) if version in {None, "0.0.4"} else ("", 0)
        else:
            form, rank = TEXT, {"text/*": 2, "*/*": 1}.get(item.name, 0)
        if (
            form
            and rank
            and (rank > specific[form] or (rank == specific[form] and item.quality > best[form]))
        ):
            best[form], specific[form] = item.quality, rank
    return OPENMETRICS if best[OPENMETRICS] > 0 and best[OPENMETRICS] >= best[TEXT] else TEXT


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether a gzip body is wanted: named (or `*`) with a quality above 0."""
    qualities = {item.name: item.quality for item in _parse(accept_encoding)}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _parse(header: str) -> Iterator[_Range]:
    for item in header.split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        if not name:
            continue
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        quality = parameters.pop("q", "1")
        # What is not a quality is taken as a refusal: sending what nobody can read helps nobody.
        yield _Range(name.lower(), parameters, float(quality) if _QVALUE.match(quality) else 0.0)
