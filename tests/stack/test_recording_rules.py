"""The recorded ratios of counters: each is made of the right two, and only where it can be trusted.

Hardware counters are made up here: virtual machines have none.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.exposition import TEXT, Renderer
from exporter.perf.counters import Counters, Sample
from exporter.perf.events import DIVIDED, KNOWN
from tests.conftest import TESTS
from tests.prometheus import CONFIG, promtool, start_prometheus, wait_until
from tests.samples import read_samples
from tests.web_page import serve

EVENTS = tuple(KNOWN.values())

RECORDING_RULES = CONFIG.with_name("recording_rules.yml")

CASES = sorted((TESTS / "stack" / "rules").glob("perf_ratios*.yml"))

RULES: dict[str, str] = {
    rule["record"]: rule["expr"]
    for group in yaml.safe_load(RECORDING_RULES.read_text())["groups"]
    for rule in group["rules"]
}

CONFIDENCE = "instance:perf_event_running_per_enabled:ratio_rate5m"

RATIOS = {
    "perf_instructions_per_cycle": ("instructions", "cycles"),
    "perf_branch_misses_per_branch": ("branch_misses", "branches"),
    "perf_cache_misses_per_reference": ("cache_misses", "cache_references"),
    "perf_L1_dcache_load_misses_per_load": ("L1_dcache_load_misses", "L1_dcache_loads"),
    "perf_LLC_load_misses_per_load": ("LLC_load_misses", "LLC_loads"),
    "perf_dTLB_load_misses_per_load": ("dTLB_load_misses", "dTLB_loads"),
    "perf_iTLB_load_misses_per_load": ("iTLB_load_misses", "iTLB_loads"),
}
"""What is divided by what."""

IPC = "perf_instructions_per_cycle"
"""What the cases are written for."""


def test_every_ratio_is_recorded() -> None:
    """There is a rule for each of these and nothing else; the one that the others read is first."""
    assert list(RULES) == [CONFIDENCE, *(f"instance:{name}:ratio_rate5m" for name in RATIOS)]


def test_names_follow_the_practice() -> None:
    """A name says the level, the metric and the operation, with the range that the rule has."""
    for name, expression in RULES.items():
        assert re.fullmatch(r"instance:perf_[A-Za-z0-9_]+:ratio_rate5m", name)
        assert set(re.findall(r"\[(\w+)\]", expression)) <= {"5m"}


def test_what_is_divided_is_counted_together() -> None:
    """There is a ratio for each group of events that the collector counts at the same time."""
    groups = {tuple(KNOWN[spec].name for spec in specs) for specs in DIVIDED}
    assert {(denominator, numerator) for numerator, denominator in RATIOS.values()} == groups


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_each_ratio_is_made_in_the_same_way(cases: Path, ratio: str, tmp_path: Path) -> None:
    """What holds for instructions per cycle holds for each ratio, with its own events."""
    numerator, denominator = RATIOS[ratio]
    named = {IPC: ratio, "instructions": numerator, "cycles": denominator}
    text = re.sub(
        r"perf_instructions_per_cycle|(?<=perf_)(?:instructions|cycles)(?=_total\b)"
        r'|(?<=event=")(?:instructions|cycles)(?=")',
        lambda found: named[found[0]],
        cases.read_text(),
    )
    text = text.replace("../../../config", str(CONFIG.parent.parent))
    path = tmp_path / cases.name
    path.write_text(text)
    promtool("test", "rules", path)


def count(counters: Counters, seconds: float) -> None:
    """Count for a while: cycles by the billion, everything else half as often.

    The events of the last cache have to share the CPU's counters with nine others.
    """
    counters.add(
        Sample(
            event,
            (),
            "",
            is_supported=True,
            count=round(seconds * (2e9 if event.name == "cycles" else 1e9)),
            enabled_seconds=seconds,
            running_seconds=seconds / (10 if event.name.startswith("LLC") else 1),
        )
        for event in EVENTS
    )


def test_the_metrics_are_those_of_the_collector() -> None:
    """What a rule names, the collector gives; and it knows the events by the names in labels."""
    counters = Counters(EVENTS, "none")
    count(counters, 1.0)
    given = read_samples(counters.families(fresh=True))
    assert given['perf_event_running_seconds_total{event="cycles"}'] == 1
    expressions = " ".join(RULES.values()).replace(CONFIDENCE, "")
    metrics = set(re.findall(r"\bperf_\w+", expressions))
    assert metrics
    assert metrics <= {name.partition("{")[0] for name in given}
    named = set(re.findall(r'event="(\w+)"', expressions))
    assert named == {name for pair in RATIOS.values() for name in pair}
    assert {f'perf_event_enabled_seconds_total{{event="{name}"}}' for name in named} <= given.keys()


@contextlib.contextmanager
def counting_host() -> Iterator[str]:
    """Serve the counters of a host that counts all the time; give its address."""
    counters = Counters(EVENTS, "none")
    last = [time.monotonic()]

    def page(*_: object) -> bytes:
        last.append(time.monotonic())
        count(counters, last[-1] - last[-2])
        return Renderer(TEXT).render(counters.families(fresh=True))

    with serve(page, "text/plain; version=0.0.4") as address:
        yield address


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_prometheus_records_what_can_be_trusted(tmp_path: Path) -> None:
    """In one evaluation after the other, a ratio is there where its confidence is high enough."""
    ipc, misses = (
        f"instance:{name}:ratio_rate5m" for name in (IPC, "perf_LLC_load_misses_per_load")
    )
    with counting_host() as target, start_prometheus(tmp_path, target) as prometheus:
        query = prometheus.query
        wait_until(lambda: query(f"count_over_time({ipc}[1m]) > 2"), "it was recorded thrice", 30)
        ((labels, value),) = query(ipc)
        assert labels == {"__name__": ipc, "job": "perfwatch", "instance": target}
        assert value == pytest.approx(0.5)
        confidence = {labels["event"]: value for labels, value in query(CONFIDENCE)}
        assert confidence == pytest.approx(
            {event.name: 0.1 if event.name.startswith("LLC") else 1 for event in EVENTS}
        )
        assert query(f"count_over_time({misses}[1m])") == []
        recorded = query('{__name__=~"instance:perf_.*"}')
        assert {labels["__name__"] for labels, _ in recorded} == RULES.keys() - {misses}
