"""Expressions of ObjectScript: read once, evaluated in a frame; operators have no precedence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.iris.double.globals import Globals
from tests.iris.double.hooks import ServerError
from tests.iris.double.script_values import (
    FUNCTIONS,
    OPERATORS,
    Operate,
    Value,
    number,
    text,
    truth,
)

PRINCIPAL = "|TCP|1972"
"""The device that a process begins with."""


class Host(Protocol):
    """What code can reach on the instance."""

    globals: Globals

    def horolog(self) -> str:
        """Do as $HOROLOG."""

    def find_file(self, pattern: str) -> str:
        """Do as $ZSEARCH; "" goes on with the last pattern."""

    def call_class(self, class_name: str, method: str, arguments: list[Any]) -> Any:
        """Call a class method."""

    def call_routine(self, label: str, routine: str, arguments: list[Any]) -> Any:
        """Call `$$label^routine`."""


@dataclass
class Frame:
    """Code that is being executed: its variables, and the world around it."""

    host: Host
    variables: dict[str, Value] = field(default_factory=dict)
    device: str = PRINCIPAL
    test: int = 0
    locks: int = 0
    steps: int = 0


Evaluate = Callable[[Frame], Value]

_TEXT = re.compile(r'"((?:[^"]|"")*)"')
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_GLOBAL = re.compile(r"\^(%?[A-Za-z][A-Za-z0-9.]*)")
_CLASS_METHOD = re.compile(r"##class\(([\w.%]+)\)\.(%?\w+)")
_ROUTINE = re.compile(r"(\w+)\^(%?[A-Za-z]\w*)")
_INTRINSIC = re.compile(r"\$([A-Za-z]+)")
_OPERATOR = re.compile(r"'?(?:&&|\|\||[=<>\[&!])|[+\-*_#\\]")

SPECIAL_VARIABLES: dict[str, Evaluate] = {
    "horolog": lambda frame: frame.host.horolog(),
    "io": lambda frame: frame.device,
    "test": lambda frame: frame.test,
}
ABBREVIATIONS = {"h": "horolog", "i": "io", "p": "piece", "e": "extract", "o": "order"}


class Expressions:
    """A text that is read from left to right."""

    def __init__(self, source: str) -> None:
        self.text = source
        self.at = 0

    @property
    def rest(self) -> str:
        """What is still to be read."""
        return self.text[self.at :]

    def need(self, condition: object) -> None:
        """Raise <SYNTAX> unless something is so."""
        if not condition:
            message = f"<SYNTAX> *{self.rest[:40]}"
            raise ServerError(message)

    def skip(self, word: str) -> bool:
        """Go past a word if it is there."""
        there = self.rest.startswith(word)
        self.at += len(word) if there else 0
        return there

    def take(self, word: str) -> None:
        """Go past a word that must be there."""
        self.need(self.skip(word))

    def skip_spaces(self) -> None:
        """Go past spaces."""
        self.at += len(self.rest) - len(self.rest.lstrip(" "))

    def found(self, form: re.Pattern[str]) -> re.Match[str] | None:
        """Go past what has a form, if it is there."""
        match = form.match(self.text, self.at)
        self.at += len(match[0]) if match else 0
        return match

    def match(self, form: re.Pattern[str]) -> str:
        """Go past what must be there."""
        match = self.found(form)
        self.need(match)
        return match[0] if match else ""

    def expression(self) -> Evaluate:
        """Read operands and operators; each operator takes what stands left of it as a whole."""
        left = self._operand()
        while match := self.found(_OPERATOR):
            left = self._operation(match[0], left)
        return left

    def _operation(self, word: str, left: Evaluate) -> Evaluate:
        negated, name = word.startswith("'"), word.removeprefix("'")
        if name in {"&&", "||"}:
            result = _deciding(left, self._operand(), enough=name == "||")
        else:
            result = _operating(OPERATORS[name], left, self._operand())
        return _negation(result) if negated else result

    def _operand(self) -> Evaluate:
        for sign, unary in UNARY.items():
            if self.skip(sign):
                return unary(self._operand())
        if self.skip("("):
            inner = self.expression()
            self.take(")")
            return inner
        if match := self.found(_TEXT):
            return constant(match[1].replace('""', '"'))
        if match := self.found(_NUMBER):
            return constant(number(match[0]))
        return self._reference()

    def _reference(self) -> Evaluate:
        if self.rest.startswith(("$$", "##")):
            self.skip("$$")
            return self.call()
        if match := self.found(_INTRINSIC):
            return self._intrinsic(match[1].lower())
        if self.rest.startswith("^"):
            return self._node()
        name = self.match(_NAME)

        def variable(frame: Frame) -> Value:
            if name not in frame.variables:
                message = f"<UNDEFINED> *{name}"
                raise ServerError(message)
            return frame.variables[name]

        return variable

    def call(self) -> Evaluate:
        """Read a call of a class method, or of a routine by label^routine."""
        if match := self.found(_CLASS_METHOD):
            class_name, method = match[1], match[2]
            arguments = self._arguments()
            return lambda frame: _plain(
                frame.host.call_class(class_name, method, [one(frame) for one in arguments])
            )
        match = self.found(_ROUTINE)
        self.need(match)
        label, routine = (match[1], match[2]) if match else ("", "")
        arguments = self._arguments()

        def perform(frame: Frame) -> Value:
            values = [one(frame) for one in arguments]
            if label in {"run", "literun"}:
                frame.device = "null"
            return _plain(frame.host.call_routine(label, routine, values))

        return perform

    def _arguments(self) -> list[Evaluate]:
        self.take("(")
        arguments: list[Evaluate] = []
        while not self.skip(")"):
            if arguments:
                self.take(",")
            arguments.append(self.expression())
        return arguments

    def place(self) -> Callable[[Frame], tuple[str, list[Value]]]:
        """Read the name of a node."""
        match = self.found(_GLOBAL)
        self.need(match)
        name = match[1] if match else ""
        subscripts = self._arguments() if self.rest.startswith("(") else []
        return lambda frame: (name, [one(frame) for one in subscripts])

    def _node(self) -> Evaluate:
        place = self.place()

        def read(frame: Frame) -> Value:
            name, subscripts = place(frame)
            if not frame.host.globals.data(name, *subscripts) & 1:
                message = f"<UNDEFINED> *^{name}"
                raise ServerError(message)
            return _plain(frame.host.globals.get(name, *subscripts))

        return read

    def _intrinsic(self, name: str) -> Evaluate:
        name = ABBREVIATIONS.get(name, name)
        if name in SPECIAL_VARIABLES:
            return SPECIAL_VARIABLES[name]
        if name == "zsearch":
            (wanted,) = self._arguments()
            return lambda frame: frame.host.find_file(text(wanted(frame)))
        if name in {"order", "data"}:
            return self._tree_function(name)
        if name == "select":
            return self._select()
        self.need(name in FUNCTIONS)
        arguments = self._arguments()
        return lambda frame: FUNCTIONS[name](*(one(frame) for one in arguments))

    def _tree_function(self, name: str) -> Evaluate:
        self.take("(")
        place = self.place()
        direction = self.expression() if self.skip(",") else None
        self.take(")")

        def perform(frame: Frame) -> Value:
            where, subscripts = place(frame)
            nodes = frame.host.globals
            if name == "data":
                return nodes.data(where, *subscripts)
            way = 1 if direction is None else int(number(direction(frame)))
            return nodes.order(where, subscripts, way) or ""

        return perform

    def _select(self) -> Evaluate:
        cases = []
        self.take("(")
        while True:
            condition = self.expression()
            self.take(":")
            cases.append((condition, self.expression()))
            if not self.skip(","):
                break
        self.take(")")

        def perform(frame: Frame) -> Value:
            for condition, value in cases:
                if truth(condition(frame)):
                    return value(frame)
            message = "<SELECT>"
            raise ServerError(message)

        return perform


def constant(value: Value) -> Evaluate:
    """Make an expression of a value."""
    return lambda _: value


def _negation(operand: Evaluate) -> Evaluate:
    return lambda frame: int(not truth(operand(frame)))


def _operating(operate: Operate, left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda frame: operate(left(frame), right(frame))


def _deciding(left: Evaluate, right: Evaluate, *, enough: bool) -> Evaluate:
    """Ask for the right side only where the left one does not decide."""
    return lambda frame: int(enough if truth(left(frame)) is enough else truth(right(frame)))


def _plain(value: Any) -> Value:
    plain: Value = "" if value is None else value
    return plain


UNARY: dict[str, Callable[[Evaluate], Evaluate]] = {
    "'": _negation,
    "-": lambda operand: lambda frame: -number(operand(frame)),
    "+": lambda operand: lambda frame: number(operand(frame)),
}
