"""The logind collector: recorded sessions, and a real bus between them and the collector."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.logind import LogindCollector, parse_pairs
from exporter.dbus import Bus
from exporter.kernel import KernelTree, NoData
from tests.goldens import HOSTS
from tests.real_bus import start_bus
from tests.recorded_services import LOGIND, RecordedBus, Recording
from tests.samples import read_samples


def session(name: str, seat: str, remote: object, kind: str, of: str) -> dict[str, Any]:
    """Record a session."""
    return {
        "name": name,
        "seat": seat,
        "properties": {
            "Session.Remote": ("b", remote),
            "Session.Type": ("s", kind),
            "Session.Class": ("s", of),
        },
    }


def collect(*sessions: dict[str, Any], seats: tuple[str, ...] = ("seat0",)) -> dict[str, float]:
    """Collect these sessions; those of which there are none are left out."""
    recording = Recording({LOGIND: {"seats": seats, "sessions": sessions}})
    collector = LogindCollector(KernelTree(), bus=RecordedBus(recording))
    return {name: value for name, value in read_samples(collector.collect()).items() if value}


def test_a_real_bus_gives_the_same(tmp_path: Path) -> None:
    """Every answer survives the way over dbus-daemon."""
    recording = Recording.of_host(HOSTS / "laptop")
    direct = read_samples(LogindCollector(KernelTree(), bus=RecordedBus(recording)).collect())
    with start_bus(tmp_path, recording) as path:
        collector = LogindCollector(KernelTree(), bus=Bus(str(path)))
        assert read_samples(collector.collect()) == direct
        collector.close()
    assert direct['node_logind_sessions{class="user",remote="true",type="tty"}'] == 2


def test_every_kind_is_shown() -> None:
    """Also those of which there is no session: two seats and none, 2 by 7 by 5."""
    recording = Recording({LOGIND: {"seats": ["seat0", "seat1"], "sessions": []}})
    samples = read_samples(LogindCollector(KernelTree(), bus=RecordedBus(recording)).collect())
    assert len(samples) == 3 * 2 * 7 * 5
    assert set(samples.values()) == {0}


def test_sessions_are_counted_by_kind() -> None:
    """Kinds that are not known are other ones; seats that are not listed do not count."""
    assert collect(
        session("1", "seat0", remote=False, kind="wayland", of="user"),
        session("2", "", remote=True, kind="tty", of="user"),
        session("3", "", remote=True, kind="tty", of="user"),
        session("4", "", remote=False, kind="hologram", of="manager"),
        session("5", "seat9", remote=False, kind="tty", of="user"),
    ) == {
        'node_logind_sessions{class="user",remote="false",seat="seat0",type="wayland"}': 1,
        'node_logind_sessions{class="user",remote="true",type="tty"}': 2,
        'node_logind_sessions{class="other",remote="false",type="other"}': 1,
    }


def test_a_session_that_has_just_ended_does_not_count() -> None:
    """Its object is gone when it is asked."""
    assert collect({"name": "1", "seat": "", "properties": {}}) == {}
    assert collect(session("1", "", remote="yes", kind="tty", of="user")) == {}


def test_without_logind_there_is_no_data() -> None:
    """Its absence is no failure."""
    with pytest.raises(NoData, match="not on the D-Bus system bus"):
        list(LogindCollector(KernelTree(), bus=RecordedBus(Recording({}))).collect())


@pytest.mark.parametrize("method", ["ListSeats", "ListSessions"])
def test_a_refusal_is_a_failure(method: str) -> None:
    """A policy is in the way."""
    recording = Recording({LOGIND: {"seats": [], "sessions": [], "refused": [method]}})
    with pytest.raises(PermissionError, match="policy"):
        list(LogindCollector(KernelTree(), bus=RecordedBus(recording)).collect())


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda of: st.lists(of, max_size=6)
)


@given(VALUES)
def test_any_answer_is_a_list_or_a_value_error(answer: Any) -> None:
    """Whatever a service sends."""
    with contextlib.suppress(ValueError):
        parse_pairs((answer,), 0, 1)


@pytest.mark.parametrize("answer", [(), (5,), ([("a",)],), ([(1, "b")],)])
def test_what_is_no_list_is_an_error(answer: Any) -> None:
    """Of logind's."""
    with pytest.raises(ValueError, match="logind"):
        parse_pairs(answer, 0, 1)
