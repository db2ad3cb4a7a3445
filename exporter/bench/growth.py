"""What one more CPU, disk or interface costs: scrapes of a big fake machine less a small one's."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from exporter.bench.client import Scraper
from exporter.bench.measures import MICRO, Figure, Plan, rows_for, take_turns
from exporter.bench.processes import Program, Server, start
from exporter.bench.trees import Machine, Tree, build_tree

SMALL = Machine()
BIG = {
    "cpus": ("CPU", SMALL._replace(cpus=512)),
    "disks": ("disk", SMALL._replace(disks=500)),
    "interfaces": ("interface", SMALL._replace(interfaces=500)),
}
"""By the field that grows: what one of it is called, and the machine."""

IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- private directories are made in it

WARM_UP_SCRAPES = 3


def measure_growth(programs: Sequence[Program], plan: Plan) -> list[Figure]:
    """Measure the three kinds of growth, one after the other."""
    folder = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="perfwatch-bench-", dir=folder) as temporary:
        root = Path(temporary)
        small = build_tree(root / "small", SMALL)
        return [
            _measure(field, programs, (small, build_tree(root / field, machine)), plan)
            for field, (_, machine) in BIG.items()
        ]


def _measure(
    field: str, programs: Sequence[Program], trees: tuple[Tree, Tree], plan: Plan
) -> Figure:
    singular, machine = BIG[field]
    fewest, most = getattr(SMALL, field), getattr(machine, field)
    rows = rows_for(programs)
    clock = count(1)  # counters never go back
    with contextlib.ExitStack() as stack:
        pairs = [
            [
                (stack.enter_context(start(program, (*tree.flags(), *program.tree_flags))), tree)
                for tree in trees
            ]
            for program in programs
        ]
        for server, tree in (site for pair in pairs for site in pair):
            _cpu_per_scrape(server, tree, clock, WARM_UP_SCRAPES)
        for number in range(plan.rounds):
            for index in take_turns(len(programs), number):
                small, big = (
                    _cpu_per_scrape(*site, clock, plan.growth_scrapes) for site in pairs[index]
                )
                rows[index].append((big - small) / (most - fewest) * MICRO)
    title = f"CPU per scrape for one more {singular} ({fewest} to {most})"
    return Figure(f"growth_{field}", title, "us", rows)


def _cpu_per_scrape(server: Server, tree: Tree, clock: Iterator[int], scrapes: int) -> float:
    """Scrape, and let the tree's counters make a step each time."""
    before = server.cpu_seconds()
    with Scraper(server.port) as scraper:
        for _ in range(scrapes):
            tree.move(next(clock))
            scraper.scrape()
    return (server.cpu_seconds() - before) / scrapes
