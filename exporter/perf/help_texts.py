"""What the counters of events count, in words."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.perf.events import Event

SAMPLED = "As of the newest sample"

_WHAT: Mapping[str, str] = {
    "cpu-clock": "Time of the CPUs, by a timer of high resolution",
    "task-clock": "Time of the CPUs in which something was counted",
    "context-switches": "Switches from one task to another",
    "cpu-migrations": "Moves of a task to another CPU",
    "page-faults": "Page faults",
    "minor-faults": "Page faults that needed no input from a disk",
    "major-faults": "Page faults that needed input from a disk",
    "cycles": "CPU cycles",
    "instructions": "Instructions that were retired",
    "branches": "Branch instructions that were retired",
    "branch-misses": "Branch instructions that were predicted wrongly",
    "cache-references": "Accesses to the last level of the CPU's caches, as the CPU counts them",
    "cache-misses": "Accesses that the last level of the CPU's caches could not serve",
    "L1-dcache-loads": "Loads from the level 1 data cache",
    "L1-dcache-load-misses": "Loads that the level 1 data cache could not serve",
    "LLC-loads": "Loads from the last level cache",
    "LLC-load-misses": "Loads that the last level cache could not serve",
    "L1-icache-loads": "Loads from the level 1 instruction cache",
    "dTLB-loads": "Lookups in the data TLB, for loads",
    "dTLB-load-misses": "Loads whose address was not in the data TLB",
    "iTLB-loads": "Lookups in the instruction TLB",
    "iTLB-load-misses": "Instructions whose address was not in the instruction TLB",
}


def describe(event: Event) -> str:
    """Give the help text of an event's counter."""
    what = _WHAT.get(event.spec, f"The event {event.spec} of perf")
    return f"{what}. {SAMPLED}; an estimate where events take turns."
