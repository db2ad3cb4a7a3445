"""How a setting is declared: one dataclass field, from which flag, YAML key and variable follow.

A collector's options are a frozen dataclass next to the collector. The field `mount_points_exclude`
of `filesystem` is `--collector.filesystem.mount-points-exclude`, the YAML key
`collector.filesystem.mount_points_exclude` and the environment variable
`PERFWATCH_COLLECTOR_FILESYSTEM_MOUNT_POINTS_EXCLUDE`.
"""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable
from typing import Any


def option(
    default: Any,
    help: str,  # noqa: A002 -- the field's own word
    *,
    parse: Callable[[Any], Any] | None = None,
    flag: str | None = None,
) -> Any:
    """Declare a field of an options dataclass.

    `parse` takes the raw value (text from a flag or variable, or a YAML value) and raises
    ValueError with what was expected; it follows from the default's type when left out. `flag` is
    the name behind `--collector.<name>.` where it is not the field's name with dashes.
    """
    if parse is None:
        parse = _PARSERS[type(default)]
    return dataclasses.field(default=default, metadata={"help": help, "parse": parse, "flag": flag})


def shown(raw: Any) -> str:
    """Quote a wrong value in a message: on one line, and not at full length whatever it is."""
    if isinstance(raw, list | dict):
        return "a list" if isinstance(raw, list) else "a mapping"
    if isinstance(raw, int) and raw.bit_length() > 64:
        return "a number of more than 64 bits"
    text = repr(raw)
    return text if len(text) <= 200 else f"{text[:200]}..."


def parse_bool(raw: Any) -> bool:
    """Take true or false."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in {"true", "false"}:
        return raw.lower() == "true"
    raise ValueError(f"expected true or false, got {shown(raw)}")


def parse_text(raw: Any) -> str:
    """Take a text."""
    if isinstance(raw, str):
        return raw
    raise ValueError(f"expected a text, got {shown(raw)}")


def parse_words(raw: Any) -> tuple[str, ...]:
    """Take several words: a list, or a text with spaces between them."""
    words = raw if isinstance(raw, list) else parse_text(raw).split()
    return tuple(parse_text(word) for word in words)


def one_of(*choices: str) -> Callable[[Any], str]:
    """Make a parser that takes one of a few words."""

    def parse(raw: Any) -> str:
        if raw not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {shown(raw)}")
        return str(raw)

    return parse


_COUNT = re.compile(r"[0-9]{1,18}\Z")


def parse_count(raw: Any) -> int:
    """Take a whole number, 0 or more."""
    number = int(raw) if isinstance(raw, str) and _COUNT.match(raw) else raw
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 10**18:
        return number
    raise ValueError(f"expected a whole number, 0 or more, got {shown(raw)}")


def parse_positive(raw: Any) -> int:
    """Take a whole number, 1 or more."""
    count = parse_count(raw)
    if count == 0:
        raise ValueError("expected a whole number, 1 or more, got 0")
    return count


DAY_SECONDS = 86_400.0
MAX_AGE_SECONDS = 3650 * DAY_SECONDS

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?\Z")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_SECONDS, None: 1.0}


def parse_seconds(raw: Any) -> float:
    """Take a duration: seconds as a number, or with a unit (250ms, 5s, 2m, 1h)."""
    seconds = _duration(raw)
    if seconds is None or seconds > DAY_SECONDS:
        raise ValueError(
            f"expected a duration up to a day such as 0.25, 5s or 2m, got {shown(raw)}"
        )
    return seconds


def parse_age(raw: Any) -> float:
    """Take a duration that may be days long (12h, 30d)."""
    seconds = _duration(raw)
    if seconds is None or seconds > MAX_AGE_SECONDS:
        raise ValueError(f"expected a duration up to 3650d such as 12h or 30d, got {shown(raw)}")
    return seconds


def _duration(raw: Any) -> float | None:
    if isinstance(raw, str) and (match := _DURATION.match(raw)):
        return float(match[1]) * _UNIT_SECONDS[match[2]]
    if isinstance(raw, int | float) and not isinstance(raw, bool) and raw >= 0:
        return float(min(raw, 2 * MAX_AGE_SECONDS))
    return None


_BYTES = re.compile(r"([0-9]{1,15})(?:(K|M|G|T)i?B)?\Z")
_UNIT_BYTES = {None: 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_bytes(raw: Any) -> int:
    """Take a size: bytes, or with a unit (512MiB; MB is taken as the same, as Prometheus does)."""
    if isinstance(raw, str) and (match := _BYTES.match(raw)):
        return int(match[1]) * _UNIT_BYTES[match[2]]
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < 10**18:
        return raw
    raise ValueError(f"expected a size such as 1048576, 512MiB or 2GiB, got {shown(raw)}")


def parse_regexp(raw: Any) -> re.Pattern[str] | None:
    """Take a regular expression; an empty one means none."""
    text = parse_text(raw)
    if not text:
        return None
    try:
        with warnings.catch_warnings():
            # Python takes [[:alpha:]], which node_exporter knows as a class, for something else.
            warnings.simplefilter("error", FutureWarning)
            return re.compile(text)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise ValueError(f"expected a regular expression, got {shown(text)}: {error}") from error


def include_option(what: str, name: str) -> Any:
    """Declare the pattern of the only things to show: the field `<name>_include`."""
    flag = f"{name}-exclude"
    text = f"Regexp of the only {what} to show (not together with {flag})."
    return option(None, text, parse=parse_regexp)


def exclude_option(what: str, name: str, default: re.Pattern[str] | None = None) -> Any:
    """Declare the pattern of things to leave out: the field `<name>_exclude`."""
    flag = f"{name}-include"
    text = f"Regexp of {what} to leave out (not together with {flag})."
    return option(default, text, parse=parse_regexp)


_PARSERS: dict[type, Callable[[Any], Any]] = {
    bool: parse_bool,
    int: parse_count,
    float: parse_seconds,
    str: parse_text,
}


class NameFilter:
    """Names accepted by an include or refused by an exclude pattern, as node_exporter does it.

    An include pattern replaces the default exclude pattern.
    """

    def __init__(self, include: re.Pattern[str] | None, exclude: re.Pattern[str] | None) -> None:
        self._include = include
        self._exclude = exclude

    def accepts(self, name: str) -> bool:
        """Tell whether the name passes."""
        if self._include is not None:
            return self._include.search(name) is not None
        return self._exclude is None or self._exclude.search(name) is None


def reject_both(include: object, exclude: object, what: str) -> None:
    """Raise ValueError when an include and an exclude pattern of the same thing are both set."""
    if include is not None and exclude is not None:
        raise ValueError(f"{what}-include and {what}-exclude cannot both be set: remove one")
