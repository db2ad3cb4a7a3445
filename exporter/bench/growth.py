"""What one more CPU, disk or interface costs: a big fake machine's scrapes less a small one's.

There are three sizes, and so two steps. Where the second is much dearer than the first, the cost
grows faster than the machine.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, count, pairwise
from pathlib import Path
from typing import NamedTuple

from exporter.bench.client import Scraper
from exporter.bench.measures import MICRO, Figure, Plan, take_turns
from exporter.bench.processes import Program, Server, start
from exporter.bench.trees import Machine, Tree, build_tree

SMALL = Machine()


class Growth(NamedTuple):
    """A way in which a machine grows."""

    field: str
    """What grows, as Machine calls it."""
    singular: str
    plural: str
    sizes: tuple[int, int, int]

    def steps(self) -> list[tuple[int, int]]:
        """From which size to which."""
        return list(pairwise(self.sizes))

    def figure(self, more: int) -> str:
        """The key of the figure for the step up to a size."""
        return f"growth_{self.field}_{more}"

    def linearity(self) -> str:
        """The key of the figure that compares the steps."""
        return f"linear_{self.field}"

    def machines(self) -> list[Machine]:
        """One machine of each size."""
        return [SMALL._replace(**{self.field: size}) for size in self.sizes]


GROWTHS = (
    Growth("cpus", "CPU", "CPUs", (SMALL.cpus, 128, 512)),
    Growth("disks", "disk", "disks", (SMALL.disks, 100, 500)),
    Growth("interfaces", "interface", "interfaces", (SMALL.interfaces, 100, 500)),
)

IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- private directories are made in it

WARM_UP_SCRAPES = 3

SMALLEST_MICROSECONDS = 0.1
"""A difference below it cannot be told from nothing, or from less."""


def measure_growth(programs: Sequence[Program], plan: Plan) -> list[Figure]:
    """Measure the three kinds of growth, one after the other: figures for each.

    What an item costs in each step, how the steps compare, and how many files are open at the end.
    """
    folder = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="perfwatch-bench-", dir=folder) as temporary:
        return [
            figure
            for growth in GROWTHS
            for figure in _measure(growth, programs, _build_trees(Path(temporary), growth), plan)
        ]


def _build_trees(root: Path, growth: Growth) -> list[Tree]:
    return [
        build_tree(root / f"{growth.field}-{size}", machine)
        for size, machine in zip(growth.sizes, growth.machines(), strict=True)
    ]


def _measure(
    growth: Growth, programs: Sequence[Program], trees: Sequence[Tree], plan: Plan
) -> list[Figure]:
    clock = count(1)  # counters never go back
    rounds: list[list[list[float]]] = [[] for _ in programs]
    with contextlib.ExitStack() as stack:
        sites = [
            [
                (stack.enter_context(start(program, (*tree.flags(), *program.tree_flags))), tree)
                for tree in trees
            ]
            for program in programs
        ]
        for site in chain.from_iterable(sites):
            _cpu_per_scrape(*site, clock, WARM_UP_SCRAPES)
        for number in range(plan.rounds):
            for index in take_turns(len(programs), number):
                rounds[index].append(
                    [_cpu_per_scrape(*site, clock, plan.growth_scrapes) for site in sites[index]]
                )
        open_files = tuple([float(own[-1][0].count_descriptors())] for own in sites)
    steps = [_make_figure(growth, step, rounds) for step in range(len(growth.steps()))]
    title = f"Open files with {growth.sizes[-1]} {growth.plural}"
    return [
        *steps,
        compare_steps(growth, *steps),
        Figure(f"descriptors_{growth.field}", title, "", open_files),
    ]


def compare_steps(growth: Growth, first: Figure, second: Figure) -> Figure:
    """What an item of the second step costs by one of the first: 1 when growth is linear."""
    return Figure(
        growth.linearity(),
        f"One more {growth.singular}: the second step by the first",
        "",
        tuple(
            [max(second.value(program), 0.0) / max(first.value(program), SMALLEST_MICROSECONDS)]
            for program in range(len(first.rounds))
        ),
    )


def _make_figure(growth: Growth, step: int, rounds: Sequence[list[list[float]]]) -> Figure:
    """One step's figure, from what a scrape of each size cost each program in each round."""
    fewer, more = growth.steps()[step]
    title = f"CPU per scrape for one more {growth.singular} ({fewer} to {more})"
    rows = tuple(
        [(costs[step + 1] - costs[step]) / (more - fewer) * MICRO for costs in own]
        for own in rounds
    )
    return Figure(growth.figure(more), title, "us", rows)


def _cpu_per_scrape(server: Server, tree: Tree, clock: Iterator[int], scrapes: int) -> float:
    """Scrape, and let the tree's counters make a step each time."""
    before = server.cpu_seconds()
    with Scraper(server.port) as scraper:
        for _ in range(scrapes):
            tree.move(next(clock))
            scraper.scrape()
    return (server.cpu_seconds() - before) / scrapes
