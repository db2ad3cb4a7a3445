"""What the protocol asks of a modelled instance: `Instance` is the whole contract.

The double (server.py) speaks the protocol and knows nothing of IRIS; an instance knows IRIS and
nothing of bytes. The hooks are called from the threads of the connections, several at once: an
instance guards itself. They never wait: what has to hang is a fault (faults.py).

Values, in both directions: None is "" and NULL; str, int, float ($DOUBLE), Decimal (what
ObjectScript fractions travel as), bool (1 or 0). A tuple that is given back is a $LIST; a $LIST
that arrives is a str, as in IRIS: `wire.read_list` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class User(NamedTuple):
    """Who has logged in."""

    name: str
    """Empty where an access token was given."""
    namespace: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that is given back: the client gets a number for it."""

    object: Any
    class_name: str


class WithOutputs(NamedTuple):
    """What a method returns, and what it leaves in its by-reference arguments, in their order."""

    value: Any
    outputs: Sequence[Any]


class Column(NamedTuple):
    """A column of a result: its name and its type (sql.py has the numbers)."""

    name: str
    type: int


class Rows(NamedTuple):
    """What a SELECT gives."""

    columns: Sequence[Column | tuple[str, int]]
    rows: Sequence[Sequence[Any]]


class ServerError(Exception):
    """An ObjectScript error, `<PROTECT> *...`: the client sees the text, the connection stays."""


class SqlError(Exception):
    """An SQLCODE below zero and its text."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


class Instance(Protocol):
    """The hooks."""

    username: str
    """Someone who may log in, with the password and the token: what tests use by default."""
    password: str
    access_token: str
    version: str
    """$ZVERSION."""

    def check_login(
        self, username: str, password: str, token: str, namespace: str, /
    ) -> str | None:
        """Give the text of the refusal, or None. A token comes without user and password."""

    def class_method(
        self, user: User, class_name: str, method: str, arguments: list[Any], /
    ) -> Any:
        """Call a class method: a value, a Reference, or WithOutputs.

        An argument that is an object arrives as the object of its Reference.
        """

    def object_method(self, user: User, target: Any, method: str, arguments: list[Any], /) -> Any:
        """Call a method of the object of a Reference; gives what a class method gives."""

    def property_get(self, user: User, target: Any, name: str, /) -> Any:
        """Read a property: a value or a Reference."""

    def property_set(self, user: User, target: Any, name: str, value: Any, /) -> None:
        """Change a property."""

    def global_get(self, user: User, name: str, subscripts: list[Any], /) -> Any:
        """Read a node (the name without its caret); None where there is none."""

    def global_set(self, user: User, name: str, subscripts: list[Any], value: Any, /) -> None:
        """Write a node."""

    def global_kill(self, user: User, name: str, subscripts: list[Any], /) -> None:
        """Remove a node and what is below it."""

    def global_data(self, user: User, name: str, subscripts: list[Any], /) -> int:
        """Do as $DATA: 0, 1, 10 or 11."""

    def global_order(
        self, user: User, name: str, subscripts: list[Any], direction: int, /
    ) -> tuple[Any, Any] | None:
        """Do as $ORDER on the last subscript (None: from the end), direction 1 or -1.

        Gives the subscript and the value of its node; None at the end.
        """

    def columns(self, user: User, text: str, /) -> Sequence[Column | tuple[str, int]] | None:
        """Give the columns of a statement that is being prepared; None for one without rows."""

    def sql(self, user: User, text: str, parameters: list[Any], /) -> Rows | int:
        """Run a statement: its rows, or how many were changed. Parameters stand as ? in the text.

        The driver has lifted the literals of a SELECT into parameters.
        """
