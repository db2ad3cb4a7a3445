"""Whatever is logged, in whatever way: one line of strict JSON, and no secret in it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring.structured_logging import StructuredLogger, configure, correlation_context
from tests.hostile import MAKERS
from tests.logs import logging_put_back, records

SECRET = "hunter2correcthorse"

SECRET_KEYS = ["password", "apiKey", "X-Auth-Token", "AWS_SECRET_ACCESS_KEY", "dsn", b"cookie"]

KNOWN_FORMS = [
    f"password={SECRET}",
    f'{{"client_secret": "{SECRET}"}}',
    f"Authorization: Bearer {SECRET}",
    f"postgres://bob:{SECRET}@db/x",
    f"https://host/?a=1&access_token={SECRET}",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    f"xoxb-{SECRET}",
]


class Hostile(NamedTuple):
    """Stands for an object that hypothesis itself could not handle."""

    kind: str


def made(value: Any) -> Any:
    """Give the value with the objects in place of what stands for them."""
    if isinstance(value, Hostile):
        return MAKERS[value.kind]()
    if isinstance(value, dict):
        return {key: made(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(made, value))
    return value


KEYS = st.text(max_size=8) | st.integers() | st.none() | st.binary(max_size=4) | st.just("data")

SURROGATES = st.text(st.characters(categories=["Cs", "Cc", "Lo", "So"]), max_size=10)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | SURROGATES
    | st.binary(max_size=20)
    | st.datetimes()
    | st.decimals()
    | st.sampled_from(KNOWN_FORMS)
    | st.builds(Hostile, st.sampled_from(sorted(MAKERS)))
)

PLANTED = st.fixed_dictionaries(
    {}, optional={key: st.just(SECRET) | st.just([{"x": SECRET}]) for key in SECRET_KEYS}
)

VALUES = st.recursive(
    LEAVES | PLANTED,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.tuples(inner, inner)
        | st.tuples(st.sampled_from(SECRET_KEYS), st.just(SECRET))
    ),
    max_leaves=10,
)
"""To be made."""

FIELDS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name != "data"), VALUES, max_size=3
)

EVERYWHERE = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Leave the process's logging as it was."""
    with logging_put_back():
        yield


def logged(stream: io.StringIO) -> dict[str, Any]:
    """The one record; the secret is nowhere in its line."""
    assert SECRET not in stream.getvalue()
    [record] = records(stream.getvalue())
    assert {"timestamp", "level", "logger", "message", "context"} <= record.keys()
    return record


@EVERYWHERE
@given(VALUES, VALUES, FIELDS)
def test_whatever_a_logger_is_given_is_one_line(
    event: Any, data: Any, fields: dict[str, Any]
) -> None:
    """Also under names that the logger or the record use themselves."""
    fields.pop("exc_info", None)
    stream = io.StringIO()
    configure(stream=stream)
    StructuredLogger("fuzz").info(made(event), made(data), **made(fields))
    logged(stream)


@EVERYWHERE
@given(VALUES, VALUES, VALUES)
def test_whatever_comes_another_way_is_one_line(event: Any, one: Any, other: Any) -> None:
    """By structlog itself, and by the standard library with extras."""
    event, one, other = made(event), made(one), made(other)
    for log in (
        lambda: structlog.get_logger("x").warning(event, data=one, performance=other, more=other),
        lambda: logging.getLogger("x").warning(event, extra={"data": one, "more": other}),
        lambda: logging.getLogger("x").warning("%s %r", one, other),
    ):
        stream = io.StringIO()
        configure(stream=stream)
        log()
        logged(stream)


@EVERYWHERE
@given(VALUES, st.sampled_from(KNOWN_FORMS))
def test_whatever_is_raised_is_one_line(value: Any, form: str) -> None:
    """The exception's arguments and notes may be anything."""
    stream = io.StringIO()
    configure(stream=stream)
    try:
        error = ValueError(made(value), form)
        error.add_note(form)
        raise error
    except ValueError:
        StructuredLogger("fuzz").error("raised", exc_info=True)
    assert "exception" in logged(stream)


@EVERYWHERE
@given(VALUES, VALUES)
def test_whatever_is_logged_is_one_line_on_the_console(event: Any, data: Any) -> None:
    """Nothing but printable characters: no line can be forged, no terminal be spoken to."""
    stream = io.StringIO()
    configure("console", stream=stream)
    StructuredLogger("fuzz").info(made(event), made(data))
    assert SECRET not in stream.getvalue()
    line, rest = stream.getvalue().split("\n")
    assert line.isprintable()
    assert rest == ""


@EVERYWHERE
@given(st.text() | SURROGATES, st.text() | SURROGATES)
def test_ids_are_printable(user: str, request: str) -> None:
    """Whatever a client has sent."""
    stream = io.StringIO()
    configure(stream=stream)
    with correlation_context(user_id=user, request_id=request):
        StructuredLogger("fuzz").info("x")
    record = logged(stream)
    assert all(record[key].isprintable() for key in ("user_id", "request_id") if key in record)
