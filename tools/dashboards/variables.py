"""What is chosen at the top of a page."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from tools.dashboards.queries import PROMETHEUS

EVERY_HOST = "perfwatch_build_info"
"""A metric that each daemon has: whose `job` and `instance` are offered."""


def data_source(
    name: str = "datasource", label: str = "Data source", kind: str = "prometheus"
) -> dashboard.VariableModel:
    """The data source: ours unless another is chosen."""
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.DATASOURCE,
        name=name,
        label=label,
        query=kind,
        current=dashboard.VariableOption(
            selected=True, text=f"PerfWatch {kind.title()}", value=f"perfwatch-{kind}"
        ),
        refresh=dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
    )


def label_values(
    name: str, label: str, metric: str, *, chosen: str = ""
) -> dashboard.VariableModel:
    """The values that the label `name` has on a metric: one, many or all.

    All are chosen when the page is opened, unless `chosen` says which one.
    """
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=name,
        label=label,
        datasource=PROMETHEUS,
        # qryType 1 is what Grafana's editor calls "label values".
        query={"qryType": 1, "query": f"label_values({metric}, {name})", "refId": name},
        current=dashboard.VariableOption(
            selected=True, text=[chosen or "All"], value=[chosen or "$__all"]
        ),
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.NATURAL_ASC,
        multi=True,
        include_all=True,
        all_value=".+",
    )


def job(metric: str = EVERY_HOST, chosen: str = "perfwatch") -> dashboard.VariableModel:
    """The job, among those that have the metric.

    Not all are chosen: Prometheus has series such as `up` for the other programs too.
    """
    return label_values("job", "Job", metric, chosen=chosen)


def instance(metric: str = EVERY_HOST) -> dashboard.VariableModel:
    """The host, among those of the job that have the metric."""
    return label_values("instance", "Host", f'{metric}{{job=~"$job"}}')


def iris_instance(metric: str = "iris_up") -> dashboard.VariableModel:
    """The instance of IRIS, among those on the chosen hosts that have the metric."""
    chosen = f'{metric}{{job=~"$job", instance=~"$instance"}}'
    return label_values("iris_instance", "IRIS instance", chosen)


def hosts() -> list[dashboard.VariableModel]:
    """The variables of a page about hosts."""
    return [data_source(), job(), instance()]


def iris() -> list[dashboard.VariableModel]:
    """The variables of a page about instances of IRIS."""
    return [data_source(), job("iris_up"), instance("iris_up"), iris_instance()]


def metric() -> dashboard.VariableModel:
    """One metric, among all that the chosen hosts have."""
    made = label_values("metric", "Metric", '{job=~"$job", instance=~"$instance"}')
    made.query = {
        "qryType": 1,
        "query": 'label_values({job=~"$job", instance=~"$instance"}, __name__)',
        "refId": "metric",
    }
    made.current = dashboard.VariableOption(selected=True, text="node_load1", value="node_load1")
    made.multi, made.include_all, made.all_value = False, False, None
    return made


def free_text(name: str, label: str, value: str, description: str) -> dashboard.VariableModel:
    """A field to write in."""
    chosen = dashboard.VariableOption(selected=True, text=value, value=value)
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.TEXTBOX,
        name=name,
        label=label,
        description=description,
        query=value,
        current=chosen,
        options=[chosen],
    )


def choice(
    name: str, label: str, options: dict[str, str], description: str
) -> dashboard.VariableModel:
    """A choice of one among given values, by what is shown for each; or another value, written."""
    offered = [
        dashboard.VariableOption(selected=not position, text=text, value=value)
        for position, (text, value) in enumerate(options.items())
    ]
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name=name,
        label=label,
        description=description,
        query=", ".join(f"{text} : {value}" for text, value in options.items()),
        current=offered[0],
        options=offered,
    )
