"""Write the dashboards to config/monitoring/grafana/dashboards/: all, or those that are named."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.dashboards.pages import TITLES, build

DASHBOARDS = (
    Path(__file__).parent.parent.parent / "config" / "monitoring" / "grafana" / "dashboards"
)


def as_text(page: dict[str, Any]) -> str:
    """A dashboard as it stands in its file: in an order in which a change is easily seen."""
    return json.dumps(page, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(names: Sequence[str]) -> None:
    """Write what is wanted, and remove what no longer is a dashboard."""
    DASHBOARDS.mkdir(parents=True, exist_ok=True)
    for path in DASHBOARDS.glob("*.json"):
        if path.stem not in TITLES:
            path.unlink()
    for name in names:
        (DASHBOARDS / f"{name}.json").write_text(as_text(build(name)))
    print(f"{len(names)} dashboards written to {DASHBOARDS}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(TITLES))
