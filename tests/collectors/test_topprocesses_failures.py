"""The topprocesses collector: what cannot be read changes no sum."""

from __future__ import annotations

import pytest

from tests.collectors.conftest import FakeHost
from tests.host_processes import Watched, add_process, end_process, io_text


def test_a_process_that_ends_meanwhile_hides_no_new_one(host: FakeHost) -> None:
    """What the next one did until it is first seen counts; only one that is refused may be old."""
    watched = Watched(host, "9/stat")
    add_process(host, 7, "db", pages=9)
    (host.root / "proc/8").mkdir()
    watched.look()
    end_process(host, 8)
    add_process(host, 10, "db", user=100, start=200)
    assert watched.cpu(10)["db"] == 1
    add_process(host, 9, "db")
    watched.look(10)
    add_process(host, 11, "db", user=100, start=300)
    assert watched.cpu(10)["db"] == 1


def test_a_look_that_fails_is_not_counted_twice(host: FakeHost) -> None:
    """Nor lost: what was done meanwhile is counted by the next one."""
    watched = Watched(host)
    add_process(host, 7, "db", pages=9)
    add_process(host, 8, "sh", pages=9)
    watched.look()
    add_process(host, 7, "db", pages=9, user=100)
    host.write("proc/8/io", "broken")
    for _ in range(2):
        with pytest.raises(ValueError, match="read_bytes"):
            watched.look(10)
    host.write("proc/8/io", io_text())
    assert watched.cpu(10) == {"db": 1, "sh": 0, "other": 0}
