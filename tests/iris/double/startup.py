"""Config.Startup: the section [Startup] of the configuration parameter file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.iris.double.hooks import Reference, User
from tests.iris.double.objects import ModelObject
from tests.iris.double.privileges import Accounts
from tests.iris.double.status import OK, error_status

CLASS = "Config.Startup"


class Startup:
    """The parameters; one that a version does not have is not in `parameters`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.parameters = {
            "SystemPerformanceDailyReportsOn": 0,
            "SystemPerformanceDailyReportsRetentionDays": 60,
        }

    def class_methods(self) -> Mapping[tuple[str, str], Callable[..., Any]]:
        """What can be called by name."""
        return {(CLASS, "Open"): lambda _, *__: Reference(self._section(), CLASS)}

    def _section(self) -> ModelObject:
        section = ModelObject(self.parameters, writable=True)

        def save(user: User) -> Any:
            if not self._accounts.may(user.name, "%Admin_Manage:U"):
                return error_status(921, "%Admin_Manage:USE")
            self.parameters.update(section.properties)
            return OK

        section.methods["%Save"] = save
        return section
