"""Links from a panel to another page, for the same time."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from grafana_foundation_sdk.models import dashboard

from tools.dashboards.pages import uid

TIME = "${__url_time_range}"
SAME_SERIES = "${datasource:queryparam}&${job:queryparam}"
"""Grafana puts the parameters of an address in for these."""

OF_HOST = {"instance": "Host"}
OF_INSTANCE = {"iris_instance": "Instance", "instance": "Host"}
"""Which variables a row of a table chooses: each by the title of the column that has its value.
Instances on many hosts may have the same name, so the host belongs to them."""


def from_row(name: str, choice: Mapping[str, str]) -> str:
    """The address of a dashboard with what stands in the row of a cell chosen."""
    chosen = "&".join(
        f"var-{variable}=${{__data.fields.{title}}}" for variable, title in choice.items()
    )
    return f"/d/{uid(name)}?{SAME_SERIES}&{chosen}&{TIME}"


def with_logs(
    panel: dashboard.Panel, title: str, choice: Mapping[str, str] | None = None
) -> dashboard.Panel:
    """Offer the log of its host with each value of a panel, whose series have `instance`.

    `choice` are other variables of the Logs dashboard.
    """
    chosen = urlencode(
        {f"var-{name}": value for name, value in (choice or {}).items()}, quote_via=quote
    )
    host = "var-instance=${__field.labels.instance}"
    url = f"/d/{uid('logs')}?" + (f"{chosen}&" if chosen else "") + f"{host}&{TIME}"
    link = dashboard.DashboardLink(
        title=title, type_val=dashboard.DashboardLinkType.LINK, url=url, target_blank=False
    )
    if panel.field_config is not None:
        panel.field_config.defaults.links = [link]
    return panel
