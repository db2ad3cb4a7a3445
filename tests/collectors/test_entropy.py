"""The entropy collector: /proc/sys/kernel/random."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.entropy import EntropyCollector, parse_bits
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

AVAILABLE = "proc/sys/kernel/random/entropy_avail"
SIZE = "proc/sys/kernel/random/poolsize"


@pytest.mark.parametrize("text", [b"", b"\n", b"-1\n", b"many\n", b"256 256\n"])
def test_parse_refuses_what_is_no_number(text: bytes) -> None:
    """An empty file and words are errors."""
    with pytest.raises(ValueError, match="not an integer"):
        parse_bits(text)


@given(st.binary(max_size=50))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_bits(text)


def test_both_numbers_follow_the_kernel(host: FakeHost) -> None:
    """What is there now is shown, also on a kernel before 5.18, whose pool drains."""
    host.write(AVAILABLE, "3184\n")
    host.write(SIZE, "4096\n")
    collector = EntropyCollector(host.kernel)
    assert host.samples(collector)["node_entropy_available_bits"] == 3184
    host.write(AVAILABLE, "907\n")
    assert host.samples(collector) == {
        "node_entropy_available_bits": 907,
        "node_entropy_pool_size_bits": 4096,
    }


def test_a_missing_file_costs_its_own_number(host: FakeHost) -> None:
    """Without the size, what is available is shown."""
    host.write(AVAILABLE, "256\n")
    assert host.samples(EntropyCollector(host.kernel)) == {"node_entropy_available_bits": 256}


def test_a_hidden_folder_is_no_data(host: FakeHost) -> None:
    """A container may hide /proc/sys."""
    with pytest.raises(NoData, match="/proc/sys/kernel/random"):
        list(EntropyCollector(host.kernel).collect())
