"""The bcachefs collector: /sys/fs/bcachefs."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors import _bcachefs_text as text_of
from exporter.collectors.bcachefs import BcachefsCollector
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

UUID = "00000000-0000-4000-8000-0000000000e1"
COMPRESSION = """type                         compressed    uncompressed     average extent size
none                              19.2G           19.2G                  63.4k
lz4:                              1.25G           3.75G                    64k
"""
ERRORS = """btree_node_read_err                             12      2025-11-13T10:12:12
ptr_to_missing_backpointer                      3       1763028001  1763028732
"""
WRITES = """                    nr        size
initial:            5124      109k
interior:           31        0
"""
DONE = """read:
sb          :      856064
btree       :        4096
write:
sb          :     4088832
"""
IO_ERRORS = """IO errors since filesystem creation
  read:    197346
  write:   0
  checksum:2
IO errors since 7 y ago
  read:    1
"""
PARSERS: tuple[Callable[[bytes], object], ...] = (
    text_of.parse_size,
    text_of.parse_counter,
    text_of.parse_compression,
    text_of.parse_errors,
    text_of.parse_btree_writes,
    text_of.parse_io_done,
    text_of.parse_io_errors,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"0", 0),
        (b"18446744073709551615", 2**64 - 1),
        (b"524M", 524 * 1024**2),
        (b"6.45k", 6604),
        (b"1.32 TiB", 1451355348664),
        (b" 2KiB\n", 2048),
        (b"12 B", 12),
    ],
)
def test_parse_sizes(text: bytes, size: int) -> None:
    """Units are powers of 1024, however they are written."""
    assert text_of.parse_size(text) == size


@pytest.mark.parametrize("text", [b"", b"G", b"-1", b"1.5.5G", b"1e5", b"1 G G"])
def test_parse_size_refuses_other_texts(text: bytes) -> None:
    """What is no size is not passed on."""
    with pytest.raises(ValueError, match="expected a size"):
        text_of.parse_size(text)


def test_parse_counter_takes_the_one_since_creation() -> None:
    """The other starts again with each mount."""
    text = b"since mount:                   1\nsince filesystem creation:     4.5k\n"
    assert text_of.parse_counter(text) == 4608
    assert text_of.parse_counter(b"since mount: 1\n") is None


def test_parse_tables() -> None:
    """Names may end with a colon; columns behind those that are known are left."""
    assert text_of.parse_compression(COMPRESSION.encode())["lz4"] == (1342177280, 4026531840)
    assert text_of.parse_errors(ERRORS.encode()) == {
        "btree_node_read_err": b"12",
        "ptr_to_missing_backpointer": b"3",
    }
    assert text_of.parse_btree_writes(WRITES.encode()) == {
        "initial": (b"5124", 109 * 1024),
        "interior": (b"31", 0),
    }


def test_parse_tables_with_a_space_in_their_sizes() -> None:
    """As Linux 6.7 to 6.17 writes them: the unit is no column of its own."""
    table = b"""typetype    compressed    uncompressed     average extent size
lz4              1.25 GiB        3.75 GiB                    64.0 KiB
gzip                  0 B             0 B                         0 B
"""
    found = text_of.parse_compression(table)
    assert found == {"lz4": (1342177280, 4026531840), "gzip": (0, 0)}
    writes = b"                    nr        size\ninitial:            5124      109 KiB\n"
    assert text_of.parse_btree_writes(writes) == {"initial": (b"5124", 109 * 1024)}


def test_parse_io_done_by_operation() -> None:
    """A line without a number starts the next operation; what stands before any is left."""
    assert text_of.parse_io_done(b"sb: 1\n" + DONE.encode() + b"\n") == {
        ("read", "sb"): b"856064",
        ("read", "btree"): b"4096",
        ("write", "sb"): b"4088832",
    }


def test_parse_io_errors_since_creation() -> None:
    """Those since a reset are not added."""
    assert text_of.parse_io_errors(IO_ERRORS.encode()) == {
        "read": b"197346",
        "write": b"0",
        "checksum": b"2",
    }
    assert text_of.parse_io_errors(b"\n") == {}


def test_parse_io_errors_refuses_other_texts() -> None:
    """Without the title it is another file."""
    with pytest.raises(ValueError, match="expected those since creation"):
        text_of.parse_io_errors(b"read: 1\n")


@given(
    st.binary(max_size=100)
    | st.lists(st.sampled_from((COMPRESSION + ERRORS + WRITES + DONE + IO_ERRORS).split("\n"))).map(
        lambda lines: "\n".join(lines).encode()
    )
)
def test_parsers_raise_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for parse in PARSERS:
        with contextlib.suppress(ValueError):
            parse(text)


def add_filesystem(host: FakeHost, uuid: str = UUID, **counters: str) -> None:
    """Write the attributes of a file system with a device."""
    files = {
        "btree_cache_size": "524M",
        "compression_stats": COMPRESSION,
        "errors": ERRORS,
        "btree_write_stats": WRITES,
        "dev-0/label": "ssd.one",
        "dev-0/state": "rw",
        "dev-0/bucket_size": "512k",
        "dev-0/nbuckets": "1907739",
        "dev-0/durability": "1",
        "dev-0/io_done": DONE,
        "dev-0/io_errors": IO_ERRORS,
    }
    files |= {
        f"counters/{name}": f"since mount:\t1\nsince filesystem creation:\t{value}\n"
        for name, value in counters.items()
    }
    for name, content in files.items():
        host.write(f"sys/fs/bcachefs/{uuid}/{name}", content)


def test_everything_is_shown(host: FakeHost) -> None:
    """Sizes are bytes, counters have the names that the kernel gives them."""
    add_filesystem(host, io_read="1.5k", errors="7")
    host.write(f"sys/fs/bcachefs/{UUID}/counters/odd-name.x", "since filesystem creation: 3\n")
    samples = host.samples(BcachefsCollector(host.kernel))
    fs = f'{{uuid="{UUID}"}}'
    assert samples[f"node_bcachefs_info{fs}"] == 1
    assert samples[f"node_bcachefs_btree_cache_size_bytes{fs}"] == 524 * 1024**2
    assert samples[f"node_bcachefs_io_read_total{fs}"] == 1536
    assert samples[f"node_bcachefs_odd_name_x_total{fs}"] == 3
    assert samples[f'node_bcachefs_btree_writes_total{{type="initial",uuid="{UUID}"}}'] == 5124
    device = f'{{device="0",uuid="{UUID}"}}'
    assert samples[f"node_bcachefs_device_bucket_size_bytes{device}"] == 524288
    assert samples[f"node_bcachefs_device_buckets{device}"] == 1907739
    info = f'{{device="0",label="ssd.one",state="rw",uuid="{UUID}"}}'
    assert samples[f"node_bcachefs_device_info{info}"] == 1
    done = f'{{data_type="sb",device="0",operation="write",uuid="{UUID}"}}'
    assert samples[f"node_bcachefs_device_io_done_bytes_total{done}"] == 4088832
    errors = f'{{device="0",type="read",uuid="{UUID}"}}'
    assert samples[f"node_bcachefs_device_io_errors_total{errors}"] == 197346
    assert len(samples) == 2 + 4 + 2 + 4 + 2 + 1 + 3 + 3 + 3


def test_what_a_kernel_lacks_is_absent(host: FakeHost) -> None:
    """A directory with nothing in it is a file system of which nothing is known."""
    host.write(f"sys/fs/bcachefs/{UUID}/dev-3/state", "spare")
    samples = host.samples(BcachefsCollector(host.kernel))
    assert samples == {
        f'node_bcachefs_info{{uuid="{UUID}"}}': 1,
        f'node_bcachefs_device_info{{device="3",state="spare",uuid="{UUID}"}}': 1,
    }


def test_file_systems_and_counters_come_and_go(host: FakeHost) -> None:
    """Series follow what is mounted; not all need to have the same counters."""
    other = UUID.replace("e1", "e2")
    add_filesystem(host, io_read="1")
    collector = BcachefsCollector(host.kernel)
    assert host.samples(collector) == host.samples(collector)
    add_filesystem(host, other, io_write="2")
    samples = host.samples(collector)
    assert samples[f'node_bcachefs_io_write_total{{uuid="{other}"}}'] == 2
    assert f'node_bcachefs_io_read_total{{uuid="{other}"}}' not in samples
    shutil.rmtree(host.root / "sys/fs/bcachefs" / UUID)
    assert all(other in name for name in host.samples(collector))


def test_a_host_without_bcachefs_has_no_data(host: FakeHost) -> None:
    """Neither without the module, nor while nothing is mounted."""
    with pytest.raises(NoData, match="no bcachefs file systems"):
        list(BcachefsCollector(host.kernel).collect())
