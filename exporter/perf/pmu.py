"""What the kernel calls an event that perf knows by a name: type, config and CPUs.

Source: the numbers of include/uapi/linux/perf_event.h; /sys/bus/event_source/devices/PMU (type,
format/, events/, cpumask or cpus; Documentation/ABI/testing/sysfs-bus-event_source-devices-*); the
id of a tracepoint in tracefs, which only root may read. The names of the CPU makers' own events
stand in no file: they are compiled into the perf program, and unknown here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from exporter.attributes import MISSING
from exporter.kernel import KernelTree
from exporter.perf.events import CLOCKS, SYNONYMS
from exporter.perf.output import UNITS
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

DEVICES = "bus/event_source/devices"
TRACEFS = ("kernel/tracing", "kernel/debug/tracing")

PMU_TYPE_SHIFT = 32
"""Since Linux 5.13 the upper half of a generalized event's config may say which PMU is meant."""

NANOSECONDS = 1e-9


def _number(words: str) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split())}


SOFTWARE = _number(
    "cpu-clock task-clock page-faults context-switches cpu-migrations minor-faults major-faults "
    "alignment-faults emulation-faults dummy bpf-output cgroup-switches"
)
HARDWARE = _number(
    "cycles instructions cache-references cache-misses branches branch-misses bus-cycles "
    "stalled-cycles-frontend stalled-cycles-backend ref-cycles"
)
CACHE = {
    f"{cache}-{name}": cache_number | operation << 8 | is_miss << 16
    for cache, cache_number in _number("L1-dcache L1-icache LLC dTLB iTLB branch node").items()
    for operation, names in enumerate(
        (("loads", "load-misses"), ("stores", "store-misses"), ("prefetches", "prefetch-misses"))
    )
    for is_miss, name in enumerate(names)
}
GENERALIZED = {
    **{name: (TYPE_HARDWARE, config) for name, config in HARDWARE.items()},
    **{name: (TYPE_HW_CACHE, config) for name, config in CACHE.items()},
}

MODIFIERS = {"u": EXCLUDE_USER, "k": EXCLUDE_KERNEL, "h": EXCLUDE_HYPERVISOR}

_OF_PMU = re.compile(r"([\w-]+)/([^/]*)/:?([ukh]*)", re.ASCII)
_PLAIN = re.compile(r"([\w-]+?)(?::([ukh]+))?", re.ASCII)
_TRACEPOINT = re.compile(r"([\w-]+):([\w-]+)(?::([ukh]+))?", re.ASCII)
_RAW = re.compile(r"r([0-9a-fA-F]{1,16})")
_TERM = re.compile(r"([\w-]+)(?:=(.+))?", re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,19}")
_FORMAT = re.compile(r"config([12]?):(.+)")
_BITS = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")

WORDS = ("config", "config1", "config2")


class Target(NamedTuple):
    """What is opened for an event, on each of its CPUs."""

    attributes: Attributes
    pmu: str = ""
    """The value of the label: a hybrid CPU's PMUs count apart."""
    cpus: str = ""
    """The attribute of sysfs that lists its CPUs; empty: all."""
    factor: float = 1
    """What makes base units of it."""


class Pmus:
    """The PMUs of this host, and what they know."""

    def __init__(self, kernel: KernelTree) -> None:
        self._kernel = kernel
        self._names = kernel.list_folder(DEVICES)
        cores = [name for name in self._names if self._read(f"{DEVICES}/{name}/cpus") is not None]
        self._hybrid = cores if len(cores) > 1 else []

    def resolve(self, spec: str) -> list[Target]:
        """Give what has to be opened, and summed up, for an event as perf writes it.

        Raises ValueError when it is not known, and PermissionError when only others may know.
        """
        if match := _OF_PMU.fullmatch(spec):
            name, terms, modifiers = match.groups()
            return [self._configure(pmu, terms, _excluded(modifiers)) for pmu in self._named(name)]
        if match := _PLAIN.fullmatch(spec):
            name, excluded = SYNONYMS.get(match[1], match[1]), _excluded(match[2])
            if name in SOFTWARE:
                factor = NANOSECONDS if name in CLOCKS else 1
                software = Attributes(TYPE_SOFTWARE, SOFTWARE[name], excluded=excluded)
                return [Target(software, factor=factor)]
            if name in GENERALIZED:
                return self._on_cores(Attributes(*GENERALIZED[name], excluded=excluded))
            if raw := _RAW.fullmatch(name):
                return self._on_cores(Attributes(TYPE_RAW, int(raw[1], 16), excluded=excluded))
        if match := _TRACEPOINT.fullmatch(spec):
            number = self._tracepoint(match[1], match[2])
            return [Target(Attributes(TYPE_TRACEPOINT, number, excluded=_excluded(match[3])))]
        raise ValueError(f"{spec}: not known to the kernel by this name")

    def _named(self, name: str) -> list[str]:
        """The PMUs that a name means: `uncore_imc` and `imc` are all of `uncore_imc_0`, ..."""
        if name in self._names:
            return [name]
        several = re.compile(rf"(?:uncore_)?{re.escape(name)}_?[0-9]+")
        found = [pmu for pmu in self._names if several.fullmatch(pmu)]
        if not found:
            raise ValueError(f"no PMU of this host is called {name}")
        return found

    def _on_cores(self, attributes: Attributes) -> list[Target]:
        """Count on all CPUs; where they are of several kinds, on each kind apart."""
        targets = [] if self._hybrid else [Target(attributes)]
        for pmu in self._hybrid:
            number = self._type(pmu)
            if attributes.type == TYPE_RAW:
                own = attributes._replace(type=number)
            elif pmu.startswith("cpu_"):
                own = attributes._replace(config=attributes.config | number << PMU_TYPE_SHIFT)
            else:
                # Arm knows it since 6.6 only. There, the PMU of the CPU in question is taken.
                own = attributes
            targets.append(Target(own, pmu, f"{DEVICES}/{pmu}/cpus"))
        return targets

    def _configure(self, pmu: str, terms: str, excluded: frozenset[int]) -> Target:
        """Translate `event=0x2e,umask=0x41`, or the name of an event that the PMU describes."""
        words = dict.fromkeys(WORDS, 0)
        factor = 1.0
        for name, value in _parse_terms(terms):
            described = self._read(f"{DEVICES}/{pmu}/events/{name}") if not value else None
            if described is None:
                self._set(words, pmu, name, value)
                continue
            for inner in _parse_terms(described):
                self._set(words, pmu, *inner)
            factor = self._factor(f"{DEVICES}/{pmu}/events/{name}")
        listed = [
            path
            for path in (f"{DEVICES}/{pmu}/cpumask", f"{DEVICES}/{pmu}/cpus")
            if self._read(path) is not None
        ]
        attributes = Attributes(self._type(pmu), **words, excluded=excluded)
        return Target(attributes, cpus=listed[0] if listed else "", factor=factor)

    def _set(self, words: dict[str, int], pmu: str, name: str, value: str) -> None:
        """Put the value of a term into the bits that the PMU says; without a value it is 1."""
        number = _parse_number(value or "1")
        definition = self._read(f"{DEVICES}/{pmu}/format/{name}")
        if definition is None and name not in WORDS:
            raise ValueError(f"{pmu} knows no {name}")
        word, bits = parse_format(definition) if definition else (name, list(range(64)))
        if number >> len(bits):
            raise ValueError(f"{pmu}: {name}={value} is too large, it has {len(bits)} bits")
        for position, bit in enumerate(bits):
            words[word] = words[word] & ~(1 << bit) | (number >> position & 1) << bit

    def _factor(self, event: str) -> float:
        if self._read(f"{event}.snapshot") is not None:
            raise ValueError(f"{event}: a state, which cannot be counted")
        scale = float(self._read(f"{event}.scale") or 1)
        return scale * UNITS.get(self._read(f"{event}.unit") or "", 1)

    def _tracepoint(self, system: str, name: str) -> int:
        for tracefs in TRACEFS:
            if number := self._read(f"{tracefs}/events/{system}/{name}/id"):
                return int(number)
        raise ValueError(f"{system}:{name}: no such tracepoint, or tracefs is not mounted")

    def _type(self, pmu: str) -> int:
        return int(self._read(f"{DEVICES}/{pmu}/type") or "")

    def _read(self, path: str) -> str | None:
        """Read an attribute once, since only the counters are read again."""
        file = self._kernel.sys(path)
        try:
            return file.read().decode().strip()
        except MISSING:
            return None
        finally:
            file.close()


def parse_format(definition: str) -> tuple[str, list[int]]:
    """Parse `config:0-7,32-35`: which word, and its bits from the lowest on.

    Raises ValueError when it is not that.
    """
    match = _FORMAT.fullmatch(definition)
    if not match:
        raise ValueError(f"not the format of a term: {definition[:60]!r}")
    bits: list[int] = []
    for part in match[2].split(","):
        found = _BITS.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last < 64:
            raise ValueError(f"not the format of a term: {definition[:60]!r}")
        bits += range(first, last + 1)
    return f"config{match[1]}", bits


def _parse_terms(text: str) -> Iterator[tuple[str, str]]:
    for term in text.split(","):
        match = _TERM.fullmatch(term)
        if not match:
            raise ValueError(f"not a term of an event: {term[:60]!r}")
        if match[1] != "name":
            yield match[1], match[2] or ""


def _parse_number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"not a number: {text[:60]!r}")
    return int(text, 16 if text.startswith("0x") else 10)


def _excluded(modifiers: str | None) -> frozenset[int]:
    """What `:u` leaves out: all that it does not name. Without a modifier, nothing."""
    kept = {MODIFIERS[one] for one in modifiers or MODIFIERS}
    return frozenset(MODIFIERS.values()) - kept
