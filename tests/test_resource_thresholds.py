"""Resources and their thresholds, on the machine's own resources: thresholds move, not they."""

from __future__ import annotations

import io
import json
import os
import resource
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import psutil
import pytest

from monitoring.resource_thresholds import ResourceMonitor, ResourceThresholds
from monitoring.structured_logging import configure

NOTHING = dict.fromkeys(field.name for field in fields(ResourceThresholds))

LOW, HIGH = 1e-9, 1e18
"""What everything is above, and nothing."""


class Clock:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def watching(**thresholds: Any) -> ResourceThresholds:
    """Thresholds for these resources alone."""
    return ResourceThresholds(**NOTHING | thresholds)


@pytest.fixture
def log(stream: io.StringIO) -> io.StringIO:
    """Where the log goes, which is configured so."""
    configure(stream=stream)
    return stream


@pytest.fixture
def descriptors() -> Iterator[list[int]]:
    """Descriptors that a test opens."""
    opened: list[int] = []
    yield opened
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("thresholds", "level"),
    [((LOW, LOW), "critical"), ((LOW, HIGH), "warning"), ((HIGH, HIGH), "healthy")],
)
def test_a_resource_has_the_level_of_the_highest_threshold_it_reached(
    thresholds: tuple[float, float], level: str
) -> None:
    """Beside its value and the thresholds; the worst level is that of all."""
    found = ResourceMonitor(watching(resident_bytes=thresholds)).check()
    value = found["resources"]["resident_bytes"].pop("value")
    assert value == pytest.approx(psutil.Process().memory_info().rss, rel=0.5)
    warning, critical = thresholds
    expected = {"warning": warning, "critical": critical, "level": level}
    assert found == {"level": level, "resources": {"resident_bytes": expected}}


def test_the_worst_resource_counts() -> None:
    """A healthy one does not make up for it."""
    thresholds = watching(resident_bytes=(LOW, HIGH), load_per_cpu=(HIGH, HIGH))
    found = ResourceMonitor(thresholds).check()
    assert found["level"] == "warning"
    assert found["resources"]["load_per_cpu"]["level"] == "healthy"


def test_all_resources_are_read() -> None:
    """Ratios are ratios; JSON takes everything; without thresholds nothing is watched."""
    clock = Clock()
    monitor = ResourceMonitor(ResourceThresholds(resident_bytes=(1e17, 1e18)), clock)
    assert "cpu_ratio" not in monitor.check()["resources"]
    before = psutil.cpu_times()
    while sum(psutil.cpu_times()) <= sum(before):
        pass
    clock.now += 1
    found = monitor.check()
    assert set(found["resources"]) == set(NOTHING)
    values = {name: one["value"] for name, one in found["resources"].items()}
    assert values["load_per_cpu"] >= 0
    assert values["resident_bytes"] > 0
    for name in ("memory_ratio", "descriptor_ratio"):
        assert 0 < values[name] < 1
    assert 0 <= values["cpu_ratio"] <= 1
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert ResourceMonitor(watching()).check() == {"level": "healthy", "resources": {}}


def test_nothing_is_read_twice_within_a_second() -> None:
    """Whoever asks, and however often."""
    clock = Clock()
    monitor = ResourceMonitor(watching(resident_bytes=(1, 2)), clock)
    first = monitor.check()
    clock.now += 0.999
    assert monitor.check() is first
    clock.now += 0.001
    assert monitor.check() is not first


def test_each_change_of_level_is_logged_once(log: io.StringIO, descriptors: list[int]) -> None:
    """Opened and closed files move the process over its thresholds and back."""
    clock = Clock()
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = psutil.Process().num_fds() / limit
    thresholds = (now + 9.5 / limit, now + 19.5 / limit)
    monitor = ResourceMonitor(watching(descriptor_ratio=thresholds), clock)

    def check() -> str:
        clock.now += 1
        return str(monitor.check()["resources"]["descriptor_ratio"]["level"])

    levels = []
    for _ in range(3):
        levels += [check(), check()]
        descriptors += [os.open(os.devnull, os.O_RDONLY) for _ in range(10)]
    while descriptors:
        os.close(descriptors.pop())
    levels.append(check())
    assert levels == ["healthy"] * 2 + ["warning"] * 2 + ["critical"] * 2 + ["healthy"]
    records = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [record["level"] for record in records] == ["warning", "error", "info"]
    assert [record["data"]["state"] for record in records] == ["warning", "critical", "healthy"]
    for record in records:
        assert record["message"] == "resource level changed"
        assert record["data"]["resource"] == "descriptor_ratio"
        assert record["data"]["thresholds"] == pytest.approx(thresholds)


def test_a_resource_that_cannot_be_read_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform lacks it, or the rights are missing: no number stands for it."""

    def refuse() -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "virtual_memory", refuse)
    monkeypatch.delattr(os, "getloadavg")
    monkeypatch.setattr(
        resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    thresholds = (0.5, 0.6)
    monitor = ResourceMonitor(
        watching(
            memory_ratio=thresholds,
            load_per_cpu=thresholds,
            descriptor_ratio=thresholds,
            resident_bytes=(HIGH, HIGH),
        )
    )
    found = monitor.check()
    assert set(found["resources"]) == {"resident_bytes"}
    assert found["level"] == "healthy"


def test_a_cpu_clock_that_stands_gives_no_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two checks within one tick of the kernel: absent, no division by zero."""
    times = psutil.cpu_times()
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)
    clock = Clock()
    monitor = ResourceMonitor(watching(cpu_ratio=(0.5, 0.6)), clock)
    for _ in range(2):
        assert monitor.check()["resources"] == {}
        clock.now += 1


@pytest.mark.parametrize(
    ("name", "thresholds", "says"),
    [
        ("cpu_ratio", (0.9, 0.8), "cpu_ratio must be a warning and a critical threshold"),
        ("resident_bytes", (0, 1), "above 0"),
        ("resident_bytes", (float("nan"), 1), "above 0"),
        ("load_per_cpu", (1,), "load_per_cpu must be"),
        ("load_per_cpu", 4, "got 4"),
        ("load_per_cpu", ("1", "2"), "load_per_cpu must be"),
        ("memory_ratio", (80, 95), "is a ratio: give thresholds up to 1, got"),
    ],
)
def test_thresholds_that_make_no_sense_are_an_error(name: str, thresholds: Any, says: str) -> None:
    """With the name of the resource, at once."""
    with pytest.raises(ValueError, match=says):
        ResourceThresholds(**{name: thresholds})
