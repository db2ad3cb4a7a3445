"""All instances as one collector, and what the pressure of one means for costly ones."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.iris.access.connection import Secret
from exporter.iris.collector import IrisCollector
from exporter.iris.condition import State
from exporter.iris.settings import InstanceSettings
from exporter.kernel import KernelTree
from exporter.parts import IRIS, make_collectors, start_beside
from exporter.settings import build
from tests.child import PATIENCE_SECONDS
from tests.expositions import meaning
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double
from tests.iris.kept import HERE, settings_for
from tests.iris.published import expand
from tests.samples import read_samples


@pytest.fixture
def two(double: Double) -> Iterator[dict[str, InstanceSettings]]:
    """Two instances, of which the second one is down."""
    with Double(Instance()) as other:
        other.stop()
        yield {
            "a": settings_for(double, name="a"),
            "b": settings_for(other, name="b"),
        }


class Spared:
    """A costly collector that says what has become of it."""

    name = "costly"

    def __init__(self) -> None:
        self.is_suspended: bool | None = None
        self.told = threading.Condition()

    def collect(self) -> Any:
        """Give nothing."""
        return ()

    def suspend(self) -> None:
        """Take note."""
        self._become(is_suspended=True)

    def resume(self) -> None:
        """Take note."""
        self._become(is_suspended=False)

    def wait_until(self, *, is_suspended: bool) -> None:
        """Wait until it is, or is not."""
        with self.told:
            assert self.told.wait_for(lambda: self.is_suspended is is_suspended, PATIENCE_SECONDS)

    def _become(self, *, is_suspended: bool) -> None:
        with self.told:
            self.is_suspended = is_suspended
            self.told.notify_all()


def end(collector: IrisCollector) -> None:
    """Close, and wait until all threads have ended."""
    collector.close()
    for instance in collector.instances:
        if instance._thread is not None:
            instance._thread.join(PATIENCE_SECONDS)


def test_instances_stand_side_by_side(two: dict[str, InstanceSettings]) -> None:
    """Each family once with all instances; one that is down does not touch the other."""
    collector = IrisCollector(two, KernelTree)
    collector.wait(PATIENCE_SECONDS)
    families = {family.name: family for family in expand(collector.collect())}
    end(collector)
    assert dict(families["iris_up"].samples) == {("a",): 1, ("b",): 0}
    assert dict(families["iris_cpu_usage"].samples) == {("a",): b"20"}
    assert {family.labels[0] for family in families.values()} == {"iris_instance"}
    described = collector.describe()
    assert [one["state"] for one in described.values()] == [State.STOPPED, State.STOPPED]


def test_before_anything_is_known_it_says_so(double: Double) -> None:
    """Making it starts nothing, and a scrape need not wait."""
    collector = IrisCollector({"a": settings_for(double, name="a")}, KernelTree)
    families = {family.name: family for family in expand(collector.collect())}
    assert dict(families["iris_state"].samples)["a", "connecting"] == 1
    assert double.accepted == 0
    collector.close()


def test_a_secret_that_everybody_may_read_is_worth_a_line(tmp_path: Path) -> None:
    """Once for each file, and no error: containers are given such files."""
    files = [tmp_path / name for name in ("open", "closed", "gone")]
    for file, mode in zip(files[:2], (0o644, 0o600), strict=True):
        file.write_text("x")
        file.chmod(mode)
    instances = {
        str(number): InstanceSettings(host="h", username="u", password_file=str(file))
        for number, file in enumerate([*files, files[0]])
    }
    with capture_logs() as records:
        IrisCollector(instances, KernelTree)
    assert [(one["event"], one["data"]["file"]) for one in records] == [
        ("secret is readable by everybody", str(files[0]))
    ]


@pytest.mark.parametrize(
    ("url", "changes", "is_told"),
    [
        ("http://192.0.2.1:52773/", {"username": "u"}, True),
        ("http://db1/", {"access_token": Secret("token")}, True),
        ("https://192.0.2.1:52773/", {"username": "u"}, False),
        ("http://192.0.2.1:52773/", {}, False),
        ("http://127.0.0.1:52773/", {"username": "u"}, False),
        ("", {"username": "u"}, False),
    ],
)
def test_a_secret_that_goes_over_plain_http_is_worth_a_line(
    url: str, changes: dict[str, Any], is_told: bool
) -> None:
    """Where it leaves this host."""
    settings = InstanceSettings(name="prod", host="h", metrics_url=url, **changes)
    with capture_logs() as records:
        IrisCollector({"prod": settings}, KernelTree)
    assert [one["event"] for one in records] == ["secret is sent without encryption"] * is_told


def suspended_here(double: Double, instance: Instance) -> InstanceSettings:
    """Settings of an instance on this host whose collecting a governor had suspended."""
    first = IrisCollector({"a": settings_for(double, name="a")}, KernelTree)
    first.wait(PATIENCE_SECONDS)
    end(first)
    task = instance.tasks.named("PerfWatch perfwatch")
    task["Suspended"] = 1
    task["Description"] = "PerfWatch: off by governor since 2026-11-21T07:00:00Z: cpu 93.1%"
    return settings_for(double, name="a", governor=HERE)


def test_pressure_on_this_host_spares_costly_collectors(double: Double, instance: Instance) -> None:
    """As long as it lasts, also those of a reload; when the collector goes, they go on."""
    collector = IrisCollector({"a": suspended_here(double, instance)}, KernelTree)
    first, second = Spared(), Spared()
    start_beside({"costly": first, IRIS: collector})
    first.wait_until(is_suspended=True)
    samples = read_samples(collector.collect())
    assert samples['perfwatch_governor_reason{iris_instance="a",reason="cpu"}'] == 1
    start_beside({"costly": second, IRIS: collector})
    second.wait_until(is_suspended=True)
    end(collector)
    start_beside({"costly": second})
    assert second.is_suspended is False


def test_nothing_is_suspended_without_pressure(two: dict[str, InstanceSettings]) -> None:
    """What had been, by another collector before a reload, is resumed."""
    spared = Spared()
    spared.suspend()
    collector = IrisCollector(two, KernelTree)
    start_beside({"costly": spared, IRIS: collector})
    assert spared.is_suspended is False
    end(collector)


def test_the_page_is_valid_in_both_formats(
    double: Double, capsysbinary: pytest.CaptureFixture[bytes], stream: io.StringIO
) -> None:
    """As `perfwatch once` prints it; and that changes nothing in the instance."""
    from exporter.once import once

    settings = build(
        {
            "iris.host": "127.0.0.1",
            "iris.port": double.port,
            "iris.username": double.connection().username,
            "iris.password": double.connection().password,
            "collector.disable-defaults": True,
        }
    )
    assert [one.name for one in make_collectors(settings)] == ["iris"]
    for form, is_openmetrics in (("text", False), ("openmetrics", True)):
        assert once(settings, form, ["iris"]) == 0
        page = capsysbinary.readouterr().out
        found = meaning(page, openmetrics=is_openmetrics)
        assert found["iris_up"][3][0][2] == "1.0"
        assert "iris_cpu_usage" in found
    assert not double.instance.tasks.tasks  # type: ignore[attr-defined]
