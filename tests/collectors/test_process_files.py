"""The files of a process, how processes are grouped, and which groups come first."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors._process_groups import (
    Ranking,
    match_group,
    name_group,
    parse_command_groups,
)
from exporter.collectors._process_parsers import (
    Process,
    parse_boot_time,
    parse_io,
    parse_process,
    parse_proportional,
    parse_status,
)
from exporter.kernel import KernelTree
from exporter.process_files import ProcessFiles
from tests.collectors.conftest import FakeHost
from tests.host_processes import io_text, stat_line, status_text

PARSERS = (parse_boot_time, parse_io, parse_process, parse_proportional, parse_status)


def make_process(name: bytes, *, kernel: bool = False) -> Process:
    """Make a process of which only the name matters."""
    return Process(name, kernel, 0, 0, 0, 1, 100, 0)


@pytest.mark.parametrize("name", ["sh", "a) R (b", "my prog", "two\nlines", "("])
def test_parse_a_process(name: str) -> None:
    """Whatever its name is."""
    line = stat_line(7, name, user=11, system=12, start=13, pages=14, threads=15, faults=16)
    assert parse_process(line.encode()) == Process(name.encode(), False, 16, 11, 12, 15, 13, 14)


def test_kernel_threads_are_known_by_a_flag() -> None:
    """Not by their name."""
    assert parse_process(stat_line(7, "kworker/0:1", kernel=True).encode()).is_kernel_thread


def test_parse_the_other_files() -> None:
    """Only what is shown of them."""
    assert parse_io(io_text(1, 2).encode()) == {"read": 1, "written": 2}
    assert parse_status(status_text(3, 4).encode()) == {"voluntary": 3, "involuntary": 4}
    rollup = b"00400000-7ffc ---p 00000000 00:00 0  [rollup]\nPss:      3 kB\nPss_Anon: 1 kB\n"
    assert parse_proportional(rollup) == {"proportional": 3072}
    assert parse_proportional(b"") == {"proportional": 0}
    assert parse_boot_time(b"cpu 1\nbtime 1762411200\n") == 1762411200


@pytest.mark.parametrize("parse", PARSERS)
def test_other_texts_are_refused(parse: Callable[[bytes], object]) -> None:
    """With ValueError, also when only the end is missing."""
    for text in (b"7 sh S 1", b"7 (sh) S " + b"1 " * 19, b"7 (sh) S " + b"x " * 40):
        with pytest.raises(ValueError, match=r"expected|integers|no context"):
            parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.binary(max_size=200))
def test_parsers_raise_nothing_but_value_error(
    parse: Callable[[bytes], object], text: bytes
) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse(text)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        (b"Web Content", "Web Content"),
        (b"two\nlines\t\x7f", "two?lines??"),
        (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
        ("größe".encode(), "größe"),
        (b"", "?"),
        (b"  ", "?"),
        (b"x" * 200, "x" * 64),
        (b"other", "other (command)"),
        (b" other", "other (command)"),
    ],
)
def test_a_group_is_called_as_its_command(name: bytes, group: str) -> None:
    """On one line, not too long, and never as the sum of the others."""
    assert name_group(make_process(name)) == group


@pytest.mark.parametrize(
    ("name", "group"),
    [(b"kworker/u8:2-flush", "[kworker]"), (b"jbd2/md1-8", "[jbd2]"), (b"kswapd0", "[kswapd0]")],
)
def test_kernel_threads_stand_in_brackets(name: bytes, group: str) -> None:
    """Without what tells one of them from the other."""
    assert name_group(make_process(name, kernel=True)) == group


def test_a_command_line_may_name_the_group() -> None:
    """By the named group that matches; others match in vain."""
    pattern = re.compile(r"(?P<kafka>(kafka|zoo)[.]Main)|(?P<solr>solr[.]jar)|perl")
    assert match_group(pattern, b"java\0-jar\0solr.jar\0") == "solr"
    assert match_group(pattern, b"java\0zoo.Main\0") == "kafka"
    assert match_group(pattern, b"perl\0") is None
    assert match_group(pattern, b"java\xff\0") is None
    assert match_group(re.compile("(?P<other>java)"), b"java\0") == "other (command)"


def test_a_pattern_that_names_nothing_is_refused() -> None:
    """It would never have an effect."""
    assert parse_command_groups("") is None
    assert parse_command_groups("(?P<solr>solr)") == re.compile("(?P<solr>solr)")
    with pytest.raises(ValueError, match=r"named groups .* got 'kafka\|\(solr\)'"):
        parse_command_groups("kafka|(solr)")


def test_a_command_line_may_be_long() -> None:
    """A class path is longer than a page, and what tells programs apart stands behind it."""
    pattern = re.compile(r"(?P<kafka>kafka[.]Kafka)")
    path = b":".join(b"/opt/kafka/libs/%d.jar" % number for number in range(9_000))
    assert match_group(pattern, b"java\0-cp\0" + path + b"\0kafka.Kafka\0a.properties\0") == "kafka"
    assert match_group(pattern, b"java\0kafka.Kafka\0" + path) == "kafka"
    assert match_group(pattern, path + b"\0kafka.Kafka\0" + path) is None


@pytest.mark.parametrize("size", [0, 4095, 4096, 4097, 100_000])
def test_a_file_is_read_whole(host: FakeHost, size: int) -> None:
    """However many groups a user is in: they stand in `status`, in front of what is wanted."""
    host.write("proc/7/status", "x" * size)
    assert len(ProcessFiles(host.kernel).read("7", "status")) == size


def choose(ranking: Ranking, now: float, ticks: dict[str, int], **pages: int) -> set[str]:
    """Choose by CPU time, which is also that of their life, and by memory."""
    return set(ranking.choose(now, ticks, ticks, pages))


def test_the_first_by_cpu_time_and_by_memory_are_chosen() -> None:
    """As many of each; of equals the first by name, and none that used nothing."""
    ranking = Ranking(2, 60.0)
    chosen = choose(ranking, 0.0, {"a": 3, "c": 5, "b": 3, "d": 0}, x=0, y=2)
    assert chosen == {"a", "c", "y"}


def test_a_group_stays_for_a_while() -> None:
    """Until the time is over since it was last among the first."""
    ranking = Ranking(1, 60.0)
    assert choose(ranking, 0.0, {"a": 9}) == {"a"}
    assert choose(ranking, 50.0, {"b": 9}) == {"a", "b"}
    assert choose(ranking, 61.0, {"b": 9}) == {"b"}


def test_past_use_counts_half_after_five_minutes() -> None:
    """So that a group is not among the first for one busy moment."""
    ranking = Ranking(1, 1.0)
    choose(ranking, 0.0, {})
    assert choose(ranking, 10.0, {"a": 100}) == {"a"}
    assert choose(ranking, 310.0, {"b": 49}) == {"a"}
    assert choose(ranking, 610.0, {"b": 26}) == {"b"}
    assert choose(ranking, 99_999.0, {}) == set()


def test_there_is_a_limit_to_what_is_shown() -> None:
    """Four times as many as are asked for: the last to be among the first."""
    ranking = Ranking(1, 1e9)
    for moment, name in enumerate("abcdef"):
        chosen = choose(ranking, moment * 1e5, {name: 1})
    assert chosen == set("cdef")


def test_descriptors_are_counted() -> None:
    """On the running kernel: those of this process."""
    files = ProcessFiles(KernelTree())
    pid = str(os.getpid())
    before = files.count_descriptors(pid)
    descriptor = os.open("/", os.O_RDONLY)
    after = files.count_descriptors(pid)
    os.close(descriptor)
    assert after == before + 1


def test_descriptors_of_a_captured_tree_are_listed(host: FakeHost) -> None:
    """There the size of a directory is something else, and it may be empty or absent."""
    host.write("proc/1/fd/0", "")
    host.write("proc/1/fd/1", "")
    assert ProcessFiles(host.kernel).count_descriptors("1") == 2
    with pytest.raises(FileNotFoundError):
        ProcessFiles(KernelTree(str(host.root / "none"))).list()
