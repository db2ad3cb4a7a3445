"""A small part of ObjectScript, executed: so much of it as our own tasks and functions use.

It is the language itself rather than a list of known texts, because its traps are what has to be
found before a real server does: operators without precedence, spaces that end an argument, `quit`
that leaves a loop, variables that nobody has set. What is not here is <SYNTAX>.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tests.iris.double.expressions import Evaluate, Expressions, Frame, constant
from tests.iris.double.hooks import ServerError
from tests.iris.double.script_values import Value, number, text, truth

Statement = Callable[[Frame], None]

MAX_STEPS = 200_000
"""Statements of one execution; more is a loop that does not end."""

_WORD = re.compile(r"[A-Za-z]+")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_ELSE = re.compile(r" +else(?:if(?= )|\b)")


class LeaveLoop(Exception):  # noqa: N818 -- no error
    """QUIT without a value."""


class Return(Exception):  # noqa: N818 -- no error
    """QUIT with a value."""

    def __init__(self, value: Value) -> None:
        self.value = value
        super().__init__(value)


def execute(code: str, frame: Frame) -> Value:
    """Execute a text; give what it quits with, or ""."""
    try:
        _perform(_read(code), frame)
    except Return as end:
        return end.value
    except LeaveLoop:
        pass
    return ""


def check_syntax(code: str) -> None:
    """Raise <SYNTAX> for a text that cannot be executed."""
    _read(code)


@lru_cache(maxsize=64)
def _read(code: str) -> list[Statement]:
    """Read a text once: tasks execute the same one all day."""
    return Parser(code).everything()


class Parser(Expressions):
    """Turns a text into statements."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._loops = 0
        self._commands: dict[str, Callable[[], Statement]] = {
            "set": self._read_set,
            "if": self._read_if,
            "for": self._read_for,
            "while": self._read_while,
            "quit": self._read_quit,
            "do": self._read_do,
            "use": self._read_use,
            "lock": self._read_lock,
        }

    def everything(self) -> list[Statement]:
        """Read the whole text."""
        block = self._block()
        self.need(self.at == len(self.text))
        return block

    def _block(self) -> list[Statement]:
        statements: list[Statement] = []
        self.skip_spaces()
        while self.rest and not self.rest.startswith("}"):
            statements.append(self._statement())
            self.skip_spaces()
        return statements

    def _braces(self) -> list[Statement]:
        self.take(" ")
        self.skip_spaces()
        self.take("{")
        block = self._block()
        self.take("}")
        return block

    def _loop_braces(self) -> list[Statement]:
        self._loops += 1
        block = self._braces()
        self._loops -= 1
        return block

    def _statement(self) -> Statement:
        name = self.match(_WORD).lower()
        self.need(name in self._commands)
        condition = self.expression() if self.skip(":") else None
        statement = self._commands[name]()
        if condition is None:
            return statement

        def perform(frame: Frame) -> None:
            if truth(condition(frame)):
                statement(frame)

        return perform

    def _has_argument(self) -> bool:
        """A command without one is followed by two spaces, by a brace, or by nothing."""
        return len(self.rest) > 1 and self.rest[0] == " " and self.rest[1] not in " {}"

    def _read_set(self) -> Statement:
        self.take(" ")
        assignments = [self._assignment()]
        while self.skip(","):
            assignments.append(self._assignment())

        def perform(frame: Frame) -> None:
            for name, value in assignments:
                frame.variables[name] = value(frame)

        return perform

    def _assignment(self) -> tuple[str, Evaluate]:
        name = self.match(_VARIABLE)
        self.take("=")
        return name, self.expression()

    def _conditions(self) -> Evaluate:
        """Commas join conditions that must all hold; what follows a false one is not asked."""
        self.take(" ")
        conditions = [self.expression()]
        while self.skip(","):
            conditions.append(self.expression())
        return lambda frame: int(all(truth(one(frame)) for one in conditions))

    def _read_if(self) -> Statement:
        condition = self._conditions()
        then = self._braces()
        otherwise: list[Statement] = []
        if match := self.found(_ELSE):
            otherwise = [self._read_if()] if match[0].endswith("elseif") else self._braces()
        return lambda frame: _perform(then if truth(condition(frame)) else otherwise, frame)

    def _read_while(self) -> Statement:
        condition = self._conditions()
        block = self._loop_braces()

        def turn(frame: Frame) -> None:
            if not truth(condition(frame)):
                raise LeaveLoop
            _perform(block, frame)

        return lambda frame: _repeat(turn, frame)

    def _read_for(self) -> Statement:
        if not self._has_argument():
            block = self._loop_braces()
            return lambda frame: _repeat(lambda inner: _perform(block, inner), frame)
        self.take(" ")
        name = self.match(_VARIABLE)
        self.take("=")
        values = [self.expression()]
        separator = ":" if self.rest.startswith(":") else ","
        while self.skip(separator):
            values.append(self.expression())
        block = self._loop_braces()
        self.need(separator == "," or len(values) == len(("from", "by", "to")))
        return (_count if separator == ":" else _each)(name, values, block)

    def _read_quit(self) -> Statement:
        if not self._has_argument():

            def leave(_: Frame) -> None:
                raise LeaveLoop

            return leave
        self.need(not self._loops)  # <COMMAND>: a loop is left without a value
        self.take(" ")
        value = self.expression()

        def perform(frame: Frame) -> None:
            raise Return(value(frame))

        return perform

    def _read_do(self) -> Statement:
        self.take(" ")
        call = self.call()

        def perform(frame: Frame) -> None:
            call(frame)

        return perform

    def _read_lock(self) -> Statement:
        """Add to the locks of this process, or take one away; with a timeout, $TEST says which."""
        self.take(" ")
        adds = self.skip("+")
        if not adds:
            self.take("-")
        place = self.place()
        if adds:
            self.take(":")
            self.expression()

        def perform(frame: Frame) -> None:
            name, subscripts = place(frame)
            if adds:
                key = (name, *map(text, subscripts))
                frame.test = int(key not in frame.host.globals.locked_elsewhere)
            frame.locks += frame.test if adds else -1

        return perform

    def _read_use(self) -> Statement:
        self.take(" ")
        device = self.expression()

        def perform(frame: Frame) -> None:
            frame.device = str(device(frame))

        return perform


def _perform(block: list[Statement], frame: Frame) -> None:
    for statement in block:
        frame.steps += 1
        if frame.steps > MAX_STEPS:
            message = "<LOOP> *the code does not end"
            raise ServerError(message)
        statement(frame)


def _repeat(turn: Statement, frame: Frame) -> None:
    try:
        while True:
            _perform([turn], frame)
    except LeaveLoop:
        pass


def _each(name: str, values: list[Evaluate], block: list[Statement]) -> Statement:
    def perform(frame: Frame) -> None:
        try:
            for value in values:
                frame.variables[name] = value(frame)
                _perform(block, frame)
        except LeaveLoop:
            pass

    return perform


def _count(name: str, values: list[Evaluate], block: list[Statement]) -> Statement:
    def perform(frame: Frame) -> None:
        first, step, last = (int(number(value(frame))) for value in values)
        each = [constant(value) for value in range(first, last + (1 if step > 0 else -1), step)]
        _each(name, each, block)(frame)

    return perform
