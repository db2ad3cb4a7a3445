"""What is counted between two reads, where events take turns and where they do not."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.perf.counting import Counted, Row, count_between
from exporter.perf.perf_event import (
    ATTRIBUTES,
    EXCLUDE_KERNEL,
    TYPE_HW_CACHE,
    Attributes,
    enable_request,
    number_of,
    open_group,
)

SECOND = 10**9


def test_counts_of_all_cpus_are_summed_up() -> None:
    """Without turns a count is a difference, to the last digit."""
    pairs: list[tuple[Row, Row]] = [
        ((2, 5, 5, 100, 2**62), (2, 5 + SECOND, 5 + SECOND, 107, 2**62 + 1)),
        ((2, 0, 0, 0, 0), (2, SECOND, SECOND, 10, 20)),
    ]
    assert count_between(pairs) == Counted(2 * SECOND, 2 * SECOND, [17, 21])


def test_what_was_counted_for_a_part_of_the_time_is_scaled() -> None:
    """A CPU whose group had a quarter of the time counts four times; the other one is exact."""
    pairs: list[tuple[Row, Row]] = [
        ((1, SECOND, SECOND, 1000), (1, 2 * SECOND, SECOND + SECOND // 4, 1007)),
        ((1, SECOND, SECOND, 1000), (1, 2 * SECOND, 2 * SECOND, 1005)),
    ]
    assert count_between(pairs) == Counted(2 * SECOND, SECOND + SECOND // 4, [33])


def test_an_estimate_is_the_nearest_whole_number() -> None:
    """Five in two thirds of the time are seven and a half: always down, it would drift."""
    assert count_between([((1, 0, 0, 0), (1, 3, 2, 5))]) == Counted(3, 2, [8])


def test_what_never_had_a_turn_was_not_counted() -> None:
    """No turn on any CPU is no count, and not a count of 0; the time is told all the same."""
    pairs: list[tuple[Row, Row]] = [((2, SECOND, 7, 3, 4), (2, 3 * SECOND, 7, 3, 4))]
    assert count_between(pairs) == Counted(2 * SECOND, 0, [None, None])


def test_a_cpu_without_a_turn_adds_nothing() -> None:
    """Where one CPU of two had no turn, the other one's count is given."""
    pairs: list[tuple[Row, Row]] = [
        ((1, 0, 0, 0), (1, SECOND, 0, 0)),
        ((1, 0, 0, 0), (1, SECOND, SECOND, 9)),
    ]
    assert count_between(pairs) == Counted(2 * SECOND, SECOND, [9])


def test_a_value_that_goes_back_counts_nothing() -> None:
    """No counter is taken back, whatever a driver says."""
    pairs: list[tuple[Row, Row]] = [((1, 0, 0, 50), (1, SECOND, SECOND, 40))]
    assert count_between(pairs) == Counted(SECOND, SECOND, [0])


ROWS = st.tuples(
    st.integers(0, 2**62), st.integers(0, SECOND), st.integers(0, SECOND), st.integers(0, 2**40)
)


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_a_count_is_at_least_what_was_seen(cpus: list[tuple[int, int, int, int]]) -> None:
    """Scaling only adds, and times are exact, whatever the totals are."""
    pairs: list[tuple[Row, Row]] = [
        ((1, total, total, total), (1, total + ran + waited, total + ran, total + count))
        for total, ran, waited, count in cpus
    ]
    enabled, running, (counted,) = count_between(pairs)
    assert running == sum(ran for _, ran, _, _ in cpus)
    assert enabled == running + sum(waited for _, _, waited, _ in cpus)
    if counted is None:
        assert running == 0
    else:
        assert counted >= sum(count for _, ran, _, count in cpus if ran)


def test_attributes_are_those_of_the_kernel() -> None:
    """The structure has the size that every kernel takes, and each field stands in its place."""
    packed = Attributes(TYPE_HW_CACHE, 0x10002, 7, 9, frozenset({EXCLUDE_KERNEL})).pack(
        byte_order="little"
    )
    assert len(packed) == ATTRIBUTES.size == 72
    fields = ATTRIBUTES.unpack(packed)
    assert fields == (3, 72, 0x10002, 0, 0, 0b1011, 1 << 5, 0, 0, 7, 9)


def test_a_bit_field_begins_at_the_other_end_on_big_endian_machines() -> None:
    """On s390x the sixth bit is the sixth from the top."""
    packed = Attributes(0, 0, excluded=frozenset({EXCLUDE_KERNEL})).pack(
        is_disabled=True, byte_order="big"
    )
    assert ATTRIBUTES.unpack(packed)[6] == 1 << 63 | 1 << 58


def test_the_number_of_the_system_call_depends_on_the_machine() -> None:
    """The number is the one of the process's own table, also for 32 bits on a 64-bit kernel."""
    assert number_of("x86_64", 64) == 298
    assert number_of("x86_64", 32) == 336
    assert number_of("aarch64", 64) == number_of("riscv64", 64) == 241


def test_an_unknown_machine_is_named_with_the_remedy() -> None:
    """A number that is not known is never guessed."""
    with pytest.raises(LookupError, match="64 bits on vax: set --collector"):
        number_of("vax", 64)


def test_ioctls_are_numbered_otherwise_on_power() -> None:
    """Where a request transfers nothing, that is said by other bits."""
    assert enable_request("x86_64") == enable_request("s390x") == 0x2400
    assert enable_request("ppc64le") == 0x20002400


def test_the_kernel_says_what_is_wrong() -> None:
    """An error is the kernel's own: there is no CPU of this number."""
    with pytest.raises(OSError, match="perf_event_open: "):
        open_group([Attributes(1, 0)], sys.maxsize >> 33)
