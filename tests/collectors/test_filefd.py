"""The filefd collector: /proc/sys/fs/file-nr."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.filefd import FilefdCollector, OpenFiles, parse_file_nr
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

PATH = "proc/sys/fs/file-nr"


def test_parse_takes_the_first_and_the_last() -> None:
    """The number between them, of free files, has been 0 since Linux 2.6."""
    text = b"18176\t0\t9223372036854775807\n"
    assert parse_file_nr(text) == OpenFiles(b"18176", b"9223372036854775807")


@pytest.mark.parametrize("text", [b"", b"18176\t0\n", b"1\t0\tmany\n", b"-1 0 5"])
def test_parse_refuses_what_is_not_three_numbers(text: bytes) -> None:
    """A truncated file and words are errors."""
    with pytest.raises(ValueError, match=r"3 numbers|integers"):
        parse_file_nr(text)


@given(st.binary(max_size=50))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_file_nr(text)


def test_open_files_are_counted(host: FakeHost) -> None:
    """What is open changes from scrape to scrape."""
    host.write(PATH, "2368\t0\t1602848\n")
    collector = FilefdCollector(host.kernel)
    assert host.samples(collector) == {
        "node_filefd_allocated": 2368,
        "node_filefd_maximum": 1_602_848,
    }
    host.write(PATH, "2400\t0\t1602848\n")
    assert host.samples(collector)["node_filefd_allocated"] == 2400


def test_a_hidden_file_is_no_data(host: FakeHost) -> None:
    """A container may hide /proc/sys."""
    with pytest.raises(NoData, match="file-nr"):
        list(FilefdCollector(host.kernel).collect())
