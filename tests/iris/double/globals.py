"""Globals: sparse trees whose subscripts collate numbers first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Subscripts = tuple[str, ...]

_CANONICAL_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)?(?:\.\d*[1-9])?")


def _collation(subscript: str) -> tuple[int, float, str]:
    """Sort canonical numbers before all other text, as the default collation does."""
    if subscript and subscript != "-" and _CANONICAL_NUMBER.fullmatch(subscript):
        return 0, float(subscript), ""
    return 1, 0.0, subscript


def _key(subscripts: Sequence[Any]) -> Subscripts:
    """A number and its text are one subscript."""
    return tuple("" if part is None else str(part) for part in subscripts)


class Globals:
    """Nodes by name and subscripts; a value that is a tuple is a $LIST."""

    def __init__(self) -> None:
        self._nodes: dict[str, dict[Subscripts, Any]] = {}
        self.locked_elsewhere: set[tuple[str, ...]] = set()
        """What another process has locked: a name and its subscripts."""

    def get(self, name: str, *subscripts: Any) -> Any:
        """Read a node; None where there is none."""
        return self._nodes.get(name, {}).get(_key(subscripts))

    def set(self, name: str, *subscripts: Any, value: Any) -> None:
        """Write a node."""
        self._nodes.setdefault(name, {})[_key(subscripts)] = value

    def kill(self, name: str, *subscripts: Any) -> None:
        """Remove a node and what is below it."""
        nodes = self._nodes.get(name, {})
        key = _key(subscripts)
        for found in [node for node in nodes if node[: len(key)] == key]:
            del nodes[found]

    def data(self, name: str, *subscripts: Any) -> int:
        """Do as $DATA: 1 for a value, 10 for nodes below."""
        nodes = self._nodes.get(name, {})
        key = _key(subscripts)
        below = any(len(node) > len(key) and node[: len(key)] == key for node in nodes)
        return 10 * below + (key in nodes)

    def children(self, name: str, *subscripts: Any) -> list[str]:
        """List the subscripts one level below, in their order."""
        key = _key(subscripts)
        depth = len(key)
        found = {
            node[depth]
            for node in self._nodes.get(name, {})
            if len(node) > depth and node[:depth] == key
        }
        return sorted(found, key=_collation)

    def order(self, name: str, subscripts: Sequence[Any], direction: int) -> str | None:
        """Do as $ORDER on the last subscript; None is before the first and after the last."""
        *parents, last = subscripts
        children = self.children(name, *parents)
        if direction < 0:
            children.reverse()
        if last in (None, ""):
            return children[0] if children else None
        at = _collation(str(last))
        for child in children:
            place = _collation(child)
            if (place > at) if direction > 0 else (place < at):
                return child
        return None
