"""What the page and the log say of the governor."""

from __future__ import annotations

import io

import pytest

from exporter.iris.governor.decision import Mode, Rules
from exporter.iris.governor.governor import Governor
from exporter.iris.system_performance.marks import BY_ADMINISTRATOR
from monitoring.structured_logging import configure
from tests.iris.governed import BUSY, QUIET, STARTED_AT, Governed, Levels, suspended
from tests.logs import records

HOUR = 3600.0


@pytest.fixture
def log(stream: io.StringIO) -> io.StringIO:
    """Where the log goes, which is configured so."""
    configure(stream=stream)
    return stream


def test_turned_off_it_does_nothing() -> None:
    """It says that it is off, and nothing else."""
    governed = Governed(mode=Mode.OFF)
    for _ in range(12):
        governed.sample(BUSY)
        assert governed.governor.decide_if_due() is None
    states = ("collecting", "suspended", "kept_on", "kept_off", "off")
    assert governed.page() == {
        "mode act": 0,
        "mode observe": 0,
        "mode off": 1,
        **{f"state {state}": int(state == "off") for state in states},
    }


def test_the_page_tells_its_state() -> None:
    """Thresholds and readings as ratios, the seconds that it is suspended while they pass."""
    governed = suspended()
    governed.pass_seconds(30)
    page = governed.page()
    assert page["threshold_ratio cpu disable"] == 0.90
    assert page["threshold_ratio cpu enable"] == 0.85
    assert page["threshold_ratio memory disable"] == 0.95
    assert page["threshold_ratio memory enable"] == 0.90
    assert (page["reading_ratio cpu"], page["reading_ratio memory"]) == (0.97, 0.5)
    assert (page["blind"], page["decisions_total"]) == (0, 1)
    assert page["suspended_seconds_total"] == 30
    assert page["state_since_timestamp_seconds"] == STARTED_AT + 60
    assert (governed.state(), governed.reason()) == ("suspended", "cpu")
    assert governed.governor.is_suspending
    governed.monotonic -= 30
    governed.minute(QUIET)
    governed.minute(QUIET)
    governed.pass_seconds(HOUR)
    page = governed.page()
    assert page["suspended_seconds_total"] == 120
    assert (page["transitions_total suspend"], page["transitions_total resume"]) == (1, 1)


def test_what_is_unknown_is_absent() -> None:
    """Before the first decision there are no readings, and nobody knows whether it sees."""
    names = {family.name for family in Governed().governor.families()}
    assert "perfwatch_governor_threshold_ratio" in names
    assert not names & {
        "perfwatch_governor_blind",
        "perfwatch_governor_reading_ratio",
        "perfwatch_governor_override_until_timestamp_seconds",
    }


def test_each_family_names_its_instance() -> None:
    """As its first label; each has a help text."""
    governed = suspended()
    for family in governed.governor.families():
        assert family.labels[0] == "iris_instance"
        assert {labels[0] for labels, _ in family.samples} == {"prod"}
        assert family.help.endswith(".")
        assert (family.type == "counter") == family.name.endswith("_total")


def test_each_transition_is_one_line_of_the_log(log: io.StringIO) -> None:
    """With the readings and the thresholds; so is the loss of sight, and its return."""
    governed = suspended()
    governed.minute(BUSY)
    governed.blind_minute()
    governed.blind_minute()
    governed.minute(QUIET)
    governed.minute(QUIET)
    lines = records(log.getvalue())
    assert [(line["level"], line["message"]) for line in lines] == [
        ("warning", "governor suspends collection"),
        ("warning", "governor is blind"),
        ("info", "governor sees again"),
        ("info", "governor resumes collection"),
    ]
    assert lines[0]["logger"] == "perfwatch.governor"
    assert lines[0]["data"] == {
        "instance": "prod",
        "mode": "act",
        "reason": "cpu",
        "cpu_percent": 97.0,
        "memory_percent": 50.0,
        "thresholds": {
            "cpu_disable_percent": 90.0,
            "memory_disable_percent": 95.0,
            "cpu_enable_percent": 85.0,
            "memory_enable_percent": 90.0,
            "dwell_decisions": 2,
        },
    }


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ((93.14, 50.0), "cpu 93.1%"),
        ((20.0, 96.0), "memory 96.0%"),
        ((93.0, 96.0), "cpu 93.0%, memory 96.0%"),
        ((93.0, None), "cpu 93.0%"),
        ((None, 96.0), "memory 96.0%"),
    ],
)
def test_the_readings_behind_a_decision_in_words(levels: Levels, text: str) -> None:
    """For the mark of the task in IRIS."""
    decision = Governed().minute(levels)
    assert decision.means.describe(decision.reason) == text


def test_a_governor_takes_the_machines_clocks() -> None:
    """Unless it is given others."""
    governor = Governor("prod", Rules())
    assert governor.decide_if_due() is None


def test_it_is_told_in_one_word() -> None:
    """For the page about health."""
    governed = Governed()
    words = [governed.governor.word]
    governed.minute(BUSY)
    words.append(governed.governor.word)
    governed.blind_minute()
    words.append(governed.governor.word)
    governed.minute(QUIET)
    governed.governor.note(BY_ADMINISTRATOR)
    words += [governed.governor.word, Governed(mode=Mode.OFF).governor.word]
    assert words == ["collecting", "suspended", "blind", "kept_off", "off"]
