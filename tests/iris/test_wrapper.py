"""The wrapper: installed with consent and taken away again, and never in place of another's."""

from __future__ import annotations

import re

import pytest

from exporter.iris.access.errors import ErrorKind, IrisError
from exporter.iris.system_performance import wrapper
from tests.iris.double.hooks import SqlError
from tests.iris.double.objectscript import check_syntax
from tests.iris.monitored import INSTALLERS_RIGHTS, Monitored

NAMES = {f"ZPERFWATCH.{function.name.upper()}" for function in wrapper.FUNCTIONS}

FOREIGN = (
    'CREATE FUNCTION ZPerfWatch.{}() RETURNS VARCHAR(9) LANGUAGE OBJECTSCRIPT {{ quit "mine" }}'
)


@pytest.fixture
def installer(monitored: Monitored) -> Monitored:
    """Someone who may install."""
    monitored.instance.grant(*INSTALLERS_RIGHTS)
    return monitored


def functions(monitored: Monitored) -> set[str]:
    """What is installed."""
    return set(monitored.instance.functions.installed)


def test_it_is_installed_and_removed(installer: Monitored) -> None:
    """Each may be repeated."""
    assert wrapper.installed_version(installer.session) is None
    for _ in range(2):
        wrapper.install(installer.session)
        assert wrapper.installed_version(installer.session) == wrapper.VERSION
        assert functions(installer) == NAMES
    assert wrapper.uninstall(installer.session)
    assert not wrapper.uninstall(installer.session)
    assert not functions(installer)


def test_half_a_wrapper_is_made_whole(installer: Monitored) -> None:
    """What was left by an installation that was interrupted, or by hand."""
    wrapper.install(installer.session)
    installer.session.execute("DROP FUNCTION ZPerfWatch.Stop")
    wrapper.install(installer.session)
    assert functions(installer) == NAMES


@pytest.mark.parametrize("right", INSTALLERS_RIGHTS[:2])
def test_who_may_not_install_learns_the_grant(installer: Monitored, right: str) -> None:
    """And that an administrator may load a class."""
    installer.instance.revoke(right)
    with pytest.raises(IrisError, match="--print") as raised:
        wrapper.install(installer.session)
    assert raised.value.kind is ErrorKind.PRIVILEGE
    assert "%CREATE_FUNCTION" in raised.value.remedy
    assert not functions(installer)


def test_who_may_not_remove_learns_the_grant(installer: Monitored) -> None:
    """Nothing is removed then."""
    wrapper.install(installer.session)
    installer.instance.revoke("%DROP_FUNCTION")
    with pytest.raises(IrisError, match="%DROP_FUNCTION") as raised:
        wrapper.uninstall(installer.session)
    assert raised.value.kind is ErrorKind.PRIVILEGE
    assert functions(installer) == NAMES


def test_a_function_of_anothers_stays(installer: Monitored) -> None:
    """It is named, and what had been created is taken away again."""
    installer.session.execute(FOREIGN.format("Run"))
    with pytest.raises(IrisError, match=r"the function ZPerfWatch.Run could not be created"):
        wrapper.install(installer.session)
    assert functions(installer) == {"ZPERFWATCH.RUN"}


@pytest.mark.parametrize("act", [wrapper.install, wrapper.uninstall])
def test_a_schema_of_anothers_is_left_alone(installer: Monitored, act: object) -> None:
    """Whose function says so."""
    assert callable(act)
    installer.session.execute(FOREIGN.format("WrapperVersion"))
    with pytest.raises(IrisError, match="that is not PerfWatch's"):
        act(installer.session)
    assert functions(installer) == {"ZPERFWATCH.WRAPPERVERSION"}


def test_without_the_right_to_use_it_there_is_none(installer: Monitored) -> None:
    """As if it were not installed."""
    wrapper.install(installer.session)
    for function in installer.instance.functions.installed.values():
        function.owner = "administrator"
    assert wrapper.installed_version(installer.session) is None


def test_another_error_is_no_answer(installer: Monitored) -> None:
    """It is not taken for a wrapper that is missing."""
    installer.double.faults.next_call(SqlError(-400, "[SQLCODE: <-400>:<Fatal error>]"))
    with pytest.raises(IrisError) as raised:
        wrapper.installed_version(installer.session)
    assert raised.value.kind is ErrorKind.SERVER


def test_the_class_has_the_same_functions() -> None:
    """With the same bodies, under the same names in SQL."""
    text = wrapper.class_text()
    methods = re.findall(
        r"ClassMethod (\w+)\((.*?)\) As %String \[ SqlName = (\w+), SqlProc \]\n\{\n    (.*)\n\}",
        text,
    )
    assert len(methods) == len(wrapper.FUNCTIONS)
    for function, (name, arguments, sql_name, body) in zip(wrapper.FUNCTIONS, methods, strict=True):
        assert name == sql_name == function.name
        assert body == function.body
        assert [one.split()[0] for one in arguments.split(", ") if one] == [
            argument for argument, _ in function.arguments
        ]
        check_syntax(body)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("AddProfile", ("a/b", "text", 10, 60)),
        ("EditProfile", ("", "text", 10, 60)),
        ("Run", ("perfwatch)", 1, 60)),
        ("Stop", ("../../20261121_0700_x", 1)),
        ("Wait", ("*",)),
    ],
)
def test_functions_take_names_and_runids_only(
    installer: Monitored, name: str, arguments: tuple[str | int, ...]
) -> None:
    """Whoever calls them: the routine would make paths of what they are given."""
    wrapper.install(installer.session)
    marks = ",".join("?" for _ in arguments)
    answer = installer.session.query(f"SELECT ZPerfWatch.{name}({marks})", *arguments)[0][0]
    assert str(answer).startswith("0^not a ")


def test_no_statement_has_what_a_driver_reads_in_it() -> None:
    """A question mark, and :0, would be a parameter, an apostrophe the beginning of a text."""
    for function in wrapper.FUNCTIONS:
        statement = wrapper.create_statement(function)
        assert not set("?'`;") & set(statement)
        assert not re.search(r":\d", statement)
        assert statement.count("{") == statement.count("}")


def test_the_role_has_what_is_needed_and_no_more() -> None:
    """Neither %All, nor a right to install code."""
    script = wrapper.role_script("Watcher", with_wrapper=True)
    assert "%All" not in script
    assert "%Development" not in script
    assert '"%DB_IRISSYS:RW,' in script
    assert "GRANT SELECT ON %SYS.Task TO Watcher" in script
    for function in wrapper.FUNCTIONS:
        assert f"GRANT EXECUTE ON ZPerfWatch.{function.name} TO Watcher" in script
    assert "EXECUTE" not in wrapper.role_script()
