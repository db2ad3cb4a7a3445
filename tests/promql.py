"""What an expression of PromQL selects."""

from __future__ import annotations

from typing import NamedTuple

import promql_parser
from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector


class Selector(NamedTuple):
    """Series that an expression asks for."""

    name: str
    """The metric; empty where only labels say it."""
    labels: frozenset[str]
    """The labels that it goes by."""


def selectors(expression: str) -> list[Selector]:
    """List what an expression selects, in the order in which it stands there."""
    found: list[Selector] = []

    def look(part: Expr) -> None:
        if isinstance(part, VectorSelector):
            labels = frozenset(matcher.name for matcher in part.matchers.matchers)
            found.append(Selector(part.name or "", labels))

    promql_parser.walk(promql_parser.parse(expression), look)
    return found


def ranges(expression: str) -> list[float]:
    """List the ranges in an expression, in seconds."""
    found: list[float] = []

    def look(part: Expr) -> None:
        if isinstance(part, MatrixSelector | SubqueryExpr) and part.range:
            found.append(part.range.total_seconds())

    promql_parser.walk(promql_parser.parse(expression), look)
    return found


def metrics(expression: str) -> set[str]:
    """The metrics that an expression names."""
    return {selector.name for selector in selectors(expression)} - {""}
