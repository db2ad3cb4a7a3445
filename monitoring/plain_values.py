"""Any Python value as plain JSON data: bounded, without secrets, and whatever its code does.

Values are read by the code of the built-in types, never by that of their own class, wherever
there is a choice; iterators are not consumed. What raises becomes a mark in its place.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple

from monitoring.redaction import REDACTED, Redactor

CUT = "... [cut]"

CYCLE = "<cycle>"


class Limits(NamedTuple):
    """How much is shown."""

    depth: int
    items: int
    """In each container."""
    text: int
    """Characters of each text."""
    room: int
    """Characters of all together, roughly."""


LINE = Limits(depth=8, items=100, text=8192, room=20_000)
"""For a line of a log."""

PAGE = Limits(depth=32, items=10_000, text=65_536, room=4_000_000)
"""For a page of an API."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_HEADER = re.compile(r"[\w.-]{1,64}")

_FLAG = re.compile(r"--?[A-Za-z][\w-]{1,64}")

_OPTION = re.compile(r"--|-\w\Z")
"""What else begins with a hyphen may be a secret."""

_NAMES = {"name", "Name", "key", "Key"}

_VALUES = {"value", "Value"}
"""With one of the names beside it: `{"name": "DB_PASSWORD", "value": "x"}`."""

_MAX_DIGITS_BITS = 4096
"""Of an integer that is printed; Python refuses to print those of more than 4300 digits."""

_FIELDS = ("__dataclass_fields__", "__attrs_attrs__", "model_fields", "__struct_fields__")
"""Where dataclasses, attrs, pydantic and msgspec keep the fields of a class."""


def plain(value: Any, redactor: Redactor, limits: Limits = LINE) -> Any:
    """Give a plain copy without secrets. Raises nothing but KeyboardInterrupt and its like."""
    return PlainValues(redactor, limits).value(value)


def pairs_of(mapping: Mapping[Any, Any], count: int) -> list[tuple[Any, Any]]:
    """Read at most so many items of any mapping. Raises whatever its code raises."""
    if isinstance(mapping, dict):
        return list(islice(dict.items(mapping), count))
    return [(key, mapping[key]) for key in islice(iter(mapping), count)]


class PlainValues:
    """Makes the values of one record plain; they share its room."""

    __slots__ = ("_limits", "_path", "_redactor", "_room")

    def __init__(self, redactor: Redactor, limits: Limits) -> None:
        self._redactor = redactor
        self._limits = limits
        self._room = limits.room
        self._path: set[int] = set()
        """The containers that are being read, by identity."""

    def value(self, value: Any, depth: int = 0) -> Any:
        """Make any value plain."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if self._room <= 0:
            return CUT
        self._room -= 8
        try:
            if make := _OF_BUILT_IN.get(kind):
                return make(self, value)
            return self._other(value, kind, depth)
        except Exception:  # noqa: BLE001 -- the value's own code may raise anything
            return f"<{_name(kind)} that cannot be read>"

    def text(self, text: str) -> str:
        """Make a text plain: without secrets and surrogates, and not too long."""
        room = self._room
        if room <= 0:
            return CUT if text else ""
        shown = self._redactor.text(text, min(self._limits.text, room))
        self._room = room - len(shown)
        return shown if shown.isascii() else _SURROGATE.sub("\ufffd", shown)

    def traceback(self, text: str) -> str:
        """Make a traceback plain; of a long one, the beginning and the end are kept."""
        most = max(min(self._limits.text, self._room), 100)
        whole = self._redactor.ends(text, most // 4, most * 3 // 4)
        self._room -= len(whole)
        return whole if whole.isascii() else _SURROGATE.sub("\ufffd", whole)

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        """Make a value plain that is not of the commonest types."""
        if issubclass(kind, Enum):
            return self.value(value._value_, depth)
        for base, make in _OF_BUILT_IN.items():
            if issubclass(kind, base):
                return make(self, value)
        if issubclass(kind, dict | list | tuple | set | frozenset | deque):
            return self._nested(value, kind, depth)
        if (names := _field_names(kind)) is not None or issubclass(kind, Mapping):
            return self._nested(value, kind, depth, names)
        return self._scalar(value, kind)

    def _scalar(self, value: Any, kind: type) -> Any:
        if issubclass(kind, date | time):
            return value.isoformat()
        if issubclass(kind, timedelta):
            return value.total_seconds()
        if issubclass(kind, BaseException):
            return self.text(_exception(value))
        if issubclass(kind, type):
            return self.text(f"{value.__module__}.{value.__qualname__}")
        if hasattr(kind, "__index__"):  # the integers of other libraries
            return _integer(int.__add__(value.__index__(), 0))
        return self.text(str.__str__(str(value)))

    def _nested(
        self, value: Any, kind: type, depth: int, names: Iterable[str] | None = None
    ) -> Any:
        if id(value) in self._path:
            return CYCLE
        if depth >= self._limits.depth:
            return f"<{_name(kind)}: too deep>"
        self._path.add(id(value))
        try:
            return self._container(value, kind, depth + 1, names)
        finally:
            self._path.discard(id(value))

    def _container(self, value: Any, kind: type, depth: int, names: Iterable[str] | None) -> Any:
        most = self._limits.items
        if names is None and issubclass(kind, tuple):
            names = getattr(kind, "_fields", None)
        if names is not None:
            given = [(name, _attribute(value, name)) for name in islice(names, most)]
            return self._mapping(given, 0, depth)
        if issubclass(kind, dict):
            return self._mapping(pairs_of(value, most), dict.__len__(value), depth)
        if issubclass(kind, Mapping):
            return self._mapping(pairs_of(value, most), len(value), depth)
        base = next(one for one in (list, tuple, set, frozenset, deque) if issubclass(kind, one))
        items = list(islice(base.__iter__(value), most))
        result = self._items(items, base.__len__(value), depth)
        return sorted(result, key=str) if base in {set, frozenset} else result

    def _mapping(self, pairs: list[tuple[Any, Any]], size: int, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        key_of = self._redactor.key
        for key, item in pairs:
            if self._room <= 0:
                result[CUT] = f"{max(size, len(pairs)) - len(result)} more"
                return result
            shown, secret = key_of(self._key(key))
            if not shown.isascii():
                shown = _SURROGATE.sub("\ufffd", shown)
            while shown in result:  # 1 and "1"
                shown = f"{shown}_{len(result)}"
            self._room -= len(shown) + 6
            if shown in _VALUES and not secret:
                secret = self._is_value_of_secret(pairs)
            if secret and item is not None and type(item) is not bool:
                result[shown] = REDACTED
            else:
                result[shown] = self.value(item, depth)
        if size > len(pairs):
            result[CUT] = f"{size - len(pairs)} more"
        return result

    def _is_value_of_secret(self, pairs: list[tuple[Any, Any]]) -> bool:
        names = [item for key, item in pairs if type(key) is str and key in _NAMES]
        return any(type(name) is str and self._redactor.is_secret_key(name) for name in names)

    def _key(self, key: Any) -> str:
        if type(key) is str:
            return key
        shown = self.value(key, self._limits.depth - 1)
        return shown if type(shown) is str else str(shown)

    def _items(self, items: list[Any], size: int, depth: int) -> list[Any]:
        if size == 2 and type(items[0]) in {str, bytes} and self._is_header(items[0]):
            return [self.value(items[0], depth), REDACTED]
        result = []
        hidden = False
        for item in items:
            if self._room <= 0:
                break
            text = item if type(item) is str else ""
            hidden = hidden and _OPTION.match(text) is None
            result.append(REDACTED if hidden else self.value(item, depth))
            hidden = text[:1] == "-" and not hidden and self._names_secret(text)
        if size > len(result):
            result.append(f"{CUT} {size - len(result)} more")
        return result

    def _names_secret(self, option: str) -> bool:
        """Whether this is an option of a command whose value, the next item, is secret."""
        return _FLAG.fullmatch(option) is not None and self._redactor.is_secret_key(option)

    def _is_header(self, name: str | bytes) -> bool:
        """Whether this is the name of a header whose value, the item beside it, is secret."""
        text = name[:100].decode("latin-1") if isinstance(name, bytes) else name
        return _HEADER.fullmatch(text) is not None and self._redactor.is_secret_key(text)


def _as_bytes(plain_values: PlainValues, value: Any) -> str:
    start = bytes(value[: PAGE.text + 1])
    return plain_values.text(start.decode("utf-8", "backslashreplace"))


_OF_BUILT_IN: dict[type, Callable[[PlainValues, Any], Any]] = {
    str: lambda plain_values, value: plain_values.text(str.__str__(value)),
    int: lambda _, value: _integer(int.__add__(value, 0)),
    float: lambda _, value: _float(float.__add__(value, 0.0)),
    bytes: _as_bytes,
    bytearray: _as_bytes,
    memoryview: _as_bytes,
}
"""Also for what is derived from these; never by the value's own methods."""


def _integer(value: int) -> int | str:
    bits = value.bit_length()
    if bits <= 64:
        return value
    # Readers of JSON lose digits of greater ones.
    return str(value) if bits <= _MAX_DIGITS_BITS else f"<integer of {bits} bits>"


def _float(value: float) -> float | str:
    """JSON has no word for what is no number."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _field_names(kind: type) -> Iterator[str] | None:
    """Give the fields of a class that declares them, without those its repr is to hide."""
    for attribute in _FIELDS:
        fields = getattr(kind, attribute, None)
        if type(fields) is tuple:
            shown = (one for one in fields if getattr(one, "repr", True) is True)
            return (one if type(one) is str else one.name for one in shown)
        if isinstance(fields, dict):
            return (name for name, one in fields.items() if getattr(one, "repr", True) is True)
    return None


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception as error:  # noqa: BLE001 -- may be a property, or be missing
        return f"<{_name(type(error))}>"


def _exception(error: BaseException) -> str:
    name = _name(type(error))
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 -- the exception's own code may raise anything
        return f"{name}: <text that cannot be read>"
    return f"{name}: {text}" if text else name


def _name(kind: type) -> str:
    """Give the name of a class, also of one whose metaclass has a mind of its own."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return _SURROGATE.sub("\ufffd", name[:100])
