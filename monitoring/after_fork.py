"""What other threads of the parent have left half done is made new in a forked child."""

from __future__ import annotations

import os
from functools import cache
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something with a lock, which a thread that the child does not have may hold."""

    def renew(self) -> None:
        """Replace the lock, and what is valid only under it."""
        ...


def renewed_after_fork(renewable: Renewable) -> None:
    """Let this be renewed in every child that is forked while it lives."""
    _alive().add(renewable)


@cache
def _alive() -> WeakSet[Renewable]:
    """Give those that are to be renewed; the first call tells the interpreter."""
    alive: WeakSet[Renewable] = WeakSet()

    def renew_all() -> None:
        for renewable in list(alive):
            renewable.renew()

    os.register_at_fork(after_in_child=renew_all)
    return alive
