"""The fixture `monitored_test`: a logger for a test, and a record of what the test came to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from monitoring.structured_logging import StructuredLogger, correlation_ids

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from monitoring import structured_logging
from monitoring.testing import monitored_test

@pytest.fixture(scope="session", autouse=True)
def log_file():
    with open("log", "w") as stream:
        structured_logging.configure(stream=stream)
        yield
"""

SEVERAL_TESTS = """
import asyncio
import pytest
from monitoring.structured_logging import StructuredLogger

def test_pays(monitored_test):
    monitored_test.info("paid", amount=5)

def test_breaks(monitored_test):
    raise KeyError("till")

def test_skips_itself(monitored_test):
    pytest.skip("no till here")

def test_without_it():
    StructuredLogger("other").info("on my own")

@pytest.mark.parametrize("currency", ["EUR", "CHF"])
class TestTill:
    def test_takes(self, monitored_test, currency):
        StructuredLogger("shop").info("taken", currency=currency)
"""


def test_the_logger_is_inside_the_tests_own_context(
    monitored_test: StructuredLogger, request: pytest.FixtureRequest
) -> None:
    """This project uses it, too: the test has an id, made for it."""
    ids = correlation_ids()
    assert re.fullmatch("[0-9a-f]{32}", ids["correlation_id"])
    monitored_test.info("seen", ids=ids)
    assert isinstance(monitored_test, StructuredLogger)


@pytest.fixture
def records(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a run of several inner tests logged, in a pytest with no other plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    path = pytester.makepyfile(test_till=SEVERAL_TESTS)
    result = pytester.runpytest_subprocess(path)
    result.assert_outcomes(passed=4, failed=1, skipped=1)
    return [json.loads(line) for line in (pytester.path / "log").read_text().splitlines()]


def _operations(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    named = [record for record in records if "operation" in record.get("data", {})]
    return {record["data"]["operation"]: record for record in named}


def test_each_test_that_asks_for_it_has_one_record(records: list[dict[str, Any]]) -> None:
    """Named like the test, with its status and how long it took."""
    operations = _operations(records)
    assert {name: record["data"]["status"] for name, record in operations.items()} == {
        "test_till.py::test_pays": "ok",
        "test_till.py::test_breaks": "failed",
        "test_till.py::test_skips_itself": "ok",
        "test_till.py::TestTill::test_takes[EUR]": "ok",
        "test_till.py::TestTill::test_takes[CHF]": "ok",
    }
    assert all(record["performance"]["duration_ms"] > 0 for record in operations.values())
    assert operations["test_till.py::test_breaks"]["data"]["error"] == "KeyError"
    assert operations["test_till.py::test_skips_itself"]["data"]["skipped"] == "no till here"


def test_all_lines_of_one_test_share_its_id(records: list[dict[str, Any]]) -> None:
    """Those of the code under test as well; no two tests have the same."""
    operations = _operations(records)
    ids = {name: record["correlation_id"] for name, record in operations.items()}
    assert len(set(ids.values())) == len(ids)
    paid = next(record for record in records if record["message"] == "paid")
    assert paid["logger"] == "test.test_pays"
    assert paid["correlation_id"] == ids["test_till.py::test_pays"]
    taken = [record["correlation_id"] for record in records if record["message"] == "taken"]
    assert taken == [ids[f"test_till.py::TestTill::test_takes[{c}]"] for c in ("EUR", "CHF")]


def test_a_test_without_it_is_as_ever(records: list[dict[str, Any]]) -> None:
    """It has neither a record nor an id that another test left behind."""
    [alone] = [record for record in records if record["message"] == "on my own"]
    assert "correlation_id" not in alone
