from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.iris.access.calls import Get, Invoke, ListValue, Out, Set, Step, Value
from exporter.iris.access.driver import plain
from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.access.session import Session
from tests.engines import LONG
from tests.iris.double import wire
from tests.iris.double.hooks import Reference, Rows, ServerError, SqlError, WithOutputs
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double

INTEGER, NUMERIC, DOUBLE, VARCHAR = 4, 2, 8, 12


class Opened:
    """A session that all tests here share, and the other end."""

    def __init__(self, session: Session, instance: Scripted, double: Double) -> None:
        self.session = session
        self.instance = instance
        self.double = double

    def serve(self, function: Callable[..., Any]) -> None:
        """Have a class method do something."""
        self.instance.methods["Test", "Method"] = lambda _, *arguments: function(*arguments)

    def call(self, *arguments: Value) -> Value:
        """Call it."""
        return self.session.call("Test", "Method", *arguments, seconds=LONG)


@pytest.fixture(scope="module")
def shared() -> Iterator[Opened]:
    """One worker for all tests here."""
    instance = Scripted()
    with Double(instance) as double, Session(double.connection(timeout_seconds=LONG)) as session:
        yield Opened(session, instance, double)


@pytest.fixture
def opened(shared: Opened) -> Opened:
    """A session that is open, with nothing of the test before."""
    shared.instance.methods.clear()
    shared.instance.nodes.clear()
    shared.double.requests.clear()
    assert shared.session.is_open
    return shared


def refusal(act: Callable[[], Any]) -> IrisError:
    """The error of something that fails, and leaves the connection as it is."""
    with pytest.raises(IrisError) as raised:
        act()
    assert not raised.value.connection_lost
    return raised.value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("text", "text"),
        ("é 密 \U0001f600", "é 密 \U0001f600"),
        ("line\nline\t\0", "line\nline\t\0"),
        ("", None),
        (None, None),
        (0, 0),
        (-1, -1),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (True, 1),
        (1.5, 1.5),
        (1e300, 1e300),
        (float("inf"), None),
        (float("nan"), None),
        (Decimal("0.302"), 0.302),
        (Decimal("-12.50"), -12.5),
        (Decimal("1E+10"), 10**10),
        (Decimal(12), 12),
        (("a", 1, None, Decimal("0.5")), ["a", 1, None, 0.5]),
    ],
    ids=repr,
)
def test_values_come_as_plain_ones(opened: Opened, given: Any, expected: Any) -> None:
    """Decimals as int or float, nothing for "" and for what is no number."""
    opened.instance.nodes["Node", 1] = given
    if isinstance(given, tuple):
        assert opened.session.get_list("Node", 1) == tuple(expected)
        return
    got = opened.session.get_global("Node", 1)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize("given", ["é 密", "a\0b", "", None, 5, -7, 2**62, 1.5, True, 2**70])
def test_arguments_arrive(opened: Opened, given: Value) -> None:
    """With "" and None as the same; what is larger than IRIS's integers as digits."""
    opened.serve(repr)
    expected = {"": None, True: 1, 2**70: str(2**70)}.get(given, given)
    assert opened.call(given) == repr(expected)


def test_a_text_of_millions_of_characters_comes_whole(opened: Opened) -> None:
    """The sensors of a large instance are one string."""
    text = 'iris_process_glo_refs{id="1"} 12\n' * 100_000
    opened.serve(lambda: text)
    assert opened.call() == text


def test_arguments_by_reference_come_back(opened: Opened) -> None:
    """In their order, beside what the method returns; others are as they were."""
    seen = []

    def method(*arguments: Any) -> WithOutputs:
        seen.append(arguments)
        return WithOutputs(1, ["written", Decimal("0.5")])

    opened.serve(method)
    found = opened.session.call_with_outputs("Test", "Method", Out(), "plain", Out(7))
    assert found == (1, ["written", 0.5])
    assert seen == [(None, "plain", 7)]


def test_an_object_is_used_in_one_go(opened: Opened) -> None:
    """Each step has its result; that of a change is None, and a $LIST arrives as one."""
    sample = {"GloRefs": 12, "Settings": None, "Add": lambda _, a, b: a + b}
    opened.serve(lambda: Reference(sample, "SYS.Stats.Dashboard"))
    steps: list[Step] = [
        Get("GloRefs"),
        Set("GloRefs", 13),
        Get("GloRefs"),
        Set("Settings", ListValue(("ExecuteCode", "do run^SystemPerformance", 1, None))),
        Invoke("Add", (2, 3)),
    ]
    found = opened.session.with_object("Test", "Method", (), steps)
    assert found == [12, None, 13, None, 5]
    settings = wire.read_list(str(sample["Settings"]))
    assert list(settings) == ["ExecuteCode", "do run^SystemPerformance", 1, None]


def test_a_method_that_gives_no_object_is_absent(opened: Opened) -> None:
    """As `%OpenId` does where there is no such object."""
    opened.serve(lambda: None)
    error = refusal(lambda: opened.session.with_object("Test", "Method", (), [Get("Name")]))
    assert error.kind is ErrorKind.ABSENT
    assert "Test.Method: it gave no object" in error.message


def test_an_object_is_no_value(opened: Opened) -> None:
    """Whoever wants an object says so."""
    opened.serve(lambda: Reference({}, "Some.Class"))
    error = refusal(opened.call)
    assert error.kind is ErrorKind.SERVER
    assert "gave an object" in error.message


def test_nodes_of_a_global_are_read(opened: Opened) -> None:
    """One that is not there is None; a $LIST that is not there is empty."""
    opened.instance.nodes["IRIS.Test", "a", 1] = "value"
    assert opened.session.get_global("IRIS.Test", "a", 1) == "value"
    assert opened.session.get_global("IRIS.Test", "b") is None
    assert opened.session.get_list("IRIS.Test", "b") == ()


def test_a_node_that_holds_no_list_is_an_error(opened: Opened) -> None:
    """It says whose."""
    opened.instance.nodes["IRIS.Test", 1] = "no list"
    error = refusal(lambda: opened.session.get_list("IRIS.Test", 1))
    assert error.kind is ErrorKind.SERVER
    assert "^IRIS.Test: " in error.message
    assert "<LIST ERROR>" in error.message


def test_subscripts_come_in_order_and_the_last_of_many(opened: Opened) -> None:
    """New runs come last, and a global may hold years of them."""
    for day in range(10, 30):
        opened.instance.nodes["Runs", "history", f"202601{day}_test"] = "x"
    found = opened.session.subscripts("Runs", "history")
    assert found == [f"202601{day}_test" for day in range(10, 30)]
    assert opened.session.subscripts("Runs", "history", limit=2) == found[-2:]
    assert opened.session.subscripts("Runs") == ["history"]
    assert opened.session.subscripts("Nothing") == []


def test_rows_are_plain_tuples(opened: Opened) -> None:
    """With nothing for NULL."""
    columns = [("ID", INTEGER), ("NAME", VARCHAR), ("SHARE", NUMERIC), ("RATE", DOUBLE)]
    rows = [(1, "a", Decimal("0.5"), 1.5), (2, None, None, None)]
    opened.instance.select["T"] = Rows(columns, rows)
    found = opened.session.query("SELECT ID, NAME, SHARE, RATE FROM T WHERE ID > ?", 0)
    assert found == [(1, "a", 0.5, 1.5), (2, None, None, None)]


def test_of_many_rows_the_first_are_given_and_all_are_read(opened: Opened) -> None:
    """A result that is left half read has upset real servers: the next one is right."""
    opened.instance.select["T"] = Rows([("ID", INTEGER)], [(n,) for n in range(2500)])
    assert opened.session.query("SELECT ID FROM T", limit=3) == [(0,), (1,), (2,)]
    assert len(opened.session.query("SELECT ID FROM T")) == 2500
    opened.instance.select["T"] = Rows([("ID", INTEGER)], [])
    assert opened.session.query("SELECT ID FROM T") == []


def test_a_statement_without_rows_is_run(opened: Opened) -> None:
    """With its parameters."""
    opened.instance.executed.clear()
    opened.session.execute("GRANT SELECT ON %SYS.Task TO PerfWatch")
    (_, text, _) = opened.instance.executed[0]
    assert text.startswith("GRANT SELECT")


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (ServerError("<PROTECT> *^oddDEF"), "privilege"),
        (ServerError("<NOROUTINE> *NOTHING"), "absent"),
        (ServerError("<METHOD DOES NOT EXIST> *Nothing,Test"), "absent"),
        (ServerError("<UNDEFINED>run+3^SystemPerformance *profile"), "server"),
    ],
)
def test_what_the_server_refuses_has_its_kind(
    opened: Opened, trouble: ServerError, kind: str
) -> None:
    """The connection stays, and the next call is answered."""
    opened.serve(lambda: "fine")
    opened.double.faults.next_call(trouble, "Method")
    error = refusal(opened.call)
    assert error.kind == kind
    assert str(trouble) in str(error)
    assert f"IRIS at 127.0.0.1:{opened.double.port}: Test.Method: " in str(error)
    assert opened.call() == "fine"


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (SqlError(-99, "[SQLCODE: <-99>:<Privilege violation>]"), "privilege"),
        (SqlError(-30, "[SQLCODE: <-30>:<Table or view not found>]"), "absent"),
        (SqlError(-1, "[SQLCODE: <-1>:<Invalid SQL statement>]"), "server"),
    ],
)
def test_what_sql_refuses_has_its_kind(opened: Opened, trouble: SqlError, kind: str) -> None:
    """The connection stays, and the next statement is answered."""
    opened.instance.select["T"] = Rows([("ID", INTEGER)], [(1,)])
    opened.double.faults.next_call(trouble)
    error = refusal(lambda: opened.session.query("SELECT ID FROM T WHERE NAME = ?", "secret"))
    assert error.kind == kind
    assert "secret" not in str(error)
    assert opened.session.query("SELECT ID FROM T") == [(1,)]


def test_bytes_are_characters() -> None:
    """The driver's documentation says that there may be some; its own types come as text."""
    assert plain(b"\xe9 and so on") == "é and so on"
    assert plain(b"") is None
    assert plain(Path("/a")) == "/a"
