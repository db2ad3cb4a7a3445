"""All that the page has of an instance, compared with the committed page.

`pytest tests/iris/test_page.py --update-golden` rewrites it; the diff is the review.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.families import Family
from exporter.iris.condition import Condition, State, Worker, list_families
from exporter.iris.metrics.durations import CallDurations
from exporter.iris.metrics.merging import Merger
from exporter.iris.metrics.sensors import SensorOptions, Sensors
from exporter.iris.metrics.system_performance import SystemPerformance
from tests.expositions import meaning
from tests.iris.double.sensors_text import sensors_text
from tests.iris.governed import BUSY, Governed
from tests.iris.published import strict_values, text_values
from tests.iris.scripted_statistics import (
    GLOBAL,
    collect_statistics,
    methods,
    sample,
    talk_to_instance,
)
from tests.iris.test_system_performance import NOW, everything
from tests.test_names import complaints
from tools.documented_iris import find_iris_metrics

PAGE = Path(__file__).with_name("page.prom")


def publish() -> tuple[list[Family], list[Family]]:
    """What we say of an instance, and what its sensors say."""
    sensors = Sensors("prod", SensorOptions(processes=True))
    families = sensors.read(
        sensors_text(cpu=12.5, memory=40, licences=22, processes=2, ecp=2, mirror="PRIMARY")
    )
    # An instance with this sensor is not asked for its resources; the page has both.
    without = [family for family in families if family.name != "iris_res_seize"]
    with talk_to_instance() as talk:
        counts = sample("SYS.Stats.Global", GLOBAL | {"WDQueueSize": 7})
        talk.instance.methods = methods() | {("SYS.Stats.Global", "Sample"): lambda _: counts}
        statistics, _ = collect_statistics(talk.session, without)
    durations = CallDurations("prod")
    durations.observe("open", 0.2, "")
    durations.observe("call", 0.004, "privilege")
    account = SystemPerformance("prod")
    account.see(everything(), NOW)
    governed = Governed()
    governed.minute(BUSY)
    condition = Condition(State.UP, version="IRIS for UNIX 2026.1 (Build 234U)")
    own = [
        *list_families("prod", condition, Worker(1, 29_360_128), 0.5),
        *durations.families(),
        *account.families(),
        *governed.governor.families(),
        *sensors.families(),
        *statistics,
    ]
    return own, families


@pytest.fixture(scope="module")
def published(update_golden: bool) -> tuple[list[Family], list[Family]]:
    """The same; the page is rewritten before any test reads it, when that is wanted."""
    own, sensors = publish()
    if update_golden:
        PAGE.write_bytes(render(own, sensors))
    return own, sensors


def render(own: list[Family], sensors: list[Family]) -> bytes:
    """Make a page of an instance."""
    return Renderer(TEXT).render(Merger().merge([[*own, *sensors]]))


def test_the_page_is_the_committed_one(published: tuple[list[Family], list[Family]]) -> None:
    """What is given is what was reviewed."""
    assert render(*published).decode().splitlines() == PAGE.read_text().splitlines()


def test_both_formats_say_the_same(published: tuple[list[Family], list[Family]]) -> None:
    """Strictly read, and each series under the same name."""
    merged = Merger().merge([[*published[0], *published[1]]])
    assert strict_values(merged) == text_values(Renderer(TEXT).render(merged))
    assert meaning(Renderer(OPENMETRICS).render(merged) + b"# EOF\n", openmetrics=True)


def test_all_that_is_ours_is_documented(published: tuple[list[Family], list[Family]]) -> None:
    """With its type, its labels and its meaning; and what is documented has been seen."""
    documented = {metric.name: metric[1:4] for metric in find_iris_metrics()}
    given = {one.name: (one.type, one.labels, one.help) for one in published[0]}
    assert {name: one for name, one in given.items() if documented.get(name) != one} == {}
    unseen = {
        "perfwatch_governor_override_until_timestamp_seconds",  # nobody has overridden it
    }
    assert documented.keys() - given.keys() == unseen


def test_each_family_has_the_instance_as_first_label(
    published: tuple[list[Family], list[Family]],
) -> None:
    """So that instances can be told apart, and a page reads well."""
    families = [*published[0], *published[1]]
    assert {one.labels[0] for one in families} == {"iris_instance"}
    assert {values[0] for one in families for values, _ in one.samples} == {"prod"}


def test_promtool_likes_our_names(published: tuple[list[Family], list[Family]]) -> None:
    """Those of the sensors are IRIS's own."""
    assert complaints(Renderer(TEXT).render(published[0]).decode()) == set()
