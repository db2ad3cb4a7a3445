"""What the kernel calls an event: from its own numbers, from sysfs and from tracefs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.kernel import KernelTree
from exporter.perf.events import KNOWN
from exporter.perf.perf_event import (
    EXCLUDE_HYPERVISOR,
    EXCLUDE_KERNEL,
    EXCLUDE_USER,
    TYPE_HARDWARE,
    TYPE_HW_CACHE,
    TYPE_RAW,
    TYPE_SOFTWARE,
    TYPE_TRACEPOINT,
    Attributes,
)
from exporter.perf.pmu import DEVICES, Pmus, Target, parse_format
from tests.perf.pmu_machine import write_tree
from tests.perf.pmu_trees import ARM, BIG_LITTLE, HYBRID, X86


def pmus(folder: Path, files: dict[str, str]) -> Pmus:
    """The PMUs of a machine that has these files."""
    write_tree(folder / DEVICES, files)
    return Pmus(KernelTree(sysfs=str(folder)))


def test_every_known_event_is_one_of_the_kernels_own(tmp_path: Path) -> None:
    """No event of the sets needs anything of sysfs, and no two are the same."""
    found = [pmus(tmp_path, {}).resolve(spec) for spec in KNOWN]
    assert all(len(targets) == 1 for targets in found)
    assert len({targets[0].attributes for targets in found}) == len(KNOWN)


@pytest.mark.parametrize(
    ("spec", "kind", "config"),
    [
        ("cycles", TYPE_HARDWARE, 0),
        ("cpu-cycles", TYPE_HARDWARE, 0),
        ("branches", TYPE_HARDWARE, 4),
        ("ref-cycles", TYPE_HARDWARE, 9),
        ("page-faults", TYPE_SOFTWARE, 2),
        ("cs", TYPE_SOFTWARE, 3),
        ("major-faults", TYPE_SOFTWARE, 6),
        ("cgroup-switches", TYPE_SOFTWARE, 11),
        ("L1-dcache-loads", TYPE_HW_CACHE, 0),
        ("L1-icache-load-misses", TYPE_HW_CACHE, 0x10001),
        ("LLC-store-misses", TYPE_HW_CACHE, 0x10102),
        ("dTLB-load-misses", TYPE_HW_CACHE, 0x10003),
        ("iTLB-loads", TYPE_HW_CACHE, 4),
        ("node-prefetches", TYPE_HW_CACHE, 0x206),
        ("r1a8", TYPE_RAW, 0x1A8),
        ("rFFFFFFFFFFFFFFFF", TYPE_RAW, 0xFFFFFFFFFFFFFFFF),
    ],
)
def test_names_that_perf_knows(tmp_path: Path, spec: str, kind: int, config: int) -> None:
    """A name is the number that include/uapi/linux/perf_event.h gives it, and r takes hex."""
    (target,) = pmus(tmp_path, X86).resolve(spec)
    assert target == Target(Attributes(kind, config), factor=target.factor)


def test_clocks_are_nanoseconds(tmp_path: Path) -> None:
    """Clocks become seconds, and nothing else does."""
    kernel = pmus(tmp_path, {})
    factors = {spec: kernel.resolve(spec)[0].factor for spec in ("cpu-clock", "task-clock", "cs")}
    assert factors == {"cpu-clock": 1e-9, "task-clock": 1e-9, "cs": 1}


@pytest.mark.parametrize(
    ("spec", "excluded"),
    [
        ("cycles", set()),
        ("cycles:u", {EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR}),
        ("r1a8:k", {EXCLUDE_USER, EXCLUDE_HYPERVISOR}),
        ("page-faults:uk", {EXCLUDE_HYPERVISOR}),
        ("cpu/event=0x3c/h", {EXCLUDE_USER, EXCLUDE_KERNEL}),
        ("cpu/event=0x3c/:u", {EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR}),
    ],
)
def test_modifiers_leave_out_what_they_do_not_name(
    tmp_path: Path, spec: str, excluded: set[int]
) -> None:
    """As for perf, `:u` is user space alone, and without a modifier all is counted."""
    (target,) = pmus(tmp_path, X86).resolve(spec)
    assert target.attributes.excluded == excluded


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("cpu/event=0x2e,umask=0x41/", (0x412E, 0, 0)),
        ("cpu/event=60,name=cycles/", (60, 0, 0)),
        ("cpu/event=0xc2,umask=1,edge,cmask=0x10/", (0x100401C2, 0, 0)),
        ("cpu/mem-loads/", (0x1CD, 3, 0)),
        ("cpu/mem-loads,ldlat=0x20/", (0x1CD, 0x20, 0)),
        ("cpu/event=0xb7,umask=1,offcore_rsp=0x3fffc00004/", (0x1B7, 0x3FFFC00004, 0)),
        ("cpu/event=0xc6,frontend=0x11/", (0xC6, 0, 0x11)),
        ("cpu/odd/", (1, 0, 0)),
        ("cpu/config=0x1234,config1=2,config2=3/", (0x1234, 2, 3)),
        ("cpu/event=1,event=2/", (2, 0, 0)),
    ],
)
def test_terms_are_put_where_the_pmu_says(
    tmp_path: Path, spec: str, words: tuple[int, int, int]
) -> None:
    """Terms, and events that the PMU describes, become the three words of the configuration."""
    (target,) = pmus(tmp_path, X86).resolve(spec)
    assert target == Target(Attributes(4, *words))


def test_the_bits_of_a_term_may_lie_apart(tmp_path: Path) -> None:
    """A term of 12 bits goes to bits 8 to 15 and 32 to 35."""
    (target,) = pmus(tmp_path, X86).resolve("uncore_imc_0/event=1,umask=0xfab/")
    assert target.attributes.config == 0xF_0000_AB01
    assert target.cpus == f"{DEVICES}/uncore_imc_0/cpumask"


def test_a_name_without_a_number_means_all_pmus_of_that_kind(tmp_path: Path) -> None:
    """The memory controllers are counted together, each by its own PMU, in bytes."""
    kernel = pmus(tmp_path, X86)
    for name in ("uncore_imc", "imc"):
        targets = kernel.resolve(f"{name}/cas_count_read/")
        assert [target.attributes for target in targets] == [
            Attributes(20, 0x304),
            Attributes(21, 0x304),
        ]
        assert {target.factor for target in targets} == {64}
        assert {target.pmu for target in targets} == {""}


def test_scale_and_unit_of_an_event(tmp_path: Path) -> None:
    """Energy comes in Joules, which are base units, from the CPUs that the PMU names."""
    (target,) = pmus(tmp_path, X86).resolve("power/energy-pkg/")
    assert target == Target(Attributes(14, 2), "", f"{DEVICES}/power/cpumask", 2.0**-32)


def test_an_arm_server(tmp_path: Path) -> None:
    """With CPUs of one kind nothing is counted apart; an uncore PMU has its own CPU."""
    kernel = pmus(tmp_path, ARM)
    assert kernel.resolve("cycles") == [Target(Attributes(TYPE_HARDWARE, 0))]
    assert kernel.resolve("r24") == [Target(Attributes(TYPE_RAW, 0x24))]
    assert kernel.resolve("armv8_pmuv3_0/stall_backend/") == [
        Target(Attributes(8, 0x24), cpus=f"{DEVICES}/armv8_pmuv3_0/cpus")
    ]
    assert kernel.resolve("arm_dsu/bus_access/") == [
        Target(Attributes(11, 0x19), cpus=f"{DEVICES}/arm_dsu_0/cpumask")
    ]


def test_an_arm_machine_with_cpus_of_two_kinds(tmp_path: Path) -> None:
    """Each kind counts on its own CPUs; which PMU is meant follows from the CPU."""
    kernel = pmus(tmp_path, BIG_LITTLE)
    little, big = (f"{DEVICES}/armv8_cortex_{name}/cpus" for name in ("a53", "a72"))
    assert kernel.resolve("instructions") == [
        Target(Attributes(TYPE_HARDWARE, 1), "armv8_cortex_a53", little),
        Target(Attributes(TYPE_HARDWARE, 1), "armv8_cortex_a72", big),
    ]
    assert [target.attributes for target in kernel.resolve("r11")] == [
        Attributes(8, 0x11),
        Attributes(9, 0x11),
    ]


def test_a_hybrid_cpu(tmp_path: Path) -> None:
    """Generalized events name the PMU in the upper half of config; software ones stay whole."""
    kernel = pmus(tmp_path, HYBRID)
    core, atom = (f"{DEVICES}/cpu_{name}/cpus" for name in ("core", "atom"))
    assert kernel.resolve("LLC-loads") == [
        Target(Attributes(TYPE_HW_CACHE, 10 << 32 | 2), "cpu_atom", atom),
        Target(Attributes(TYPE_HW_CACHE, 4 << 32 | 2), "cpu_core", core),
    ]
    assert {target.attributes for target in kernel.resolve("r3c")} == {
        Attributes(4, 0x3C),
        Attributes(10, 0x3C),
    }
    assert kernel.resolve("cs") == [Target(Attributes(TYPE_SOFTWARE, 3))]
    assert kernel.resolve("cpu_atom/event=0x3c/") == [Target(Attributes(10, 0x3C), cpus=atom)]


@pytest.mark.parametrize("tracefs", ["kernel/tracing", "kernel/debug/tracing"])
def test_a_tracepoint_is_known_by_its_id(tmp_path: Path, tracefs: str) -> None:
    """Tracefs says the number, at its own place or below debugfs."""
    folder = tmp_path / tracefs / "events" / "sched" / "sched_switch"
    folder.mkdir(parents=True)
    (folder / "id").write_text("314\n")
    kernel = pmus(tmp_path, {})
    assert kernel.resolve("sched:sched_switch") == [Target(Attributes(TYPE_TRACEPOINT, 314))]
    (user,) = kernel.resolve("sched:sched_switch:u")
    assert user.attributes.excluded == {EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("l2_rqsts.miss", "not known to the kernel by this name"),
        ("cycles:pp", "cycles:pp"),
        ("duration_time", "not known"),
        ("sched:*", "not known"),
        ("sched:sched_switch", "tracefs is not mounted"),
        ("gpu/event=1/", "no PMU of this host is called gpu"),
        ("uncore_im/event=1/", "no PMU"),
        ("cpu/event=0x1ff/", "too large, it has 8 bits"),
        ("cpu/nothing=1/", "cpu knows no nothing"),
        ("cpu/event=?/", "not a number"),
        ("cpu/event=08x/", "not a number"),
        ("cpu//", "not a term"),
        ("cpu/event=1,,umask=1/", "not a term"),
        ("cpu/../", "not a term"),
        ("cpu/broken=1/", "not the format of a term"),
        ("msr/cpu_thermal_margin/", "a state, which cannot be counted"),
        ("r12345678901234567", "not known"),
        ("unnumbered/event=1/", "invalid literal"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, spec: str, reason: str) -> None:
    """What this backend does not know is an error that names it, never a wrong counter."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        pmus(tmp_path, X86).resolve(spec)


@pytest.mark.parametrize(
    ("definition", "word", "bits"),
    [
        ("config:0-7", "config", list(range(8))),
        ("config:0-7,32-35", "config", [*range(8), *range(32, 36)]),
        ("config1:21", "config1", [21]),
        ("config2:0-63", "config2", list(range(64))),
    ],
)
def test_formats(definition: str, word: str, bits: list[int]) -> None:
    """A format names a word, and its bits from the lowest on."""
    assert parse_format(definition) == (word, bits)


@pytest.mark.parametrize(
    "definition", ["", "config", "config:", "config:7-0", "config:0-64", "x:1"]
)
def test_wrong_formats_are_refused(definition: str) -> None:
    """What is no format is an error."""
    with pytest.raises(ValueError, match="not the format of a term"):
        parse_format(definition)


@given(st.text(max_size=40))
def test_any_text_is_a_format_or_an_error(text: str) -> None:
    """Whatever a file holds, nothing but a ValueError comes of it."""
    try:
        word, bits = parse_format(text)
    except ValueError:
        return
    assert word in {"config", "config1", "config2"}
    assert all(0 <= bit < 64 for bit in bits)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Pmus:
    """The PMUs of a server."""
    return pmus(tmp_path_factory.mktemp("server"), X86)


WORDS = st.sampled_from(
    [
        "cpu",
        "power",
        "imc",
        "msr",
        "/",
        ":",
        ",",
        "=",
        "event",
        "umask",
        "0x1",
        "77",
        "tsc",
        "u",
        "r",
    ]
)


@given(
    spec=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_:=.*?@/,+-]{0,40}", fullmatch=True)
    | st.lists(WORDS, max_size=12).map("".join)
)
def test_any_event_is_known_or_an_error(server: Pmus, spec: str) -> None:
    """Whatever the settings let through, nothing but a ValueError comes of it."""
    try:
        targets = server.resolve(spec)
    except ValueError:
        return
    assert targets
