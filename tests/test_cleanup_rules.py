"""Which files go: patterns, limits, and the youth of a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.leftovers import NOW, clean, names, put, rule_for

YOUNG = 60.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "1 to 64 letters"),
        ({"name": "a b"}, "1 to 64 letters"),
        ({"folder": Path("spool")}, "absolute path"),
        ({"folder": Path("/var/spool/../lib")}, "without `..`"),
        ({"folder": Path("/var/\0")}, "absolute path"),
        ({"folder": Path("/")}, "must not be `/`"),
        ({"folder": Path("//")}, "must not be `/`"),
        ({"patterns": ()}, "at least one"),
        ({"patterns": "*.json"}, "a sequence"),
        ({"patterns": ("*",)}, "whatever is there"),
        ({"patterns": ("x*", "[a-z]*.?*")}, "whatever is there"),
        ({"patterns": ("[]ab]*",)}, "whatever is there"),
        ({"patterns": ("",)}, "whatever is there"),
        ({"patterns": ("..",)}, "whatever is there"),
        ({"patterns": ("../x*",)}, "without `/`"),
        ({"patterns": ("x\0",)}, "without `/`"),
        ({"max_files": None}, "at least one of max_age_seconds, max_files, max_bytes"),
        ({"max_files": -1}, "max_files must be 0 or more"),
        ({"max_bytes": -1}, "max_bytes must be 0 or more"),
        ({"max_age_seconds": float("nan")}, "max_age_seconds must be 0 or more"),
        ({"min_age_seconds": float("inf")}, "min_age_seconds must be 0 or more"),
        ({"max_age_seconds": 59}, "must not be less than min_age_seconds"),
    ],
)
def test_a_rule_without_sense_or_with_danger_is_refused(changes: dict[str, Any], says: str) -> None:
    """When it is written down, not when it runs."""
    with pytest.raises(ValueError, match=says):
        rule_for(**{"folder": Path("/var/spool/x"), **changes})


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*.json", ["a.json", "b.c.json"], [".a.json", "a.JSON", "a.json.tmp", "json"]),
        (".*.tmp", [".a.tmp"], ["a.tmp"]),
        ("report-?.[ab]", ["report-1.a"], ["report-12.a", "report-1.c", "xreport-1.a"]),
        ("ä*", ["ä\n"], ["a"]),
        ("*.\udcff1", ["a.\udcff1"], ["a.1"]),
    ],
)
def test_patterns_are_the_shells(pattern: str, matching: list[str], others: list[str]) -> None:
    """Whole names, letter case counts, and a wildcard matches no leading dot."""
    rule = rule_for(Path("/var/spool/x"), patterns=[pattern, "never"])
    assert [name for name in (*matching, *others) if rule.matches(name)] == matching


def test_the_oldest_go_first(tmp_path: Path) -> None:
    """By the time they were last modified; by name where that is the same."""
    for number, age in enumerate([100, 500, 300, 500]):
        put(tmp_path, f"report-{number}", age)
    clean(rule_for(tmp_path, max_files=3))
    assert names(tmp_path) == {"report-0", "report-2", "report-3"}
    clean(rule_for(tmp_path, max_files=1))
    assert names(tmp_path) == {"report-0"}


def test_age_is_more_than_the_limit(tmp_path: Path) -> None:
    """A file as old as the limit stays."""
    put(tmp_path, "report-1", 86400.0)
    put(tmp_path, "report-2", 86401.0)
    clean(rule_for(tmp_path, max_files=None, max_age_seconds=86400.0))
    assert names(tmp_path) == {"report-1"}


def test_the_total_size_counts_until_it_is_within_the_limit(tmp_path: Path) -> None:
    """No more goes than must."""
    for number in range(4):
        put(tmp_path, f"report-{number}", 1000 - number, size=100)
    run = clean(rule_for(tmp_path, max_files=None, max_bytes=250))
    assert names(tmp_path) == {"report-2", "report-3"}
    assert (run.removed, run.bytes) == (2, 200)
    assert (run.rules[0].files_left, run.rules[0].bytes_left) == (2, 200)


@pytest.mark.parametrize("age", [0.0, 59.0, -1.0, -1e9])
def test_young_files_count_but_never_go(tmp_path: Path, age: float) -> None:
    """Somebody may be writing them; a clock set back makes files of the future: young ones."""
    put(tmp_path, "report-old")
    put(tmp_path, "report-young", age, size=10)
    run = clean(rule_for(tmp_path, max_files=1, max_bytes=5, max_age_seconds=60))
    assert names(tmp_path) == {"report-young"}
    assert run.rules[0].files_left == 1


def test_a_file_just_put_there_is_young_whatever_its_date(tmp_path: Path) -> None:
    """Copies and downloads keep the date of the original; when they arrived cannot be forged."""
    arrived = put(tmp_path, "report-copy", 1e6).stat().st_ctime
    clean(rule_for(tmp_path), now=lambda: arrived + 59)
    assert names(tmp_path) == {"report-copy"}
    clean(rule_for(tmp_path), now=lambda: arrived + 61)
    assert names(tmp_path) == set()


def test_without_a_minimum_age_all_may_go(tmp_path: Path) -> None:
    """For folders into which complete files are moved."""
    put(tmp_path, "report-1", 0.0)
    clean(rule_for(tmp_path, min_age_seconds=0))
    assert names(tmp_path) == set()


class Leftover(NamedTuple):
    """A file, or something else with its name."""

    kind: str
    age: int
    size: int


LEFTOVERS = st.builds(
    Leftover,
    st.sampled_from(["report", "report", "report", "note", "symlink", "hard link", "folder"]),
    st.integers(-100, 300),
    st.integers(0, 5),
)

LIMITS = st.fixed_dictionaries(
    {
        "max_age_seconds": st.none() | st.integers(60, 300),
        "max_files": st.none() | st.integers(0, 12),
        "max_bytes": st.none() | st.integers(0, 40),
    }
).filter(lambda limits: any(limit is not None for limit in limits.values()))


def make(folder: Path, name: str, leftover: Leftover, aside: Path) -> None:
    """Put it there; what links point to is aside."""
    if leftover.kind == "symlink":
        (folder / name).symlink_to(put(aside, name, leftover.age, leftover.size))
    elif leftover.kind == "hard link":
        os.link(put(aside, name, leftover.age, leftover.size), folder / name)
    elif leftover.kind == "folder":
        (folder / name).mkdir()
        put(folder / name, "report-inside", leftover.age, leftover.size)
    else:
        put(folder, name, leftover.age, leftover.size)


def stays(index: int, ours: list[tuple[str, Leftover]], limits: dict[str, int | None]) -> bool:
    """Whether the file at this index of the oldest first may stay, looked at alone."""
    age = ours[index][1].age
    rest = [leftover for _, leftover in ours[index:]]
    within = (
        (age, limits["max_age_seconds"]),
        (len(rest), limits["max_files"]),
        (sum(leftover.size for leftover in rest), limits["max_bytes"]),
    )
    return age < YOUNG or all(limit is None or value <= limit for value, limit in within)


@settings(deadline=None, max_examples=200)
@given(st.lists(LEFTOVERS, max_size=15), LIMITS, st.booleans())
def test_exactly_the_right_files_remain(
    leftovers: list[Leftover], limits: dict[str, int | None], dry_run: bool
) -> None:
    """For any files and limits; what is not the rule's remains always."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as aside:
        items = [
            (f"{'note' if one.kind == 'note' else 'report'}-{number:02}", one)
            for number, one in enumerate(leftovers)
        ]
        for name, leftover in items:
            make(Path(folder), name, leftover, Path(aside))
        ours = sorted(
            (item for item in items if item[1].kind == "report"),
            key=lambda item: (-item[1].age, item[0]),
        )
        gone = {name for i, (name, _) in enumerate(ours) if not stays(i, ours, limits)}
        before, linked = names(Path(folder)), names(Path(aside))
        run = clean(rule_for(Path(folder), **limits), now=lambda: NOW, dry_run=dry_run)
        assert names(Path(folder)) == (before if dry_run else before - gone)
        assert names(Path(aside)) == linked
        sizes = [leftover.size for name, leftover in items if name in gone]
        assert (run.removed, run.bytes, run.failures) == (len(gone), sum(sizes), 0)
        assert run.rules[0].examined == len(items)
        for name, leftover in items:
            if leftover.kind == "folder":
                assert names(Path(folder) / name) == {"report-inside"}
