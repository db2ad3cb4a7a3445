"""Several instances on one page."""

from __future__ import annotations

import pytest

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.families import Family, Filled, HistogramValue
from exporter.iris.metrics.durations import CallDurations
from exporter.iris.metrics.merging import Merger
from exporter.iris.metrics.sensors import Sensors
from tests.expositions import meaning
from tests.iris.published import expand


def family(name: str, *instances: str, kind: str = "gauge", value: int = 1) -> Family:
    """A family of instances, all with the same value."""
    samples = [((one,), value) for one in instances]
    return Family(name, "Help.", kind, ("iris_instance",), samples)


def histogram(name: str, instance: str) -> Family:
    """A histogram of an instance."""
    value = HistogramValue((1.0, float("inf")), (1, 2), 3.5)
    return Family(name, "Help.", "histogram", ("iris_instance",), [((instance,), value)])


def merge(*instances: list[Family]) -> list[Family]:
    """What becomes of them, which both formats must take."""
    merged = Merger().merge(instances)
    meaning(Renderer(TEXT).render(merged))
    meaning(Renderer(OPENMETRICS).render(merged) + b"# EOF\n", openmetrics=True)
    return expand(merged)


def test_families_of_one_name_become_one() -> None:
    """In the order in which they came, with the series of all instances."""
    merged = merge([family("a", "x"), family("b", "x")], [family("c", "y"), family("a", "y")])
    assert [(one.name, [values for values, _ in one.samples]) for one in merged] == [
        ("a", [("x",), ("y",)]),
        ("b", [("x",)]),
        ("c", [("y",)]),
    ]


def test_types_that_differ_are_none() -> None:
    """A counter here and a gauge there is untyped on the page."""
    (merged,) = merge([family("a", "x", kind="counter")], [family("a", "y")])
    assert (merged.type, len(merged.samples)) == ("untyped", 2)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_histogram_is_no_number(is_first: bool) -> None:
    """Where one instance has one and another a gauge, the type that came first stays."""
    parts = [[histogram("a", "x")], [family("a", "y")]]
    (merged,) = merge(*(parts if is_first else parts[::-1]))
    assert (merged.type, len(merged.samples)) == ("histogram" if is_first else "gauge", 1)


def test_labels_of_all_are_kept() -> None:
    """Versions of IRIS have different labels; what an instance lacks is empty."""
    (merged,) = merge(
        Sensors("x").read('a{id="1"} 1\n'), Sensors("y").read('a{dir="/d/",id="2"} 2\n')
    )
    assert merged.labels == ("iris_instance", "id", "dir")
    assert merged.samples == [(("x", "1", ""), b"1"), (("y", "2", "/d/"), b"2")]


def test_what_has_not_changed_is_the_same_object() -> None:
    """Then it is not rendered again; and what has changed is another."""
    merger = Merger()
    a, b = family("a", "x"), family("a", "y")
    first, second = merger.merge([[a], [b]]), merger.merge([[a], [b]])
    assert second[0] is first[0]
    third = merger.merge([[a], [family("a", "y", value=2)]])
    assert third[0] is not first[0]
    assert expand(third)[0].samples == [(("x",), 1), (("y",), 2)]


def test_names_and_labels_are_encoded_once() -> None:
    """As long as the series stay; with another one they are encoded anew."""
    merger = Merger()
    layouts = [
        item.layout
        for names in ("xy", "xy", "xyz")
        for item in merger.merge([[family("a", one)] for one in names])
        if isinstance(item, Filled)
    ]
    assert layouts[0] is layouts[1]
    assert layouts[1] is not layouts[2]


def test_a_name_is_there_once() -> None:
    """What comes first stays, also before what OpenMetrics takes for the same name."""
    parts = [family("a_total", "x", kind="counter"), family("a", "x"), family("a_total", "x")]
    (merged,) = merge(parts)
    assert (merged.name, merged.type) == ("a_total", "counter")
    (merged,) = merge([family("a", "x")], [family("a_total", "y", kind="counter")])
    assert (merged.name, merged.type) == ("a", "gauge")


def test_a_sensor_cannot_be_a_sample_of_ours() -> None:
    """Names of a histogram's samples are taken, and others are not."""
    durations = CallDurations("x")
    durations.observe("open", 0.2, "")
    sensors = Sensors("x").read(
        'iris_call_duration_seconds_count{call="open"} 1\niris_call_duration_seconds_max 1\n'
    )
    assert [one.name for one in merge([*durations.families(), *sensors])] == [
        "iris_call_duration_seconds",
        "iris_errors_total",
        "iris_call_duration_seconds_max",
    ]
