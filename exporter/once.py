"""`perfwatch once`: collect once and print, without a server."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any

from exporter import collectors as registry
from exporter.encoding import format_number
from exporter.exposition import TEXT, Renderer
from exporter.families import Family, Filled
from exporter.kernel import NoData
from exporter.ledger import Ledger
from exporter.outcome import FAILED, NO_DATA, OK, TIMEOUT, AnyCollector, Outcome
from exporter.parts import IRIS, make_collectors
from exporter.settings import Settings, SettingsError
from monitoring import structured_logging

PATIENCE_SECONDS = 5.0
"""For one collector."""


def once(settings: Settings, form: str, names: Sequence[str] | None) -> int:
    """Print the families of the named collectors (all when None); 1 when one of them failed."""
    if sys.stdout is None:
        raise SettingsError("once: standard output is closed: there is nowhere to print to")
    # Wherever the daemon's log goes: a line of it is no metric.
    structured_logging.configure(**{**settings.logging, "stream": "stderr"})
    collectors = {collector.name: collector for collector in make_collectors(settings, acts=False)}
    for name in names or ():
        if name not in collectors:
            raise SettingsError(f"--collector {name}: {_why_missing(name, collectors)}")
    chosen = {name: one for name, one in collectors.items() if not names or name in names}
    given, outcomes = _collect_all(chosen)
    for name, outcome in outcomes.items():
        if outcome.reason:
            print(f"perfwatch: {name}: {outcome.reason}", file=sys.stderr)
    families = list(chain.from_iterable(given.values()))
    families += Ledger(chosen).account(tuple(chosen), outcomes).families()
    if form == "json":
        json.dump([_to_json(family) for family in families], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        renderer = Renderer(form)
        sys.stdout.flush()
        sys.stdout.buffer.write(renderer.render(families) + renderer.end)
    sys.stdout.flush()
    return int(any(one.status in {FAILED, TIMEOUT} for one in outcomes.values()))


def _collect_all(
    collectors: Mapping[str, AnyCollector],
) -> tuple[dict[str, list[Family]], dict[str, Outcome]]:
    """Collect from each, and end what they have started."""
    given: dict[str, list[Family]] = {}
    outcomes: dict[str, Outcome] = {}
    try:
        for name, collector in collectors.items():
            if hasattr(collector, "wait"):
                collector.wait(PATIENCE_SECONDS)
            given[name], outcomes[name] = _collect(collector)
        for name, collector in collectors.items():
            if hasattr(collector, "heed") and outcomes[name].status == OK:
                # It leaves out what others give: no family is printed twice.
                collector.heed(_with_bodies(given, outcomes))
                given[name], outcomes[name] = _collect(collector)
    finally:
        hanging = {name for name, outcome in outcomes.items() if outcome.status == TIMEOUT}
        for name, collector in collectors.items():
            if hasattr(collector, "close") and name not in hanging:
                collector.close()
    return given, outcomes


def _with_bodies(
    given: Mapping[str, Sequence[Family]], outcomes: Mapping[str, Outcome]
) -> dict[str, Outcome]:
    """Make the outcomes as a scrape has them, from what was given."""
    renderer = Renderer(TEXT)
    return {
        name: outcome._replace(body=renderer.render(given[name]))
        for name, outcome in outcomes.items()
    }


def _collect(collector: AnyCollector) -> tuple[list[Family], Outcome]:
    """Collect in a thread that is left behind when the call does not return."""
    families: list[Family] = []
    outcomes: SimpleQueue[Outcome] = SimpleQueue()
    started = perf_counter()

    def work() -> None:
        status, reason = OK, ""
        try:
            families.extend(_expand(collector.collect()))
        except NoData as absent:
            status, reason = NO_DATA, f"no data on this host: {absent}"
        except Exception as error:  # noqa: BLE001 -- the boundary: one failure costs only itself
            status, reason = FAILED, f"{type(error).__name__}: {error}"
        outcomes.put(Outcome(status, perf_counter() - started, reason=reason))

    threading.Thread(target=work, daemon=True).start()
    try:
        return families, outcomes.get(timeout=PATIENCE_SECONDS)
    except Empty:
        reason = f"has not returned within {PATIENCE_SECONDS:g} s"
        return [], Outcome(TIMEOUT, perf_counter() - started, reason=reason)


def _why_missing(name: str, enabled: Iterable[str]) -> str:
    if any(name == entry.name for entry in registry.ALL):
        return f"this collector is off: turn it on with --collector.{name}"
    if name == IRIS:
        return "no instance is set: name its host with --iris.host"
    return f"there is no such collector; enabled are {', '.join(enabled)}"


def _expand(items: Iterable[Any]) -> list[Family]:
    families: list[Family] = []
    for item in items:
        families += item.families() if isinstance(item, Filled) else [item]
    return families


def _to_json(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "help": family.help,
        "type": family.type,
        "samples": [
            {
                "labels": {
                    name: value for name, value in zip(family.labels, values, strict=True) if value
                },
                "value": _plain(number),
            }
            for values, number in family.samples
        ],
    }


def _plain(number: Any) -> Any:
    """JSON has no digits in bytes, and no NaN or infinity: a text; whole numbers stay whole."""
    if isinstance(number, tuple):  # a histogram or summary
        return [_plain(part) for part in number]
    if isinstance(number, float) and not math.isfinite(number):
        return format_number(number).decode()
    if isinstance(number, bytes):
        return int(number) if number.isdigit() else float(number)
    return number
