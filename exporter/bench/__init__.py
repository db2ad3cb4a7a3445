"""`perfwatch bench`: what the daemon costs, beside node_exporter where that is installed.

A measurement, not a test: the goals are printed as met or not met, and the exit code is 0 as long
as it could be done. Everything happens on the loopback interface. How it is measured,
and the figures of a real run: docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from exporter.arguments import Parser
from exporter.bench.client import BadAnswerError
from exporter.bench.growth import measure_growth
from exporter.bench.library import measure_library
from exporter.bench.measures import QUICK, THOROUGH, Plan, measure_scrapes, measure_starts
from exporter.bench.perf import measure_perf
from exporter.bench.processes import Program, StartError, find_peer, own_program, peer_program
from exporter.bench.report import Report, describe_machine
from exporter.cli import COMMANDS
from exporter.options import parse_positive


def bench(words: Sequence[str]) -> int:
    """Measure and print; 1 when that is impossible: a server does not start, or fails."""
    options = _parse(words)
    base = QUICK if options.quick else THOROUGH
    plan = base._replace(
        rounds=options.rounds or base.rounds, scrapes=options.scrapes or base.scrapes
    )
    try:
        report = _measure(_programs(options.peer), plan, growth=options.growth)
    except (StartError, BadAnswerError, OSError) as error:
        _tell(f"cannot measure: {error}")
        return 1
    for warning in report.warnings():
        _tell(warning)
    print(report.to_markdown() if options.markdown else report.to_text())
    if options.json:
        options.json.write_text(json.dumps(report.to_json(), indent=2) + "\n")
    return 0


def _measure(programs: Sequence[Program], plan: Plan, *, growth: bool) -> Report:
    machine = describe_machine()
    _tell(f"starting: {plan.rounds} rounds")
    figures = measure_starts(programs, plan)
    _tell(f"scraping: {plan.rounds} rounds of {plan.scrapes} scrapes, three ways; then with gaps")
    scrapes, pages = measure_scrapes(programs, plan)
    figures += scrapes
    figures += measure_library()
    _tell("perf: both backends, here and with 128 CPUs")
    figures += measure_perf(plan)
    if growth:
        _tell("growth: nine machines, from small to big")
        figures += measure_growth(programs, plan)
    return Report(machine, tuple(programs), pages, figures)


def _programs(peer: str | None) -> list[Program]:
    """The daemon, and the peer unless there is none."""
    programs = [own_program()]
    path = None if peer == "none" else find_peer(peer)
    if path is not None:
        programs.append(peer_program(path))
    elif peer != "none":
        _tell("node_exporter is not here (make peers fetches it on Debian): measured alone")
    return programs


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = Parser("perfwatch bench", COMMANDS["bench"].summary)
    parser.add_argument("--rounds", type=_count, metavar="N", help="rounds (default: 7)")
    parser.add_argument("--scrapes", type=_count, metavar="N", help="in a round (default: 200)")
    parser.add_argument("--quick", action="store_true", help="in half a minute, less exactly")
    parser.add_argument(
        "--growth",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure big machines too (default: yes)",
    )
    parser.add_argument("--peer", metavar="PATH", help="the node_exporter to compare with, or none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--markdown", action="store_true", help="print tables for a document")
    options = parser.parse_args(words)
    if options.peer not in {None, "none"} and find_peer(options.peer) is None:
        parser.error(f"--peer: {options.peer} is no program: give node_exporter's path, or none")
    try:
        if options.json:
            options.json.touch()
    except OSError as error:
        parser.error(f"--json: cannot write {options.json}: {error.strerror}")
    return options


def _count(text: str) -> int:
    try:
        return parse_positive(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _tell(message: str) -> None:
    print(f"perfwatch: {message}", file=sys.stderr)
