"""The reader of the text format for pages that are not to be lost by one bad line."""

from __future__ import annotations

import pytest

from exporter.text_format import MAX_LINES, parse_text_format


def test_errors_may_be_told_instead_of_raised() -> None:
    """Each line, and each histogram, that is wrong is left out alone; what is right is given."""
    errors: list[ValueError] = []
    families = parse_text_format(
        b"a 1\nb {\na 2\n# TYPE h histogram\nh_sum 1\n# TYPE s summary\ns_count 1\ns_sum 1\n"
        b'# TYPE s_sum gauge\ns_sum{x="y"} 1\nc 4 5\nd 6\ne 7',
        errors.append,
    )
    assert [(family.name, len(family.series)) for family in families] == [
        ("a", 1),
        ("s", 1),
        ("d", 1),
    ]
    assert [str(error) for error in errors] == [
        "line 2: neither a sample nor a comment: 'b {'",
        "line 3: a series of a for the second time",
        "line 11: a sample with a timestamp",
        "line 13: cut off: its line break is missing",
        "the histogram h is incomplete: no sum or count",
        "s_sum belongs to two families",
    ]


def test_too_many_lines_are_refused_whoever_is_told() -> None:
    """A page of this size is not even looked at."""
    with pytest.raises(ValueError, match="more than"):
        parse_text_format(b"\n" * (MAX_LINES + 1), print)
