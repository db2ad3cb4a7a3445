"""The cpu_vulnerabilities collector: /sys/devices/system/cpu/vulnerabilities."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.cpu_vulnerabilities import (
    CpuVulnerabilitiesCollector,
    parse_vulnerability,
)
from exporter.kernel import NoData
from tests.collectors.conftest import FakeHost

FOLDER = "sys/devices/system/cpu/vulnerabilities"


@pytest.mark.parametrize(
    ("text", "state", "mitigation"),
    [
        ("Not affected\n", "not affected", ""),
        ("Vulnerable\n", "vulnerable", ""),
        ("Vulnerable: Safe RET, no microcode\n", "vulnerable", "Safe RET, no microcode"),
        ("Vulnerable, KVM: SW loop\n", "vulnerable", "KVM: SW loop"),
        ("Mitigation: PTI\n", "mitigation", "PTI"),
        ("Mitigation; x\n", "mitigation", "x"),
        ("Unknown: No mitigations\n", "unknown", "No mitigations"),
        ("Unknown (XEN PV detected)\n", "unknown", "(XEN PV detected)"),
        ("KVM: Mitigation: VMX disabled\n", "unknown", "KVM: Mitigation: VMX disabled"),
        ("Processor vulnerable\n", "unknown", "Processor vulnerable"),
        ("Vulnerabler\n", "unknown", "Vulnerabler"),
        ("", "unknown", ""),
        ("Mitigation: PTI\nmore", "mitigation", "PTI"),
    ],
)
def test_states_are_those_of_node_exporter(text: str, state: str, mitigation: str) -> None:
    """The first word decides, and the rest says how."""
    assert parse_vulnerability(text.encode()) == (state, mitigation)


def test_what_is_no_text_is_refused() -> None:
    """The kernel writes ASCII."""
    with pytest.raises(ValueError, match="vulnerability"):
        parse_vulnerability(b"Vulner\xff")


@given(st.binary(max_size=60))
def test_parse_raises_nothing_but_value_error(text: bytes) -> None:
    """Any bytes either parse or raise ValueError."""
    with contextlib.suppress(ValueError):
        parse_vulnerability(text)


def test_each_bug_is_a_series(host: FakeHost) -> None:
    """What changes while the kernel runs changes the labels; a file may be unreadable."""
    host.write(f"{FOLDER}/l1tf", "Not affected\n")
    host.write(f"{FOLDER}/mds", "Vulnerable\n")
    (host.root / FOLDER / "retbleed").symlink_to("/proc/self/mem")  # EIO
    collector = CpuVulnerabilitiesCollector(host.kernel)
    name = "node_cpu_vulnerabilities_info"
    assert host.samples(collector) == {
        f'{name}{{codename="l1tf",state="not affected"}}': 1,
        f'{name}{{codename="mds",state="vulnerable"}}': 1,
    }
    host.write(f"{FOLDER}/mds", "Mitigation: Clear CPU buffers\n")
    assert (
        f'{name}{{codename="mds",mitigation="Clear CPU buffers",state="mitigation"}}'
        in host.samples(collector)
    )


def test_an_old_kernel_has_no_data(host: FakeHost) -> None:
    """Before 4.15 it does not tell."""
    with pytest.raises(NoData, match="vulnerabilities"):
        host.samples(CpuVulnerabilitiesCollector(host.kernel))
