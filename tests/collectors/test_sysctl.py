"""The sysctl collector: what is asked for below /proc/sys."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.sysctl import (
    Options,
    Sysctl,
    SysctlCollector,
    parse_include,
    parse_include_info,
    parse_numbers,
    parse_sysctl,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

RMEM = "net.ipv4.tcp_rmem"


def collect(host: FakeHost, *include: str, info: tuple[str, ...] = ()) -> dict[str, float]:
    """Collect the named sysctls."""
    return host.samples(SysctlCollector(host.kernel, Options(parse_include(list(include)), info)))


@pytest.fixture
def tuned(host: FakeHost) -> FakeHost:
    """Give a host with some sysctls."""
    host.write("proc/sys/kernel/pid_max", "4194304\n")
    host.write("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n")
    host.write("proc/sys/net/ipv4/conf/eth0.100/forwarding", "1\n")
    host.write("proc/sys/net/ipv4/ip_local_reserved_ports", "\n")
    host.write("proc/sys/kernel/seccomp/actions_avail", "kill_process trap errno\n")
    host.write("proc/sys/kernel/shmmax", "18446744073692774399\n")
    host.write("proc/sys/sunrpc/rpc_debug", "0x7fff\n")
    host.write("proc/sys/vm/nr_negative", "-1\n")
    return host


@pytest.mark.parametrize(
    ("text", "sysctl", "path"),
    [
        ("kernel.pid_max", Sysctl("kernel.pid_max", ()), "kernel/pid_max"),
        ("kernel/pid_max", Sysctl("kernel/pid_max", ()), "kernel/pid_max"),
        (f"{RMEM}:min,default,max", Sysctl(RMEM, ("min", "default", "max")), "net/ipv4/tcp_rmem"),
        ("net.conf.eth0/100.up", Sysctl("net.conf.eth0/100.up", ()), "net/conf/eth0.100/up"),
        ("net/conf/eth0.100/up", Sysctl("net/conf/eth0.100/up", ()), "net/conf/eth0.100/up"),
        ("abi", Sysctl("abi", ()), "abi"),
    ],
)
def test_a_sysctl_is_written_as_for_sysctl_8(text: str, sysctl: Sysctl, path: str) -> None:
    """Dots or slashes separate, and the first one tells which; names for numbers follow a colon."""
    assert parse_sysctl(text) == sysctl
    assert sysctl.path == path


WRONG = ["", ":", "a b", f"{RMEM}:", f"{RMEM}:one", f"{RMEM}:a,a", f"{RMEM}:a-b,c", "/etc/passwd"]
WRONG += [
    "../../etc/passwd",
    "kernel/../../etc/passwd",
    "kernel//x",
    "kernel/",
    "kernel.",
    ".",
    "a\n",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_sysctl_is_refused(text: str) -> None:
    """Nothing leaves /proc/sys, and a single name for numbers is a mistake."""
    with pytest.raises(ValueError, match=r"^expected a sysctl such as kernel\.pid_max"):
        parse_sysctl(text)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", ()),
        ("kernel.a  kernel.b", ("kernel.a", "kernel.b")),
        (["kernel.a", "kernel.b:x,y"], ("kernel.a", "kernel.b:x,y")),
        (["kernel.a", "kernel.a:x,y"], ("kernel.a", "kernel.a:x,y")),
    ],
)
def test_several_are_a_list_or_words(raw: Any, words: tuple[str, ...]) -> None:
    """A repeated flag and YAML give a list, a variable gives words."""
    assert parse_include(raw) == words


REPEATED: list[Any] = [
    ["kernel.a", "kernel/a"],
    "kernel.a kernel.a",
    "a.b:x,y a.b:x,z",
    "a:b,c a.b",
]


@pytest.mark.parametrize("raw", [*REPEATED, [1], {}, 5, None])
def test_repeated_names_and_other_things_are_refused(raw: Any) -> None:
    """A metric cannot be there twice."""
    with pytest.raises(ValueError, match=r"^expected"):
        parse_include(raw)


def test_a_text_has_no_names_for_its_words() -> None:
    """Names are for numbers."""
    assert parse_include_info("kernel.a kernel.b") == ("kernel.a", "kernel.b")
    with pytest.raises(ValueError, match="without names"):
        parse_include_info("kernel.a:x,y")


@given(st.binary(max_size=60))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any content either parses or raises ValueError."""
    with contextlib.suppress(ValueError):
        parse_numbers(Sysctl("kernel.a", ()), text)


@given(st.text(max_size=30))
def test_words_parse_or_are_refused(text: str) -> None:
    """Any setting either is taken, and stays inside, or raises ValueError."""
    with contextlib.suppress(ValueError):
        path = parse_sysctl(text).path
        assert not path.startswith("/")
        assert ".." not in path.split("/")


def test_one_number_has_no_label(tuned: FakeHost) -> None:
    """Signs, hexadecimal digits and numbers beyond 63 bits are taken as they are."""
    names = ("kernel.pid_max", "vm.nr_negative", "sunrpc.rpc_debug", "kernel.shmmax")
    assert collect(tuned, *names) == {
        "node_sysctl_kernel_pid_max": 4_194_304,
        "node_sysctl_vm_nr_negative": -1,
        "node_sysctl_sunrpc_rpc_debug": 0x7FFF,
        "node_sysctl_kernel_shmmax": 18_446_744_073_692_774_399,
    }


def test_several_numbers_are_counted_or_named(tuned: FakeHost) -> None:
    """Without names they have an index; with names each is a metric."""
    assert collect(tuned, RMEM, f"{RMEM}:min,default,max") == {
        'node_sysctl_net_ipv4_tcp_rmem{index="0"}': 4096,
        'node_sysctl_net_ipv4_tcp_rmem{index="1"}': 131_072,
        'node_sysctl_net_ipv4_tcp_rmem{index="2"}': 6_291_456,
        "node_sysctl_net_ipv4_tcp_rmem_min": 4096,
        "node_sysctl_net_ipv4_tcp_rmem_default": 131_072,
        "node_sysctl_net_ipv4_tcp_rmem_max": 6_291_456,
    }


def test_a_name_with_a_dot_in_it_is_found(tuned: FakeHost) -> None:
    """Interfaces may be called eth0.100."""
    assert collect(tuned, "net.ipv4.conf.eth0/100.forwarding") == {
        "node_sysctl_net_ipv4_conf_eth0_100_forwarding": 1
    }


def test_texts_are_shown_word_by_word(tuned: FakeHost) -> None:
    """Each word has its place as a label."""
    assert collect(tuned, info=("kernel.seccomp.actions_avail", "kernel.pid_max")) == {
        'node_sysctl_info{index="0",name="kernel.seccomp.actions_avail",value="kill_process"}': 1,
        'node_sysctl_info{index="1",name="kernel.seccomp.actions_avail",value="trap"}': 1,
        'node_sysctl_info{index="2",name="kernel.seccomp.actions_avail",value="errno"}': 1,
        'node_sysctl_info{index="0",name="kernel.pid_max",value="4194304"}': 1,
    }


def test_what_is_missing_or_empty_is_left_out(tuned: FakeHost) -> None:
    """A sysctl of a module that is not loaded, a folder, and a setting without a value."""
    names = ("net.netfilter.nf_conntrack_max", "net.ipv4", "net.ipv4.ip_local_reserved_ports")
    assert list(collect(tuned, "kernel.pid_max", *names, info=("kernel.none",))) == [
        "node_sysctl_kernel_pid_max"
    ]


def test_a_module_that_is_loaded_later_is_seen(tuned: FakeHost) -> None:
    """Each scrape looks anew for what was missing."""
    options = Options(("kernel.pid_max", "net.netfilter.nf_conntrack_max"))
    collector = SysctlCollector(tuned.kernel, options)
    assert len(tuned.samples(collector)) == 1
    tuned.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n")
    assert tuned.samples(collector)["node_sysctl_net_netfilter_nf_conntrack_max"] == 262_144


@pytest.mark.parametrize("include", [f"{RMEM}:min,max", "kernel.pid_max:a,b"])
def test_another_number_of_names_is_a_failure(tuned: FakeHost, include: str) -> None:
    """Numbers under a wrong name would be worse than none."""
    with pytest.raises(ValueError, match=r"sysctl\.include gives 2 names"):
        collect(tuned, include)


def test_a_text_is_no_number(tuned: FakeHost) -> None:
    """It has to be asked for as a text, and the message says which and how."""
    with pytest.raises(ValueError, match=r"kernel\.seccomp\.actions_avail .* sysctl\.include_info"):
        collect(tuned, "kernel.pid_max", "kernel.seccomp.actions_avail")


def test_a_sysctl_may_refuse_to_tell(tuned: FakeHost) -> None:
    """IPv6's stable_secret is an I/O error while it is not set, which costs the others nothing."""
    (tuned.root / "proc/sys/net/stable_secret").symlink_to("/proc/self/mem")  # EIO
    assert len(collect(tuned, "kernel.pid_max", "net.stable_secret")) == 1


def test_nothing_asked_for_is_no_data(tuned: FakeHost) -> None:
    """The collector has nothing of its own to show."""
    with pytest.raises(NoData, match=r"collector\.sysctl\.include"):
        list(SysctlCollector(tuned.kernel).collect())


def test_nothing_found_is_no_data(tuned: FakeHost) -> None:
    """All that is asked for is missing."""
    with pytest.raises(NoData, match="can be read here"):
        collect(tuned, "kernel.none")
