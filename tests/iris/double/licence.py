"""Licence units: how many there are, and what %SYSTEM.License says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.iris.double.clock import Clock

FULL = "License limit exceeded"
"""What a login is told when no unit is free; the words are ours."""


class Licence:
    """One unit for each user that has logged in, besides those that others hold."""

    def __init__(self, clock: Clock) -> None:
        self.limit = 25
        self.used_by_others = 3
        self.expires: int | str = clock.today + 90
        self.users: set[str] = set()
        self.most_used = self.used_by_others
        self.web_sessions = 2

    @property
    def used(self) -> int:
        """How many units are taken."""
        return self.used_by_others + len(self.users)

    def admits(self, username: str) -> bool:
        """Take a unit for a user who has none yet; all connections of a user share it."""
        if username not in self.users:
            if self.used >= self.limit:
                return False
            self.users.add(username)
        self.most_used = max(self.most_used, self.used)
        return True

    def class_methods(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        """What can be called by name."""
        methods: dict[str, Callable[..., Any]] = {
            "LUConsumed": lambda _: self.used,
            "LUAvailable": lambda _: self.limit - self.used,
            "LUMaxConsumed": lambda _: self.most_used,
            "LUMinAvailable": lambda _: self.limit - self.most_used,
            "GetUserLimit": lambda _: self.limit,
            "KeyLicenseUnits": lambda _: self.limit,
            "KeyExpirationDate": lambda _: self.expires,
            "CSPUsers": lambda _: self.web_sessions,
            "MaxCSPUsers": lambda _: self.web_sessions,
        }
        return {("%SYSTEM.License", name): method for name, method in methods.items()}
