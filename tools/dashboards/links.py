"""Links from a panel to the log of the same time."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from grafana_foundation_sdk.models import dashboard

from tools.dashboards.pages import uid

HOSTS_AND_TIME = "${instance:queryparam}&${__url_time_range}"
"""Grafana puts the parameters of an address in for these."""


def with_logs(
    panel: dashboard.Panel, title: str, choice: Mapping[str, str] | None = None
) -> dashboard.Panel:
    """Offer the log of the chosen hosts with each value of a panel.

    `choice` are other variables of the Logs dashboard.
    """
    chosen = urlencode(
        {f"var-{name}": value for name, value in (choice or {}).items()}, quote_via=quote
    )
    url = f"/d/{uid('logs')}?" + (f"{chosen}&" if chosen else "") + HOSTS_AND_TIME
    link = dashboard.DashboardLink(
        title=title, type_val=dashboard.DashboardLinkType.LINK, url=url, target_blank=False
    )
    if panel.field_config is not None:
        panel.field_config.defaults.links = [link]
    return panel
