"""What works, what is missing and the grant that helps; and a record that names nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.cli import main
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from exporter.iris.check.assumptions import ASSUMPTIONS, Verdict, judge_all
from exporter.iris.check.checks import Finding, Outcome, make_checks, run_checks
from exporter.iris.check.recording import SAID, Scrubber, mask, record, shape, version
from exporter.iris.control import create_task
from exporter.iris.system_performance import wrapper
from exporter.iris.system_performance.policy import MonitoringPolicy, TaskSchedule
from tests.iris.double.faults import Hang
from tests.iris.double.instance import Instance
from tests.iris.double.server import Double

RETIREES = MonitoringPolicy(name="acme_retirees")
"""A profile whose name tells whose server it is."""


def outcomes(findings: list[Finding]) -> dict[str, Outcome]:
    """Say how each went."""
    return {finding.check.name: finding.outcome for finding in findings}


def live(instance: Instance) -> None:
    """Give it a profile, an ended run and one that is active, in a directory of its own."""
    instance.performance.setlogdir("/data/acme/reports")
    instance.performance.addprofile("acme_retirees", "ACME's retirees", 30, 10)
    instance.performance.run("acme_retirees")
    instance.advance(400)
    instance.performance.run("acme_retirees")


def test_with_the_least_privileges_all_that_is_needed_works(session: Session) -> None:
    """What does not is optional."""
    findings = run_checks(session, make_checks())
    assert [one.check.name for one in findings if not one.satisfied] == []
    optional = {one.check.name for one in findings if one.outcome is not Outcome.WORKS}
    assert optional == {"other users", "installing", "wrapper"}


def test_nothing_is_changed(double: Double, instance: Instance, session: Session) -> None:
    """No request is of a kind that could change anything."""
    live(instance)
    run_checks(session, make_checks())
    assert {request.kind for request in double.requests} <= {
        *("class_method", "property_get", "get", "order"),
        *("prepare", "execute", "fetch"),
    }
    changing = re.compile(r"Save|Delete|Run|Suspend|Resume|Stop|Create|Set|New")
    methods = {one.b for one in double.requests if one.kind == "class_method"}
    assert [method for method in methods if changing.search(method)] == []
    texts = {one.a for one in double.requests if one.kind in {"prepare", "execute"}}
    assert {text.split()[0] for text in texts} == {"SELECT"}


@pytest.mark.parametrize(
    ("privilege", "lost", "grant"),
    [
        ("%Native_GlobalAccess:U", {"globals", "history", "directories"}, "%Native_GlobalAccess"),
        ("%Admin_Task:U", {"task control"}, "%Admin_Task:USE"),
        ("%Admin_Manage:U", {"task code"}, "%Admin_Manage:USE"),
        ("%DB_IRISSYS:W", {"writing"}, "%DB_IRISSYS:WRITE"),
        ("SELECT %SYS.Task", {"tasks"}, "GRANT SELECT ON %SYS.Task"),
    ],
)
def test_a_right_that_is_missing_is_named(
    instance: Instance, session: Session, privilege: str, lost: set[str], grant: str
) -> None:
    """All that it costs, with the grant; and nothing else."""
    instance.revoke(privilege)
    findings = [one for one in run_checks(session, make_checks()) if not one.satisfied]
    assert outcomes(findings) == dict.fromkeys(lost, Outcome.MISSING)
    assert all(grant in one.document()["grant"] for one in findings)


def test_without_class_methods_the_globals_are_still_seen(
    instance: Instance, session: Session
) -> None:
    """The most important right is missing: what goes by other ways works."""
    instance.revoke("%Native_ClassExecution:U")
    found = outcomes(run_checks(session, make_checks()))
    assert found["sensors"] is Outcome.MISSING
    assert found["globals"] is Outcome.WORKS
    rights = {"task control", "task code", "writing", "journal"}
    assert {found[name] for name in rights} == {Outcome.UNTRIED}  # the user has them


def test_the_installed_wrapper_and_the_endpoint_are_checked(
    instance: Instance, session: Session
) -> None:
    """The wrapper answers once it is there; an endpoint that does not is no reason to fail."""
    instance.grant("%Development:U", "%CREATE_FUNCTION", "%DROP_FUNCTION")
    wrapper.install(session)
    url = "http://127.0.0.1:1/api/monitor/metrics"
    checks = [one for one in make_checks(metrics_url=url) if one.optional]
    findings = run_checks(session, checks)
    assert outcomes(findings)["wrapper"] is Outcome.WORKS
    assert outcomes(findings)["endpoint"] is Outcome.FAILED
    assert all(finding.satisfied for finding in findings)


def test_after_the_connection_has_ended_nothing_is_tried(double: Double) -> None:
    """A call that hangs costs its time once; what comes behind it is said not to be tried."""
    hang = double.faults.next_call(Hang(), "Check")
    with Session(double.connection(timeout_seconds=0.2)) as session:
        findings = run_checks(session, make_checks()[:3])
    hang.release()
    failed, untried = Outcome.FAILED, Outcome.UNTRIED
    assert [one.outcome for one in findings] == [failed, untried, untried]
    assert "no answer within 0.2 s" in findings[0].document()["error"]


def test_a_record_names_nobody(instance: Instance, session: Session) -> None:
    """Neither host, user, directory, profile nor address of the double's world is in it."""
    live(instance)
    instance.revoke("SELECT %SYS.Task", "%Admin_Operate:U")
    findings = run_checks(session, make_checks(RETIREES, "http://metrics.acme.example/x"))
    text = json.dumps(record(findings, instance.version, tls=False)).lower()
    world = ("acme", "retiree", "irishost", "127.0.0.1", "/data", "mgr", "horse", "2026112")
    assert [word for word in world if word in text] == []
    assert '"user #' in text or "<user #" in text


def test_a_record_says_how_answers_look(instance: Instance, session: Session) -> None:
    """Types and forms of a real server's answers, by which the double can be corrected."""
    live(instance)
    found = record(run_checks(session, make_checks(RETIREES)), instance.version, tls=True)
    answers = {one["name"]: one["answer"] for one in found["checks"]}
    assert answers["history"] == {
        "names": {"text 9_9_a_a": 1},
        "values": {"text 9,9^/a/a/a/": 1},
    }
    assert answers["lock table"] == "text 9,9,9"
    assert answers["directories"] == {"whole number": 1}
    assert "iris_cpu_usage" in found["sensors"]
    assert found["server"] == {
        "release": "2026.1",
        "build": "234U",
        "platform": ["UNIX", "Ubuntu", "Containers"],
    }
    assert found["tls"] is True


def test_the_double_confirms_what_is_assumed(instance: Instance, session: Session) -> None:
    """All that can be told without changing anything; the rest is open, not confirmed."""
    live(instance)
    create_task(session, TaskSchedule())
    instance.advance(600)
    verdicts = judge_all(run_checks(session, make_checks()))
    assert list(verdicts) == [one.id for one in ASSUMPTIONS]
    assert Verdict.REFUTED not in verdicts.values()
    confirmed = {"sensors", "profile-layout", "history-layout", "runid", "report-directory"}
    confirmed |= {"tasks-by-sql", "task-settings", "task-times"}
    assert {name for name in confirmed if verdicts[name] is Verdict.CONFIRMED} == confirmed
    assert verdicts["stop"] is Verdict.OPEN


def test_what_a_server_does_otherwise_is_refuted(instance: Instance, session: Session) -> None:
    """A layout that is another one is told; so is a class that is not there."""
    instance.globals.set("IRIS.SystemPerformance", "profile", "odd", value=("only a text",))
    instance.globals.set("IRIS.SystemPerformance", "history", "2026-odd", value="yesterday")
    checks = make_checks()
    findings = run_checks(session, [one for one in checks if one.name in {"globals", "history"}])
    absent = IrisError(ErrorKind.ABSENT, "<CLASS DOES NOT EXIST> *SYS.Monitor.SAM.Sensors")
    sensors = next(one for one in checks if one.name == "sensors")
    verdicts = judge_all([*findings, Finding(sensors, Outcome.ABSENT, error=absent)])
    refuted = {name for name, verdict in verdicts.items() if verdict is Verdict.REFUTED}
    assert refuted == {"profile-layout", "history-layout", "runid", "sensors", "cpu-and-memory"}


def test_a_refusal_in_other_words_is_refuted() -> None:
    """What is not permitted is expected to be told in one of two ways."""
    (check, *_) = make_checks()
    error = IrisError(ErrorKind.PRIVILEGE, "you shall not pass")
    verdicts = judge_all([Finding(check, Outcome.MISSING, error=error)])
    assert verdicts["refusals"] is Verdict.REFUTED


@given(st.text(st.characters(codec="utf-8"), min_size=5))
def test_no_word_of_a_server_comes_through(text: str) -> None:
    """Whatever stands in an error beside what is known is replaced, the same by the same."""
    scrubbed = Scrubber(SAID).text(f"<PROTECT> *^acme{text},zq{text}")
    assert "acme" not in scrubbed
    assert "zq" not in scrubbed


def test_tokens_are_stable() -> None:
    """The same name is the same token in all of a record, so that what belongs together shows."""
    scrubber = Scrubber(SAID)
    assert scrubber.text("<PROTECT> *^Payroll,/db/pay/") == "<PROTECT> *^#1,/#2/#3/"
    assert scrubber.text("User bob at 10.1.2.3, not ^Payroll") == "User #4 at #5, not ^#1"
    assert scrubber.text("SQLCODE: <-99> at 51773") == "SQLCODE: <-99> at #6"


@given(st.text())
def test_a_mask_has_no_letter_but_a_and_no_digit_but_9(text: str) -> None:
    """It is short, plain and tells the form alone."""
    masked = mask(text)
    assert masked.isascii()
    assert len(masked) <= 63
    assert set(re.findall(r"[A-Za-z0-9]", masked)) <= {"a", "9"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nothing"),
        (3, "whole number"),
        (3.5, "number"),
        (True, "other"),
        (("x1", 2), "text a9, whole number"),
        ([1, 2, "a"], {"whole number": 2, "text a": 1}),
        ({"acme": 1}, {"names": {"text a": 1}, "values": {"whole number": 1}}),
        ({"Status": None}, {"Status": "nothing"}),
    ],
)
def test_a_shape_tells_types(value: Any, expected: Any) -> None:
    """Our own words stay, all others become their form."""
    assert shape(value) == expected


def test_an_odd_version_gives_away_nothing() -> None:
    """Only what is looked for comes through."""
    assert version("IRIS of ACME|/usr/acme") == {"release": None, "build": None, "platform": []}


def test_a_record_is_written_by_the_command(
    double: Double,
    instance: Instance,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    own_environment: None,
) -> None:
    """The file is JSON in ASCII; the screen has a line for each check; the code tells."""
    password, file = tmp_path / "password", tmp_path / "record.json"
    password.write_text(instance.password)
    flags = ["--iris.host=127.0.0.1", f"--iris.port={double.port}", "--iris.username=perfwatch"]
    words = ["check", f"--iris.password-file={password}", f"--record={file}", *flags]
    assert main(["iris", *words]) == 0
    assert json.loads(file.read_text("ascii"))["assumptions"]["sensors"] == "confirmed"
    out = capsys.readouterr().out
    assert out.startswith("connected to IRIS for UNIX")
    assert "other users    missing (optional)" in out
    assert "grant %Admin_Secure:USE\n" in out
    assert main(["iris", *words]) == 2
    assert f"{file} is there already: choose another by --record" in capsys.readouterr().err
    assert main(["iris", *words, f"--record={file}/x"]) == 2
    assert f"{file} is no directory that you may write to: choose another by --record (see" in (
        capsys.readouterr().err
    )
    instance.revoke("%Admin_Operate:U")
    assert main(["iris", *words, f"--record={file}.2", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["iris"]["checks"]
    assert {one["name"] for one in checks if one["grant"] == "%Admin_Operate:USE"} >= {"lock table"}
