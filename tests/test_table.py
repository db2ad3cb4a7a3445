"""Families over a changing set of devices: exporter/table.py."""

from __future__ import annotations

import pytest

from exporter.table import Column, Table
from tests.samples import read_samples

COLUMNS = (
    Column("node_thing_celsius", "Temperature.", "gauge", exponent=-3),
    Column("node_thing_events_total", "Events.", "counter"),
)


def make() -> Table:
    """A table of things."""
    return Table(COLUMNS, ("thing",))


def test_row_has_a_series_in_each_family() -> None:
    """Numbers go row by row, families column by column."""
    filled = make().fill({("a",): (b"45000", b"7"), ("b",): (b"-1500", b"8")})
    assert read_samples([filled]) == {
        'node_thing_celsius{thing="a"}': 45.0,
        'node_thing_celsius{thing="b"}': -1.5,
        'node_thing_events_total{thing="a"}': 7,
        'node_thing_events_total{thing="b"}': 8,
    }


def test_what_a_device_lacks_is_absent() -> None:
    """A family without any sample is not there at all."""
    table = make()
    assert read_samples([table.fill({("a",): (None, b"7"), ("b",): (b"1000", b"8")})]) == {
        'node_thing_celsius{thing="b"}': 1.0,
        'node_thing_events_total{thing="a"}': 7,
        'node_thing_events_total{thing="b"}': 8,
    }
    assert read_samples([table.fill({("a",): (None, b"7")})]) == {
        'node_thing_events_total{thing="a"}': 7
    }


def test_devices_come_and_go() -> None:
    """Series are those of the devices of the moment, down to none."""
    table = make()
    assert len(read_samples([table.fill({("a",): (b"1", b"2")})])) == 2
    assert len(read_samples([table.fill({("a",): (b"1", b"2"), ("b",): (b"1", b"2")})])) == 4
    assert read_samples([table.fill({})]) == {}


def test_what_has_not_changed_is_the_same_object() -> None:
    """So it is rendered once; one other number, or device, makes another."""
    table = make()
    first = table.fill({("a",): (b"1", b"2")})
    assert table.fill({("a",): (b"1", b"2")}) is first
    changed = table.fill({("a",): (b"1", b"3")})
    assert changed is not first
    assert changed.layout is first.layout
    assert table.fill({("b",): (b"1", b"3")}).layout is not first.layout


def test_row_of_another_width_is_a_mistake() -> None:
    """One that would shift all numbers behind it."""
    with pytest.raises(ValueError, match=r"shorter|longer"):
        make().fill({("a",): (b"1", b"2"), ("b",): (b"1",)})
