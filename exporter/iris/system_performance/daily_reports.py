"""The daily reports that IRIS makes by itself since 2025.3, of which PerfWatch needs none."""

from __future__ import annotations

from exporter.iris.access.calls import Invoke, Set
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.system_performance.policy import CPFParameters
from exporter.iris.system_performance.statuses import check_status

CLASS = "Config.Startup"

NEEDED = "daily reports need IRIS 2025.3 or later"
GRANT = "grant %Admin_Manage:USE to the role of the user"


def set_daily_reports(conn: Session, parameters: CPFParameters) -> None:
    """Change them in the configuration parameter file. Raises ABSENT on older versions."""
    try:
        results = conn.with_object(
            CLASS,
            "Open",
            (),
            [
                Set("SystemPerformanceDailyReportsOn", parameters.daily_reports),
                Set("SystemPerformanceDailyReportsRetentionDays", parameters.retention_days),
                Invoke("%Save"),
            ],
        )
    except IrisError as error:
        if error.kind is ErrorKind.ABSENT:
            raise IrisError(error.kind, error.message, NEEDED) from error
        raise
    check_status(conn, results[-1], "IRIS does not change the daily reports", GRANT)
