"""Grafana's dashboards as code: `make dashboards` (`python -m tools.dashboards`) writes them all.

pages.py lists them. Each is a module of that name here with one function, `dashboard()`, which puts
panels (panels.py, tables.py) into rows (frame.py). frame.py has what all pages have in common,
variables.py what is chosen at the top of a page, queries.py how queries are written, looks.py
colours and the words for states. docs/dashboards.md says how to change one.

Grafana's own Python SDK knows the schema, and mypy checks what is given to it. We use its models,
not its builders: they are plain data, and what they leave out is easier seen.
"""

from __future__ import annotations

import warnings

# The SDK warns on import that it prefers the newer schema. Grafana reads the classic one in every
# release that people run, and provisions it from files.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models import dashboard as classic_schema

__all__ = ["classic_schema"]
