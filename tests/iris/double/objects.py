"""Objects that live on the instance: properties and methods by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tests.iris.double.hooks import ServerError, User


def call(method: Callable[..., Any], user: User, arguments: list[Any]) -> Any:
    """Call what is behind a name, or say <PARAMETER> where it takes other arguments."""
    try:
        inspect.signature(method).bind(user, *arguments)
    except TypeError as error:
        message = "<PARAMETER>"
        raise ServerError(message) from error
    return method(user, *arguments)


class ModelObject:
    """An object whose properties are a dictionary; nothing else can be set."""

    def __init__(
        self, properties: Mapping[str, Any] | None = None, *, writable: bool = False
    ) -> None:
        self.properties = dict(properties or {})
        self.methods: dict[str, Callable[..., Any]] = {}
        self._writable = writable

    def get(self, user: User, name: str) -> Any:  # noqa: ARG002 -- rights matter to some
        """Read a property."""
        if name not in self.properties:
            message = f"<PROPERTY DOES NOT EXIST> *{name}"
            raise ServerError(message)
        return self.properties[name]

    def set(self, user: User, name: str, value: Any) -> None:  # noqa: ARG002
        """Change a property."""
        if name not in self.properties:
            message = f"<PROPERTY DOES NOT EXIST> *{name}"
            raise ServerError(message)
        if not self._writable:
            message = f"<CANNOT SET THIS PROPERTY> *{name}"
            raise ServerError(message)
        self.properties[name] = value

    def invoke(self, user: User, method: str, arguments: list[Any]) -> Any:
        """Call a method."""
        if method not in self.methods:
            message = f"<METHOD DOES NOT EXIST> *{method}"
            raise ServerError(message)
        return call(self.methods[method], user, arguments)
