"""The perf collector: its settings, and what it makes of what a source says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from exporter.collectors.perf import Options, PerfCollector
from exporter.kernel import KernelTree
from exporter.perf.counters import Counters, Sample
from exporter.perf.events import SETS, Event, select
from exporter.perf.findings import NOT_SUPPORTED
from exporter.perf.source import Reading
from exporter.settings import Key, SettingsError, all_keys, build
from exporter.sources import parse_value
from tests.child import REPOSITORY
from tests.samples import read_samples

PREFIX = "collector.perf."
KEYS: Mapping[str, Key] = {
    key.flag.removeprefix(PREFIX): key for key in all_keys() if key.flag.startswith(PREFIX)
}
SOFTWARE = SETS["software"]


class Told:
    """A source that says what a test wants it to, and remembers what it was told."""

    def __init__(self, events: tuple[Event, ...], counters: Counters) -> None:
        self.events = events
        self.counters = counters
        self.reading = Reading(
            is_up=False, age_seconds=None, restarts=0, unparsed_lines=0, is_suspended=False
        )
        self.told: list[str] = []

    def read(self) -> Reading:
        """Say how it is."""
        self.told.append("read")
        return self.reading

    def wait(self, seconds: float) -> None:
        """Remember for how long."""
        self.told.append(f"wait {seconds:g}")

    def suspend(self) -> None:
        """Remember it."""
        self.told.append("suspend")

    def resume(self) -> None:
        """Remember it."""
        self.told.append("resume")

    def close(self) -> None:
        """Remember it."""
        self.told.append("close")


def make(**options: Any) -> tuple[PerfCollector, Told]:
    """Make a collector, and the source that it asks."""
    made: list[Told] = []

    def make_source(events: tuple[Event, ...], counters: Counters) -> Told:
        made.append(Told(events, counters))
        return made[0]

    collector = PerfCollector(KernelTree(), Options(**options), make_source=make_source)
    return collector, made[0]


def counted(event: Event, count: float, *place: str) -> Sample:
    """A sample that was counted for all of a second."""
    return Sample(event, place, "", count=count, enabled_seconds=1.0, running_seconds=1.0)


def test_what_was_counted_is_shown() -> None:
    """Counters, their confidence, and the state of what counts."""
    collector, source = make(events=("software",))
    assert source.events == SOFTWARE
    assert source.told == [], "making it starts nothing"
    source.counters.set_availability(dict.fromkeys(SOFTWARE, ""))
    source.counters.add([counted(event, 3) for event in SOFTWARE])
    source.reading = Reading(
        is_up=True, age_seconds=0.25, restarts=2, unparsed_lines=4, is_suspended=False
    )
    found = read_samples(collector.collect())
    assert found["perf_page_faults_total"] == 3
    assert found["perf_task_clock_seconds_total"] == 3
    assert found['perf_event_running_ratio{event="major_faults"}'] == 1
    assert {name: value for name, value in found.items() if name in STATE} == {
        "perf_up": 1,
        "perf_suspended": 0,
        "perf_child_restarts_total": 2,
        "perf_unparsed_lines_total": 4,
        "perf_sample_age_seconds": 0.25,
    }
    assert len(found) == 7 * 5 + 5
    assert set(list(found)[:5]) == STATE, "first, as the last are cut where there are too many"


STATE = {
    *("perf_up", "perf_suspended", "perf_sample_age_seconds"),
    *("perf_child_restarts_total", "perf_unparsed_lines_total"),
}


def test_before_the_first_sample_there_is_no_age() -> None:
    """Nothing is up, nothing was counted, and nothing is made up."""
    collector, _ = make()
    assert read_samples(collector.collect()) == {
        "perf_up": 0,
        "perf_suspended": 0,
        "perf_child_restarts_total": 0,
        "perf_unparsed_lines_total": 0,
    }


def test_a_dead_source_leaves_its_reasons() -> None:
    """While nothing counts there are no counters; why is said, and what was counted stays."""
    collector, source = make(events=("context-switches", "cycles"))
    switches, cycles = source.events
    source.counters.set_availability({switches: "", cycles: NOT_SUPPORTED})
    source.counters.add([counted(switches, 3)])
    up = source.reading._replace(is_up=True, age_seconds=0.5)
    source.reading = up._replace(is_up=False, age_seconds=60.0)
    found = read_samples(collector.collect())
    assert {key: value for key, value in found.items() if "{" in key} == {
        'perf_event_available{event="context_switches"}': 1,
        f'perf_event_available{{event="cycles",reason="{NOT_SUPPORTED}"}}': 0,
    }
    assert found["perf_up"] == 0
    assert found["perf_sample_age_seconds"] == 60
    source.reading = up
    assert read_samples(collector.collect())["perf_context_switches_total"] == 3


def test_who_suspends_is_obeyed() -> None:
    """Suspending, resuming, waiting and closing reach the source."""
    collector, source = make()
    collector.suspend()
    collector.resume()
    collector.wait(2.5)
    collector.close()
    assert source.told == ["suspend", "resume", "wait 2.5", "close"]
    source.reading = source.reading._replace(is_suspended=True)
    assert read_samples(collector.collect())["perf_suspended"] == 1


def test_places_are_labels() -> None:
    """With an aggregation, each place has a series of its own."""
    collector, source = make(events=("page-faults",), aggregation="core")
    (faults,) = source.events
    source.counters.add([counted(faults, 1, "0", "0", "3"), counted(faults, 2, "1", "0", "0")])
    source.reading = source.reading._replace(is_up=True)
    found = read_samples(collector.collect())
    assert found['perf_page_faults_total{core="3",die="0",socket="0"}'] == 1
    assert found['perf_page_faults_total{core="0",die="0",socket="1"}'] == 2


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("events", "software", ("software",)),
        ("events", ["tlb", "slow=r1a8"], ("tlb", "slow=r1a8")),
        ("events", "switch=sched:sched_switch cycles", ("switch=sched:sched_switch", "cycles")),
        (
            "events",
            "writes=uncore_imc/event=0x4,umask=0xc/",
            ("writes=uncore_imc/event=0x4,umask=0xc/",),
        ),
        ("aggregation", "none", "none"),
        ("aggregation", "node", "node"),
        ("interval", "0.1", 0.1),
        ("interval", "500ms", 0.5),
        ("interval", 60, 60.0),
        ("idle-timeout", "10m", 600.0),
        ("idle-timeout", "0", 0.0),
        ("command", "perf_6.1", "perf_6.1"),
        ("command", "/opt/linux tools/perf", "/opt/linux tools/perf"),
        ("backend", "syscall", "syscall"),
    ],
)
def test_settings_are_taken(name: str, raw: Any, value: Any) -> None:
    """What the page promises can be set."""
    assert KEYS[name].parse(raw) == value


def test_the_examples_of_the_page_are_taken() -> None:
    """Whoever copies the example of events has no mistake in it, and gets the names it says."""
    page = (REPOSITORY / "docs/collectors/perf.md").read_text()
    block = re.search(r"^    collector:\n      perf:\n(?:     .*\n)+", page, re.MULTILINE)
    assert block is not None
    wanted = yaml.safe_load(block[0])["collector"]["perf"]["events"]
    metrics = {event.metric for event in select(KEYS["events"].parse(wanted))}
    named = set(re.findall(r"perf_[a-z0-9_]+_total", block[0]))
    assert len(named) >= 2
    assert named < metrics


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("events", "", "expected at least one event"),
        ("events", "cycels", "'cycels' is no known event: expected a set"),
        ("events", "r1a8", "'r1a8' is no known event: .*ALIAS=EVENT"),
        ("events", ["up=r1a8"], "'up' cannot be an alias"),
        ("aggregation", "thread", "expected one of none, cpu, core, socket, node"),
        ("interval", "0.05", "expected from 0.1 to 60 seconds"),
        ("interval", "2m", "expected from 0.1 to 60 seconds"),
        ("interval", "often", "expected a duration"),
        ("idle-timeout", "-1", "expected a duration"),
        ("command", "", "expected the name of a program"),
        ("command", "./perf", "expected the name of a program such as perf, or an absolute path"),
        ("command", "/bin/perf\0", "expected the name of a program"),
        ("backend", "bpf", "expected one of stat, syscall"),
    ],
)
def test_wrong_settings_are_refused(name: str, raw: Any, expected: str) -> None:
    """Each message says what was expected."""
    with pytest.raises(ValueError, match=expected):
        KEYS[name].parse(raw)


@pytest.mark.parametrize("setting", ["events=cycels", "interval=5m", "command="])
def test_messages_name_the_page(setting: str) -> None:
    """Where the choice is not plain from the message, it names this collector's page."""
    name, _, raw = setting.partition("=")
    with pytest.raises(SettingsError, match=r"expected .*; docs/collectors/perf\.md "):
        parse_value(KEYS[name], raw, f"--{PREFIX}{name}")


def test_counting_must_not_stop_before_a_sample() -> None:
    """An idle timeout below the interval would never show anything."""
    with pytest.raises(ValueError, match=r"idle-timeout is 1 s and interval 1 s: expected a long"):
        Options(idle_timeout=1.0)
    assert Options(idle_timeout=1.5).idle_timeout == 1.5
    assert Options(idle_timeout=0.0).interval == 1


def test_it_is_off_by_default() -> None:
    """Nobody runs a process that was not asked for."""
    assert "perf" not in build({}).collectors
    options = build({"collector.perf": True}).collectors["perf"]
    assert options == Options()
    assert (options.events, options.interval, options.idle_timeout) == (("default",), 1.0, 300.0)


IMPORTS = """\
import sys
from exporter.collectors.perf import Options, PerfCollector
from exporter.kernel import KernelTree
PerfCollector(KernelTree(), Options(backend=sys.argv[1])).close()
print(*sorted(set(sys.modules) & {"exporter.perf.syscall", "exporter.perf.sampler"}))
"""


@pytest.mark.parametrize(("backend", "other"), [("stat", "syscall"), ("syscall", "sampler")])
def test_the_other_backend_is_not_imported(backend: str, other: str) -> None:
    """What is not used costs no memory."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, backend],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [f"exporter.perf.{'sampler' if backend == 'stat' else 'syscall'}"]
    assert f"exporter.perf.{other}" not in done.stdout
