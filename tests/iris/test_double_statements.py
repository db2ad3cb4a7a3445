from __future__ import annotations

from typing import Any

import pytest

from tests.iris.double.hooks import Rows, SqlError, User
from tests.iris.double.instance import Instance

USER = User("perfwatch", "%SYS")
OTHER = User("other", "%SYS")
CREATE = (
    "CREATE FUNCTION ZTest.Double(pValue INTEGER, pText VARCHAR(255)) "
    "RETURNS VARCHAR(255) LANGUAGE OBJECTSCRIPT { quit pValue*2_pText }"
)


def rows(instance: Instance, text: str, *parameters: Any, user: User = USER) -> list[Any]:
    """Run a SELECT; give its rows, which have as many columns as were announced."""
    announced = instance.columns(user, text)
    found = instance.sql(user, text, list(parameters))
    assert isinstance(found, Rows)
    assert announced == found.columns
    return [tuple(row) for row in found.rows]


def refused(instance: Instance, text: str, *parameters: Any, user: User = USER) -> int:
    """Run a statement that fails; give its SQLCODE."""
    with pytest.raises(SqlError) as caught:
        instance.sql(user, text, list(parameters))
    assert str(caught.value.code) in caught.value.text
    return caught.value.code


@pytest.fixture
def filled(instance: Instance) -> Instance:
    """An instance with three tasks."""
    for name in ("PerfWatch a", "PerfWatch b", "Other"):
        task = instance.class_method(USER, "%SYS.Task", "%New", []).object
        for property_name, value in {"Name": name, "TaskClass": "Some.Task"}.items():
            instance.property_set(USER, task, property_name, value)
        instance.property_set(USER, task, "TimePeriod", 5)
        instance.object_method(USER, task, "%Save", [])
    return instance


class TestTables:
    @pytest.mark.parametrize(
        ("text", "parameters", "found"),
        [
            ("SELECT ID FROM %SYS.Task WHERE Name = ? ORDER BY ID", ["Other"], [(1002,)]),
            ("SELECT name FROM %SYS.Task WHERE Name %STARTSWITH 'PerfWatch' AND ID <> 1000", [],
             [("PerfWatch b",)]),
            ("SELECT TOP 1 ID, Suspended FROM %SYS.Task ORDER BY ID DESC", [], [(1002, 0)]),
            ("SELECT TOP ? ID FROM %SYS.Task", [2], [(1000,), (1001,)]),
            ("SELECT ID FROM %SYS.Task WHERE Name = 'No''body'", [], []),
        ],
    )  # fmt: skip
    def test_tasks(
        self, filled: Instance, text: str, parameters: list[Any], found: list[Any]
    ) -> None:
        """They are found by name and number, in the order that was asked for."""
        assert rows(filled, text, *parameters) == found

    def test_all_fields(self, filled: Instance) -> None:
        """`*` gives them all, the number first."""
        (first, *_), *_ = rows(filled, "SELECT * FROM %SYS.Task")
        assert first == 1000

    def test_the_history(self, filled: Instance) -> None:
        """It has what was done and what was executed."""
        filled.class_method(USER, "%SYS.Task", "Suspend", [1000, 1])
        found = rows(filled, "SELECT Name, Routine FROM %SYS_Task.History")
        assert found == [("PerfWatch a", "TASKMGR")]

    def test_rights(self, filled: Instance) -> None:
        """Who was not granted SELECT is told so, when the statement is prepared."""
        filled.revoke("SELECT %SYS.Task")
        with pytest.raises(SqlError) as caught:
            filled.columns(USER, "SELECT ID FROM %SYS.Task")
        assert caught.value.code == -99
        assert refused(filled, "SELECT ID FROM %SYS.Task") == -99

    def test_suspending_by_update(self, filled: Instance) -> None:
        """With its own right."""
        text = "UPDATE %SYS.Task SET Suspended = ? WHERE ID = ?"
        assert refused(filled, text, 1, 1000) == -99
        filled.grant("UPDATE %SYS.Task")
        assert filled.sql(USER, text, [1, 1000]) == 1
        assert filled.sql(USER, text, [1, 7]) == 0
        assert filled.tasks.named("PerfWatch a")["Suspended"] == 1

    def test_files(self, instance: Instance) -> None:
        """The listing of a directory is for developers."""
        instance.files.write("/data/one.html", b"123")
        instance.files.write("/data/two.log", b"")
        text = "SELECT Name, Size FROM %Library.File_FileSet(?, ?)"
        assert refused(instance, text, "/data/", "*") == -99
        instance.grant("%Development:U")
        assert rows(instance, text, "/data/", "*.html;*.gz") == [("/data/one.html", 3)]
        assert len(rows(instance, "SELECT Name FROM %Library.File_FileSet('/data')")) == 2

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("SELECT ID FROM %SYS_PTools.StatsProfile", -30),
            ("SELECT NextScheduledTime FROM %SYS.Task", -29),
            ("do run^SystemPerformance('test')", -1),
            ("DELETE FROM %SYS.Task", -1),
        ],
    )
    def test_what_does_not_exist(self, instance: Instance, text: str, code: int) -> None:
        """A table, a column, and what is no statement here."""
        assert refused(instance, text) == code


class TestFunctions:
    @pytest.fixture
    def installer(self, instance: Instance) -> Instance:
        """An instance whose user may install functions."""
        instance.grant("%Development:U", "%CREATE_FUNCTION", "%DROP_FUNCTION")
        return instance

    @pytest.mark.parametrize("privilege", ["%Development:U", "%CREATE_FUNCTION"])
    def test_installing_needs_both_rights(self, installer: Instance, privilege: str) -> None:
        """Without either of them there is none."""
        installer.revoke(privilege)
        assert refused(installer, CREATE) == -99
        assert refused(installer, "SELECT ZTest.Double(1, 'x')") == -359

    def test_a_function_is_called_with_literals_and_parameters(self, installer: Instance) -> None:
        """Its name may be written in any case."""
        assert installer.sql(USER, CREATE, []) == 0
        assert rows(installer, "SELECT ZTest.Double(?, 'x')", 21) == [("42x",)]
        assert rows(installer, "SELECT ztest.double(?, ?) AS answer", 1, None) == [("2",)]

    def test_others_need_a_grant(self, installer: Instance) -> None:
        """Only its owner gives it."""
        installer.accounts.add("other", "word")
        installer.sql(USER, CREATE, [])
        grant = "GRANT EXECUTE ON FUNCTION ZTest.Double TO other"
        assert refused(installer, "SELECT ZTest.Double(1, 'x')", user=OTHER) == -99
        assert refused(installer, grant, user=OTHER) == -99
        installer.sql(USER, grant, [])
        assert rows(installer, "SELECT ZTest.Double(1, 'x')", user=OTHER) == [("2x",)]

    def test_it_is_made_and_dropped_once(self, installer: Instance) -> None:
        """The second time there is an error; dropping has its own right."""
        installer.sql(USER, CREATE, [])
        assert refused(installer, CREATE) == -361
        assert installer.sql(USER, "DROP FUNCTION ZTest.Double", []) == 0
        assert refused(installer, "DROP FUNCTION ZTest.Double") == -362
        installer.revoke("%DROP_FUNCTION")
        assert refused(installer, "DROP FUNCTION ZTest.Double") == -99

    def test_errors_of_a_body(self, installer: Instance) -> None:
        """What cannot be compiled is not made, and what fails says how."""
        assert refused(installer, CREATE.replace("quit", "return")) == -1
        installer.sql(USER, CREATE.replace("pValue*2", "nothing"), [])
        assert refused(installer, "SELECT ZTest.Double(1, 'x')") == -149
