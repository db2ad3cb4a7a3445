"""The real driver, in this process, against the SQL half of the double."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import iris
import iris.dbapi
import pytest

from tests.iris.double.faults import WRONG_NUMBER
from tests.iris.double.hooks import Rows, ServerError, SqlError
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.double.sql import (
    DOUBLE,
    INTEGER,
    NUMERIC,
    PAGE_ROWS,
    VARCHAR,
    Statement,
    tidy,
)
from tests.iris.driver import connect

FUNCTION = """CREATE FUNCTION ZPerfWatch.Run(name VARCHAR(50)) RETURNS VARCHAR(99)
LANGUAGE OBJECTSCRIPT { quit $$run^SystemPerformance(name)_"?" }"""


class Driver(NamedTuple):
    """A connection of the driver's, and the other end."""

    connection: Any
    instance: Scripted
    double: Double

    def execute(self, text: str, *parameters: Any, direct: bool = False) -> Any:
        """Execute a statement; give the cursor."""
        cursor = self.connection.cursor()
        (cursor.direct_execute if direct else cursor.execute)(text, list(parameters))
        return cursor

    def fetch(self, text: str, *parameters: Any, direct: bool = False) -> list[tuple[Any, ...]]:
        """Execute a SELECT; give its rows."""
        cursor = self.execute(text, *parameters, direct=direct)
        rows = [tuple(row) for row in cursor.fetchall()]
        cursor.close()
        return rows

    def asked(self) -> list[tuple[str, str, tuple[Any, ...]]]:
        """Tell what came: kind, text and parameters."""
        return [(request.kind, request.a, request.args) for request in self.double.requests]


@pytest.fixture
def driver() -> Iterator[Driver]:
    """A connection of its own: the driver keeps statements."""
    instance = Scripted()
    columns = [("ID", INTEGER), ("Name", VARCHAR), ("Share", DOUBLE), ("Size", NUMERIC)]
    rows = [(number, f"nämé {number}", 0.5, Decimal("1.25")) for number in range(120)]
    instance.select["Shop.Things"] = Rows(columns, [*rows, (None, None, None, None)])
    instance.select["Empty"] = Rows(columns, [])
    with Double(instance) as double:
        connection = connect(double)
        yield Driver(connection, instance, double)
        connection.close()


@pytest.mark.parametrize("direct", [False, True])
def test_rows_come_page_by_page(driver: Driver, *, direct: bool) -> None:
    """All of them in their order, with their types, in as many requests as there are pages."""
    rows = driver.fetch("SELECT * FROM Shop.Things", direct=direct)
    assert rows[0] == (0, "nämé 0", 0.5, Decimal("1.25"))
    assert [row[0] for row in rows[:-1]] == list(range(120))
    assert rows[-1] == (None, None, None, None)
    fetches = [kind for kind, _, _ in driver.asked() if kind == "fetch"]
    assert len(fetches) == len(rows) // PAGE_ROWS


def test_a_result_may_be_empty(driver: Driver) -> None:
    """With its columns all the same."""
    cursor = driver.execute("SELECT * FROM Empty")
    assert [column[0] for column in cursor.description] == ["ID", "Name", "Share", "Size"]
    assert cursor.fetchall() == ()


def test_a_statement_is_seen_as_it_was_written(driver: Driver) -> None:
    """The driver takes it to pieces; literals and parameters come back to their places."""
    text = (
        "SELECT a.ID, COUNT(*) FROM Shop.Things a WHERE Name = 'it''s' AND ID IN (1, ?) AND X > ?"
    )
    driver.fetch(text, "", None)
    assert driver.asked()[0] == ("prepare", text.replace("'it''s'", "?").replace("1", "?"), ())
    assert driver.asked()[1] == ("execute", text, ("", None))


def test_a_statement_is_prepared_once(driver: Driver) -> None:
    """The second time the driver only executes it."""
    driver.fetch("SELECT ID FROM Empty WHERE ID = ?", 1)
    driver.fetch("SELECT ID FROM Empty WHERE ID = ?", 2)
    kinds = [(kind, arguments) for kind, _, arguments in driver.asked()]
    assert kinds == [("prepare", ()), ("execute", (1,)), ("execute", (2,))]


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("UPDATE Shop.Things SET Name = ? WHERE ID = 4", ["new"]),
        ("GRANT SELECT ON %SYS.Task TO PerfWatch", []),
        ("DROP FUNCTION ZPerfWatch.Run", []),
        (FUNCTION, []),
    ],
)
def test_statements_without_rows_arrive(driver: Driver, text: str, parameters: list[Any]) -> None:
    """Changes and definitions, with the body of a function as it is."""
    cursor = driver.execute(text, *parameters)
    assert cursor.rowcount == 1
    (executed,) = driver.instance.executed
    assert executed[1:] == (text, parameters)


def test_settings_of_the_connection_are_taken(driver: Driver) -> None:
    """Some are answered and some are not: the next request comes to its right answer."""
    driver.connection.setAutoCommit(False)
    driver.execute("DROP FUNCTION ZPerfWatch.Run")
    driver.connection.commit()
    driver.connection.rollback()
    assert driver.fetch("SELECT ID FROM Empty") == []


def test_an_sql_error_has_its_text(driver: Driver) -> None:
    """The connection goes on, and the next error has its own."""
    with pytest.raises(iris.dbapi.DatabaseError, match="<SQL ERROR>; Details: Table 'Absent' not"):
        driver.fetch("SELECT 1 FROM Absent")
    driver.double.faults.next_call(SqlError(-99, "Privilege violation"), "execute")
    with pytest.raises(iris.dbapi.DatabaseError, match="Details: Privilege violation"):
        driver.fetch("SELECT ID FROM Empty")
    driver.double.faults.next_call(ServerError("<PROTECT>"), "SELECT ID FROM Empty")
    with pytest.raises(iris.dbapi.DatabaseError, match="Details: <PROTECT>"):
        driver.fetch("SELECT ID FROM Empty")
    assert driver.fetch("SELECT ID FROM Empty") == []


def test_a_fault_can_hit_a_page(driver: Driver) -> None:
    """The kind of the request names it."""
    driver.double.faults.next_call(WRONG_NUMBER, "fetch", after=1)
    with pytest.raises(iris.dbapi.OperationalError, match="Message out of order"):
        driver.fetch("SELECT ID FROM Shop.Things")
    assert driver.asked()[-1][0] == "fetch"


def test_a_query_without_rows_is_an_error(driver: Driver) -> None:
    """The instance has answered a SELECT with a count."""
    driver.instance.select["Odd"] = Rows([("ID", INTEGER)], [])
    driver.fetch("SELECT ID FROM Odd")
    driver.instance.select["Odd"] = 5  # type: ignore[assignment]
    with pytest.raises(iris.dbapi.DatabaseError, match="no rows come from SELECT ID FROM Odd"):
        driver.fetch("SELECT ID FROM Odd")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("SELECT ZPerfWatch . Run ( :%qpar(1) )", "SELECT ZPerfWatch.Run(?)"),
        (
            "SELECT A , B FROM T WHERE A IN ( :%qpar(1) , 2 ) ",
            "SELECT A, B FROM T WHERE A IN (?, 2)",
        ),
        ("SELECT COUNT ( * ) FROM %SYS . Task", "SELECT COUNT(*) FROM %SYS.Task"),
        ("GRANT x ( y )", "GRANT x ( y )"),
    ],
)
def test_spaces_are_taken_out_again(sent: str, meant: str) -> None:
    """Where nobody writes them; statements that the driver leaves alone stay as they are."""
    assert Statement(sent, []).shape() == meant
    assert "  " not in tidy(sent)
