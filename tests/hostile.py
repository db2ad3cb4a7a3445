"""Objects whose code does whatever it can to break whoever reads them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn


def raising(*_: object) -> NoReturn:
    """Stand in for a method."""
    raise RuntimeError("password=hunter2")


class Unreadable:
    """Nothing can be asked of it."""

    __repr__ = __str__ = __iter__ = __eq__ = __hash__ = __bool__ = __len__ = raising
    __getattribute__ = raising
    __class__ = property(raising)


class LyingDict(dict[str, Any]):
    """A mapping that cannot be read by its own methods."""

    items = keys = values = __iter__ = __getitem__ = __len__ = __repr__ = raising


class LyingList(list[Any]):
    """A list that cannot be read by its own methods."""

    __iter__ = __getitem__ = __len__ = __repr__ = __str__ = raising


class LyingText(str):
    """A text that cannot be read by its own methods."""

    __slots__ = ()
    __str__ = __repr__ = __iter__ = __len__ = __format__ = encode = isascii = raising  # type: ignore[assignment]


class LyingInt(int):
    """A number that is none."""

    __add__ = __int__ = __index__ = __repr__ = __str__ = bit_length = raising


class UnreadableMapping(Mapping[Any, Any]):
    """A mapping that raises when it is read."""

    __getitem__ = __iter__ = __len__ = raising


class EndlessMapping(Mapping[int, int]):
    """Every number, by itself."""

    def __getitem__(self, key: int) -> int:
        return key

    def __iter__(self) -> Iterator[int]:
        return iter(range(sys.maxsize))

    def __len__(self) -> int:
        return sys.maxsize


class BadMeta(type):
    """A class that cannot be asked for its name."""

    __getattribute__ = raising


class OfBadMeta(metaclass=BadMeta):
    """An object of it."""

    __repr__ = raising


class Recursive:
    """Its text is its own text."""

    def __repr__(self) -> str:
        return f"{self!r}"


class BadError(Exception):
    """An exception without a text."""

    __str__ = __repr__ = raising


def consumed() -> Iterator[int]:
    """Raise when somebody takes anything from it."""
    yield raising()


def cycle() -> dict[str, Any]:
    """Make a mapping that contains itself."""
    inner: list[Any] = []
    mapping = {"list": inner}
    inner.append(mapping)
    return mapping


def deep() -> list[Any]:
    """Make a list in a list, and so on."""
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    return value


MAKERS: dict[str, Callable[[], Any]] = {
    "unreadable": Unreadable,
    "dict": lambda: LyingDict(x=1),
    "list": lambda: LyingList([1]),
    "text": lambda: LyingText("text"),
    "int": lambda: LyingInt(5),
    "mapping": UnreadableMapping,
    "endless mapping": EndlessMapping,
    "metaclass": OfBadMeta,
    "recursive": Recursive,
    "exception": BadError,
    "generator": consumed,
    "cycle": cycle,
    "deep": deep,
    "huge number": lambda: 10**5000,
    "nan": lambda: float("nan"),
    "bytes": lambda: b"\xff\x00password=hunter2",
    "surrogates": lambda: "\ud800\udc00 \udcff",
    "memory": lambda: memoryview(b"x" * 100_000)[::2],
    "long text": lambda: "a" * 1_000_000,
    "long mapping": lambda: dict.fromkeys(range(100_000)),
}
"""One of each kind."""
