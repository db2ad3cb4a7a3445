"""The systemd collector: recorded answers, and a real bus between them and the collector."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._systemd_details import NO_NUMBER
from exporter.collectors.systemd import (
    Options,
    SystemdCollector,
    parse_units,
    parse_version,
)
from exporter.dbus import Bus
from exporter.kernel import KernelTree, NoData
from tests.goldens import HOSTS
from tests.real_bus import start_bus
from tests.recorded_services import SYSTEMD, RecordedBus, Recording
from tests.samples import read_samples

ALL_METRICS = Options(
    enable_task_metrics=True, enable_restarts_metrics=True, enable_start_time_metrics=True
)


def unit(name: str, active: str = "active", **properties: Any) -> dict[str, Any]:
    """Record a unit; a property is `Service_Type=("s", "simple")`."""
    of = {key.replace("_", "."): value for key, value in properties.items()}
    return {"name": name, "active": active, "properties": of}


def record(*units: dict[str, Any], **manager: str) -> Recording:
    """Record a systemd with these units."""
    about = {f"Manager.{name}": ("s", value) for name, value in manager.items()}
    return Recording({SYSTEMD: {"manager": about, "units": list(units)}})


def make(
    recording: Recording, options: Options | None = None, *, now: float = 0.0
) -> SystemdCollector:
    """Make a collector that asks a recording."""
    bus = RecordedBus(recording)
    return SystemdCollector(KernelTree(), options or Options(), bus=bus, clock=lambda: now)


def states(samples: dict[str, float], name: str) -> list[str]:
    """Find the states that a unit is in."""
    pattern = re.compile(rf'node_systemd_unit_state{{name="{name}",state="(\w+)"(?:,type="\w+")?}}')
    return [m[1] for key, value in samples.items() if value and (m := pattern.fullmatch(key))]


def test_a_real_bus_gives_the_same(tmp_path: Path) -> None:
    """Every answer survives the way over dbus-daemon, also when asked again."""
    recording = Recording.of_host(HOSTS / "laptop")
    direct = read_samples(make(recording, ALL_METRICS).collect())
    with start_bus(tmp_path, recording) as path:
        collector = SystemdCollector(KernelTree(), ALL_METRICS, bus=Bus(str(path)))
        assert read_samples(collector.collect()) == direct
        assert read_samples(collector.collect()) == direct
        collector.close()
    assert direct['node_systemd_socket_accepted_connections_total{name="sshd.socket"}'] == 17
    assert direct['node_systemd_unit_tasks_current{name="NetworkManager.service"}'] == 4


def test_systemd_says_what_it_is() -> None:
    """Version, virtualization and whether all is well."""
    recording = record(Version="252.38-1~deb12u1", Virtualization="kvm", SystemState="running")
    samples = read_samples(make(recording).collect())
    assert samples['node_systemd_version{version="252.38-1~deb12u1"}'] == 252.38
    assert samples['node_systemd_virtualization_info{virtualization_type="kvm"}'] == 1
    assert samples["node_systemd_system_running"] == 1


def test_bare_metal_is_none_and_degraded_is_not_running() -> None:
    """As node_exporter says it."""
    samples = read_samples(make(record(Virtualization="", SystemState="degraded")).collect())
    assert samples['node_systemd_virtualization_info{virtualization_type="none"}'] == 1
    assert samples["node_systemd_system_running"] == 0


def test_what_an_old_systemd_does_not_say_is_absent() -> None:
    """No version 0, no unknown virtualization."""
    samples = read_samples(make(record(unit("a.socket"), unit("b.timer"))).collect())
    assert {name.partition("{")[0] for name in samples} == {
        "node_systemd_units",
        "node_systemd_unit_state",
    }


def test_units_are_counted_by_state_and_shown_with_it() -> None:
    """All are counted, also in a state of which nobody heard; those that are left out too."""
    recording = record(
        unit("a.service", "failed", Service_Type=("s", "oneshot")),
        unit("b.service"),
        unit("c.mount", "refreshing"),
    )
    samples = read_samples(make(recording).collect())
    assert samples['node_systemd_units{state="failed"}'] == 1
    assert samples['node_systemd_units{state="active"}'] == 1
    assert samples['node_systemd_units{state="refreshing"}'] == 1
    assert samples['node_systemd_units{state="inactive"}'] == 0
    key = 'node_systemd_unit_state{name="a.service",state="failed",type="oneshot"}'
    assert samples[key] == 1
    assert states(samples, "b.service") == ["active"]
    assert states(samples, "c.mount") == []


def test_patterns_are_for_the_whole_name() -> None:
    """Include and exclude work together; what is not loaded is never shown."""
    options = Options(unit_include=re.compile("ssh.*"), unit_exclude=re.compile(".*d.socket"))
    gone = unit("ssh-gone.service") | {"load": "not-found"}
    names = ("ssh.service", "sshd.socket", "open-ssh.service", "sshd.socket.service")
    samples = read_samples(make(record(gone, *map(unit, names)), options).collect())
    shown = {name for name in (*names, "ssh-gone.service") if states(samples, re.escape(name))}
    assert shown == {"ssh.service", "sshd.socket.service"}


def test_no_patterns_show_all() -> None:
    """An empty pattern is none; the type of a mount is its file system's."""
    options = Options(unit_include=None, unit_exclude=None)
    samples = read_samples(
        make(record(unit("a.mount", Mount_Type=("s", "ext4"))), options).collect()
    )
    assert samples['node_systemd_unit_state{name="a.mount",state="active",type="ext4"}'] == 1


def test_what_is_no_number_is_absent() -> None:
    """No limit of tasks, a timer that was never triggered, a unit that was not started."""
    recording = record(
        unit(
            "a.service",
            "inactive",
            Service_TasksCurrent=("t", NO_NUMBER),
            Service_TasksMax=("t", 100),
            Service_NRestarts=("u", 0),
            Unit_ActiveEnterTimestamp=("t", 5),
        ),
        unit("b.timer", Timer_LastTriggerUSec=("t", 0)),
        unit("c.timer", Timer_LastTriggerUSec=("t", 1_700_000_000_123_456)),
        unit("d.target", Unit_ActiveEnterTimestamp=("t", 1_700_000_000_500_000)),
    )
    samples = read_samples(make(recording, ALL_METRICS).collect())
    details = {
        name: value for name, value in samples.items() if '{name="' in name and "state=" not in name
    }
    assert details == {
        'node_systemd_unit_tasks_max{name="a.service"}': 100,
        'node_systemd_service_restart_total{name="a.service"}': 0,
        'node_systemd_timer_last_trigger_seconds{name="c.timer"}': 1_700_000_000.123456,
        'node_systemd_unit_start_time_seconds{name="d.target"}': 1_700_000_000.5,
    }


def test_types_are_asked_for_every_five_minutes() -> None:
    """They change with a unit's file only; a unit that comes is asked at once."""
    recording = record(unit("a.service", Service_Type=("s", "simple")))
    bus = RecordedBus(recording)
    now = [0.0]
    collector = SystemdCollector(KernelTree(), Options(), bus=bus, clock=lambda: now[0])
    list(collector.collect())
    assert bus.batches == [4, 1]
    list(collector.collect())
    assert bus.batches == [4, 1, 4]
    recording.content[SYSTEMD]["units"].append(unit("b.service", Service_Type=("s", "dbus")))
    samples = read_samples(collector.collect())
    assert bus.batches == [4, 1, 4, 4, 1]
    assert samples['node_systemd_unit_state{name="b.service",state="active",type="dbus"}'] == 1
    now[0] = 301.0
    list(collector.collect())
    assert bus.batches == [4, 1, 4, 4, 1, 4, 2]


def test_units_come_and_go() -> None:
    """A unit that is gone is not shown any more."""
    recording = record(unit("a.service"), unit("b.service"))
    collector = make(recording)
    list(collector.collect())
    del recording.content[SYSTEMD]["units"][0]
    samples = read_samples(collector.collect())
    assert states(samples, "a.service") == []
    assert states(samples, "b.service") == ["active"]


def test_without_systemd_there_is_no_data() -> None:
    """Another init system is no failure."""
    with pytest.raises(NoData, match="not on the D-Bus system bus"):
        list(make(Recording({})).collect())


def test_a_refusal_is_a_failure() -> None:
    """A systemd that does not list its units has a policy in the way."""
    recording = record()
    recording.content[SYSTEMD]["refused"] = ["ListUnits"]
    with pytest.raises(PermissionError, match="policy"):
        list(make(recording).collect())


@pytest.mark.parametrize(
    "answer",
    [(), ([("a",)],), (5,), ([(1, 2, 3, 4, 5, 6, 7)],), ([(None,) * 10],)],
)
def test_what_is_no_list_of_units_is_an_error(answer: Any) -> None:
    """Nothing but ValueError comes out of the parser."""
    with pytest.raises(ValueError, match="unit"):
        parse_units(answer)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda of: st.lists(of, max_size=9)
)


@given(VALUES)
def test_any_answer_is_units_or_a_value_error(answer: Any) -> None:
    """Whatever a service sends."""
    with contextlib.suppress(ValueError):
        parse_units((answer,))


@pytest.mark.parametrize(
    ("version", "number"),
    [
        ("252.38-1~deb12u1", "252.38"),
        ("v255", "255"),
        ("systemd 219", "219"),
        ("257~rc1", "257"),
        ("44", None),
        (None, None),
    ],
)
def test_versions_are_numbers(version: object, number: str | None) -> None:
    """As far as there is one of three digits."""
    assert parse_version(version) == number


def test_the_private_socket_is_the_hosts(tmp_path: Path) -> None:
    """Below the mounted root directory, in a container."""
    kernel = KernelTree(rootfs=str(tmp_path))
    collector = SystemdCollector(kernel, Options(private=True))
    with pytest.raises(NoData, match="D-Bus"):
        list(collector.collect())
    assert vars(collector._bus)["_path"] == f"{tmp_path}/run/systemd/private"
