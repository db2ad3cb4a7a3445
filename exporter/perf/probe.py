"""What this host lets be counted: each event is tried on its own, then each group.

One event that perf does not know, or may not count, fails the whole command. So each is counted
alone first, for as long as perf takes to print its own version: there may be no other program in a
container. What perf can do is found out in the same way, and not from its version: distributions
bring features back.
"""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from exporter.perf import rights
from exporter.perf.command import (
    INSTALL,
    PLACES,
    SEPARATOR,
    Finished,
    find_program,
    run,
    stat_command,
)
from exporter.perf.events import KNOWN, Event, group
from exporter.perf.findings import (
    NO_PERF,
    NOT_PERMITTED,
    NOT_SUPPORTED,
    UNKNOWN_EVENT,
    Findings,
)
from exporter.perf.output import COUNTED, NOT_COUNTED, Row, parse_line

PROBE_SECONDS = 4.0
"""A probe takes 15 ms here; one that takes longer than this would never end. Shorter than
`perfwatch once` waits, which is to say so."""

WRONG_USAGE = 129
"""What perf exits with where it does not know an option or an event."""

FIRST = KNOWN["cpu-clock"]
"""What is tried first: every kernel and every machine can count it."""

MANY_LINES = ("cpu", "core")
"""Aggregations that print thousands of lines on big hosts: -x costs half of what -j does. Where
there are few, -j says what each number is, and does not round."""

_UNKNOWN_OPTION = re.compile(r"unknown (?:option|switch) `([^']+)'")
_REFUSED = re.compile(
    r"access to performance monitoring|not have permission|no permission to|permission error"
    r"|perf_event_paranoid"
)
_NO_TRACING = re.compile(r"can't access trace events|unable to find debugfs")
_NOT_HERE = re.compile(r"not supported|no supported events|cannot find pmu|syscall returned")
_NO_PERF_HERE = re.compile(r"not found for kernel|linux-perf-\S+ is not installed")
"""What perf says, in lower case; the last by the scripts that Ubuntu and older Debian install."""


class _Verdict(NamedTuple):
    """What came of counting something for a moment."""

    reason: str = ""
    states: frozenset[str] = frozenset()
    needs_tracing: bool = False
    detail: str = ""


class _Perf(NamedTuple):
    """A perf program, and what it can do."""

    program: str
    aggregation: str
    json: bool = True

    def run(self, events: Sequence[Event]) -> Finished:
        """Count events together for a moment. Raises OSError where perf cannot be started."""

        def words(descriptor: int) -> list[str]:
            return stat_command(
                self.program,
                [events],
                aggregation=self.aggregation,
                interval_seconds=None,
                descriptor=descriptor,
                json=self.json,
                workload=[self.program, "--version"],
            )

        return run(words, seconds=PROBE_SECONDS)

    def parse(self, output: str) -> list[Row]:
        """Take what was printed. Raises ValueError on what is not understood."""
        separator = None if self.json else SEPARATOR
        return [
            row
            for line in output.splitlines()
            for row in parse_line(line, separator=separator, aggregation=self.aggregation)
        ]

    def try_out(self, events: Sequence[Event]) -> _Verdict:
        """Count events together for a moment, and judge what comes of it.

        An event that was taken and not counted had no counter of the CPU in this moment: others
        have them, as a profiler may. So it is tried once more, and after that it is taken for one
        that can be counted: once they are free it will be, and until then it is said of each
        interval that it was not.
        """
        for _ in range(2):
            try:
                verdict = self.judge(self.run(events), events[0])
            except OSError as error:
                return _Verdict(NO_PERF, detail=_explain_start(self.program, error))
            if NOT_COUNTED not in verdict.states:
                break
        return verdict

    def judge(self, finished: Finished, event: Event) -> _Verdict:
        """Say what came of counting events, of which the first is given."""
        errors = finished.errors.lower()
        if finished.code == 0:
            return self._judge_output(finished.output)
        if finished.code == WRONG_USAGE:
            if _NO_TRACING.search(errors):
                return _Verdict(NOT_PERMITTED, needs_tracing=True)
            # Every perf knows the events that we know: newer ones call a name wrong for which the
            # CPU has no event.
            is_known = event.spec in KNOWN or _NOT_HERE.search(errors)
            return _Verdict(NOT_SUPPORTED if is_known else UNKNOWN_EVENT)
        if finished.code == -signal.SIGSYS or _REFUSED.search(errors):
            return _Verdict(NOT_PERMITTED)
        if _NOT_HERE.search(errors):
            return _Verdict(NOT_SUPPORTED)
        return _Verdict(NO_PERF, detail=_explain_end(self.program, finished))

    def _judge_output(self, output: str) -> _Verdict:
        try:
            rows = self.parse(output)
        except ValueError:
            said = repr(output[:200])
            detail = f"{self.program} prints what is no count: {said} ({rights.DOCUMENTATION})"
            return _Verdict(NO_PERF, detail=detail)
        states = frozenset(row.state for row in rows)
        # On a hybrid CPU an event may exist for one kind of core only.
        return _Verdict("" if states & {COUNTED, NOT_COUNTED} else NOT_SUPPORTED, states)


def probe(
    program: str,
    events: Sequence[Event],
    *,
    aggregation: str,
    is_stopping: Callable[[], bool] = lambda: False,
    read_facts: Callable[[], rights.Facts] = rights.read_facts,
) -> Findings:
    """Find out which of the events can be counted here, and which of them at the same time.

    It takes 15 ms for each event. Told to stop, it ends after the one at hand, and its findings
    are about those that it has come to.
    """
    try:
        program = find_program(program)
    except FileNotFoundError as error:
        return Findings(dict.fromkeys(events, NO_PERF), (), json=False, explanation=str(error))
    perf, first = _get_to_know(program, aggregation)
    if first.reason == NO_PERF:
        return Findings(dict.fromkeys(events, NO_PERF), (), perf.json, first.detail)
    if first.reason == NOT_SUPPORTED:
        # The system call is answered as if there were none.
        facts = read_facts()
        reason = NOT_SUPPORTED if facts.level is None else NOT_PERMITTED
        explanation = rights.explain_missing(facts)
        return Findings(dict.fromkeys(events, reason), (), perf.json, explanation)
    # From here on of the whole host. Where a CPU has two kinds of cores, perf may say of each core
    # that the other kind's events were not counted there.
    perf = perf._replace(aggregation="none")
    verdicts: dict[Event, _Verdict] = {}
    for event in events:
        if is_stopping():
            break
        verdicts[event] = _judge_alone(perf, event, first)
    groups: list[tuple[Event, ...]] = []
    for members in group([event for event in verdicts if not verdicts[event].reason]):
        if is_stopping():
            break
        together = len(members) == 1 or perf.try_out(members).states == {COUNTED}
        groups += [members] if together else [(event,) for event in members]
    return Findings(
        {event: verdict.reason for event, verdict in verdicts.items()},
        tuple(groups),
        perf.json,
        _explain(verdicts, program, read_facts),
    )


def _get_to_know(program: str, aggregation: str) -> tuple[_Perf, _Verdict]:
    """Find out whether -j can be had where it is wanted, and what comes of the first event."""
    perf = _Perf(program, aggregation, json=aggregation not in MANY_LINES)
    try:
        finished = perf.run([FIRST])
        if perf.json and (_lacks(finished, "j") or _prints_nothing_known(perf, finished)):
            perf = perf._replace(json=False)
            finished = perf.run([FIRST])
    except OSError as error:
        return perf, _Verdict(NO_PERF, detail=_explain_start(program, error))
    if any(_lacks(finished, word.lstrip("-")) for word in PLACES[aggregation]):
        detail = (
            f"{program} cannot count for each {aggregation}: a newer one can (--per-node since "
            f"5.5), or choose another aggregation ({rights.DOCUMENTATION})"
        )
        return perf, _Verdict(NO_PERF, detail=detail)
    if _NO_PERF_HERE.search(finished.errors.lower()):
        remedy = INSTALL.format(release=os.uname().release)
        detail = f"{program} is a script that finds no perf for this kernel: {remedy}"
        return perf, _Verdict(NO_PERF, detail=detail)
    says_nothing = finished.code == 0 and not finished.output.strip()
    if finished.code == WRONG_USAGE or says_nothing:
        return perf, _Verdict(NO_PERF, detail=_explain_end(program, finished))
    return perf, perf.judge(finished, FIRST)


def _lacks(finished: Finished, option: str) -> bool:
    found = _UNKNOWN_OPTION.search(finished.errors)
    return finished.code == WRONG_USAGE and found is not None and found[1] == option


def _prints_nothing_known(perf: _Perf, finished: Finished) -> bool:
    try:
        return finished.code == 0 and not perf.parse(finished.output)
    except ValueError:
        return True


def _judge_alone(perf: _Perf, event: Event, first: _Verdict) -> _Verdict:
    verdict = perf.try_out([event])
    is_unsure = verdict.reason == NOT_SUPPORTED and verdict.states and "/" in event.spec
    if is_unsure and first.reason == NOT_PERMITTED:
        # Without rights perf asks for user space only, and a PMU that cannot tell it apart refuses.
        return _Verdict(NOT_PERMITTED)
    return verdict


def _explain(
    verdicts: Mapping[Event, _Verdict], program: str, read_facts: Callable[[], rights.Facts]
) -> str:
    """Say what was refused, and how to mend it."""
    refused = [one for one in verdicts.values() if one.reason == NOT_PERMITTED]
    texts = []
    if any(not verdict.needs_tracing for verdict in refused):
        texts.append(rights.explain(read_facts(), program))
    if any(verdict.needs_tracing for verdict in refused):
        texts.append(rights.explain_tracing(read_facts()))
    unknown = [event.spec for event in verdicts if verdicts[event].reason == UNKNOWN_EVENT]
    if unknown:
        texts.append(
            f"{program} does not know {', '.join(unknown)}: perf list shows what it knows "
            f"({rights.DOCUMENTATION})"
        )
    texts += {verdict.detail: None for verdict in verdicts.values() if verdict.detail}
    return "; ".join(texts)


def _explain_start(program: str, error: OSError) -> str:
    remedy = ""
    if isinstance(error, PermissionError) and error.errno == errno.EPERM:
        remedy = (
            ": it has file capabilities that must not be had here. Let them in (systemd: "
            "CapabilityBoundingSet=), or take them from the file with setcap -r"
        )
    return f"{program} cannot be started: {error}{remedy} ({rights.DOCUMENTATION})"


def _explain_end(program: str, finished: Finished) -> str:
    """Say how perf ended, with what it said first."""
    if finished.code is None:
        what = f"did not end within {PROBE_SECONDS:g} s, or printed too much"
    else:
        lines = (line.strip() for line in finished.errors.splitlines())
        said = next((line for line in lines if line not in {"", "Error:"}), "it said nothing")
        what = f"ended with {finished.code}: {said[:200]}"
    return f"{program} {what} ({rights.DOCUMENTATION})"
