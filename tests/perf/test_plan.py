"""What is tried before perf counts, and what is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.perf.events import select
from exporter.perf.findings import NO_PERF, NOT_PERMITTED, Findings
from exporter.perf.plan import Plan
from tests.perf.fake_perf import FakePerf

EVENTS = select(["cycles", "instructions"])


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_trial_that_has_stopped_is_begun_anew(times: int, tmp_path: Path) -> None:
    """Told to stop and at once to go on, as by `suspend` and `resume`, it may lack some events."""
    plan = Plan(FakePerf(tmp_path).path, EVENTS, "none")
    answers = iter([*[False] * times, True])
    assert not plan.try_out(lambda: next(answers, False))
    assert plan.findings.reasons == {}
    assert plan.try_out(lambda: False)
    assert plan.findings.reasons == dict.fromkeys(EVENTS, "")
    assert plan.findings.groups == (EVENTS,)


@pytest.mark.parametrize("reason", [NOT_PERMITTED, NO_PERF])
def test_what_may_be_otherwise_now_is_tried_again(reason: str, tmp_path: Path) -> None:
    """Rights may have changed; and perf, which could not be run for a moment, may be back.

    The event is counted together with its partner then, and the others are not tried again.
    """
    perf = FakePerf(tmp_path)
    cycles, instructions, faults = events = select(["cycles", "instructions", "page-faults"])
    plan = Plan(perf.path, events, "none")
    plan.findings = Findings(
        {cycles: "", instructions: reason, faults: ""},
        ((cycles,), (faults,)),
        json=True,
        explanation="",
    )
    plan.doubt(everything=False)
    assert plan.try_out(lambda: False)
    assert plan.findings.reasons == dict.fromkeys(events, "")
    assert plan.findings.groups == ((faults,), (cycles, instructions))
    assert perf.probed == ["cpu-clock", "cycles", "instructions", "{cycles,instructions}"]
