"""The report of a run: figures, goals, and how trustworthy they are."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from exporter import __version__, collectors
from exporter.bench.growth import GROWTHS
from exporter.bench.measures import Figure
from exporter.bench.processes import Program

NOISY_SPREAD = 0.2
"""Of the ratio of warm scrapes: on a quiet machine it is below a tenth."""

LINEAR_UP_TO = 1.5
"""Caches hold less of a big machine. What grows with the square would be over 4 here."""

FAST = ("isal", "uvloop")
"""Libraries that the daemon uses where they are installed."""

_PEER_VERSION = re.compile(rb'node_exporter_build_info\{[^\n]*version="([^"]*)"')


class Goal(NamedTuple):
    """What a figure should be. A ratio is node_exporter's figure by ours."""

    figure: str
    title: str
    bound: float
    kind: str
    """`ratio at least`, `share at most` (ours by node_exporter's) or `at most`."""


GOALS = (
    Goal("cpu_warm", "CPU per scrape, keep-alive", 5, "ratio at least"),
    Goal("cpu_gaps", "CPU per scrape, one a second", 5, "ratio at least"),
    Goal("p50_warm", "Latency p50", 5, "ratio at least"),
    Goal("p99_warm", "Latency p99", 4, "ratio at least"),
    Goal("resident", "Resident memory", 1.7, "share at most"),
    Goal("start", "Start to the first page, ms", 350, "at most"),
    Goal("middleware", "Timing a request, us", 20, "at most"),
    Goal("cleanup", "Removing 10,000 files, ms", 500, "at most"),
    # 0.2 % of a core, with a sample a second.
    Goal("perf_stat_idle", "perf by stat, CPU per second, us", 2000, "at most"),
    Goal("perf_syscall_scrape", "perf by syscall, CPU per scrape, us", 2000, "at most"),
    *(
        Goal(
            growth.figure(more),
            f"One more {growth.singular} ({fewer} to {more}), us",
            10,
            "at most",
        )
        for growth in GROWTHS
        for fewer, more in growth.steps()
    ),
    *(
        Goal(
            growth.linearity(),
            f"One more {growth.singular}, the second step by the first",
            LINEAR_UP_TO,
            "at most",
        )
        for growth in GROWTHS
    ),
)

WORDS = {
    "ratio at least": "node_exporter / perfwatch at least {}",
    "share at most": "perfwatch / node_exporter at most {}",
    "at most": "at most {}",
}


def judge(goal: Goal, figure: Figure) -> tuple[float | None, bool | None]:
    """Give what was measured and whether it is enough; None where there is nothing to judge."""
    if not figure.rounds:
        return None, None
    if goal.kind == "at most":
        value = figure.value(0)
        return value, value <= goal.bound
    ratio = figure.ratio()
    if ratio is None:
        return None, None
    if goal.kind == "share at most":
        return 1 / ratio, 1 / ratio <= goal.bound
    return ratio, ratio >= goal.bound


def describe_machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "fast": [name for name in FAST if importlib.util.find_spec(name)],
        "load": round(os.getloadavg()[0], 2),
    }


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured in one run."""

    machine: dict[str, Any]
    programs: tuple[Program, ...]
    pages: tuple[bytes, ...]
    """The last page of each program."""
    figures: Sequence[Figure]

    def warnings(self) -> list[str]:
        """Say what makes the figures doubtful."""
        warm = next(figure for figure in self.figures if figure.key == "cpu_warm")
        spread = warm.spread()
        if spread is None or spread <= NOISY_SPREAD:
            return []
        return [f"the machine is noisy ({spread:.0%} between rounds): measure when it is quiet"]

    def versions(self) -> list[str]:
        """The programs' versions; the peer tells its own on its page."""
        told = [_PEER_VERSION.search(page) for page in self.pages[1:]]
        return [__version__, *(match[1].decode() if match else "" for match in told)]

    def summary(self) -> str:
        """What was measured on what, in a few lines."""
        programs = " and ".join(
            f"{program.name} {version} ({_count_samples(page)} samples)"
            for program, version, page in zip(
                self.programs, self.versions(), self.pages, strict=True
            )
        )
        enabled = sum(entry.enabled for entry in collectors.ALL)
        machine = self.machine
        fast = " and ".join(machine["fast"]) or "neither isal nor uvloop"
        return (
            f"{programs}, {enabled} collectors each.\n"
            f"{machine['cpus']} CPUs ({machine['machine']}), Linux {machine['kernel']}, Python "
            f"{machine['python']} with {fast}; load before: {machine['load']}."
        )

    def figure_rows(self) -> list[list[str]]:
        """The table of figures, its heading first."""
        names = [program.name for program in self.programs]
        rows = [["", "unit", *names, "ratio", "spread"]]
        for figure in self.figures:
            values = [_number(figure.value(index)) for index in range(len(figure.rounds))]
            values = values or [figure.note]
            values += [""] * (len(names) - len(values))
            ratio, spread = figure.ratio(), figure.spread()
            rows.append(
                [
                    figure.title,
                    figure.unit,
                    *values,
                    "" if ratio is None else f"{ratio:.2f}",
                    "" if spread is None else f"{spread:.0%}",
                ]
            )
        return rows

    def goal_rows(self) -> list[list[str]]:
        """The table of goals, its heading first."""
        rows = [["goal", "", "measured", "met"]]
        for goal, measured, met in self._judged():
            rows.append(
                [
                    goal.title,
                    WORDS[goal.kind].format(f"{goal.bound:g}"),
                    "" if measured is None else _number(measured),
                    {True: "met", False: "NOT MET", None: "not measured"}[met],
                ]
            )
        return rows

    def to_text(self) -> str:
        """The report for a terminal."""
        tables = "\n\n".join(_align(rows) for rows in (self.figure_rows(), self.goal_rows()))
        return f"{self.summary()}\n\n{tables}"

    def to_markdown(self) -> str:
        """The report for docs/performance.md."""
        tables = "\n\n".join(_to_markdown(rows) for rows in (self.figure_rows(), self.goal_rows()))
        return f"{self.summary()}\n\n{tables}"

    def to_json(self) -> dict[str, Any]:
        """The report for a program, with every round."""
        return {
            "machine": self.machine,
            "programs": [
                {
                    "name": program.name,
                    "version": version,
                    "command": program.command,
                    "samples": _count_samples(page),
                }
                for program, version, page in zip(
                    self.programs, self.versions(), self.pages, strict=True
                )
            ],
            "figures": [self._figure_to_json(figure) for figure in self.figures],
            "goals": [
                goal._asdict() | {"measured": measured, "met": met}
                for goal, measured, met in self._judged()
            ],
        }

    def _figure_to_json(self, figure: Figure) -> dict[str, Any]:
        names = [program.name for program in self.programs]
        measured = list(zip(names, figure.rounds, strict=False))
        return {
            "key": figure.key,
            "title": figure.title,
            "unit": figure.unit,
            # Of what only the daemon has, there are no figures of the peer.
            "values": {name: median(rounds) for name, rounds in measured},
            "rounds": dict(measured),
            "ratio": figure.ratio(),
            "spread": figure.spread(),
            "note": figure.note,
        }

    def _judged(self) -> list[tuple[Goal, float | None, bool | None]]:
        """The goals whose figures were measured."""
        figures = {figure.key: figure for figure in self.figures}
        return [
            (goal, *judge(goal, figures[goal.figure])) for goal in GOALS if goal.figure in figures
        ]


def _count_samples(page: bytes) -> int:
    return sum(not line.startswith(b"#") for line in page.splitlines())


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _align(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _to_markdown(rows: list[list[str]]) -> str:
    heading, *body = rows
    ruler = ["---"] * len(heading)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ruler, *body))
