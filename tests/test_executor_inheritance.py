"""Correlation ids go into executors' pools with each item, and stay in none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from monitoring.correlation import correlation_context, correlation_ids
from monitoring.inheritance import install


@pytest.fixture(autouse=True)
def _installed() -> None:
    install()


def test_a_pool_of_threads_has_the_ids_of_each_item() -> None:
    """Its threads keep none, whoever submits first."""
    initial: list[dict[str, str]] = []
    initialize = lambda: initial.append(correlation_ids())  # noqa: E731 -- it is as short as that
    with ThreadPoolExecutor(1, initializer=initialize) as pool:
        with correlation_context("ann") as first:
            assert pool.submit(correlation_ids).result() == first
            assert correlation_ids() == first
        assert pool.submit(correlation_ids).result() == {}
        with correlation_context("bob") as second:
            future = pool.submit(correlation_ids)
            mapped = pool.map(_ids_of, [1, 2])
        assert [future.result(), *mapped] == [second] * 3
    assert initial == [{}]


def _ids_of(_: object) -> dict[str, str]:
    return correlation_ids()


def test_an_item_leaves_no_ids_in_its_thread() -> None:
    """What its function binds within a context, and an error, end with it."""

    def fail() -> None:
        with correlation_context("cid"):
            raise KeyError("lost")

    with ThreadPoolExecutor(1) as pool:
        with correlation_context("ann"):
            future = pool.submit(fail)
        with pytest.raises(KeyError, match="lost"):
            future.result()
        assert pool.submit(correlation_ids).result() == {}


def test_arguments_and_errors_of_submit_are_as_ever() -> None:
    """Whatever the keyword arguments are called."""
    with correlation_context():
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(dict, self=1, fn=2, function=3, ids=4)
            assert future.result() == {"self": 1, "fn": 2, "function": 3, "ids": 4}
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(dict)
        assert set(correlation_ids()) == {"correlation_id"}


def test_asyncio_hands_them_to_threads() -> None:
    """By to_thread and by run_in_executor, with the default pool and another."""

    async def work(pool: Executor, user: str) -> None:
        with correlation_context(user) as ids:
            loop = asyncio.get_running_loop()
            assert await asyncio.to_thread(correlation_ids) == ids
            assert await loop.run_in_executor(None, correlation_ids) == ids
            assert await loop.run_in_executor(pool, correlation_ids) == ids

    async def main() -> None:
        with ThreadPoolExecutor(2) as pool:
            await asyncio.gather(*(work(pool, f"u{number}") for number in range(20)))
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, correlation_ids) == {}

    asyncio.run(main())


def test_executors_of_others_are_left_alone() -> None:
    """What they do with the functions that they are given is unknown."""

    class Immediate(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result((fn is correlation_ids, args, kwargs))
            return future

    with correlation_context():
        assert Immediate().submit(correlation_ids, 1).result() == (True, (1,), {})
