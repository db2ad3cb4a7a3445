"""The ids that say which work a log line belongs to: correlation, user, session and request id.

They live in structlog's context variables, so that every record made in a context has them, and
asyncio tasks inherit them. Threads, pools and processes do when `monitoring.inheritance` is
installed.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import EllipsisType, FunctionType
from typing import Any, TypeAlias, TypeVar, cast

from structlog.contextvars import bind_contextvars, reset_contextvars

KEYS = ("correlation_id", "user_id", "session_id", "request_id")

MAX_LENGTH = 128

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_Value: TypeAlias = str | EllipsisType
"""structlog's word for "not set" is the ellipsis."""


def _variable(key: str) -> ContextVar[_Value]:
    """Give structlog's own variable: a second one of the same name would be merged beside it."""
    token = bind_contextvars(**{key: ...})[key]
    reset_contextvars(**{key: token})
    return token.var


_VARIABLES = {key: _variable(key) for key in KEYS}

_CORRELATION, _USER, _SESSION, _REQUEST = _VARIABLES.values()


def as_text(value: object) -> str:
    """Give any value as printable text of at most 128 characters; what cannot be shown is `?`."""
    if type(value) is str:
        text = value
    elif isinstance(value, bytes | bytearray):
        text = value[:MAX_LENGTH].decode("utf-8", "replace")
    else:
        text = _shown(value)
    if len(text) > MAX_LENGTH:
        text = text[:MAX_LENGTH]
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "?" for one in text)


def _shown(value: object) -> str:
    try:
        return str.__str__(str(value))  # which may be of a subclass with a mind of its own
    except Exception:  # noqa: BLE001 -- the value's own code may raise anything
        return f"<{type(value).__name__}>"


def new_id() -> str:
    """Make an id: 32 random hexadecimal digits, which is also the form of a W3C trace id."""
    return os.urandom(16).hex()


def correlation_ids() -> dict[str, str]:
    """Give the ids in force, only those that are set; `correlation_context(**ids)` goes on."""
    ids = {}
    for key, variable in _VARIABLES.items():
        value = variable.get()
        if value is not ... and value is not None:
            ids[key] = as_text(value)
    return ids


def bind_ids(
    *,
    user_id: object = None,
    request_id: object = None,
    session_id: object = None,
    correlation_id: object = None,
) -> None:
    """Set the given ids until this context ends: that of a thread, or of an asyncio task."""
    if correlation_id is not None and (text := as_text(correlation_id)):
        _CORRELATION.set(text)
    if request_id is not None and (text := as_text(request_id)):
        _REQUEST.set(text)
    if user_id is not None and (text := as_text(user_id)):
        _USER.set(text)
    if session_id is not None and (text := as_text(session_id)):
        _SESSION.set(text)


class CorrelationContext:
    """What `correlation_context` gives: use it in a `with` statement or as a decorator."""

    __slots__ = ("_makes_id", "_tokens", "_values")

    def __init__(self, values: list[tuple[ContextVar[_Value], _Value]], *, makes_id: bool) -> None:
        self._values = values
        self._makes_id = makes_id
        self._tokens: list[Token[_Value]] | None = None

    def __enter__(self) -> dict[str, str]:
        """Set the ids and give all that are in force now."""
        if self._tokens is not None:
            raise RuntimeError(
                "this correlation context is in force already: make a new one for each `with`"
            )
        self._tokens = [variable.set(value) for variable, value in self._values]
        if self._makes_id and _CORRELATION.get() is ...:
            self._tokens.append(_CORRELATION.set(new_id()))
        return correlation_ids()

    def __exit__(self, *_: object) -> None:
        tokens, self._tokens = self._tokens or [], None
        for token in tokens:
            try:
                token.var.reset(token)
            except ValueError:
                # Left in another context than it was entered in, as when an event loop closes an
                # abandoned asynchronous generator. There was nothing set here.
                return

    def __call__(self, function: _Decorated) -> _Decorated:
        """Run each call of a function or coroutine function in a context of its own.

        Raises TypeError for classes and generator functions.
        """
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"correlation_context decorates functions, not {function!r}")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                "correlation_context cannot decorate a generator function, whose ids would leak "
                "to its consumer: put `with correlation_context():` around the loop over "
                f"{getattr(function, '__qualname__', function)!s}"
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def correlated_coroutine(*args: Any, **kwargs: Any) -> Any:
                with CorrelationContext(self._values, makes_id=self._makes_id):
                    return await function(*args, **kwargs)

            return cast("_Decorated", correlated_coroutine)

        @functools.wraps(function)
        def correlated(*args: Any, **kwargs: Any) -> Any:
            with CorrelationContext(self._values, makes_id=self._makes_id):
                return function(*args, **kwargs)

        return cast("_Decorated", correlated)


def correlation_context(
    user_id: object = None,
    request_id: object = None,
    session_id: object = None,
    correlation_id: object = None,
) -> CorrelationContext:
    """Give every record made inside these ids: a context manager, and a decorator.

    Contexts nest: what is not given stays as it is outside. A correlation id is made when none is
    given and none in force; as a decorator that is one for each call.
    """
    if isinstance(user_id, FunctionType):
        raise TypeError("a decorator needs its parentheses here: @correlation_context()")
    given = (
        (_CORRELATION, correlation_id),
        (_USER, user_id),
        (_SESSION, session_id),
        (_REQUEST, request_id),
    )
    values: list[tuple[ContextVar[_Value], _Value]] = [
        (variable, text)
        for variable, value in given
        if value is not None and (text := as_text(value))
    ]
    return CorrelationContext(values, makes_id=True)


def exactly(ids: Mapping[str, str]) -> CorrelationContext:
    """Put exactly these ids in force, whatever is in force outside; none are made."""
    values = [(variable, ids.get(key, ...)) for key, variable in _VARIABLES.items()]
    return CorrelationContext(values, makes_id=False)


def uncorrelated() -> CorrelationContext:
    """Have no ids in force: for starting what outlives the request that happens to need it first.

    A background thread that is started inside a context would keep the context's ids for life.
    """
    return exactly({})
