"""Ids from HTTP headers: taken when they are of the standard's form, ignored otherwise."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.trace_context import (
    TraceParent,
    new_span_id,
    parse_traceparent,
    valid_request_id,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

SPAN = "00f067aa0ba902b7"

HEX = "0123456789abcdef"

VALID = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (VALID, 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-ff", 255),
        (f"cc-{TRACE}-{SPAN}-09", 9),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
        (f"fe-{TRACE}-{SPAN}-01-", 1),
    ],
)
def test_a_valid_header_is_read(header: str, flags: int) -> None:
    """As bytes or text; later versions may add fields after the flags."""
    parent = parse_traceparent(header)
    assert parent == parse_traceparent(header.encode()) == TraceParent(TRACE, SPAN, flags)
    assert parent.sampled == bool(flags % 2)


@pytest.mark.parametrize(
    "header",
    [
        "",
        None,
        VALID[:-1],
        VALID + "0",
        VALID + "-",
        VALID + "-more",
        VALID + "\n",
        " " + VALID,
        VALID.upper(),
        VALID.replace("-", "_"),
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"0g-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}0-01",
        f"00-{TRACE[:-1]}G-{SPAN}-01",
        f"00-{TRACE[:-1]}\u0663-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0x",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"cc-{TRACE}-{SPAN}-012",
        f"cc-{TRACE}-{'0' * 16}-01-more",
        f"cc-{TRACE}-{SPAN}-01-more\nlines",
    ],
)
def test_an_invalid_header_is_ignored(header: str | None) -> None:
    """The standard wants a new trace then, not an error."""
    assert parse_traceparent(header) is None
    if header is not None:
        assert parse_traceparent(header.encode()) is None


def test_ours_is_a_child_in_the_same_trace() -> None:
    """Of the flags only the sampled bit is kept; the version is the one that we write."""
    header = f"cc-{TRACE}-{SPAN}-ff-more"
    parent = parse_traceparent(header)
    assert parent is not None
    assert parent.child("a" * 16).to_header() == f"00-{TRACE}-{'a' * 16}-01"
    children = {parent.child() for _ in range(100)}
    assert len({child.parent_id for child in children}) == 100
    for child in children:
        assert parse_traceparent(child.to_header()) == child
    assert TraceParent(TRACE, SPAN, 0xFE).child().flags == 0


@pytest.mark.parametrize("span_id", ["", "0" * 16, "A" * 16, "a" * 17, "a" * 16 + "\n"])
def test_a_wrong_span_id_of_ours_is_refused(span_id: str) -> None:
    """The mistake is the caller's, and would make all who read the header ignore it."""
    with pytest.raises(ValueError, match="16 lower-case hexadecimal digits"):
        TraceParent(TRACE, SPAN, 1).child(span_id)


def test_a_span_id_is_short() -> None:
    """16 hexadecimal digits, different each time."""
    assert len(new_span_id()) == 16
    assert set(new_span_id()) <= set(HEX)
    assert new_span_id() != new_span_id()


@given(st.one_of(st.text(), st.binary()))
def test_no_header_is_an_error(header: str | bytes) -> None:
    """Whatever a client sends, it is read or ignored."""
    assert parse_traceparent(header) is None
    request_id = valid_request_id(header)
    assert request_id is None or 1 <= len(request_id) <= 128


@given(
    st.text(HEX, min_size=2, max_size=2),
    st.text(HEX, min_size=32, max_size=32),
    st.text(HEX, min_size=16, max_size=16),
    st.integers(0, 255),
    st.one_of(st.just(""), st.text(), st.text().map("-".__add__)),
)
def test_the_grammar_decides(
    version: str, trace_id: str, parent_id: str, flags: int, rest: str
) -> None:
    """A header is read exactly when each of its fields is as the standard says."""
    if version == "00":
        rest_allowed = not rest
    else:
        rest_allowed = version != "ff" and (not rest or rest.startswith("-"))
    rest_allowed = rest_allowed and "\n" not in rest
    valid = rest_allowed and trace_id.strip("0") != "" and parent_id.strip("0") != ""
    found = parse_traceparent(f"{version}-{trace_id}-{parent_id}-{flags:02x}{rest}")
    assert found == (TraceParent(trace_id, parent_id, flags) if valid else None)


@pytest.mark.parametrize("header", ["a", "7f6a1c2e-11", "a.b_c~d:e/f+g=h@i-j", "z" * 128])
def test_a_request_id_is_taken_as_it_is(header: str) -> None:
    """As bytes or text."""
    assert valid_request_id(header) == valid_request_id(header.encode()) == header


@pytest.mark.parametrize(
    "header", [None, "", "z" * 129, "a b", "a\n", "a\r\nx: y", "ä", '"', "<b>", "a,b", "%00"]
)
def test_any_other_request_id_is_ignored(header: str | None) -> None:
    """It is returned in a header and printed in logs: only what is harmless in both."""
    assert valid_request_id(header) is None
    if header is not None:
        assert valid_request_id(header.encode()) is None


@given(st.characters())
def test_the_characters_of_a_request_id(character: str) -> None:
    """ASCII letters, digits and eight marks."""
    allowed = set(string.ascii_letters + string.digits + "._~:/+=@-")
    assert (valid_request_id(character) is not None) == (character in allowed)
