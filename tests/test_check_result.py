"""What a check may return, and how its details become JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from monitoring.check_result import CheckResult, critical, healthy, to_result


class Unshowable:
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise OSError("no")


@pytest.mark.parametrize(
    ("value", "status"),
    [(True, "healthy"), (None, "healthy"), (False, "critical"), (healthy("x"), "healthy")],
)
def test_a_check_may_return_a_result_a_boolean_or_nothing(value: Any, status: str) -> None:
    """False is as critical as what says so itself."""
    assert to_result(value).status == status


@pytest.mark.parametrize("value", ["healthy", 0, 1, {"status": "healthy"}, object()])
def test_anything_else_is_critical_and_says_what_may_be_returned(value: Any) -> None:
    """A mistake in a check must not look like health."""
    result = to_result(value)
    assert result.status == "critical"
    assert result.message.startswith(f"the check returned {type(value).__name__}: it may return")


def test_a_coroutine_is_critical() -> None:
    """A lambda around an async function hides that it is one."""

    async def check() -> bool:
        return True

    hidden: Callable[[], Awaitable[bool]] = lambda: check()  # noqa: E731, PLW0108 -- the mistake in question
    result = to_result(hidden())
    assert result.status == "critical"
    assert "async def" in result.message


def test_an_unknown_status_is_refused() -> None:
    """Where it is made, so that the traceback leads there."""
    with pytest.raises(ValueError, match="one of healthy, warning, critical, got 'ok'"):
        CheckResult("ok")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7, 7),
        ([1, (2, {"a": None})], [1, [2, {"a": None}]]),
        (Path("/srv"), "/srv"),
        (float("nan"), "NaN"),
        ("\udcff", "\ufffd"),
        (Unshowable(), "<Unshowable that cannot be read>"),
        ("postgresql://shop:Sesam77@db1/shop", "postgresql://shop:[redacted]@db1/shop"),
    ],
)
def test_details_become_what_json_can_take(value: Any, shown: Any) -> None:
    """As strictly as other languages read it, in UTF-8, and without secrets."""
    result = to_result(healthy("fine", value=value))
    assert result.details == {"value": shown}
    json.dumps(result.details, allow_nan=False, ensure_ascii=False).encode()


def test_a_secret_is_known_by_its_key() -> None:
    """Nobody reads passwords from a health page."""
    assert to_result(healthy(password="Sesam77")).details == {"password": "[redacted]"}


def test_details_are_a_copy() -> None:
    """What a check does to them afterwards does not change a report."""
    pieces = [1]
    result = to_result(critical("few", pieces=pieces))
    pieces.append(2)
    assert result.details == {"pieces": [1]}


@pytest.mark.parametrize(
    ("message", "shown"), [(OSError("full"), "OSError: full"), (7, "7"), ("token=Sesam77", None)]
)
def test_a_message_becomes_text_without_secrets(message: Any, shown: str | None) -> None:
    """An exception is often given as the message."""
    assert to_result(critical(message)).message == (shown or "token=[redacted]")
