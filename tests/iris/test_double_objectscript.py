from __future__ import annotations

import pytest

from tests.iris.double.hooks import ServerError
from tests.iris.double.instance import Instance


def run(code: str, instance: Instance | None = None) -> object:
    """Execute a code; give what it quits with."""
    return (instance or Instance()).world.run("perfwatch", code)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1+2*3", 9),
        ("1+(2*3)", 7),
        ('"12abc"+1', 13),
        ("-3+1", -2),
        ('+"1.5"', 1.5),
        ("7#4", 3),
        ("7\\4", 1),
        ('"a"_"b""c"', 'ab"c'),
        ('"abc"["b"', 1),
        ('1="1"', 1),
        ("2'=3", 1),
        ("2'>3", 1),
        ("'0", 1),
        ("2=3!1", 1),
        ("1&0", 0),
        ("0&&nothing", 0),
        ("1||nothing", 1),
        ("1&&2", 1),
        ('$piece("a^b^c","^",2,99)', "b^c"),
        ('$piece("a^b^c","^")', "a"),
        ('$extract("abcdef",2,4)', "bcd"),
        ('$extract("abcdef")', "a"),
        ('$length("abc")', 3),
        ('$zdateh("20261121",8)', 67_895),
        ('$match("20261121_0800_x","\\d{8}_\\d{4}_.+")', 1),
        ('$match("x20261121","\\d{8}")', 0),
        ('$select(0:"a",1:"b")', "b"),
        ("$test", 0),
        ("$horolog", "67895,28830"),
        ("$h", "67895,28830"),
    ],
)
def test_expressions(expression: str, value: object) -> None:
    """Operators go from left to right, and values are what the place asks for."""
    assert run(f"quit {expression}") == value


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("set a=1,b=a+1 quit b", 2),
        ("set a=1 set:a=1 a=5 quit a", 5),
        ("set a=1 set:a=2 a=5 quit a", 1),
        ('if 1,0 { set a="yes" } else { set a="no" } quit a', "no"),
        ("if 0 { set a=1 } elseif 1 { set a=2 } else { set a=3 } quit a", 2),
        ('set a="" for x=1,"b" { set a=a_x } quit a', "1b"),
        ('set a="" for x=1:2:6 { set a=a_x } quit a', "135"),
        ('set a="" for x=3:-1:1 { set a=a_x } quit a', "321"),
        ("set a=0 for  { set a=a+1 quit:a=3  } quit a", 3),
        ("set a=0 for { set a=a+1 if a=4 { quit } } quit a", 4),
        ("set a=0 while a<3 { set a=a+1 } quit a", 3),
        ("set a=0 for x=1,2 { quit }  quit x", 1),
        ("lock +^X(1):(0) set a=$test lock -^X(1) quit a", 1),
        ("set a=1", ""),
        ("quit", ""),
    ],
)
def test_statements(code: str, value: object) -> None:
    """Blocks, loops and conditions do what they do in IRIS."""
    assert run(code) == value


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("set a = 1", "<SYNTAX>"),
        ("set a=1 + 1", "<SYNTAX>"),
        ("write 1", "<SYNTAX>"),
        ("if 1 { set a=1", "<SYNTAX>"),
        ("set a=1 }", "<SYNTAX>"),
        ("for x=1:2 { quit }", "<SYNTAX>"),
        ("for  { quit 1 }", "<SYNTAX>"),
        ("quit $nothing(1)", "<SYNTAX>"),
        ("do nothing", "<SYNTAX>"),
        ("quit a", "<UNDEFINED> *a"),
        ("quit ^X(1)", "<UNDEFINED> *^X"),
        ("quit $select(0:1)", "<SELECT>"),
        ('quit $zdateh("20261332",8)', "<ILLEGAL VALUE>"),
        ('quit $zdateh("20261121",1)', "<ILLEGAL VALUE>"),
        ("for  { set a=1 }", "<LOOP>"),
        ("quit $$version^SystemPerformance(1)", "<PARAMETER>"),
        ("lock ^X:(0)", "<SYNTAX>"),
        ("lock +^X:(0)", "<LOCK>"),
    ],
)
def test_errors(code: str, error: str) -> None:
    """What IRIS would not execute is not executed here either."""
    with pytest.raises(ServerError) as caught:
        run(code)
    assert str(caught.value).startswith(error)


def test_globals_and_files_are_those_of_the_instance() -> None:
    """$order, $data, $zsearch and class methods reach them, and changes are real."""
    instance = Instance()
    for number, name in enumerate(("a", "b")):
        instance.globals.set("X", name, value=number)
        instance.files.write(f"/data/{name}.log", b"")
    code = (
        'set names="",id="" '
        'for  { set id=$order(^X(id)) quit:id=""  set names=names_id_^X(id)_$data(^X(id)) } '
        'set file=$zsearch("/data/*.log") '
        'while $length(file) { do ##class(%Library.File).Delete(file) set file=$zsearch("") } '
        'quit names_$order(^X(""),-1)_$data(^X("c"))'
    )
    assert run(code, instance) == "a01b11b0"
    assert instance.files.paths == []


def test_a_run_leaves_another_device() -> None:
    """Who does not go back to the first one has an error."""
    start = 'set device=$io,runid=$$literun^SystemPerformance("test") '
    assert str(run(f"{start}use device quit runid")).endswith("_test")
    with pytest.raises(ServerError, match="<NOTOPEN>"):
        run(f"{start}quit runid")
