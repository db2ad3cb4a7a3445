"""Panels that show one thing each. Tables are in tables.py.

Every panel has a title, a description and a unit. One that has no data on some hosts says so:
`empty="on hosts without swap."` adds "Empty on hosts without swap." to its description, and the
tests, which want data for every other panel, let this one be empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.models import (
    common,
    dashboard,
    statetimeline,
)
from grafana_foundation_sdk.models import (
    logs as logs_panel,
)
from grafana_foundation_sdk.models import (
    stat as stat_panel,
)
from grafana_foundation_sdk.models import (
    text as text_panel,
)
from grafana_foundation_sdk.models import (
    timeseries as timeseries_panel,
)

from tools.dashboards.looks import GOOD, Limits, State, thresholds, words
from tools.dashboards.queries import (
    LOKI,
    PROMETHEUS,
    Query,
    log_query,
    newest,
    ranged,
)

Size = tuple[int, int]
"""Width of 24, and height in steps of 30 pixels."""

HALF: Size = (12, 8)
THIRD: Size = (8, 8)
WHOLE: Size = (24, 8)
SMALL: Size = (4, 4)


def panel(  # noqa: PLR0913 -- all but a few are given by name
    kind: str,
    title: str,
    description: str,
    size: Size,
    *,
    empty: str = "",
    source: common.DataSourceRef | None = PROMETHEUS,
) -> dashboard.Panel:
    """A panel with what all have in common; frame.py gives it its place and number."""
    if empty:
        description += f" Empty {empty}"
    return dashboard.Panel(
        type_val=kind,
        title=title,
        description=description,
        datasource=source,
        grid_pos=dashboard.GridPos(w=size[0], h=size[1]),
    )


def timeseries(  # noqa: PLR0913 -- all but a few are given by name
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    empty: str = "",
    size: Size = HALF,
    stacked: bool = False,
    limits: Limits = (),
    low: float | None = 0,
    high: float | None = None,
    colours: Mapping[str, str] | None = None,
    dashed: str = "",
    step: str | None = None,
) -> dashboard.Panel:
    """Lines over time.

    `limits` are dashed lines; `colours` go by legend, where that is the same on all hosts; with
    `low=None` the axis begins anywhere. `dashed` is the query (A, B, ...) whose series are so.
    `step` is the least time between two points, for what is recorded less often than scraped.
    """
    made = panel("timeseries", title, description, size, empty=empty)
    made.targets = [ranged(position, query) for position, query in enumerate(queries)]
    made.interval = step
    made.options = values_beside_lines()
    custom = timeseries_panel.FieldConfig(
        line_width=1,
        fill_opacity=40 if stacked else 10,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL) if stacked else None,
    )
    defaults = dashboard.FieldConfig(unit=unit, min_val=low, max_val=high, custom=custom)
    if limits:
        custom.thresholds_style = common.GraphThresholdsStyleConfig(
            mode=common.GraphThresholdsStyleMode.DASHED
        )
        defaults.thresholds = thresholds(limits, first="transparent")
    made.field_config = dashboard.FieldConfigSource(
        defaults=defaults, overrides=looks_of_lines(colours or {}, dashed)
    )
    return made


def values_beside_lines() -> timeseries_panel.Options:
    """A table of what each line is, and all values of a moment under the pointer."""
    return timeseries_panel.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.TABLE,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=["mean", "max", "lastNotNull"],
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
        ),
    )


def looks_of_lines(
    colours: Mapping[str, str], dashed: str
) -> list[dashboard.DashboardFieldConfigSourceOverrides]:
    """What differs from line to line."""
    looks = [
        named(legend, {"color": {"mode": "fixed", "fixedColor": colour}})
        for legend, colour in colours.items()
    ]
    if dashed:
        look = {"custom.lineStyle": {"fill": "dash", "dash": [6, 4]}, "custom.fillOpacity": 0}
        looks.append(named(dashed, look, by="byFrameRefID"))
    return looks


def named(
    name: str, looks: Mapping[str, object], by: str = "byName"
) -> dashboard.DashboardFieldConfigSourceOverrides:
    """The look of the series with a legend, or of the column with a title."""
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val=by, options=name),
        properties=[
            dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in looks.items()
        ],
    )


def stat(  # noqa: PLR0913 -- all but a few are given by name
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    empty: str = "",
    size: Size = SMALL,
    limits: Limits = (),
    first: str = GOOD,
    states: Sequence[State] = (),
    decimals: int | None = None,
) -> dashboard.Panel:
    """The newest value in big letters, coloured by `limits` (`first` below them) or as a state."""
    made = panel("stat", title, description, size, empty=empty)
    made.targets = [newest(position, query) for position, query in enumerate(queries)]
    made.options = stat_panel.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND,
        reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
    )
    made.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit=unit,
            decimals=decimals,
            mappings=words(states) or None,
            thresholds=thresholds(limits, first),
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS),
        )
    )
    return made


def state_timeline(
    title: str,
    description: str,
    *queries: Query,
    states: Sequence[State],
    empty: str = "",
    size: Size = WHOLE,
) -> dashboard.Panel:
    """A bar per series, with a colour for each state that the value stands for."""
    made = panel("state-timeline", title, description, size, empty=empty)
    made.targets = [ranged(position, query) for position, query in enumerate(queries)]
    made.options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=[],
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    made.field_config = dashboard.FieldConfigSource(
        defaults=dashboard.FieldConfig(
            unit="none",
            mappings=words(states),
            thresholds=thresholds(()),
            color=dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS),
            custom=statetimeline.FieldConfig(fill_opacity=80),
        )
    )
    return made


def text(title: str, content: str, size: Size = (24, 4)) -> dashboard.Panel:
    """Words, in Markdown."""
    made = panel("text", title, "What this page is about.", size, source=None)
    made.options = text_panel.Options(mode=text_panel.TextMode.MARKDOWN, content=content)
    return made


def logs(
    title: str, description: str, expression: str, *, empty: str = "", size: Size = (24, 12)
) -> dashboard.Panel:
    """Lines of the log, newest first. `expression` is LogQL."""
    made = panel("logs", title, description, size, empty=empty, source=LOKI)
    made.targets = [log_query(0, expression)]
    made.options = logs_panel.Options(
        show_time=True,
        wrap_log_message=True,
        enable_log_details=True,
        sort_order=common.LogsSortOrder.DESCENDING,
        dedup_strategy=common.LogsDedupStrategy.NONE,
    )
    return made
