"""What the settings of IRIS may be: parsers that say what was expected, as exporter/options.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from exporter.iris.governor.decision import Mode
from exporter.options import one_of, parse_age, parse_count, parse_seconds, parse_text, shown

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NAMESPACE = re.compile(r"[%A-Za-z][A-Za-z0-9_-]{0,63}\Z")


def parse_name(raw: Any) -> str:
    """Take the name of an instance, which becomes a label's value."""
    text = parse_text(raw)
    if not _NAME.match(text):
        raise ValueError(
            "expected a name of letters, digits and . _ - that begins with a letter or digit, at "
            f"most 64 characters, got {shown(text)}"
        )
    return text


def parse_host(raw: Any) -> str:
    """Take a host's name or address, or nothing."""
    text = parse_text(raw)
    if any(character.isspace() or character in "/@" for character in text):
        raise ValueError(f"expected the name or address of a host, got {shown(text)}")
    return text


def parse_port(raw: Any) -> int:
    """Take a port."""
    port = parse_count(raw)
    if not 1 <= port <= 65_535:
        raise ValueError(f"expected a port from 1 to 65535, got {shown(raw)}")
    return port


def parse_namespace(raw: Any) -> str:
    """Take a namespace."""
    text = parse_text(raw)
    if not _NAMESPACE.match(text):
        raise ValueError(f"expected a namespace such as %SYS, got {shown(text)}")
    return text


def seconds_up_to(longest: str) -> Callable[[Any], float]:
    """Make a parser that takes a duration from a second to the longest one."""

    def parse(raw: Any) -> float:
        seconds = parse_seconds(raw)
        if not 1 <= seconds <= parse_seconds(longest):
            raise ValueError(f"expected a duration from 1s to {longest}, got {shown(raw)}")
        return seconds

    return parse


def parse_url(raw: Any) -> str:
    """Take the address of an instance's metrics page, or nothing."""
    text = parse_text(raw)
    if not text:
        return text
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable()
        has_login = "@" in parts.netloc
    except ValueError:
        is_url = has_login = False
    if has_login:
        # It would be in messages; and it is the instance's own user who asks.
        raise ValueError("expected a URL without user and password: those of the instance are used")
    if not is_url:
        raise ValueError(
            f"expected a URL such as http://host:52773/api/monitor/metrics, got {shown(text)}"
        )
    return text


def parse_mode(raw: Any) -> str:
    """Take what the governor does; `off` without quotes is false in YAML."""
    return one_of(*Mode)("off" if raw is False else raw)


def parse_local(raw: Any) -> str:
    """Take auto, true or false."""
    return one_of("auto", "true", "false")(str(raw).lower() if isinstance(raw, bool) else raw)


def parse_percent(raw: Any) -> float:
    """Take a share in per cent."""
    try:
        percent = float(raw) if isinstance(raw, int | float | str) else -1.0
    except ValueError:
        percent = -1.0
    if isinstance(raw, bool) or not 0 < percent <= 100:
        raise ValueError(f"expected a percentage above 0 and up to 100, got {shown(raw)}")
    return percent


def parse_whole_seconds(raw: Any) -> int:
    """Take a duration of whole seconds, which is all that ^SystemPerformance knows."""
    seconds = parse_age(raw)
    if seconds != int(seconds):
        raise ValueError(f"expected whole seconds, got {shown(raw)}")
    return int(seconds)


def parse_instances(raw: Any) -> tuple[str, ...]:
    """Take the names of several instances, whose settings are read one by one."""
    if not isinstance(raw, Mapping):
        raise ValueError(  # noqa: TRY004 -- what every parser raises
            "expected a mapping of names to settings, which only the configuration file can hold, "
            f"got {shown(raw)}"
        )
    return tuple(parse_name(name) for name in raw)
