"""`perfwatch once`: collect once and print, without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from exporter import collectors as registry
from exporter.exposition import Renderer
from exporter.families import Family, Filled, HistogramValue, Number
from exporter.kernel import NoData
from exporter.parts import make_collectors
from exporter.settings import Settings, SettingsError


def once(settings: Settings, form: str, names: Sequence[str] | None) -> int:
    """Print the families of the named collectors (all when None); 1 when one of them failed."""
    collectors = {collector.name: collector for collector in make_collectors(settings)}
    for name in names or ():
        if name not in collectors:
            raise SettingsError(f"--collector {name}: {_why_missing(name, collectors)}")
    families: list[Family] = []
    failed = False
    for name in [name for name in collectors if not names or name in names]:
        try:
            families += _expand(collectors[name].collect())
        except NoData as absent:
            print(f"perfwatch: {name}: no data on this host: {absent}", file=sys.stderr)
        except Exception as error:  # noqa: BLE001 -- the boundary: one failure costs only itself
            print(f"perfwatch: {name}: {type(error).__name__}: {error}", file=sys.stderr)
            failed = True
    if form == "json":
        json.dump([_to_json(family) for family in families], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        renderer = Renderer(form)
        sys.stdout.flush()
        sys.stdout.buffer.write(renderer.render(families) + renderer.end)
    sys.stdout.flush()
    return int(failed)


def _why_missing(name: str, enabled: Iterable[str]) -> str:
    if any(name == entry.name for entry in registry.ALL):
        return f"this collector is off: turn it on with --collector.{name}"
    return f"there is no such collector; enabled are {', '.join(enabled)}"


def _expand(items: Iterable[Family | Filled]) -> list[Family]:
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


def _plain(number: Number | HistogramValue) -> Any:
    """JSON has no digits in bytes; whole numbers stay whole."""
    if isinstance(number, bytes):
        return int(number) if number.isdigit() else float(number)
    return number
