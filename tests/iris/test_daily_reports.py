"""The daily reports of newer versions."""

from __future__ import annotations

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.control import set_daily_reports
from exporter.iris.system_performance.policy import CPFParameters
from tests.iris.double.hooks import ServerError
from tests.iris.monitored import Monitored


def test_they_are_set_in_the_configurations_own_names(monitored: Monitored) -> None:
    """Both at once."""
    set_daily_reports(monitored.session, CPFParameters(daily_reports=-30, retention_days=7))
    assert monitored.instance.startup.parameters == {
        "SystemPerformanceDailyReportsOn": -30,
        "SystemPerformanceDailyReportsRetentionDays": 7,
    }


def test_who_may_not_learns_the_grant(monitored: Monitored) -> None:
    """In the words of IRIS."""
    monitored.instance.revoke("%Admin_Manage:U")
    with pytest.raises(IrisError, match="grant %Admin_Manage:USE") as raised:
        set_daily_reports(monitored.session, CPFParameters())
    assert raised.value.kind is ErrorKind.REJECTED


def test_an_older_version_has_none(monitored: Monitored) -> None:
    """What it would need is said."""
    monitored.instance.startup.parameters.clear()
    with pytest.raises(IrisError, match=r"need IRIS 2025\.3 or later") as raised:
        set_daily_reports(monitored.session, CPFParameters())
    assert raised.value.kind is ErrorKind.ABSENT


def test_another_error_is_another(monitored: Monitored) -> None:
    """It says nothing of versions."""
    monitored.double.faults.next_call(ServerError("<FILEFULL> *^SYS"), "%Save")
    with pytest.raises(IrisError, match="FILEFULL"):
        set_daily_reports(monitored.session, CPFParameters())
