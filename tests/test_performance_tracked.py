"""Functions whose calls are measured: sync, async and generators."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitoring.log_performance import performance_tracked


def test_a_tracked_function_is_named_by_module_and_place() -> None:
    """Its own name, arguments and result stay."""

    @performance_tracked
    def add(one: int, *, other: int) -> int:
        """Add."""
        return one + other

    with capture_logs() as records:
        assert add(1, other=2) == 3
    place = "test_a_tracked_function_is_named_by_module_and_place.<locals>.add"
    assert records[0]["data"] == {"operation": f"{__name__}.{place}", "status": "ok"}
    assert (add.__name__, add.__doc__) == ("add", "Add.")


def test_a_tracked_function_may_have_arguments() -> None:
    """They are those of the context."""

    @performance_tracked(name="sum", alert_threshold_ms=0)
    def add(one: int, other: int) -> int:
        return one + other

    with capture_logs() as records:
        assert add(1, 2) == 3
    assert [record["data"]["operation"] for record in records] == ["sum", "sum"]
    assert records[1]["event"] == "slow operation"


def test_a_partial_has_the_name_of_its_function() -> None:
    """So has any other callable that of its class."""
    text_of = performance_tracked(functools.partial(str, 5))
    with capture_logs() as records:
        assert text_of() == "5"
    assert records[0]["data"]["operation"] == "builtins.str"

    class Doubling:
        def __call__(self, number: int) -> int:
            return 2 * number

    double = performance_tracked(Doubling())
    with capture_logs() as records:
        assert double(2) == 4
    assert records[0]["data"]["operation"].endswith("<locals>.Doubling")


def test_a_tracked_coroutine_function_is_measured_to_its_end() -> None:
    """It stays a coroutine function; calls that overlap are records of their own."""
    release = asyncio.Event()

    @performance_tracked(name="work")
    async def work(number: int) -> int:
        await release.wait()
        return 10 // number

    async def main() -> None:
        calls = [asyncio.create_task(work(number)) for number in (1, 0)]
        await asyncio.sleep(0)
        assert not records
        release.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert results[0] == 10
        assert isinstance(results[1], ZeroDivisionError)

    assert asyncio.iscoroutinefunction(work)
    with capture_logs() as records:
        asyncio.run(main())
    assert sorted(record["data"]["status"] for record in records) == ["failed", "ok"]


def test_a_tracked_generator_is_measured_to_its_end() -> None:
    """From its first item; values sent and returned go through; left early it is cancelled."""

    @performance_tracked(name="numbers")
    def numbers() -> Generator[int, int, str]:
        received = yield 1
        yield received
        return "end"

    with capture_logs() as records:
        given = numbers()
        assert (next(given), given.send(7)) == (1, 7)
        assert not records
        with pytest.raises(StopIteration, match="end"):
            next(given)
        given = numbers()
        next(given)
        given.close()
    assert [record["data"]["status"] for record in records] == ["ok", "cancelled"]


async def items() -> AsyncIterator[int]:
    """An asynchronous generator function."""
    yield 1


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (items, "asynchronous generator function.*performance_context"),
        (dict, "decorates functions, not <class 'dict'>"),
        ("text", "decorates functions, not 'text'"),
    ],
)
def test_what_cannot_be_tracked_is_refused(function: Callable[..., Any], says: str) -> None:
    """At once, with what to do instead."""
    with pytest.raises(TypeError, match=says):
        performance_tracked(function)
