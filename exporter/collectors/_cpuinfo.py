"""What /proc/cpuinfo tells about the identity and the clock of CPUs (part of cpu, on request).

Source: Linux arch/*/kernel/cpu/proc.c, whose form differs by architecture. Understood are x86 and,
as far as it tells anything, ARM; elsewhere the labels it does not name stay empty. Needs no rights.
"""

from __future__ import annotations

import re
from dataclasses import replace

from exporter.collectors._cpu_topology import CPUS
from exporter.families import Digits, Filled, Layout, Series
from exporter.kernel import KernelTree
from exporter.parsing import shorten

_MEGAHERTZ = rb"([0-9]{1,9}\.[0-9]{1,9})"
"""Newer x86 kernels print `Unknown` for a clock rate they cannot tell; ARM prints none at all."""

_FREQUENCY = re.compile(rb"\ncpu MHz\t*: " + _MEGAHERTZ + rb"\n")

_INFO_LABELS = {
    "package": "physical id",
    "core": "core id",
    "cpu": "processor",
    "vendor": "vendor_id",
    "family": "cpu family",
    "model": "model",
    "model_name": "model name",
    "microcode": "microcode",
    "stepping": "stepping",
    "cachesize": "cache size",
}
"""Our label, and the kernel's word for it."""

_PLACE_LABELS = ("package", "core", "cpu")

INFO = Series(
    "node_cpu_info",
    "What kind of CPU this is, from /proc/cpuinfo; always 1.",
    "gauge",
    tuple(_INFO_LABELS),
)
FLAG_INFO = Series(
    "node_cpu_flag_info",
    "CPU flags of the first CPU, from /proc/cpuinfo; always 1.",
    "gauge",
    ("flag",),
)
BUG_INFO = Series(
    "node_cpu_bug_info",
    "CPU bugs of the first CPU, from /proc/cpuinfo; always 1.",
    "gauge",
    ("bug",),
)
FREQUENCY_HELP = "Frequency of the CPU, as the hardware says, or else /proc/cpuinfo."
FREQUENCY = Series(
    "node_cpu_frequency_hertz",
    FREQUENCY_HELP,
    "gauge",
    _PLACE_LABELS,
    exponent=6,
)


def parse_cpuinfo(text: bytes) -> list[dict[str, str]]:
    """Parse the fields of every processor. Raises ValueError when there is none."""
    blocks = [
        dict(_split_field(line) for line in block.splitlines())
        for block in text.decode("utf-8", "replace").split("\n\n")
    ]
    processors = [block for block in blocks if "processor" in block]
    if not processors:
        raise ValueError(f"/proc/cpuinfo: no processor in {shorten(text)}")
    return processors


def _split_field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def split_frequencies(text: bytes) -> tuple[list[bytes], list[Digits]]:
    """Part the clock rates, which always change, from the text around them, which hardly does."""
    pieces = _FREQUENCY.split(text)
    return pieces[::2], pieces[1::2]


class CpuInfo:
    """The families from /proc/cpuinfo."""

    def __init__(
        self,
        kernel: KernelTree,
        flags_include: re.Pattern[str] | None,
        bugs_include: re.Pattern[str] | None,
    ) -> None:
        self._file = kernel.proc("cpuinfo")
        self._cpufreq = kernel.sys(f"{CPUS}/cpu0/cpufreq/cpuinfo_cur_freq")
        self._flags_include = flags_include
        self._bugs_include = bugs_include
        self._constant: list[bytes] = []
        self._ones: list[Digits] = []
        self._layout = Layout(())

    def collect(self) -> Filled:
        """Give node_cpu_info, flags, bugs and frequencies."""
        text = self._file.read()
        constant, frequencies = split_frequencies(text)
        if constant != self._constant:
            self._layout = self._lay_out(parse_cpuinfo(text))
            with_frequency = len(self._layout.series[-1].rows)
            self._ones = [b"1"] * (self._layout.size - with_frequency)
            self._constant = constant
        if not self._layout.series[-1].rows:
            frequencies = []
        return self._layout.fill(self._ones + frequencies)

    def _lay_out(self, processors: list[dict[str, str]]) -> Layout:
        first = processors[0]
        # The file names them `flags` on x86 and `Features` on ARM.
        flags = first.get("flags") or first.get("Features") or ""
        places = [
            tuple(cpu.get(_INFO_LABELS[label], "") for label in _PLACE_LABELS)
            for cpu in processors
            if re.fullmatch(_MEGAHERTZ, cpu.get("cpu MHz", "").encode())
        ]
        rows = [tuple(cpu.get(word, "") for word in _INFO_LABELS.values()) for cpu in processors]
        return Layout(
            [
                replace(INFO, rows=rows),
                replace(FLAG_INFO, rows=_matching(self._flags_include, flags)),
                replace(BUG_INFO, rows=_matching(self._bugs_include, first.get("bugs", ""))),
                replace(FREQUENCY, rows=() if self._is_given_by_cpufreq() else places),
            ]
        )

    def _is_given_by_cpufreq(self) -> bool:
        """Whether that collector has the family: a page must not hold it twice."""
        try:
            return bool(self._cpufreq.read())
        except OSError:
            return False


def _matching(include: re.Pattern[str] | None, words: str) -> list[tuple[str, ...]]:
    if include is None:
        return []
    return [(word,) for word in words.split() if include.search(word)]
