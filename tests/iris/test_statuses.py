"""What IRIS says of success, and how its refusals are told."""

from __future__ import annotations

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance.statuses import check_answer, check_status, status_text
from tests.iris.double.status import error_status
from tests.iris.monitored import Monitored


@pytest.mark.parametrize("status", [1, "1"])
def test_one_is_ok(monitored: Monitored, status: object) -> None:
    """As a number, or as a text; nothing is asked."""
    check_status(monitored.session, status, "IRIS does not do it", "")
    assert not monitored.double.requests


def test_a_refusal_is_told_in_the_words_of_iris(monitored: Monitored) -> None:
    """Which it is asked for."""
    with pytest.raises(IrisError, match="do it: ERROR #7432: Start Date") as raised:
        check_status(monitored.session, error_status(7432), "IRIS does not do it", "try later")
    assert raised.value.kind is ErrorKind.REJECTED
    assert raised.value.remedy == "try later"


def test_without_its_words_what_can_be_read_is_told(monitored: Monitored) -> None:
    """Where class methods are not permitted."""
    monitored.instance.revoke("%Native_ClassExecution:U")
    with pytest.raises(IrisError, match="do it: %Admin_Task:USE"):
        check_status(
            monitored.session, error_status(921, "%Admin_Task:USE"), "IRIS does not do it", ""
        )


def test_the_words_of_iris_are_put_on_one_line(monitored: Monitored) -> None:
    """An error is told on a single one, and steers no terminal."""
    status = error_status(921, "\x1b[31mred\r\nand more")
    with pytest.raises(IrisError, match=r"do it: .*\[31mred and more"):
        check_status(monitored.session, status, "IRIS does not do it", "")
    with pytest.raises(IrisError, match=r"^it fails: \[31mred and more \(see"):
        check_answer("0^\x1b[31mred\nand more", "it fails", "")


@pytest.mark.parametrize("status", [None, "", 0, "0 \x04\x01\x02"])
def test_a_refusal_without_words_is_one_all_the_same(status: object) -> None:
    """It has no reason to tell."""
    assert status_text(status) == "refused without a reason"


@pytest.mark.parametrize("answer", [1, "1", "20261121_080500_perfwatch", "5:0:0:0_2:0:0:0"])
def test_answers_that_are_no_refusal_pass(answer: object) -> None:
    """1, a runid, and what has been stopped."""
    check_answer(answer, "it fails", "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("0^profile name exists already", "profile name exists already"),
        (0, "refused without a reason"),
        (None, "refused without a reason"),
        ("-2^no such runid", "no such runid"),
    ],
)
def test_refusals_of_the_routine_have_their_reason(answer: object, reason: str) -> None:
    """After the 0."""
    with pytest.raises(IrisError, match=f"it fails: {reason}: look there"):
        check_answer(answer, "it fails", "look there")
