"""The real programs that some tests run: fetched by `make peers`, or found in PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.fetch_peers import locate


def find_peer(name: str) -> Path:
    """Give the path of a program that tools/fetch_peers.py lists; stable/... is the older one.

    Where it is missing the calling test (or fixture) is skipped, and under CI=true it fails.
    """
    path = locate(name)
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{name} is not here: make peers fetches it on Debian")
    return path
