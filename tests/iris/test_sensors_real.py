"""The text of a real IRIS 2026.1, where it is at hand: it is not ours to keep here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.exposition import OPENMETRICS, TEXT, Renderer
from exporter.iris.metrics.merging import Merger
from exporter.iris.metrics.sensors import SensorOptions, Sensors
from tests.expositions import meaning
from tests.iris.published import strict_values, text_values
from tools.documented_iris import find_iris_metrics

SHARED = Path(__file__).resolve().parents[3] / "shared" / "iris"
PAGES = sorted(SHARED.glob("data/api_monitor/*_2026.1_*metrics.txt"))

pytestmark = pytest.mark.skipif(not PAGES, reason="needs the text of a real instance")

FAMILIES = 157
SAMPLES = 701
OF_PROCESSES = 264


@pytest.fixture(scope="module")
def text() -> str:
    """What the instance published."""
    return PAGES[0].read_text()


def lines_of(text: str) -> list[str]:
    """The lines that are samples."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_it_comes_out_complete(text: str) -> None:
    """All families, and every sample under its name, with its labels and its value."""
    sensors = Sensors("prod", SensorOptions(processes=True))
    families = sensors.read(text)
    assert sensors.problem == ""
    assert len(families) == FAMILIES
    assert sum(len(family.samples) for family in families) == SAMPLES == len(lines_of(text))
    expected = {
        (name, frozenset(pair for pair in labels | {("iris_instance", "prod")} if pair[1])): value
        for (name, labels), value in text_values(text.encode()).items()
    }
    assert len(expected) == SAMPLES
    assert text_values(Renderer(TEXT).render(families)) == expected


def test_openmetrics_says_the_same(text: str) -> None:
    """The strict parser takes it; names and values are those of the text format."""
    families = Sensors("prod", SensorOptions(processes=True)).read(text)
    strict = meaning(Renderer(OPENMETRICS).render(families) + b"# EOF\n", openmetrics=True)
    assert strict.keys() == {family.name for family in families}
    assert strict_values(families) == text_values(Renderer(TEXT).render(families))
    published = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    counters = {name for name, kind in published.items() if kind == "counter"}
    mended = {"iris_interop_messages_per_sec", "iris_ecps_lock_que"}
    assert {name for name, one in strict.items() if one[0] == "unknown"} == {
        *(counters - mended),
        "iris_system_info",
    }


def test_without_processes_only_they_are_missing(text: str) -> None:
    """The default leaves out their series, and counts nothing as lost."""
    families = Sensors("prod").read(text)
    assert sum(len(family.samples) for family in families) == SAMPLES - OF_PROCESSES
    assert "iris_process_count" in {family.name for family in families}


def test_readings_are_found(text: str) -> None:
    """CPU and memory have the names by which they are looked for."""
    assert {"iris_cpu_usage", "iris_phys_mem_percent_used"} <= {
        family.name for family in Sensors("prod").read(text)
    }


def test_no_name_of_ours_is_a_sensor_s(text: str) -> None:
    """Nor of a documented sensor that this instance lacks, with or without `_total`."""
    documented = set(re.findall(r"\biris_[a-z0-9_]+", (SHARED / "facts.md").read_text()))
    published = {
        family.name for family in Sensors("prod", SensorOptions(processes=True)).read(text)
    }
    assert published <= documented
    own = {metric.name for metric in find_iris_metrics()}
    assert (own | {name.removesuffix("_total") for name in own}) & documented == set()


def test_two_instances_share_their_families(text: str) -> None:
    """The page of both has each family once, and all series."""
    parts = [Sensors(name).read(text) for name in ("a", "b")]
    page = Renderer(TEXT).render(Merger().merge(parts))
    assert len(text_values(page)) == 2 * (SAMPLES - OF_PROCESSES)
    assert meaning(page).keys() == meaning(Renderer(TEXT).render(parts[0])).keys()
