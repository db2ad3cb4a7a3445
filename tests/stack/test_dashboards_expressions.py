"""What the dashboards' longer expressions give, on series that are written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus import promtool
from tests.stack.dashboards import PAGES, chosen_on, panels, substituted
from tools.dashboards.governor import suspended_by
from tools.dashboards.growth import growth
from tools.dashboards.iris_looks import REACHED, states_in
from tools.dashboards.queries import written_out

OF = '{job="perfwatch", instance="a", iris_instance="prod"'
"""The labels of an instance, without the closing brace."""


def evaluate(
    folder: Path, expression: str, series: Mapping[str, str], expected: Mapping[str, float]
) -> None:
    """Have promtool see that an expression gives these values after an hour; a sample a minute."""
    chosen = substituted(written_out(expression), chosen_on("iris") | {"production": ".+"})
    samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [{"expr": chosen, "eval_time": "60m", "exp_samples": samples}],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"tests": [test]}))
    promtool("test", "rules", path)


@pytest.mark.parametrize(
    ("values", "grown"),
    [
        ("_x55 2x10", 2),  # it has appeared with its first events
        ("7x60", 0),  # nothing has happened
        ("_x55 2x4 5x10", 5),  # and more after the first
    ],
)
def test_the_first_event_counts(tmp_path: Path, values: str, grown: float) -> None:
    """A counter that has appeared in the time looked at counts with all it has."""
    series = {"events_total": values}
    evaluate(tmp_path, f"sum({growth('events_total', '30m')})", series, {"{}": grown})


@pytest.mark.parametrize("state", REACHED)
def test_a_state_is_the_number_of_its_word(tmp_path: Path, state: Any) -> None:
    """The number that the words on the screen are mapped from."""
    series = {
        f'iris_state{OF}, state="{one.word.replace(" ", "_")}"}}': f"{int(one is state)}x60"
        for one in REACHED
    }
    expected = {'{instance="a", iris_instance="prod"}': float(state.number)}
    evaluate(tmp_path, states_in("iris_state", REACHED), series, expected)


@pytest.mark.parametrize(("who", "number"), [("", 0), ("governor", 1), ("iris", 4)])
def test_who_has_suspended_is_a_number(tmp_path: Path, who: str, number: float) -> None:
    """Nobody is 0, as all series are."""
    series = {
        f'iris_systemperformance_suspended_by{OF}, by="{by}"}}': f"{int(by == who)}x60"
        for by in ("governor", "operator", "administrator", "iris")
    }
    evaluate(tmp_path, suspended_by(), series, {'{instance="a", iris_instance="prod"}': number})


def test_alerts_of_a_host_are_counted(tmp_path: Path) -> None:
    """All that fire; a host without any has none, and a program that is no host is no row."""
    (panel,) = [one for one in panels(PAGES["overview"]) if one["title"] == "Each host"]
    firing = 'alertstate="firing", alertname='
    series = {
        'up{job="perfwatch", instance="a"}': "1x60",
        'up{job="perfwatch", instance="b"}': "0x60",
        f'ALERTS{{{firing}"One", instance="a"}}': "1x60",
        f'ALERTS{{{firing}"Two", job="perfwatch", instance="a"}}': "1x60",
        'ALERTS{alertstate="pending", alertname="One", instance="b"}': "1x60",
        f'ALERTS{{{firing}"Three", instance="prometheus:9090"}}': "1x60",
        f'ALERTS{{{firing}"Watchdog"}}': "1x60",
    }
    expected = {'{instance="a"}': 2.0, '{instance="b"}': 0.0}
    evaluate(tmp_path, panel["targets"][-1]["expr"], series, expected)


@pytest.mark.parametrize(("status", "number"), [("OK", 0), ("Error", 1)])
def test_a_production_whose_hosts_are_all_ok_has_a_zero(
    tmp_path: Path, status: str, number: float
) -> None:
    """So that nothing wrong looks different from nothing there."""
    (panel,) = [one for one in panels(PAGES["business"]) if one["title"] == "Hosts not OK"]
    labels = f'{OF}, id="USER", production="P", host='
    series = {
        f'iris_interop_hosts{labels}"In", status="OK"}}': "1x60",
        f'iris_interop_hosts{labels}"Out", status="{status}"}}': "1x60",
    }
    expected = {'{instance="a", iris_instance="prod", id="USER", production="P"}': number}
    evaluate(tmp_path, panel["targets"][0]["expr"], series, expected)
