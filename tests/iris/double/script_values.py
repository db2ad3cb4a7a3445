"""Values of ObjectScript: every text is a number too, and there are no types."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from tests.iris.double.clock import horolog_day
from tests.iris.double.hooks import ServerError

Value = str | int | float

_NUMBER = re.compile(r"[+-]*(?:\d+\.?\d*|\.\d+)")


def number(value: Value) -> int | float:
    """Read the number at the beginning of a text; 0 where there is none."""
    if isinstance(value, int | float):
        return value
    match = _NUMBER.match(value)
    if match is None:
        return 0
    digits = match[0].lstrip("+-")
    negative = match[0].count("-", 0, len(match[0]) - len(digits)) % 2
    found = float(digits) if "." in digits else int(digits)
    return -found if negative else found


def truth(value: Value) -> bool:
    """Whether a value is true: its number is not 0."""
    return number(value) != 0


def text(value: Value) -> str:
    """Write a value as ObjectScript does."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value).replace("0.", ".", 1)
    return str(value)


def _piece(whole: Value, delimiter: Value, first: Value = 1, last: Value | None = None) -> Value:
    begin, end = int(number(first)), int(number(first if last is None else last))
    return text(delimiter).join(text(whole).split(text(delimiter))[max(begin, 1) - 1 : end])


def _extract(whole: Value, first: Value = 1, last: Value | None = None) -> Value:
    begin, end = int(number(first)), int(number(first if last is None else last))
    return text(whole)[max(begin, 1) - 1 : end]


def _zdateh(day: Value, form: Value) -> Value:
    """Read a day that is written YYYYMMDD, form 8."""
    if number(form) != len("YYYYMMDD"):
        message = "<ILLEGAL VALUE> *this double knows date format 8 only"
        raise ServerError(message)
    try:
        return horolog_day(datetime.strptime(text(day), "%Y%m%d"))  # noqa: DTZ007 -- a day
    except ValueError as error:
        message = f"<ILLEGAL VALUE> *{day}"
        raise ServerError(message) from error


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "piece": _piece,
    "extract": _extract,
    "length": lambda whole: len(text(whole)),
    "match": lambda whole, form: int(re.fullmatch(text(form), text(whole), re.ASCII) is not None),
    "zdateh": _zdateh,
}
"""Intrinsic functions that need nothing but their arguments."""

Operate = Callable[[Value, Value], Value]

OPERATORS: dict[str, Operate] = {
    "=": lambda a, b: int(text(a) == text(b)),
    "<": lambda a, b: int(number(a) < number(b)),
    ">": lambda a, b: int(number(a) > number(b)),
    "[": lambda a, b: int(text(b) in text(a)),
    "&": lambda a, b: int(truth(a) and truth(b)),
    "!": lambda a, b: int(truth(a) or truth(b)),
    "_": lambda a, b: text(a) + text(b),
    "+": lambda a, b: number(a) + number(b),
    "-": lambda a, b: number(a) - number(b),
    "*": lambda a, b: number(a) * number(b),
    "#": lambda a, b: number(a) % number(b),
    "\\": lambda a, b: int(number(a) // number(b)),
}
