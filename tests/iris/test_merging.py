"""Several instances on one page."""

from __future__ import annotations

from exporter.exposition import OPENMETRICS, Renderer
from exporter.families import Family
from exporter.iris.metrics.merging import Merger
from exporter.iris.metrics.sensors import Sensors
from tests.expositions import meaning


def family(name: str, *instances: str, kind: str = "gauge") -> Family:
    """A family of instances, all with the value 1."""
    return Family(name, "Help.", kind, ("iris_instance",), [((one,), 1) for one in instances])


def test_families_of_one_name_become_one() -> None:
    """In the order in which they came, with the series of all instances."""
    merged = Merger().merge(
        [[family("a", "x"), family("b", "x")], [family("c", "y"), family("a", "y")]]
    )
    assert [(one.name, [values for values, _ in one.samples]) for one in merged] == [
        ("a", [("x",), ("y",)]),
        ("b", [("x",)]),
        ("c", [("y",)]),
    ]


def test_types_that_differ_are_none() -> None:
    """A counter here and a gauge there is untyped on the page."""
    (merged,) = Merger().merge([[family("a", "x", kind="counter")], [family("a", "y")]])
    assert (merged.type, len(merged.samples)) == ("untyped", 2)


def test_labels_of_all_are_kept() -> None:
    """Versions of IRIS have different labels; what an instance lacks is empty."""
    parts = [Sensors("x").read('a{id="1"} 1\n'), Sensors("y").read('a{dir="/d/",id="2"} 2\n')]
    (merged,) = Merger().merge(parts)
    assert merged.labels == ("iris_instance", "id", "dir")
    assert merged.samples == [(("x", "1", ""), b"1"), (("y", "2", "/d/"), b"2")]


def test_what_has_not_changed_is_the_same_object() -> None:
    """Then it is not rendered again; and what has changed is another."""
    merger = Merger()
    a, b = family("a", "x"), family("a", "y")
    first, second = merger.merge([[a], [b]]), merger.merge([[a], [b]])
    assert second[0] is first[0]
    third = merger.merge([[a], [family("a", "y")]])
    assert third == first
    assert third[0] is not first[0]
    assert merger.merge([[a]])[0] is a


def test_an_instance_has_a_name_once() -> None:
    """What comes first stays, also before what OpenMetrics takes for the same name."""
    parts = [family("a_total", "x", kind="counter"), family("a", "x"), family("a_total", "x")]
    merged = Merger().merge([parts])
    assert [(one.name, one.type) for one in merged] == [("a_total", "counter")]
    meaning(Renderer(OPENMETRICS).render(merged) + b"# EOF\n", openmetrics=True)
