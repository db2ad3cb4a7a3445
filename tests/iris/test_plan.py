"""The plan, carried out on a model of an instance: whatever there is, it ends as desired."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given

from exporter.iris.system_performance.marks import (
    BY_ADMINISTRATOR,
    ON,
    Mark,
    off_by_governor,
    off_by_operator,
)
from exporter.iris.system_performance.plan import Desired, next_mark, plan
from exporter.iris.system_performance.reports import Report
from exporter.iris.system_performance.steps import (
    AddProfile,
    CreateSchedule,
    DeleteTask,
    EditProfile,
    RemoveReport,
    ResumeTask,
    StartRun,
    StopRun,
    SuspendTask,
    UpdateSchedule,
    WriteMark,
)
from tests.iris.planned import (
    DESIRED,
    LOCAL,
    MARKS,
    MODELS,
    NOW,
    SCHEDULE,
    Model,
    make_run,
    make_task,
    wanted_profile,
)


@given(MODELS, DESIRED)
def test_what_is_planned_is_enough_and_done_once(model: Model, desired: Desired) -> None:
    """After it nothing is left to be done; only a run may wait until its profile is seen."""
    first = plan(desired, model.observed(), NOW)
    assert len(set(first.missing)) == len(first.missing)
    for step in first.steps:
        model.do(step)
    second = plan(desired, model.observed(), NOW)
    for step in second.steps:
        assert isinstance(step, StartRun)
        assert isinstance(first.steps[0], AddProfile | EditProfile)
        model.do(step)
    assert not plan(desired, model.observed(), NOW).steps


@given(MODELS, DESIRED)
def test_only_ours_are_touched(model: Model, desired: Desired) -> None:
    """By the ids and runids that were seen as ours."""
    observed = model.observed()
    ids, runids = set(model.tasks), {run.runid for run in model.runs}
    for step in plan(desired, observed, NOW).steps:
        match step:
            case DeleteTask(task_id) | SuspendTask(task_id, _) | ResumeTask(task_id, _):
                assert task_id in ids
            case WriteMark(task_id, _):
                assert task_id in ids
            case StopRun(runid):
                assert runid in runids


@given(MODELS, DESIRED)
def test_the_governor_has_no_say_in_what_others_have_decided(
    model: Model, desired: Desired
) -> None:
    """What a person has suspended stays suspended, and what is kept on stays on."""
    desired = replace(desired, by="governor")
    observed = model.observed()
    mark = observed.mark
    steps = plan(desired, observed, NOW).steps
    if mark is not None and not mark.has_expired(NOW):
        if mark.by in {"operator", "administrator"}:
            assert not [step for step in steps if isinstance(step, SuspendTask | ResumeTask)]
        if mark.is_on and mark.state == "kept_on":
            assert not [step for step in steps if isinstance(step, StopRun)]


@given(MODELS, DESIRED)
def test_a_switch_changes_nothing_else(model: Model, desired: Desired) -> None:
    """Neither profile nor schedule."""
    wanted = plan(replace(desired, only_switch=True), model.observed(), NOW)
    for step in wanted.steps:
        assert isinstance(step, SuspendTask | ResumeTask | WriteMark | StopRun)


@pytest.mark.parametrize(
    ("current", "wanted", "by", "follows"),
    [
        (ON, off_by_governor(NOW, "cpu"), "governor", off_by_governor(NOW, "cpu")),
        (ON, off_by_operator(NOW), "operator", off_by_operator(NOW)),
        (ON, None, "operator", ON),
        (MARKS[1], off_by_governor(NOW, "x"), "governor", MARKS[1]),
        (MARKS[1], ON, "governor", ON),
        (MARKS[1], off_by_operator(NOW), "operator", off_by_operator(NOW)),
        (MARKS[2], ON, "governor", MARKS[2]),
        (MARKS[2], off_by_governor(NOW, "x"), "governor", MARKS[2]),
        (MARKS[2], off_by_operator(NOW), "operator", MARKS[2]),
        (
            MARKS[2],
            off_by_operator(NOW, reason="why"),
            "operator",
            off_by_operator(NOW, None, "why"),
        ),
        (MARKS[2], ON, "operator", ON),
        (MARKS[3], None, "operator", MARKS[3]),
        (MARKS[3], ON, "governor", MARKS[3]),
        (MARKS[4], None, "governor", ON),
        (MARKS[4], off_by_governor(NOW, "x"), "governor", off_by_governor(NOW, "x")),
        (MARKS[5], off_by_governor(NOW, "x"), "governor", MARKS[5]),
        (MARKS[6], off_by_governor(NOW, "x"), "governor", off_by_governor(NOW, "x")),
        (BY_ADMINISTRATOR, ON, "governor", BY_ADMINISTRATOR),
        (BY_ADMINISTRATOR, None, "operator", BY_ADMINISTRATOR),
        (BY_ADMINISTRATOR, ON, "operator", ON),
    ],
)
def test_which_mark_follows(
    current: Mark, wanted: Mark | None, by: Literal["governor", "operator"], follows: Mark
) -> None:
    """Who may change what."""
    assert next_mark(current, Desired(mark=wanted, by=by), NOW) == follows


def test_what_is_off_is_suspended_before_it_is_stopped() -> None:
    """Else the schedule could start another run in between."""
    model = Model(
        has_wrapper=True,
        may_schedule=True,
        profile=wanted_profile(SCHEDULE.policy),
        tasks={"1": make_task("1", SCHEDULE, ON, is_suspended=False)},
        runs=[make_run(LOCAL)],
    )
    steps = plan(Desired(mark=off_by_operator(NOW)), model.observed(), NOW).steps
    assert [type(step) for step in steps] == [SuspendTask, StopRun]


def test_force_writes_everything_anew() -> None:
    """Also what looks right."""
    model = Model(
        has_wrapper=False,
        may_schedule=True,
        profile=wanted_profile(SCHEDULE.policy),
        tasks={"1": make_task("1", SCHEDULE, ON, is_suspended=False)},
    )
    steps = plan(Desired(force=True), model.observed(), NOW).steps
    assert [type(step) for step in steps] == [EditProfile, UpdateSchedule]


def test_a_profile_that_cannot_be_read_is_left() -> None:
    """It is there, in a form of a version to come."""
    model = Model(has_wrapper=True, may_schedule=True, profile=wanted_profile(SCHEDULE.policy))
    observed = replace(model.observed(), profile=None)
    steps = plan(Desired(), observed, NOW).steps
    assert [type(step) for step in steps] == [CreateSchedule]


def test_steps_are_told_in_words() -> None:
    """For whoever has asked for them."""
    task = make_task("7", SCHEDULE, ON, is_suspended=False)
    told = [
        str(step)
        for step in (
            AddProfile(SCHEDULE.policy),
            EditProfile(SCHEDULE.policy),
            CreateSchedule(SCHEDULE, ON),
            UpdateSchedule(task, SCHEDULE),
            DeleteTask("8"),
            SuspendTask("7", MARKS[1]),
            ResumeTask("7", ON),
            WriteMark("7", ON),
            StopRun("r"),
            StartRun(SCHEDULE.policy),
            RemoveReport(Report(make_run(LOCAL), "/mgr/a.html", 1, LOCAL)),
        )
    ]
    assert told == [
        "make the profile perfwatch",
        "change the profile perfwatch",
        "create the task PerfWatch perfwatch",
        "change task 7",
        "delete task 8, as there is an older one of its name",
        "suspend task 7",
        "resume task 7",
        "write into task 7: PerfWatch: on",
        "stop the run r",
        "start a run of perfwatch",
        "remove the report /mgr/a.html",
    ]
