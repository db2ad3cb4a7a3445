"""Correlation ids: in force inside their context, and nowhere else."""

from __future__ import annotations

import asyncio
import gc
import pickle
import re
from collections.abc import AsyncIterator
from contextvars import Context

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from monitoring.correlation import (
    MAX_LENGTH,
    as_text,
    bind_ids,
    correlation_context,
    correlation_ids,
    new_id,
    uncorrelated,
)

MADE = re.compile(r"[0-9a-f]{32}")


class Hostile:
    """An object whose texts cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text here")

    __repr__ = __str__


def test_a_context_gives_the_ids_in_force_and_takes_them_back() -> None:
    """A correlation id is made when there is none; outside there is nothing."""
    assert correlation_ids() == {}
    with correlation_context(user_id="ann", request_id="r1") as ids:
        assert ids == correlation_ids() == get_contextvars()
        assert MADE.fullmatch(ids.pop("correlation_id"))
        assert ids == {"user_id": "ann", "request_id": "r1"}
    assert correlation_ids() == get_contextvars() == {}


def test_made_ids_differ() -> None:
    """Also those of a thousand contexts one after the other."""
    made = set()
    for _ in range(1000):
        with correlation_context() as ids:
            made.add(ids["correlation_id"])
    assert len(made) == 1000


def test_inner_values_win_and_the_others_stay() -> None:
    """The correlation id, too; after each level what was before is there again."""
    with correlation_context("ann", "r1", "s1", "c1") as outer:
        with correlation_context(user_id="bob") as inner:
            assert inner == outer | {"user_id": "bob"}
            with correlation_context(correlation_id="c2", session_id="s2"):
                assert correlation_ids() == inner | {"correlation_id": "c2", "session_id": "s2"}
            assert correlation_ids() == inner
        assert correlation_ids() == outer
    assert correlation_ids() == {}


def test_an_error_goes_through_and_ends_the_context() -> None:
    """Whatever happens inside, the ids do not stay."""
    with pytest.raises(KeyError, match="lost"), correlation_context():
        raise KeyError("lost")
    assert correlation_ids() == {}


def test_records_have_the_ids() -> None:
    """The library finds them where it looks for what is bound to a context."""
    merged = structlog.contextvars.merge_contextvars
    with correlation_context(correlation_id="c1", user_id="ann"):
        assert merged(None, "info", {"event": "x"}) == {
            "event": "x",
            "correlation_id": "c1",
            "user_id": "ann",
        }


def test_what_structlog_binds_is_the_same_id() -> None:
    """A service that binds its ids there has them handed on; they are texts then."""

    def bind() -> None:
        bind_contextvars(correlation_id=7, color="red", session_id=None)
        assert correlation_ids() == {"correlation_id": "7"}
        with correlation_context(user_id="ann"):
            assert correlation_ids() == {"correlation_id": "7", "user_id": "ann"}
            clear_contextvars()
            assert correlation_ids() == {}
        with correlation_context() as ids:
            assert MADE.fullmatch(ids["correlation_id"])

    Context().run(bind)


def test_ids_go_on_elsewhere() -> None:
    """They can be pickled, and go on where they are unpacked into a context."""
    with correlation_context(user_id="ann") as ids:
        message = pickle.dumps(correlation_ids())
    with correlation_context(**pickle.loads(message)):
        assert correlation_ids() == ids


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (17, "17"),
        ("a b", "a b"),
        ("x" * 500, "x" * MAX_LENGTH),
        (b"raw\xff", "raw\N{REPLACEMENT CHARACTER}"),
        (bytearray(b"y" * 500), "y" * MAX_LENGTH),
        ('a\n{"level"}\x1b[31m\udcff', 'a?{"level"}?[31m?'),
        (Hostile(), "<Hostile>"),
        pytest.param(10**5000, "<int>", id="huge"),
    ],
)
def test_any_value_becomes_a_bounded_printable_text(value: object, text: str) -> None:
    """Nothing that a client sends can break a line, or its size, or the caller."""
    with correlation_context(correlation_id=value, user_id=value) as ids:
        assert ids == {"correlation_id": text, "user_id": text}


@pytest.mark.parametrize("nothing", [None, "", b""])
def test_an_empty_id_is_none(nothing: object) -> None:
    """What is outside stays in force."""
    with correlation_context("ann", correlation_id="c1") as outer:
        with correlation_context(nothing, nothing, nothing, nothing) as inner:
            assert inner == outer
        Context().run(lambda: bind_ids(user_id=nothing))
        bind_ids(user_id=nothing, request_id=nothing, session_id=nothing, correlation_id=nothing)
        assert correlation_ids() == outer


@given(st.one_of(st.text(), st.binary(), st.integers(), st.floats(), st.lists(st.text())))
def test_no_value_is_an_error(value: object) -> None:
    """The text is exactly a str, short, printable, and stays as it is when taken again."""
    text = as_text(value)
    assert type(text) is str
    assert len(text) <= MAX_LENGTH
    assert text.isprintable()
    assert as_text(text) == text


def test_a_text_with_a_mind_of_its_own_is_only_a_text() -> None:
    """A subclass of str is copied: its methods are not called later."""

    class Own(str):
        __slots__ = ()

        def __str__(self) -> Own:
            return self

        def isprintable(self) -> bool:
            return True

    assert type(as_text(Own("a\n"))) is str
    assert as_text(Own("a\n")) == "a?"


def test_bound_ids_stay_to_the_end_of_their_context() -> None:
    """That is the context of a task or thread: nothing is put back before."""

    async def request(number: int) -> dict[str, str]:
        bind_ids(correlation_id=f"c{number}", request_id=number, session_id="s", user_id="u")
        await asyncio.sleep(0)
        return correlation_ids()

    async def serve() -> list[dict[str, str]]:
        found = await asyncio.gather(*(request(number) for number in range(3)))
        assert correlation_ids() == {}
        return found

    assert asyncio.run(serve()) == [
        {"correlation_id": f"c{n}", "request_id": str(n), "session_id": "s", "user_id": "u"}
        for n in range(3)
    ]


def test_tasks_that_interleave_keep_their_own_ids() -> None:
    """Each await is a chance to meet another task's ids."""

    async def work(user: str, turns: int) -> None:
        with correlation_context(user_id=user) as outer:
            for turn in range(turns):
                await asyncio.sleep(0)
                with correlation_context(request_id=turn) as inner:
                    await asyncio.sleep(0)
                    assert correlation_ids() == inner == outer | {"request_id": str(turn)}
                assert correlation_ids() == outer

    async def all_of_them() -> None:
        await asyncio.gather(*(work(f"u{number}", 5) for number in range(50)))

    asyncio.run(all_of_them())


def test_one_context_object_cannot_be_entered_twice_at_once() -> None:
    """Used one after the other it makes a new id each time."""
    context = correlation_context()
    with context as first, pytest.raises(RuntimeError, match="in force already"):
        context.__enter__()
    with context as second:
        assert first != second
    assert correlation_ids() == {}


def test_a_context_left_elsewhere_is_no_error() -> None:
    """As when the event loop closes a generator that its task has abandoned."""

    async def numbers() -> AsyncIterator[int]:
        with correlation_context():
            yield 1
            yield 2

    async def take_one() -> None:
        async for _ in numbers():
            break

    async def main() -> None:
        await asyncio.create_task(take_one())
        gc.collect()
        assert correlation_ids() == {}

    asyncio.run(main())
    context = correlation_context(user_id="ann")
    Context().run(context.__enter__)
    context.__exit__(None, None, None)
    assert correlation_ids() == {}


def test_nothing_is_in_force_where_it_is_asked_for() -> None:
    """What is started there has no ids; afterwards they are in force again."""
    with correlation_context("ann") as outer:
        with uncorrelated() as none:
            assert none == correlation_ids() == get_contextvars() == {}
            with correlation_context() as inner:
                assert inner["correlation_id"] != outer["correlation_id"]
        assert correlation_ids() == outer


def test_an_id_has_the_form_of_a_trace_id() -> None:
    """32 lower-case hexadecimal digits."""
    assert MADE.fullmatch(new_id())
