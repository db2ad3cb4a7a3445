from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.options import (
    NameFilter,
    option,
    parse_bool,
    parse_count,
    parse_regexp,
    parse_seconds,
    parse_text,
    reject_both,
    shown,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
"""What YAML, a variable or a flag can hold."""


@pytest.mark.parametrize(
    ("raw", "expected"), [(True, True), (False, False), ("true", True), ("False", False)]
)
def test_truth_is_written_out(raw: Any, expected: bool) -> None:
    """True and false are taken from YAML and from text, in any case of letters."""
    assert parse_bool(raw) is expected


@pytest.mark.parametrize("raw", [0, 1, "1", "yes", "on", "", None, [True]])
def test_what_is_neither_true_nor_false_is_refused(raw: Any) -> None:
    """Numbers and other words for truth are errors: 1 may be meant as a count."""
    with pytest.raises(ValueError, match=r"^expected true or false, got"):
        parse_bool(raw)


@pytest.mark.parametrize(("raw", "expected"), [(0, 0), (40, 40), ("40", 40), ("007", 7)])
def test_a_count_is_a_whole_number(raw: Any, expected: int) -> None:
    """Whole numbers are taken from YAML and from text."""
    assert parse_count(raw) == expected


@pytest.mark.parametrize("raw", [-1, "-1", 1.0, "1.5", True, "", " 4", "४", "9" * 5000, 10**18])
def test_what_is_no_count_is_refused(raw: Any) -> None:
    """Signs, fractions, booleans, other scripts' digits and absurd sizes are errors."""
    with pytest.raises(ValueError, match=r"^expected a whole number, 0 or more, got"):
        parse_count(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (0, 0.0),
        (0.25, 0.25),
        ("0.25", 0.25),
        ("250ms", 0.25),
        ("5s", 5.0),
        ("2m", 120),
        ("1h", 3600),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(raw: Any, expected: float) -> None:
    """A bare number counts seconds."""
    assert parse_seconds(raw) == expected


@pytest.mark.parametrize(
    "raw", [-1, "-1s", "5 s", "2d", "", True, None, float("nan"), float("inf"), 10**400, "9" * 400]
)
def test_what_is_no_duration_is_refused(raw: Any) -> None:
    """Negative, endless and unknown amounts of time are errors."""
    with pytest.raises(ValueError, match=r"^expected a duration up to a day such as"):
        parse_seconds(raw)


def test_an_empty_regexp_is_none() -> None:
    """An empty pattern switches a filter off, as with node_exporter."""
    assert parse_regexp("") is None


def test_a_regexp_is_compiled() -> None:
    """A pattern comes back ready for use."""
    assert parse_regexp("^sd[a-z]$") == re.compile("^sd[a-z]$")


@pytest.mark.parametrize("raw", ["(", "[[:alpha:]]", "a{99999999999}", "a**", "(" * 5000])
def test_a_broken_regexp_is_refused(raw: str) -> None:
    """Patterns that do not compile are errors, and so are classes that Python lacks."""
    with pytest.raises(ValueError, match=r"^expected a regular expression, got"):
        parse_regexp(raw)


@pytest.mark.parametrize(
    "parse", [parse_bool, parse_count, parse_regexp, parse_seconds, parse_text]
)
@given(raw=ANYTHING)
def test_parsers_raise_nothing_but_value_errors(parse: Any, raw: Any) -> None:
    """Whatever stands in the file, the parser says in one line what it expected."""
    message = "expected nothing else"
    try:
        parse(raw)
    except ValueError as error:
        message = str(error)
    assert message.startswith("expected ")
    assert message.isprintable()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\nb", r"'a\nb'"),
        ([1, 2], "a list"),
        ({"a": 1}, "a mapping"),
        (1 << 70, "a number of more than 64 bits"),
        ("x" * 5000, "'" + "x" * 199 + "..."),
    ],
)
def test_a_wrong_value_is_shown_short(raw: Any, expected: str) -> None:
    """Messages quote a value on one line and never at great length."""
    assert shown(raw) == expected


def test_the_parser_follows_from_the_default() -> None:
    """A field declared with a number takes numbers."""
    assert option(4, "How many.").metadata["parse"] is parse_count


@pytest.mark.parametrize(
    ("include", "exclude", "accepted"),
    [
        (None, None, ["eth0", "lo", "veth1"]),
        (None, "^lo$", ["eth0", "veth1"]),
        ("th", None, ["eth0", "veth1"]),
        ("^veth", "^veth", ["veth1"]),
    ],
)
def test_names_are_filtered_as_node_exporter_does(
    include: str | None, exclude: str | None, accepted: list[str]
) -> None:
    """A pattern may match anywhere; one that includes replaces the one that excludes."""
    names = NameFilter(
        re.compile(include) if include else None,
        re.compile(exclude) if exclude else None,
    )
    assert [name for name in ("eth0", "lo", "veth1") if names.accepts(name)] == accepted


def test_include_and_exclude_exclude_each_other() -> None:
    """Both at once is an error that says which to remove."""
    with pytest.raises(ValueError, match=r"device-include and device-exclude cannot both be set"):
        reject_both("a", "b", "device")


@pytest.mark.parametrize(("include", "exclude"), [("a", None), (None, "b"), (None, None)])
def test_one_of_include_and_exclude_is_fine(include: str | None, exclude: str | None) -> None:
    """One filter alone, or none, is accepted."""
    reject_both(include, exclude, "device")
