"""The zfs collector: /proc/spl/kstat/zfs."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.zfs import STATES, ZfsCollector, parse_io, parse_kstat
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

FOLDER = "proc/spl/kstat/zfs"
ARC = """13 1 0x01 98 26656 9837412300 8123411239812345
name                            type data
hits                            4    1234
memory_available_bytes          3    -4096
erpt-dropped                    4    2
module.zfetch.max_streams       4    8
narrow                          2    7
unnamable+                      4    1
"""
OBJSET = """43 1 0x01 7 2160 221578688875 6665999035587
name                            type data
dataset_name                    7    {dataset}
writes                          4    4
nwritten                        4    2076
"""
IO = """12 3 0x00 1 80 79205351707403 395818011156865
nread    nwritten reads    writes   wtime    wlentime wupdate  rtime    rlentime rupdate  wcnt     rcnt
1884160  3206144  22       132      7155162  10411226 79210489 24168078 10411226 79210489 0        1
"""  # noqa: E501 -- the kernel's own


def test_parse_kstat_takes_the_numbers_of_64_bits() -> None:
    """As node_exporter does it; a number may be negative."""
    record, dataset = parse_kstat(ARC.encode())
    assert record == {
        "hits": b"1234",
        "memory_available_bytes": b"-4096",
        "erpt-dropped": b"2",
        "module.zfetch.max_streams": b"8",
        "unnamable+": b"1",
    }
    assert dataset == ""


def test_parse_kstat_gives_the_name_of_the_dataset() -> None:
    """It may have blanks in it."""
    record, dataset = parse_kstat(OBJSET.format(dataset="tank/my data").encode())
    assert dataset == "tank/my data"
    assert record == {"writes": b"4", "nwritten": b"2076"}


@pytest.mark.parametrize(
    "text", ["", "one line\n", "a\nb c d\n", ARC + "cut 4\n", ARC + "words 4 many\n"]
)
def test_parse_kstat_refuses_other_tables(text: str) -> None:
    """Without the names of the columns, or with a row that is cut off, it is an error."""
    with pytest.raises(ValueError, match=r"expected name|integers"):
        parse_kstat(text.encode())


def test_parse_io_joins_names_and_numbers() -> None:
    """The first line says when it was made."""
    record = parse_io(IO.encode())
    assert (record["nread"], record["rcnt"], len(record)) == (b"1884160", b"1", 12)


@pytest.mark.parametrize("text", ["", "a\nb c\n1\n", "a\nb\n", "a\nb\nc\n", IO + "more\n"])
def test_parse_io_refuses_other_tables(text: str) -> None:
    """Names without numbers are an error."""
    with pytest.raises(ValueError, match=r"expected names|integers"):
        parse_io(text.encode())


@given(st.binary(max_size=300) | st.lists(st.sampled_from(ARC.split("\n"))).map("\n".join))
def test_parse_raises_nothing_but_value_error(text: bytes | str) -> None:
    """Any bytes either parse or raise ValueError."""
    content = text if isinstance(text, bytes) else text.encode()
    for parse in (parse_kstat, parse_io):
        with contextlib.suppress(ValueError):
            parse(content)


def test_fields_of_the_module_become_metrics(host: FakeHost) -> None:
    """Named after file and field; only what stands behind the last dot, and makes a name."""
    host.write(f"{FOLDER}/arcstats", ARC)
    host.write(f"{FOLDER}/fletcher_4_bench", "0 0 0x01 -1 0 5236120 4210338\n")
    assert host.samples(ZfsCollector(host.kernel)) == {
        "node_zfs_arc_hits": 1234,
        "node_zfs_arc_memory_available_bytes": -4096,
        "node_zfs_arc_erpt_dropped": 2,
        "node_zfs_arc_max_streams": 8,
    }


def test_fields_follow_the_module(host: FakeHost) -> None:
    """After an update without a restart there may be others."""
    host.write(f"{FOLDER}/zil", ARC)
    collector = ZfsCollector(host.kernel)
    host.samples(collector)
    host.write(f"{FOLDER}/zil", ARC.replace("hits ", "iohits "))
    samples = host.samples(collector)
    assert samples["node_zfs_zil_iohits"] == 1234
    assert "node_zfs_zil_hits" not in samples


def add_pool(host: FakeHost, pool: str, *datasets: str, state: str = "ONLINE") -> None:
    """Write the files of a pool."""
    host.write(f"{FOLDER}/{pool}/state", f"{state}\n")
    host.write(f"{FOLDER}/{pool}/io", IO)
    for number, dataset in enumerate(datasets):
        host.write(f"{FOLDER}/{pool}/objset-{number:#x}", OBJSET.format(dataset=dataset))


def test_pools_and_datasets_are_shown(host: FakeHost) -> None:
    """Each state is 1 or 0; a dataset is named in its file."""
    add_pool(host, "tank", "tank/home", "tank/my data", state="DEGRADED")
    samples = host.samples(ZfsCollector(host.kernel))
    assert samples['node_zfs_zpool_nread{zpool="tank"}'] == 1884160
    assert samples['node_zfs_zpool_dataset_nwritten{dataset="tank/my data",zpool="tank"}'] == 2076
    assert {
        state: samples[f'node_zfs_zpool_state{{state="{state}",zpool="tank"}}'] for state in STATES
    } == {state: float(state == "degraded") for state in STATES}
    assert len(samples) == 12 + 2 * 2 + len(STATES)


def test_datasets_may_have_different_fields(host: FakeHost) -> None:
    """What one does not have is absent for it alone."""
    add_pool(host, "tank", "tank/a", "tank/b")
    host.write(f"{FOLDER}/tank/objset-0x0", OBJSET.format(dataset="tank/a") + "reads 4 9\n")
    samples = host.samples(ZfsCollector(host.kernel))
    assert samples['node_zfs_zpool_dataset_reads{dataset="tank/a",zpool="tank"}'] == 9
    assert 'node_zfs_zpool_dataset_reads{dataset="tank/b",zpool="tank"}' not in samples


def test_pools_come_and_go(host: FakeHost) -> None:
    """Series follow what is imported and mounted."""
    add_pool(host, "tank", "tank/home")
    collector = ZfsCollector(host.kernel)
    host.samples(collector)
    add_pool(host, "backup", "backup/home")
    assert [name for name in host.samples(collector) if "backup/home" in name]
    shutil.rmtree(host.root / FOLDER / "tank")
    assert all('zpool="backup"' in name for name in host.samples(collector))


def test_a_pool_that_is_exported_meanwhile_costs_nothing_else(host: FakeHost) -> None:
    """What was listed and cannot be opened any more is left out."""
    add_pool(host, "tank", "tank/home")
    add_pool(host, "backup", "backup/home")
    for name in ("state", "objset-0x0"):
        (host.root / FOLDER / "tank" / name).unlink()
        (host.root / FOLDER / "tank" / name).symlink_to("gone")
    samples = host.samples(ZfsCollector(host.kernel))
    assert {name for name in samples if '"tank"' in name and "_state" in name} == set()
    assert [name for name in samples if "backup/home" in name]


def test_a_host_without_zfs_has_no_data(host: FakeHost) -> None:
    """Without the module there is no directory."""
    with pytest.raises(NoData, match="no ZFS"):
        list(ZfsCollector(host.kernel).collect())
