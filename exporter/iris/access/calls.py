"""What is said between the daemon and the worker that holds the connection: plain data."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | int | float | None
"""What IRIS takes and gives: "" and NULL are both None. Decimals come as int or float."""


class ListValue(tuple[Value, ...]):
    """A $LIST; `__slots__` keeps it as small as a tuple."""

    __slots__ = ()


class Out(NamedTuple):
    """An argument by reference: what it is before the call."""

    initial: Value = None


class Get(NamedTuple):
    """Read a property of an object."""

    property: str


class Set(NamedTuple):
    """Change a property of an object."""

    property: str
    value: Value | ListValue


class Invoke(NamedTuple):
    """Call a method of an object."""

    method: str
    arguments: tuple[Value, ...] = ()


Step: TypeAlias = Get | Set | Invoke
