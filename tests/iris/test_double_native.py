"""The real driver, in this process, against the native half of the double."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import iris
import pytest

from tests.iris.double.hooks import Reference, ServerError, User, WithOutputs
from tests.iris.double.scripted import Scripted
from tests.iris.double.server import Double
from tests.iris.driver import connect


class Driver(NamedTuple):
    """A connection of the driver's, and the other end."""

    iris: Any
    instance: Scripted
    double: Double

    def serve(self, function: Any) -> None:
        """Have a class method do something."""
        self.instance.methods["Test", "Method"] = lambda _, *arguments: function(*arguments)

    def call(self, *arguments: Any) -> Any:
        """Call it."""
        return self.iris.classMethodValue("Test", "Method", *arguments)


@pytest.fixture(scope="module")
def connected() -> Iterator[Driver]:
    """One connection for all tests here."""
    instance = Scripted()
    with Double(instance) as double:
        connection = connect(double)
        yield Driver(iris.createIRIS(connection), instance, double)
        connection.close()


@pytest.fixture
def driver(connected: Driver) -> Driver:
    """The connection, with nothing of the test before."""
    connected.instance.methods.clear()
    connected.instance.nodes.clear()
    connected.double.requests.clear()
    return connected


@pytest.mark.parametrize(
    ("given", "received"),
    [
        (None, None),
        ("", None),
        (b"", None),
        ((), None),
        (True, 1),
        (0, 0),
        (-1, -1),
        (Decimal("-0.302"), Decimal("-0.302")),
        (1 << 70, str(1 << 70)),
        (("a", 5, None, ("b",)), "\x03\x01a\x03\x04\x05\x02\x01\x05\x01\x03\x01b"),
    ],
)
def test_a_value_comes_as_the_driver_gives_it(driver: Driver, given: Any, received: Any) -> None:
    """Empty texts are None, truths are numbers, and what is too long for a number is a text."""
    driver.serve(lambda: given)
    assert driver.call() == received


def test_a_list_that_is_sent_arrives_as_its_text(driver: Driver) -> None:
    """IRIS cannot tell a $LIST from a text either."""
    seen: list[str] = []
    driver.serve(seen.append)
    words = iris.IRISList()
    words.add("ExecuteCode")
    words.add(7)
    driver.call(words)
    assert seen == ["\x0d\x01ExecuteCode\x03\x04\x07"]


def test_a_long_answer_goes_out_in_several_frames(driver: Driver) -> None:
    """The driver puts them together."""
    text = "".join(f"line {number}\n" for number in range(20_000))
    driver.serve(lambda: text)
    assert driver.call() == text


def test_a_method_changes_its_arguments(driver: Driver) -> None:
    """What it does not set comes back as it went."""
    driver.serve(lambda *before: WithOutputs(len(before), ["left by the method"]))
    first, second = iris.IRISReference(None), iris.IRISReference(5)
    assert driver.call(first, "by value", second) == 3
    assert (first.getValue(), second.getValue()) == ("left by the method", 5)


def test_a_void_call_gives_nothing_but_its_references(driver: Driver) -> None:
    """The value of the method stays there."""
    driver.serve(lambda _: WithOutputs("unseen", ["seen"]))
    reference = iris.IRISReference(None)
    driver.iris.classMethodVoid("Test", "Method", reference)
    assert reference.getValue() == "seen"


def test_objects_have_properties_and_methods(driver: Driver) -> None:
    """They are kept at the server, and given back by number, as arguments too."""
    inner = {"Name": "inner"}
    outer = {"Inner": Reference(inner, "Test.Inner"), "Add": lambda _, a, b: a + b}
    driver.serve(lambda: Reference(outer, "Test.Outer"))
    found = driver.call()
    assert found.get("Inner").get("Name") == "inner"
    assert found.invoke("Add", 2, 3) == 5
    found.set("Name", "set")
    assert outer["Name"] == "set"
    driver.serve(lambda given: given is outer)
    assert driver.call(found) == 1
    names = [request[:3] for request in driver.double.requests]
    assert names[1:3] == [
        ("property_get", "Test.Outer", "Inner"),
        ("property_get", "Test.Inner", "Name"),
    ]


def test_objects_are_released(driver: Driver) -> None:
    """The driver tells which it has dropped, and the server forgets them."""
    driver.serve(lambda: Reference({"Name": "one of many"}, "Test.Object"))
    numbers = []
    for _ in range(250):
        driver.call().get("Name")
        numbers += [r.args[0] for r in driver.double.requests if r.b == "%ReleaseObjects"]
        driver.double.requests.clear()
    released = [number for text in numbers for number in text.split(",") if number]
    assert len(released) == len(set(released)) >= 200


def test_an_object_that_was_released_is_no_more(driver: Driver) -> None:
    """Whoever asks for it all the same is told."""
    driver.serve(lambda: Reference({"Name": "gone"}, "Test.Object"))
    found = driver.call()
    number = re.search(r"\d+", str(found.getOREF()))
    assert number is not None
    driver.iris.classMethodVoid("%Net.Remote.Gateway", "%ReleaseObjects", number[0])
    with pytest.raises(RuntimeError, match=r"^<INVALID OREF>$"):
        found.get("Name")


def test_what_is_unknown_is_refused_with_the_servers_text(driver: Driver) -> None:
    """The connection goes on after each."""
    driver.serve(lambda: Reference({}, "Test.Object"))
    found = driver.call()
    with pytest.raises(RuntimeError, match=r"^<CLASS DOES NOT EXIST> \*No.Class$"):
        driver.iris.classMethodValue("No.Class", "Method")
    with pytest.raises(RuntimeError, match=r"^<METHOD DOES NOT EXIST> \*None$"):
        found.invokeVoid("None")
    with pytest.raises(RuntimeError, match=r"^<PROPERTY DOES NOT EXIST> \*None$"):
        found.get("None")
    with pytest.raises(RuntimeError, match=r"^<FUNCTION> "):
        driver.iris.function("version", "SystemPerformance")
    with pytest.raises(RuntimeError, match=r"^<FUNCTION> "):
        driver.iris.procedure("run", "SystemPerformance")
    driver.serve(lambda: "still here")
    assert driver.call() == "still here"


def test_an_error_of_the_instance_is_seen_as_it_is(driver: Driver) -> None:
    """The text is the driver's whole message."""

    def protected() -> None:
        raise ServerError("<PROTECT> *^IRIS.SystemPerformance,%SYS")

    driver.serve(protected)
    with pytest.raises(RuntimeError) as caught:
        driver.call()
    assert str(caught.value) == "<PROTECT> *^IRIS.SystemPerformance,%SYS"


def test_globals_are_read_and_written(driver: Driver) -> None:
    """The caret is not part of the name; a node that is not there is None."""
    driver.iris.set("value", "Test", "run", 1)
    driver.iris.set(None, "Test", "empty")
    assert driver.instance.nodes == {("Test", "run", 1): "value", ("Test", "empty"): None}
    assert driver.iris.get("Test", "run", 1) == "value"
    assert driver.iris.get("Test", "run") is None
    assert driver.iris.isDefined("Test", "run") == 10
    assert driver.iris.isDefined("Test", "empty") == 1
    driver.iris.kill("Test", "run")
    assert driver.iris.isDefined("Test", "run") == 0


def test_subscripts_come_in_both_directions(driver: Driver) -> None:
    """Each with the value of its node, where that is asked for; "" where it has none."""
    driver.instance.nodes.update({("Test", "b"): 2, ("Test", "a"): 1, ("Test", "c", "d"): 3})
    assert list(driver.iris.node("Test").items()) == [("a", 1), ("b", 2), ("c", "")]
    assert list(driver.iris.node("Test").subscripts()) == ["a", "b", "c"]
    assert driver.iris.nextSubscript(True, "Test", "") == "c"
    assert driver.iris.nextSubscript(True, "Test", "b") == "a"
    assert driver.iris.nextSubscript(False, "Test", "c") is None


def test_who_asks_is_told(driver: Driver) -> None:
    """With each call comes its user and namespace."""
    driver.instance.methods["Test", "Method"] = lambda user: (
        user == User(driver.instance.username, "%SYS")
    )
    assert driver.call() == 1
