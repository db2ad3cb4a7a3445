"""The interrupts collector: /proc/interrupts."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.interrupts import InterruptsCollector, Options, parse_interrupts
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

# CPU 1 is offline.
INTERRUPTS = """\
           CPU0       CPU2
  0:         45          0  IR-IO-APIC    2-edge      timer
 16:          7          8  IR-IO-APIC   16-fasteoi   ehci_hcd:usb1, ahci
 17:          0          0  IR-IO-APIC   17-fasteoi
NMI:          0          3   Non-maskable interrupts
IPI0:1234567890 1234567891       Rescheduling interrupts
ERR:          0
MIS:          9
"""
ONE_CPU = """\
           CPU0
  1:         10   IO-APIC-edge      i8042
ERR:          0
"""


def make_collector(
    host: FakeHost, text: str = INTERRUPTS, options: Options | None = None
) -> InterruptsCollector:
    """Make a collector of a host with these interrupts."""
    host.write("proc/interrupts", text)
    return InterruptsCollector(host.kernel, options)


def types_of(samples: dict[str, float]) -> set[str]:
    """Pick the types of the interrupts."""
    return {name.partition('type="')[2].partition('"')[0] for name in samples}


def test_parse_splits_the_table() -> None:
    """Names, one number for each CPU, and the rest; long numbers may touch the name."""
    table = parse_interrupts(INTERRUPTS.encode())
    assert table.cpus == ("0", "2")
    assert [row.name for row in table.rows] == [b"0", b"16", b"17", b"NMI", b"IPI0"]
    assert table.rows[-1].counts == [b"1234567890", b"1234567891"]
    assert table.rows[-1].rest == b"Rescheduling interrupts"


@pytest.mark.parametrize("text", ["", "CPU0 GPU1\n", "CPU\n", "CPU0\n 1: x timer\n"])
def test_parse_refuses_other_tables(text: str) -> None:
    """Without CPUs in the first line, and with words in place of numbers."""
    with pytest.raises(ValueError, match=r"CPU|integers"):
        parse_interrupts(text.encode())


@given(st.binary(max_size=100))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    for one in (text, b"CPU0 CPU1\n" + text, b"CPU0 CPU1\n 1: " + text):
        with contextlib.suppress(ValueError):
            parse_interrupts(one)


def test_interrupts_are_shown(host: FakeHost) -> None:
    """By the CPU's own number, with the controller or the text, and the devices."""
    samples = host.samples(make_collector(host))
    assert samples == {
        f"node_interrupts_total{{{labels}}}": value
        for labels, value in {
            'cpu="0",devices="2-edge timer",info="IR-IO-APIC",type="0"': 45,
            'cpu="2",devices="2-edge timer",info="IR-IO-APIC",type="0"': 0,
            'cpu="0",devices="16-fasteoi ehci_hcd:usb1, ahci",info="IR-IO-APIC",type="16"': 7,
            'cpu="2",devices="16-fasteoi ehci_hcd:usb1, ahci",info="IR-IO-APIC",type="16"': 8,
            'cpu="0",devices="17-fasteoi",info="IR-IO-APIC",type="17"': 0,
            'cpu="2",devices="17-fasteoi",info="IR-IO-APIC",type="17"': 0,
            'cpu="0",info="Non-maskable interrupts",type="NMI"': 0,
            'cpu="2",info="Non-maskable interrupts",type="NMI"': 3,
            'cpu="0",info="Rescheduling interrupts",type="IPI0"': 1234567890,
            'cpu="2",info="Rescheduling interrupts",type="IPI0"': 1234567891,
        }.items()
    }


def test_numbers_of_the_whole_machine_are_left_out(host: FakeHost) -> None:
    """With a single CPU they look like the others, but for the text behind."""
    assert types_of(host.samples(make_collector(host, ONE_CPU))) == {"1"}


def test_the_handler_of_the_fast_interrupt_is_left_out(host: FakeHost) -> None:
    """On 32-bit ARM its line has a name in place of numbers; with a single CPU that is one word."""
    for handler in ("usb_fiq", "floppy fiq"):
        text = ONE_CPU + f"FIQ:              {handler}\n"
        assert types_of(host.samples(make_collector(host, text))) == {"1"}


def test_interrupts_are_chosen(host: FakeHost) -> None:
    """By type, info and devices, joined by semicolons."""
    only = make_collector(host, options=Options(name_include=re.compile("^16;.*;.*ahci$")))
    assert types_of(host.samples(only)) == {"16"}
    without = make_collector(host, options=Options(name_exclude=re.compile("^[0-9]+;|;Resched")))
    assert types_of(host.samples(without)) == {"NMI"}
    with pytest.raises(ValueError, match="name-include and name-exclude"):
        Options(name_include=re.compile("a"), name_exclude=re.compile("b"))


def test_zeros_are_left_out(host: FakeHost) -> None:
    """Until the first interrupt arrives."""
    collector = make_collector(host, options=Options(include_zeros=False))
    assert len(host.samples(collector)) == 6
    assert len(host.samples(collector)) == 6
    make_collector(host, INTERRUPTS.replace("NMI:          0", "NMI:          5"))
    samples = host.samples(collector)
    assert samples['node_interrupts_total{cpu="0",info="Non-maskable interrupts",type="NMI"}'] == 5
    assert len(samples) == 7


def test_cpus_and_interrupts_come_and_go(host: FakeHost) -> None:
    """And those that stay keep their own numbers."""
    collector = make_collector(host)
    host.samples(collector)
    make_collector(host, ONE_CPU)
    assert host.samples(collector) == {
        'node_interrupts_total{cpu="0",devices="i8042",info="IO-APIC-edge",type="1"}': 10
    }


def test_kernel_without_the_file_has_no_data(host: FakeHost) -> None:
    """Nothing to show, and no failure."""
    with pytest.raises(NoData, match="interrupts"):
        list(InterruptsCollector(host.kernel).collect())
