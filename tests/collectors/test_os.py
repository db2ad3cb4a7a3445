"""The os collector: /etc/os-release and /usr/lib/os-release."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.os import OsCollector, parse_os_release
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

FEDORA = """\
NAME="Fedora Linux"
VERSION="43 (Server Edition)"
ID=fedora
VERSION_ID=43
PRETTY_NAME="Fedora Linux 43 (Server Edition)"
SUPPORT_END=2026-12-02
VARIANT="Server Edition"
VARIANT_ID=server
"""


def test_quotes_are_taken_off() -> None:
    """Double quotes with escapes, single quotes without, and none."""
    names = parse_os_release(
        b'A=one\nB="two \\"x\\" \\$5 \\\\"\nC=\'three \\$\'\nD=\n\n# no\nE F\n'
    )
    assert names == {"A": "one", "B": 'two "x" $5 \\', "C": "three \\$", "D": ""}


@pytest.mark.parametrize("text", [b"", b"# nothing but words\n", b"=x\n"])
def test_parse_refuses_a_file_without_assignments(text: bytes) -> None:
    """An empty file says nothing."""
    with pytest.raises(ValueError, match="ID=debian"):
        parse_os_release(text)


@given(st.binary(max_size=200))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_os_release(text)


def test_the_distribution_is_described(host: FakeHost) -> None:
    """Names, version and end of support; labels that the file does not have are left out."""
    host.write("etc/os-release", FEDORA)
    assert host.samples(OsCollector(host.kernel)) == {
        'node_os_info{id="fedora",name="Fedora Linux",'
        'pretty_name="Fedora Linux 43 (Server Edition)",variant="Server Edition",'
        'variant_id="server",version="43 (Server Edition)",version_id="43"}': 1,
        'node_os_version{id="fedora",name="Fedora Linux"}': 43,
        "node_os_support_end_timestamp_seconds": 1_796_169_600,
    }


@pytest.mark.parametrize(
    ("version_id", "expected"),
    [
        ("24.04", 24.04),
        ("15.6.1", 15.6),
        ("9.", 9),
        ("2025Q1", 2025),
        ("rolling", None),
        ("0", None),
    ],
)
def test_version_is_major_and_minor(
    host: FakeHost, version_id: str, expected: float | None
) -> None:
    """Of the version its first two numbers are shown; without any the series is absent."""
    host.write("etc/os-release", f'ID=x\nID_LIKE="y z"\nVERSION_ID="{version_id}"\n')
    samples = host.samples(OsCollector(host.kernel))
    assert samples.get('node_os_version{id="x",id_like="y z"}') == expected


@pytest.mark.parametrize("end", ["", "2026-02-30", "20261202", "soon"])
def test_what_is_no_date_is_not_shown(host: FakeHost, end: str) -> None:
    """A date that cannot be one is unknown; the other names are shown."""
    host.write("etc/os-release", f"ID=x\nSUPPORT_END={end}\n")
    assert list(host.samples(OsCollector(host.kernel))) == ['node_os_info{id="x"}']


def test_the_file_is_read_again_when_it_changes(host: FakeHost) -> None:
    """An upgrade shows; an unchanged file costs no reading, and gives the same objects."""
    host.write("etc/os-release", "ID=x\n")
    collector = OsCollector(host.kernel)
    first = list(collector.collect())
    assert next(iter(collector.collect())) is first[0]
    host.write("etc/os-release", "ID=y\n")
    os.utime(host.root / "etc/os-release", ns=(1, 1))
    assert host.samples(collector) == {'node_os_info{id="y"}': 1}


def test_the_second_place_is_looked_at(host: FakeHost) -> None:
    """Where /etc has no such file, or it points nowhere, the one of the vendor is taken."""
    host.write("usr/lib/os-release", "ID=vendor\n")
    (host.root / "etc").mkdir()
    Path(host.root / "etc/os-release").symlink_to("nowhere")
    assert host.samples(OsCollector(host.kernel)) == {'node_os_info{id="vendor"}': 1}


def test_a_host_without_the_file_has_no_data(host: FakeHost) -> None:
    """A minimal image has neither."""
    with pytest.raises(NoData, match="os-release"):
        list(OsCollector(host.kernel).collect())
