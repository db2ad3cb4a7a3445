"""Which dashboards there are."""

from __future__ import annotations

import importlib
from typing import Any

TITLES = {
    "overview": "Overview",
    "host": "Host",
    "perf": "Perf",
    "iris": "IRIS",
    "governor": "^SystemPerformance and governor",
    "business": "Business",
    "compare": "Compare",
    "stack": "Exporter and stack",
    "security": "Security",
    "history": "History and capacity",
    "logs": "Logs",
}
"""Title by name: that of the module here and of the JSON file, and the last word of the uid."""


def uid(name: str) -> str:
    """The identity of a dashboard, which stays when its title changes."""
    return f"perfwatch-{name}"


def build(name: str) -> dict[str, Any]:
    """Make a dashboard, as Grafana reads it."""
    module = importlib.import_module(f"tools.dashboards.{name}")
    made: dict[str, Any] = module.dashboard()
    return made
