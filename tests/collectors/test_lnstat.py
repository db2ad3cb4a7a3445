"""The lnstat collector: the files in /proc/net/stat."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.lnstat import LnstatCollector, parse_net_stat
from exporter.kernel import KernelTree, NoData
from tests.collectors.conftest import FakeHost

FOLDER = "proc/1/net/stat"

ARP = "entries  allocs   lookups\n00000002 00000010 1000000000\n00000002 00000003 ffffffff\n"
SYNPROXY = "entries\t\tsyn_received\n00000000\t0000000a\n00000000\t00000001\n"


def test_columns_of_a_name_are_one_family(host: FakeHost) -> None:
    """The subsystem is the file, the CPU the line; numbers may have more than eight digits."""
    host.write(f"{FOLDER}/arp_cache", ARP)
    host.write(f"{FOLDER}/synproxy", SYNPROXY)
    assert host.samples(LnstatCollector(host.kernel)) == {
        'node_lnstat_entries_total{cpu="0",subsystem="arp_cache"}': 2,
        'node_lnstat_entries_total{cpu="1",subsystem="arp_cache"}': 2,
        'node_lnstat_entries_total{cpu="0",subsystem="synproxy"}': 0,
        'node_lnstat_entries_total{cpu="1",subsystem="synproxy"}': 0,
        'node_lnstat_allocs_total{cpu="0",subsystem="arp_cache"}': 16,
        'node_lnstat_allocs_total{cpu="1",subsystem="arp_cache"}': 3,
        'node_lnstat_lookups_total{cpu="0",subsystem="arp_cache"}': 0x1000000000,
        'node_lnstat_lookups_total{cpu="1",subsystem="arp_cache"}': 0xFFFFFFFF,
        'node_lnstat_syn_received_total{cpu="0",subsystem="synproxy"}': 10,
        'node_lnstat_syn_received_total{cpu="1",subsystem="synproxy"}': 1,
    }


def test_flow_tables_are_decimal(host: FakeHost) -> None:
    """nf_flowtable is the one file whose numbers are not hexadecimal."""
    host.write(f"{FOLDER}/nf_flowtable", "wq_add   wq_del   wq_stats\n      12      345        0\n")
    assert host.samples(LnstatCollector(host.kernel)) == {
        'node_lnstat_wq_add_total{cpu="0",subsystem="nf_flowtable"}': 12,
        'node_lnstat_wq_del_total{cpu="0",subsystem="nf_flowtable"}': 345,
        'node_lnstat_wq_stats_total{cpu="0",subsystem="nf_flowtable"}': 0,
    }


def test_files_come_and_go(host: FakeHost) -> None:
    """A module that is loaded or removed adds or takes its file."""
    host.write(f"{FOLDER}/arp_cache", ARP)
    collector = LnstatCollector(host.kernel)
    assert len(host.samples(collector)) == 6
    host.write(f"{FOLDER}/synproxy", SYNPROXY)
    assert len(host.samples(collector)) == 10
    (host.root / FOLDER / "arp_cache").unlink()
    assert len(host.samples(collector)) == 4


class HastyTree(KernelTree):
    """A tree whose folder lists a file that is gone when it is read."""

    def list_net(self, folder: str) -> list[str]:
        """Give the files there are, and one more."""
        return ["gone", *super().list_net(folder)]


def test_a_vanished_file_costs_itself_only(host: FakeHost) -> None:
    """Listed but gone when it is read: the others are shown."""
    host.write(f"{FOLDER}/synproxy", SYNPROXY)
    collector = LnstatCollector(HastyTree(str(host.root / "proc")))
    assert len(host.samples(collector)) == 4


def test_this_machine_is_read() -> None:
    """The own /proc is listed as well, whatever is in it."""
    with contextlib.suppress(NoData):
        assert list(LnstatCollector(KernelTree()).collect())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no-name\n",
        b"one two\n00000001\n",
        b"one\n0000000x\n",
        b"one\n-0000001\n",
        b"one\n00000001 2\n",
        b"one one\n1 2\n",
    ],
)
def test_parse_refuses_what_is_no_table(text: bytes) -> None:
    """A header that is none, lines of another length, and other digits are errors."""
    with pytest.raises(ValueError, match="expected"):
        parse_net_stat(text)


@given(st.binary(max_size=200) | st.text("abcdef01 \n", max_size=200).map(str.encode))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError, in both bases."""
    for base in (10, 16):
        with contextlib.suppress(ValueError):
            parse_net_stat(text, base)


def test_a_kernel_without_the_folder_has_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="/proc/net/stat"):
        list(LnstatCollector(host.kernel).collect())
