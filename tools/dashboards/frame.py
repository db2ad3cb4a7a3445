"""What all dashboards have in common, and where their panels stand."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard, prometheus

from tools.dashboards import looks
from tools.dashboards.pages import TITLES, uid
from tools.dashboards.queries import PROMETHEUS, written_out

TAG = "perfwatch"
GRID_WIDTH = 24


class Row(NamedTuple):
    """Panels under a heading. A collapsed row asks nothing of Prometheus until it is opened."""

    title: str
    panels: Sequence[dashboard.Panel]
    collapsed: bool = False


def row(title: str, *panels: dashboard.Panel, collapsed: bool = False) -> Row:
    """Panels under a heading, which fill the width from left to right."""
    return Row(title, panels, collapsed)


def page(  # noqa: PLR0913 -- all but a few are given by name
    name: str,
    description: str,
    variables: Sequence[dashboard.VariableModel],
    *rows: Row,
    since: str = "now-3h",
    refresh: str = "1m",
    annotations: bool = True,
) -> dict[str, Any]:
    """A dashboard, as Grafana reads it. `name` is one of pages.py."""
    made = dashboard.Dashboard(
        uid=uid(name),
        title=TITLES[name],
        description=description,
        tags=[TAG],
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=since, to="now"),
        refresh=refresh,
        timezone="browser",
        version=1,
        panels=placed(rows),
        templating=dashboard.DashboardDashboardTemplating(list_val=list(variables)),
        annotations=dashboard.AnnotationContainer(list_val=events() if annotations else []),
        links=[link_to_all()],
    )
    plain: dict[str, Any] = json.loads(json.dumps(made, cls=JSONEncoder))
    return without_strays(plain)


def without_strays(page: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the SDK writes though nobody has said it."""
    for variable in page["templating"]["list"]:
        # Settings of one kind of variable, which it writes into all kinds.
        for stray in ("auto", "auto_min", "auto_count"):
            variable.pop(stray, None)
    for one in (*page["links"], *page["annotations"]["list"]):
        # It would hide them in a menu.
        one.pop("placement")
    inner = [panel for one in page["panels"] for panel in one.get("panels", [])]
    for panel in (*page["panels"], *inner):
        if panel["type"] == "table":
            # Former releases of Grafana had it.
            panel["options"].pop("footer", None)
    return page


def link_to_all() -> dashboard.DashboardLink:
    """A menu of all our dashboards, which keeps what is chosen and the time."""
    return dashboard.DashboardLink(
        title="PerfWatch",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="The other dashboards, with the same choice and time",
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


def events() -> list[dashboard.AnnotationQuery]:
    """What is marked in all graphs over time."""
    return [
        event(
            "Alerts",
            looks.CRITICAL,
            'ALERTS{alertstate="firing", instance=~"$instance"}',
            "{{alertname}}",
            "{{instance}} {{iris_instance}} {{severity}}",
        ),
        event(
            "Restarts of PerfWatch",
            looks.PLAIN,
            "changes(process_start_time_seconds{HOST}[$__rate_interval]) > 0",
            "PerfWatch was restarted",
            "{{instance}}",
        ),
        event(
            "Governor",
            looks.HELD,
            "changes(perfwatch_governor_transitions_total{HOST}[$__rate_interval]) > 0",
            "Governor: {{action}}",
            "{{iris_instance}} on {{instance}}",
        ),
    ]


def event(
    name: str, colour: str, expression: str, title: str, content: str
) -> dashboard.AnnotationQuery:
    """A mark where the query has a value; it can be switched off at the top of the page."""
    return dashboard.AnnotationQuery(
        name=name,
        datasource=PROMETHEUS,
        icon_color=colour,
        enable=True,
        hide=False,
        target=prometheus.Dataquery(expr=written_out(expression), ref_id="Anno"),
        title_format=title,
        text_format=content,
    )


def placed(rows: Sequence[Row]) -> list[dashboard.Panel | dashboard.RowPanel]:
    """The panels and headings, each with its place and number."""
    result: list[dashboard.Panel | dashboard.RowPanel] = []
    y = 0
    for one in rows:
        heading = dashboard.RowPanel(
            title=one.title,
            collapsed=one.collapsed,
            id_val=number(f"row {one.title}"),
            grid_pos=dashboard.GridPos(h=1, w=GRID_WIDTH, x=0, y=y),
            panels=[],
        )
        result.append(heading)
        bottom = place(one.panels, y + 1)
        if one.collapsed:
            heading.panels = list(one.panels)
            y += 1
        else:
            result += one.panels
            y = bottom
    return result


def place(panels: Sequence[dashboard.Panel], top: int) -> int:
    """Fill lines from left to right; give where the next line begins."""
    x, y, bottom = 0, top, top
    for panel in panels:
        size = panel.grid_pos or dashboard.GridPos()
        if x + size.w > GRID_WIDTH:
            x, y = 0, bottom
        panel.grid_pos = dashboard.GridPos(h=size.h, w=size.w, x=x, y=y)
        panel.id_val = number(panel.title or "")
        x += size.w
        bottom = max(bottom, y + size.h)
    return bottom


def number(title: str) -> int:
    """A panel's number: links to a panel have it, so it hangs on the title alone."""
    return zlib.crc32(title.encode()) % 1_000_000 + 1
