"""Correlation contexts as decorators: each call has ids of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from monitoring.correlation import (
    correlation_context,
    correlation_ids,
)


def test_a_decorated_function_has_an_id_for_each_call() -> None:
    """Its name, arguments and result stay; a recursive call is part of the first."""

    @correlation_context(user_id="ann")
    def count(number: int, *, found: set[str]) -> int:
        """Count down."""
        found.add(correlation_ids()["correlation_id"])
        assert correlation_ids()["user_id"] == "ann"
        return number and count(number - 1, found=found)

    first: set[str] = set()
    second: set[str] = set()
    assert count(3, found=first) == 0
    assert count(3, found=second) == 0
    assert len(first) == len(second) == 1
    assert first != second
    assert (count.__name__, count.__doc__) == ("count", "Count down.")
    assert correlation_ids() == {}


def test_a_decorated_function_runs_in_many_threads() -> None:
    """The calls have nothing in common."""

    @correlation_context()
    def work(_: int) -> str:
        return correlation_ids()["correlation_id"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(100)))) == 100


def test_a_decorated_coroutine_function_keeps_its_id_over_awaits() -> None:
    """It stays a coroutine function; its caller does not get the id."""

    @correlation_context(session_id="s")
    async def work() -> dict[str, str]:
        before = correlation_ids()
        await asyncio.sleep(0)
        assert correlation_ids() == before
        return before

    async def work_twice() -> None:
        first = await work()
        assert correlation_ids() == {}
        second = await work()
        assert first["session_id"] == second["session_id"] == "s"
        assert first["correlation_id"] != second["correlation_id"]

    assert asyncio.iscoroutinefunction(work)
    asyncio.run(work_twice())


def generate() -> Iterator[int]:
    """A generator function."""
    yield 1


async def generate_slowly() -> AsyncIterator[int]:
    """An asynchronous generator function."""
    yield 1


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (generate, "generator function.*around the loop over generate"),
        (generate_slowly, "generator function.*around the loop over generate_slowly"),
        (dict, "decorates functions, not <class"),
        (None, "decorates functions, not None"),
    ],
)
def test_what_cannot_be_decorated_is_refused(function: Callable[..., Any], says: str) -> None:
    """At once, with what to do instead."""
    with pytest.raises(TypeError, match=says):
        correlation_context()(function)


def test_forgotten_parentheses_are_named() -> None:
    """Otherwise the function would be taken for a user id."""
    with pytest.raises(TypeError, match=re.escape("@correlation_context()")):
        correlation_context(generate)
