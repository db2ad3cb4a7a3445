"""Any value as plain JSON data: bounded, without secrets, whatever its own code does."""

from __future__ import annotations

import copy
import io
import json
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from ipaddress import ip_address
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from monitoring.plain_values import LINE, PAGE, Limits, PlainValues, plain
from monitoring.redaction import REDACTED, Redactor
from tests.hostile import MAKERS, BadError, LyingDict, LyingInt, LyingList, LyingText, consumed

REDACTOR = Redactor()

Point = namedtuple("Point", ["x", "token"])  # noqa: PYI024 -- also the untyped ones


@dataclass
class Login:
    """What is to be hidden says so."""

    user: str
    password: str
    pin: int = field(repr=False)


class Model:
    """As pydantic's: fields are known to the class."""

    model_fields = {"name": SimpleNamespace(repr=True), "secret_word": SimpleNamespace(repr=True)}  # noqa: RUF012 -- as pydantic has it

    def __init__(self) -> None:
        self.name = "bob"
        self.secret_word = "x"


class Attrs:
    """As attrs makes them."""

    __attrs_attrs__ = (
        SimpleNamespace(name="seen", repr=True),
        SimpleNamespace(name="hidden", repr=False),
        SimpleNamespace(name="missing", repr=True),
    )

    def __init__(self) -> None:
        self.seen, self.hidden = 1, 2


class Struct:
    """As msgspec makes them."""

    __struct_fields__ = ("a",)

    def __init__(self) -> None:
        self.a = 1


class Foreign:
    """A whole number of another library."""

    def __index__(self) -> int:
        return 7


class Level(IntEnum):
    """A number with a name."""

    HIGH = 3


class Word(StrEnum):
    """A text with a name."""

    YES = "yes"


class Thing(Enum):
    """Anything with a name."""

    PAIR = (1, "a")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (2**64 - 1, 2**64 - 1),
        (2**64, "18446744073709551616"),
        (10**5000, "<integer of 16610 bits>"),
        (1.5, 1.5),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ("ä\x00\n", "ä\x00\n"),
        ("a\ud800b", "a\ufffdb"),
        (b"ab\xff", "ab\\xff"),
        (bytearray(b"ab"), "ab"),
        (memoryview(b"abc")[::2], "ac"),
        ([1, (2, {3})], [1, [2, [3]]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (deque([1]), [1]),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({1: "a", "1": "b", None: "c", (1, 2): "d", b"k": "e"},
         {"1": "a", "1_1": "b", "None": "c", "[1, 2]": "d", "k": "e"}),
        ({"\ud800": 1}, {"\ufffd": 1}),
        (Point(1, "t"), {"x": 1, "token": REDACTED}),
        (Login("bob", "x", 5), {"user": "bob", "password": REDACTED}),
        (Model(), {"name": "bob", "secret_word": REDACTED}),
        (Attrs(), {"seen": 1, "missing": "<AttributeError>"}),
        (Struct(), {"a": 1}),
        (Foreign(), 7),
        (Level.HIGH, 3),
        (Word.YES, "yes"),
        (Thing.PAIR, [1, "a"]),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=1), 60.0),
        (Decimal("1.10"), "1.10"),
        (Fraction(1, 3), "1/3"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a"), "/a"),
        (ip_address("::1"), "::1"),
        (ValueError("bad token=x"), f"ValueError: bad token={REDACTED}"),
        (KeyError(), "KeyError"),
        (BadError(), "BadError: <text that cannot be read>"),
        (ValueError, "builtins.ValueError"),
        (SimpleNamespace(a=1), "namespace(a=1)"),
        (LyingDict(x=1), {"x": 1}),
        (LyingList([1]), [1]),
        (LyingText("a"), "a"),
        (LyingInt(5), 5),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_becomes_plain(value: Any, shown: Any) -> None:
    """What JSON has no form for gets one that a reader understands."""
    found = plain(value, REDACTOR)
    assert found == shown
    assert type(found) is type(shown)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"a": {"b": (x,)}}])
def test_no_value_breaks_anything(kind: str, wrap: Callable[[Any], Any]) -> None:
    """It comes out as JSON of a bounded size, or as a mark in its place."""
    text = json.dumps(plain(wrap(MAKERS[kind]()), REDACTOR), allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) < 200_000
    assert "hunter2" not in text


def test_a_hostile_key_is_a_key() -> None:
    """Whatever can be in a dictionary can be shown."""

    class Key:
        __hash__ = object.__hash__

        def __repr__(self) -> str:
            raise ValueError

    assert plain({Key(): 1}, REDACTOR) == {"<Key that cannot be read>": 1}


def test_what_the_process_is_told_passes() -> None:
    """Ctrl-C and sys.exit() are no errors of the value."""

    class Interrupting:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plain([Interrupting()], REDACTOR)


def test_iterators_and_files_are_not_consumed() -> None:
    """Whoever logs a generator can still use it."""
    file, numbers = io.StringIO("text"), iter([1])
    assert "generator" in plain(consumed(), REDACTOR)
    plain([file, numbers], REDACTOR)
    assert (file.read(), next(numbers)) == ("text", 1)


def test_a_cycle_is_marked_and_a_repetition_is_not() -> None:
    """Only what contains itself is a cycle."""
    shared = [1]
    value: dict[str, Any] = {"a": shared, "b": shared}
    value["self"] = value
    assert plain(value, REDACTOR) == {"a": [1], "b": [1], "self": "<cycle>"}


def test_what_is_too_much_is_cut_with_a_mark() -> None:
    """Depth, items, length of texts, and all together."""
    limits = Limits(depth=2, items=3, text=20, room=1000)

    def cut(value: Any, **changes: int) -> Any:
        return plain(value, REDACTOR, limits._replace(**changes))

    assert cut([[[1]]]) == [["<list: too deep>"]]
    assert cut(list(range(5))) == [0, 1, 2, "... [cut] 2 more"]
    assert cut(dict.fromkeys("abcde", 1)) == {"a": 1, "b": 1, "c": 1, "... [cut]": "2 more"}
    assert cut("x" * 5000) == "x" * 20 + "... [cut, 5000 characters]"
    assert cut(["abc"] * 3, room=19) == ["abc", "... [cut] 2 more"]
    assert cut({"a": "x", "b": "y"}, room=24) == {"a": "x", "... [cut]": "1 more"}
    assert cut([1], room=0) == "... [cut]"
    assert cut(["x"], room=9) == ["... [cut]"]


def test_secrets_are_redacted_at_any_depth() -> None:
    """By key, by header name, and in texts and keys; none of them by what is only unset."""
    value = {
        "Authorization": "x",
        "deep": [{"apiKey": {"all": "x"}}, {"dbPassword": 5}],
        "headers": [(b"cookie", b"x"), ("X-Api-Key", "x"), ["accept", "y"]],
        "texts": ["token expired", "retry"],
        "password=hunter2": 1,
        "unset": {"password": None, "secret": False},
        "tokens_total": 5,
    }
    before = copy.deepcopy(value)
    assert plain(value, REDACTOR) == {
        "Authorization": REDACTED,
        "deep": [{"apiKey": REDACTED}, {"dbPassword": REDACTED}],
        "headers": [["cookie", REDACTED], ["X-Api-Key", REDACTED], ["accept", "y"]],
        "texts": ["token expired", "retry"],
        f"password={REDACTED}": REDACTED,
        "unset": {"password": None, "secret": False},
        "tokens_total": 5,
    }
    assert value == before


def test_a_giant_traceback_keeps_its_last_exception() -> None:
    """Longer than what is looked at as a whole; it takes its share of the room."""
    values = PlainValues(REDACTOR, LINE._replace(room=9000))
    shown = values.traceback(f"Traceback\nValueError: {'a' * 100_000}\n\nKeyError: pw=x 'last'")
    assert shown.startswith("Traceback\nValueError: aaa")
    assert shown.endswith(f"KeyError: pw={REDACTED} 'last'")
    assert len(values.text("b" * 9000)) < 9000


def test_a_page_has_more_room_than_a_line() -> None:
    """An API shows what would be too much for a log."""
    value = [{"name": "x" * 500}] * 500
    assert plain(value, REDACTOR, PAGE) == value
    assert len(json.dumps(plain(value, REDACTOR, LINE))) < 2 * LINE.room
