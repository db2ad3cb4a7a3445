"""Statements: prepared, executed, fetched page by page.

The driver has taken a SELECT or UPDATE to pieces before it comes: spaces between all words, every
literal a parameter. The instance gets it put together again, with `?` for the parameters alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.iris.double import wire
from tests.iris.double.faults import send
from tests.iris.double.hooks import Column, Rows, ServerError, SqlError, User
from tests.iris.double.link import Link, Message, Request, frames

if TYPE_CHECKING:
    from tests.iris.double.server import Double

INTEGER, BIGINT, NUMERIC, DOUBLE, VARCHAR, DATE, TIMESTAMP = 4, -5, 2, 8, 12, 9, 11

NO_ANSWER = {b"CC", b"CU", b"CS", b"AN", b"AF", b"RC", b"RU", b"RN"}
"""Statements that are closed, and settings of the connection."""
TRANSACTIONS = {b"TC", b"TR"}
LAST = 100
PAGE_ROWS = 50
FATAL = -400
NUMBER = 10
"""The kind of literal, after a `c`, that needs no quotes."""
EMPTY = "\0"
"""How SQL tells "" from NULL."""

PLACE = re.compile(r":%qpar\((\d+)\)")
SPACED = re.compile(r" (?=[.,)])|(?<=[.(]) |(?<=\w) (?=\( )(?<!\bIN )")


@dataclass(slots=True)
class Statement:
    """What the client keeps under one number."""

    text: str
    literals: list[int | None]
    """For each parameter its kind of literal; None where it is a parameter of the caller."""
    rest: list[Sequence[Any]] = field(default_factory=list)

    def shape(self) -> str:
        """The text with a ? for everything that is not known yet."""
        return PLACE.sub("?", tidy(self.text))

    def filled(self, values: Sequence[Any]) -> tuple[str, list[Any]]:
        """Give the text with its literals in place, and the caller's parameters."""

        def literal(place: re.Match[str]) -> str:
            number = int(place[1]) - 1
            kind, value = self.literals[number], values[number]
            if kind is None:
                return "?"
            return str(value) if kind == NUMBER else "'{}'".format(str(value).replace("'", "''"))

        pairs = zip(self.literals, values, strict=True)
        asked = ["" if value == EMPTY else value for kind, value in pairs if kind is None]
        return PLACE.sub(literal, tidy(self.text)), asked


def tidy(text: str) -> str:
    """Take the spaces away that the driver has put around points, commas and brackets."""
    taken_apart = PLACE.search(text) or text.startswith("SELECT")
    return SPACED.sub("", text).strip() if taken_apart else text


class Statements:
    """The SQL half of one logged-in connection."""

    def __init__(self, double: Double, link: Link, user: User) -> None:
        self._double = double
        self._instance = double.instance
        self._link = link
        self._user = user
        self._statements: dict[int, Statement] = {}
        self._last_error = ""

    def answer(self, message: Message) -> None:
        """Do what is asked and send the answer."""
        if message.code in NO_ANSWER:
            return
        if message.code in TRANSACTIONS:
            self._link.reply(message)
            return
        words = wire.decode_all(message.body)
        if message.code == b"OE":
            self._link.reply(message, wire.encode(self._last_error))
            return
        kind, statement, values = self._understand(message, words)
        text, asked = statement.filled(values) if values else (statement.shape(), [])
        trouble = self._double.begin(Request(kind, text, "", tuple(asked)))
        try:
            if isinstance(trouble, ServerError | SqlError):
                raise trouble
            answer = self._run(kind, statement, message, text, asked)
        except (ServerError, SqlError) as error:
            self._last_error = str(error)
            code = error.code if isinstance(error, SqlError) else FATAL
            answer = frames(message, b"", code)
        send(trouble, self._link, answer)

    def _understand(
        self, message: Message, words: list[Any]
    ) -> tuple[str, Statement, Sequence[Any]]:
        number = message.statement
        match message.code:
            case b"PP":
                self._statements[number], _ = _read_statement(words)
                return "prepare", self._statements[number], ()
            case b"DQ":
                self._statements[number], rest = _read_statement(words)
                return "direct", self._statements[number], rest[2 : 2 + rest[1]]
            case b"PQ":
                return "execute", self._statements[number], words[2 : 2 + words[1]]
            case b"PU":
                return "update", self._statements[number], words[4 : 4 + words[3]]
            case b"FD":
                return "fetch", self._statements[number], ()
        raise AssertionError(f"the double does not know the request {message}")

    def _run(
        self, kind: str, statement: Statement, message: Message, text: str, asked: list[Any]
    ) -> bytes:
        match kind:
            case "prepare":
                columns = self._instance.columns(self._user, text)
                return frames(message, _description(columns, len(statement.literals)))
            case "fetch":
                return _page(message, statement)
            case "update":
                changed = self._instance.sql(self._user, text, asked)
                return frames(message, wire.encode(changed))
        found = self._instance.sql(self._user, text, asked)
        if not isinstance(found, Rows):
            raise SqlError(FATAL, f"no rows come from {text}")
        statement.rest = list(found.rows)
        description = b""
        if kind == "direct":
            description = frames(message, _description(found.columns, len(statement.literals)))
        return description + _page(message, statement)


def _read_statement(words: list[Any]) -> tuple[Statement, list[Any]]:
    """Give the statement and what comes after it."""
    chunks = words[0]
    text, count, rest = "".join(words[1 : 1 + chunks]), words[1 + chunks], words[2 + chunks :]
    kinds = zip(rest[0 : 2 * count : 2], rest[1 : 2 * count : 2], strict=True)
    literals = [kind if sort == "c" else None for sort, kind in kinds]
    return Statement(text, literals), rest[2 * count :]


def _description(columns: Iterable[Column | tuple[str, int]] | None, parameters: int) -> bytes:
    """Describe the columns, if any, and the parameters."""
    words: list[Any] = []
    if columns is not None:
        described = [
            (name, kind, 50, 0, 1, name, "TABLE", "SCHEMA", None, bytes(12))
            for name, kind in columns
        ]
        words += [len(described), *(word for column in described for word in column)]
    words += [parameters, *(VARCHAR, 50, 0, 1) * parameters, 1]
    return wire.encode_all(words)


def _page(message: Message, statement: Statement) -> bytes:
    """Give the next rows; the status says whether they are the last."""
    rows, statement.rest = statement.rest[:PAGE_ROWS], statement.rest[PAGE_ROWS:]
    body = b"".join(wire.encode_all(row) for row in rows)
    return frames(message, body, 0 if statement.rest else LAST)
